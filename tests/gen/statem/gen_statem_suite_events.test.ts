// More cases of OTP's gen_statem_SUITE, see gen_statem_suite.test.ts: events, entering a state, and time.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  format,
  type From,
  NoProcessError,
  type StatemEvent,
  sys,
  type Term,
} from "../../../mod.ts";
import { nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import { failure, term } from "../_servers.ts";
import { callerOf, MapMachine, seen } from "./_machines.ts";
import { TablePhone } from "./_suite.ts";

nodeTest("next_events: several are handled in their order", async ({ node }) => {
  const order: string[] = [];
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) => {
          order.push(seen(event));
          if (event.type === "call") return machine.keep().reply(atom("done"));
          if (order.length > 1) return;
          return machine.next("start").nextEvent("cast", 1).nextEvent("internal", 2).nextEvent(
            "cast",
            3,
          );
        },
      },
    },
  }]);
  node.cast(pid, 0);
  await node.call(pid, 4);
  assertEquals(order, ["cast 0", "cast 1", "internal 2", "cast 3", "call 4"]);
});

nodeTest("stop_and_reply: the replies come in their order, then the end", async ({ node }) => {
  let waiting: From | null = null;
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) => {
          waiting = callerOf(event);
          return machine.next("wait");
        },
      },
      wait: {
        on: (machine, event) =>
          machine.stop(atom("reason")).replyTo(waiting!, atom("reply1")).replyTo(
            callerOf(event),
            atom("reply2"),
          ),
      },
    },
  }]);
  const got = new Promise<string[]>((resolve) => {
    node.spawn(async (self) => {
      self.monitor(pid);
      self.send(pid, term(atom("$gen_call"), term(self.pid, 1), 1));
      self.send(pid, term(atom("$gen_call"), term(self.pid, 2), 2));
      const messages = [await self.receive(), await self.receive(), await self.receive()];
      resolve(messages.map((message) => format((message as unknown as Term[]).at(-1)!)));
    });
  });
  assertEquals(await got, ["reply1", "reply2", "reason"]);
  assert(await failure(node.call(pid, atom("hej"))) instanceof NoProcessError);
});

nodeTest("state_enter", async ({ node }) => {
  let n = 1;
  const log: string[] = [];
  const note = (what: string): void => void log.push(`${n++} ${what}`);
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        enter: (_machine, previous) => note(`enter start ${previous}`),
        on: (machine, event) => {
          const what = seen(event);
          if (what === "call repeat") return machine.repeat().reply(`${n++} repeat start`);
          if (what === "call echo") {
            const count = n++;
            return machine.next("wait").reply(`${count} echo start`).eventTimeout(0, count);
          }
          if (what === "call stop") return machine.stop(atom("bye")).reply(`${n} stop`);
          note(what);
        },
      },
      wait: {
        enter: (machine, previous) => {
          const count = n;
          note(`enter wait ${previous}`);
          const result = count < 5 ? machine.repeat() : machine.keep();
          return result.eventTimeout(0, count).stateTimeout(0, count);
        },
        on: (machine, event) => {
          const what = seen(event);
          if (what === "call repeat") {
            return machine.repeat().reply(`${n} repeat wait`).eventTimeout(0, n);
          }
          if (what === "call echo") {
            return machine.next("start").nextEvent("internal", "wait").reply(`${n++} echo wait`);
          }
          note(what);
        },
      },
    },
  }]);
  const ask = async (what: string): Promise<string> => `${await node.call(pid, atom(what))}`;
  const taken = (): string[] => log.splice(0);
  await sys.getState(node, pid);
  assertEquals(taken(), ["1 enter start start"]);
  assertEquals(await ask("echo"), "2 echo start");
  await sys.getState(node, pid);
  assertEquals(taken(), [
    ...["3 enter wait start", "4 enter wait start", "5 enter wait start"],
    ...["6 event_timeout 5", "7 state_timeout 5"],
  ]);
  assertEquals(await ask("repeat"), "8 repeat wait");
  await sys.getState(node, pid);
  assertEquals(taken(), ["8 enter wait wait", "9 event_timeout 8", "10 state_timeout 8"]);
  assertEquals(await ask("echo"), "11 echo wait");
  await sys.getState(node, pid);
  assertEquals(taken(), ["12 enter start wait", "13 internal wait"]);
  assertEquals(await ask("repeat"), "14 repeat start");
  await sys.getState(node, pid);
  assertEquals(taken(), ["15 enter start start"]);
  assertEquals(await ask("stop"), "16 stop");
  assert(await failure(ask("hej")) instanceof NoProcessError);
});

