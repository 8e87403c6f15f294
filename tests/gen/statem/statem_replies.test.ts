/** What our state machines do besides what gen_statem does: promises, and replies of each kind. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  format,
  type From,
  later,
  Statem,
  type Term,
  type Transition,
} from "../../../mod.ts";
import { ended, KILL, nodeTest } from "../../node/_nodes.ts";
import { assertJsError, exitReason, failure, gate, untyped } from "../_servers.ts";
import { MapMachine, seen } from "./_machines.ts";
import { Door } from "./_door.ts";

nodeTest(
  "onInvalid = crash: what a state does not take ends the machine, as in OTP",
  async ({ node }) => {
    class Strict extends Door {
      override readonly onInvalid = "crash";
    }
    const one = await node.start(Strict, [1]);
    const reason = await exitReason(untyped(one).call("nothing"));
    assert(format(reason).includes("request nothing/0"), format(reason));
  },
);

nodeTest(
  "a handler's promise holds everything else, and its late failure is a crash",
  async ({ node }) => {
    const order: string[] = [];
    const door = gate();
    class Slow extends Statem<"a" | "b"> {
      override init(): Transition {
        return this.next("a");
      }
      override readonly states = this.table({
        a: {
          calls: {
            slow: async () => {
              order.push("began");
              await door.promise;
              order.push("done");
              return this.next("b").nextEvent("internal").reply(7);
            },
          },
        },
        b: {
          enter: async () => {
            await Promise.resolve();
            order.push("entered");
          },
          internal: async () => {
            await Promise.resolve();
            order.push("internal");
          },
          calls: {
            fails: async () => {
              await Promise.resolve();
              throw new Error("crash");
            },
          },
        },
      });
      override readonly common = {
        info: (message: Term) => void order.push(format(message)),
      };
    }
    const slow = await node.start(Slow, []);
    const called = slow.call("slow");
    node.send(slow, 1);
    await Promise.resolve();
    door.open();
    assertEquals(await called, 7);
    const gone = ended(node, slow.pid);
    await failure(slow.call("fails"));
    assertEquals(order, ["began", "done", "entered", "internal", "1"]);
    assertJsError(await gone, "Error", "crash");
  },
);

nodeTest("replies: now, later, kept, none", async ({ node }) => {
  const settled = gate<string>();
  class Replies extends Statem<"only"> {
    kept: From | null = null;
    override init(): Transition {
      return this.next("only");
    }
    override readonly states = this.table({
      only: {
        calls: {
          nothing: () => {},
          transition: () => this.keep(),
          later: () => later(settled.promise),
          laterToo: () => this.keep().reply(later(settled.promise)),
          keep: () => {
            this.kept = this.from;
            return this.keep().noReply<number>();
          },
          answer: () => {
            this.kept?.reply(5);
          },
          function: () => () => {},
          caller: () => this.caller,
        },
      },
    });
  }
  const replies = await node.start(Replies, []);
  assertStrictEquals(await replies.call("nothing"), null);
  assertStrictEquals(await replies.call("transition"), null);
  const waiting = [replies.call("later"), replies.call("laterToo")];
  const kept = replies.call("keep");
  await replies.call("answer");
  assertEquals(await kept, 5);
  settled.open("at last");
  assertEquals(await Promise.all(waiting), ["at last", "at last"]);
  assertEquals(await replies.call("caller"), node.pid);
});

nodeTest("from is that of a call only", async ({ node }) => {
  const failed: string[] = [];
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) => {
          if (event.type === "call") return machine.keep().reply(1);
          try {
            void machine.from;
          } catch (error) {
            failed.push((error as Error).message);
          }
          return machine.keep().reply(2); // to nobody
        },
      },
    },
  }]);
  node.cast(pid, 1);
  const reason = await ended(node, pid);
  assertEquals(failed, [
    "Cannot tell who calls: it is no call that is handled, keep its from before",
  ]);
  assert(format(reason).includes("Cannot reply"), format(reason));
});

nodeTest("whoever waits is told when the machine ends", async ({ node }) => {
  const postponed = await node.start(Door, [1]);
  const waiting = [failure(postponed.call("enter")), failure(postponed.call("enter"))];
  await postponed.stop(atom("bye"));
  for (const error of await Promise.all(waiting)) {
    assertEquals(format((error as { reason: Term }).reason), "bye");
  }
  const killed = await node.start(Door, [1]);
  const told = failure(killed.call("enter"));
  await killed.call("state");
  node.exit(killed.pid, KILL);
  assertEquals(format((await told as { reason: Term }).reason), "killed");
});

nodeTest("stop ends it though events wait, and a call is answered before", async ({ node }) => {
  const order: string[] = [];
  const { pid } = await node.start(MapMachine, [{
    states: {
      start: {
        on: (machine, event) => {
          order.push(seen(event));
          if (event.content === 1) {
            return machine.keep().nextEvent("internal", 2).nextEvent("internal", 3);
          }
          if (event.content === 2) return machine.stop(atom("enough"));
        },
      },
    },
  }]);
  node.cast(pid, 1);
  node.cast(pid, 4);
  assertEquals(format(await ended(node, pid)), "enough");
  assertEquals(order, ["cast 1", "internal 2"]);
});

nodeTest("a machine that is busy with its own events lets others run", async ({ node }) => {
  let events = 0;
  const { pid } = await node.start(MapMachine, [{
    init: (machine) => machine.next("start").nextEvent("internal"),
    states: {
      start: {
        on: (machine) => {
          events++;
          return machine.keep().nextEvent("internal");
        },
      },
    },
  }]);
  const gone = ended(node, pid);
  node.exit(pid, KILL);
  assertEquals(format(await gone), "killed");
  const then = events;
  assert(then >= 1_000, `${then}`);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(events, then);
});