nodeTest(
  "event_order: inserted before postponed, and both take the event timeout back",
  async ({ node }) => {
    const order: string[] = [];
    const { pid } = await node.start(MapMachine, [{
      states: {
        start: {
          on: (machine, event) =>
            event.type === "cast"
              ? machine.keep().postpone()
              : machine.next("buffer").nextEvent("internal", 3).nextEvent("internal", 4)
                .eventTimeout(0, 5)
                .reply(atom("ok")),
        },
        buffer: {
          on: (machine, event) => {
            if (event.type !== "call") return void order.push(seen(event));
            return machine.next("stop").reply(atom("ok")).nextEvent("internal", "stop");
          },
        },
        stop: { on: (machine) => machine.stop(atom("reason")) },
      },
    }]);
    const gone = new Promise<Term>((resolve) =>
      void node.monitor(pid, ({ reason }) => resolve(reason))
    );
    node.cast(pid, 1);
    node.cast(pid, 2);
    await node.call(pid, atom("buffer"));
    await node.call(pid, atom("stop"));
    assertStrictEquals(await gone, atom("reason"));
    assertEquals(order, ["internal 3", "internal 4", "cast 1", "cast 2"]);
  },
);

nodeTest("state_timeout", async ({ node, platform }) => {
  const order: string[] = [];
  let from: From | null = null;
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) => {
          from = callerOf(event);
          machine.send(machine.pid, atom("message_to_self"));
          return machine.next("state1").eventTimeout(500, 1).stateTimeout(500, 1).nextEvent(
            "internal",
            1,
          );
        },
      },
      state1: {
        on: (machine, event) => {
          order.push(seen(event));
          return machine.next("state2").eventTimeout(0, 2).stateTimeout(0, 2).nextEvent(
            "internal",
            2,
          );
        },
      },
      state2: {
        on: (machine, event) => {
          order.push(seen(event));
          switch (seen(event)) {
            case "internal 2":
              return machine.keep().eventTimeout(0, 3);
            case "state_timeout 2":
              return machine.keep().eventTimeout(0, 4).stateTimeout(0, 5);
            case "event_timeout 4":
              return machine.keep().stateTimeout(0, 6).eventTimeout(0, 7);
            case "state_timeout 6":
              return machine.next("state3").replyTo(from!, atom("ok")).stateTimeout(500, 8);
          }
        },
      },
      state3: {
        on: (machine, event) => {
          order.push(`${seen(event)} in state3`);
          if (event.type === "call") from = event.from;
          if (event.type === "state_timeout") return machine.stop().replyTo(from!, atom("ok"));
        },
      },
    },
  }]);
  assertStrictEquals(await node.call(pid, atom("go")), atom("ok"));
  const check = node.call(pid, atom("check"));
  await platform.elapse(499);
  await sys.getState(node, pid);
  await platform.elapse(2);
  assertStrictEquals(await check, atom("ok"));
  assertEquals(order, [
    ...["internal 1", "internal 2", "state_timeout 2", "event_timeout 4", "state_timeout 6"],
    ...["info message_to_self in state3", "call check in state3", "state_timeout 8 in state3"],
  ]);
});

nodeTest("timeout_cancel_and_update", async ({ node, platform }) => {
  let from: From | null = null;
  const order: string[] = [];
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) => {
          from = callerOf(event);
          machine.send(machine.pid, atom("message_to_self"));
          return machine.next("state1").stateTimeout(17, 1).nextEvent("internal", 1);
        },
      },
      state1: {
        on: (machine, event) => {
          order.push(seen(event));
          if (event.type === "internal") {
            return machine.keep().stateTimeout("cancel").timeout("a", 17, 1);
          }
          if (event.type === "info") return machine.keep().timeout("a", "update", "a");
          return machine.next("state2").stateTimeout(17, 2).nextEvent("internal", 2);
        },
      },
      state2: {
        on: async (machine, event) => {
          order.push(seen(event));
          if (event.type !== "internal") {
            return machine.next("state3").replyTo(from!, atom("ok")).eventTimeout(17_000);
          }
          await machine.sleep(50); // the state timeout is due meanwhile
          return machine.keep().stateTimeout("update", "b").eventTimeout(17, 2);
        },
      },
      state3: { on: (machine, event) => machine.stop().replyTo(callerOf(event), atom("ok")) },
    },
  }]);
  const tested = node.call(pid, atom("test"));
  await platform.elapse(18);
  await platform.elapse(60);
  assertStrictEquals(await tested, atom("ok"));
  assertEquals(order, [
    "internal 1",
    "info message_to_self",
    "timeout a a",
    "internal 2",
    "state_timeout b",
  ]);
  const { misc } = await sys.getStatus(node, pid);
  assert(format(misc).includes('{"Time-outs",{1,[{timeout,nil}]}}'), format(misc));
  assertStrictEquals(await node.call(pid, atom("stop")), atom("ok"));
});

nodeTest("event_types: events of all types can be inserted", async ({ node }) => {
  const order: string[] = [];
  const { pid } = await node.start(MapMachine, [{
    init: (machine) => machine.next("start1").nextEvent("internal", 0),
    states: {
      start1: { on: (machine, event) => (order.push(seen(event)), machine.next("start2")) },
      start2: {
        on: (machine, event) =>
          machine.next("state1").nextEvent("internal", 1).nextEvent("state_timeout", 2).nextEvent(
            "event_timeout",
            3,
          )
            .nextEvent("info", 4).nextEvent("cast", 5).nextEvent({
              type: "timeout",
              name: "6",
              content: 6,
            })
            .nextEvent(event),
      },
      state1: {
        on: (machine, event) => {
          order.push(seen(event));
          return event.type === "call" ? machine.stop(SHUTDOWN).reply(atom("stopped")) : undefined;
        },
      },
    },
  }]);
  assertStrictEquals(await node.call(pid, 7), atom("stopped"));
  assertEquals(order, [
    ...["internal 0", "internal 1", "state_timeout 2", "event_timeout 3"],
    ...["info 4", "cast 5", "timeout 6 6", "call 7"],
  ]);
});

nodeTest("generic_timers: any number, in any state, at a time too", async ({ node, platform }) => {
  const order: string[] = [];
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) =>
          machine.next("state1").timeout("a", 1_500, 1).stateTimeout(1_500, 1).timeout("b", 800, 1)
            .nextEvent(event),
      },
      state1: {
        on: (machine, event) =>
          machine.next("state2").timeout("c", { at: machine.now() + 500 }, 2).timeout("d", 0, 2)
            .eventTimeout(0, 2)
            .timeout("b", Infinity, 2).timeout("a", 900, event),
      },
      state2: { on: (machine, event) => (order.push(seen(event)), machine.next("state3")) },
      state3: { on: (machine, event) => (order.push(seen(event)), machine.next("state4")) },
      state4: {
        on: (machine, event) => {
          const kept = event.content as StatemEvent;
          return machine.stop(SHUTDOWN).replyTo(callerOf(kept), atom("stopped"));
        },
      },
    },
  }]);
  const stopped = node.call(pid, atom("stop"));
  await platform.elapse(501);
  assertEquals(order, ["timeout d 2", "timeout c 2"]);
  await platform.elapse(450);
  assertStrictEquals(await stopped, atom("stopped"));
});

nodeTest("auto_hibernate: when nothing has come for so long", async ({ node, platform }) => {
  const machine = await node.start(TablePhone, [], { hibernateAfter: 100 });
  const status = (): string => node.info(machine.pid)!.status;
  await platform.elapse(100);
  assertStrictEquals(status(), "hibernating");
  assertStrictEquals(await machine.call("alive?"), "yes");
  await platform.elapse(99);
  assertStrictEquals(status(), "idle");
  await platform.elapse(1);
  assertStrictEquals(status(), "hibernating");
});
