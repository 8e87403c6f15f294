/**
 * The cases of OTP's gen_statem_SUITE (OTP 25 to 29), under their names. What each shows is what the suite shows, in our words; those of the groups `start`, `stop` and
 * `abnormal` run with a table of states and with `handleEvent`, as there with state functions and handle_event.
 *
 * | left out | why |
 * | --- | --- |
 * | abnormal1clean, abnormal1dirty | whether a late reply of a call can arrive: never, each call has an alias of its own |
 * | code_change, undef_code_change | modules of JavaScript are not exchanged in a running process |
 * | pop_too_many | no callback modules are pushed and popped: an instance has one class |
 * | enter_loop | a process of a function does not become a machine: it starts one |
 * | format_log_1, format_log_2, format_log_with_process_label, error_format_status, terminate_crash_format | how OTP's logger prints a report of gen_statem |
 *
 * What needs a real Erlang node, stop8 to stop10, reply_by_alias_with_payload and the three send_request_*, is in statem_erlang.test.ts.
 */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Behaviour,
  type Encodable,
  ExitError,
  type ExitReason,
  format,
  type From,
  ignore,
  IgnoredError,
  isTuple,
  later,
  NameError,
  type Node,
  NoProcessError,
  on,
  type Pid,
  startNode,
  Statem,
  type StatemEvent,
  type StatemResult,
  sys,
  t,
  type Term,
  type Transition,
  tuple,
} from "../../../mod.ts";
import { nodeTest, NORMAL, SHUTDOWN } from "../../node/_nodes.ts";
import { exitReason, failure, pair, term } from "../_servers.ts";
import { callerOf, MapMachine, seen } from "./_machines.ts";

type Line = "idle" | "wfor_conf" | "connected";

/** The machine of the suite: two parties connect. */
class TablePhone extends Statem<Line> {
  kept: unknown = "data";
  #terminated: Term[] | null = null;
  override async init(how: Encodable = "", terminated: Term[] | null = null): Promise<Transition> {
    this.#terminated = terminated;
    if (how === "stop") return await Promise.resolve(this.stop(atom("stopped")) as never);
    if (how === "throw") throw new ExitError(atom("bailout"));
    if (how === "bad") return 4711 as never;
    if (isTuple(how)) this.kept = (how as unknown as Term[])[1];
    return this.next("idle");
  }
  override readonly common = {
    calls: {
      "alive?": () => "yes" as const,
      get: () => this.state,
      stop: on(
        t.term.default(NORMAL),
        (reason) => this.stop(reason as ExitReason).reply("stopped"),
      ),
      hej: () => "hej",
      delayed_answer: () =>
        later(new Promise<string>((resolve) => this.after(1_000, () => resolve("delayed")))),
      badreturn: () => this.keep().nextEvent("internal", "badreturn").reply(null),
      badaction: () => this.keep().replyTo("badaction" as never, 1),
      badtimeout: () => this.keep().timeout("bad", -4711, "ouch"),
    },
    internal: (what: unknown) => what as StatemResult,
    casts: { "alive?": on(t.pid, (pid) => this.send(pid, atom("yes"))) },
  };
  override readonly states = this.table({
    idle: {
      calls: { connect: () => this.next("wfor_conf").reply("accept") },
      casts: {
        next_event: () =>
          this.next("idle").nextEvent("cast", atom("a")).nextEvent("cast", atom("b")),
      },
    },
    wfor_conf: {
      calls: {
        confirm: () => this.next("connected").reply("yes"),
        abort: () => this.next("idle").reply("aborted"),
      },
    },
    connected: { calls: { disconnect: () => this.next("idle").reply("disconnected") } },
  });
  override terminate(reason: ExitReason): void {
    this.#terminated?.push(reason);
  }
}

/** The same by handleEvent. */
class EventPhone extends Statem<Line> {
  kept: unknown = "data";
  #terminated: Term[] | null = null;
  override init(how: Encodable = "", terminated: Term[] | null = null): Transition {
    this.#terminated = terminated;
    if (how === "stop") return this.stop(atom("stopped")) as never;
    if (how === "throw") throw new ExitError(atom("bailout"));
    if (how === "bad") return 4711 as never;
    if (isTuple(how)) this.kept = (how as unknown as Term[])[1];
    return this.next("idle");
  }
  override handleEvent(event: StatemEvent, state: Line): StatemResult {
    if (event.type === "cast" && isTuple(event.content)) {
      this.send(event.content[1] as Pid, atom("yes"));
      return;
    }
    if (event.type === "internal") return event.content as StatemResult;
    if (event.type !== "call") return this.keep().postpone();
    const [name, arg] = isTuple(event.content) ? event.content : [event.content];
    switch (`${state} ${format(name as Term)}`) {
      case "idle connect":
        return this.next("wfor_conf").reply(atom("accept"));
      case "wfor_conf confirm":
        return this.next("connected").reply(atom("yes"));
      case "wfor_conf abort":
        return this.next("idle").reply(atom("aborted"));
      case "connected disconnect":
        return this.next("idle").reply(atom("disconnected"));
    }
    switch (format(name as Term)) {
      case "'alive?'":
        return this.keep().reply(atom("yes"));
      case "get":
        return this.keep().reply(atom(state));
      case "stop":
        return this.stop((arg ?? NORMAL) as ExitReason).reply(atom("stopped"));
      case "hej":
        return this.keep().reply(atom("hej"));
      case "delayed_answer":
        return this.keep().reply(
          later(new Promise((resolve) => this.after(1_000, () => resolve(atom("delayed"))))),
        );
      case "badreturn":
        return "badreturn" as never;
      case "badaction":
        return this.keep().replyTo("badaction" as never, 1);
      case "badtimeout":
        return this.keep().timeout("bad", -4711, "ouch");
    }
    throw new Error(`unknown call ${format(name as Term)}`);
  }
  override terminate(reason: ExitReason): void {
    this.#terminated?.push(reason);
  }
}

type Phone = new () => Behaviour & { init(how?: Encodable, terminated?: Term[] | null): unknown };
type Target = Parameters<Node["call"]>[0];

/** Connects and disconnects. */
async function funcTest(node: Node, target: Target): Promise<void> {
  const ask = async (name: string): Promise<string> => text(await node.call(target, atom(name)));
  assertEquals(await ask("alive?"), "yes");
  assertEquals(await ask("connect"), "accept");
  assertEquals(await ask("get"), "wfor_conf");
  assertEquals(await ask("confirm"), "yes");
  assertEquals(await ask("get"), "connected");
  assertEquals(await ask("disconnect"), "disconnected");
  assertEquals(await ask("connect"), "accept");
  assertEquals(await ask("abort"), "aborted");
  assertEquals(await ask("get"), "idle");
  const answered = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.cast(target, term(atom("alive?"), self.pid));
      resolve(await self.receive());
    });
  });
  assertStrictEquals(await answered, atom("yes"));
}

function text(reply: unknown): string {
  return typeof reply === "object" && reply !== null && "name" in reply
    ? String(reply.name)
    : String(reply);
}

async function stopIt(node: Node, target: Target): Promise<void> {
  assertEquals(text(await node.call(target, atom("stop"))), "stopped");
  assert(await failure(node.call(target, atom("hej"))) instanceof ExitError);
}

/** Names of a registry. */
class Via {
  readonly pids: Map<string, Pid> = new Map();
  whereisName(name: Encodable): Pid | undefined {
    return this.pids.get(format(name as Term));
  }
  registerName(name: Encodable, pid: Pid): boolean {
    if (this.whereisName(name) !== undefined) return false;
    this.pids.set(format(name as Term), pid);
    return true;
  }
  unregisterName(name: Encodable): void {
    this.pids.delete(format(name as Term));
  }
}

/** A node with names of the cluster. */
async function withNode(body: (node: Node) => Promise<void>): Promise<void> {
  const node = await startNode("suite@localhost", { network: false });
  try {
    await body(node);
  } finally {
    await node.stop();
  }
}

for (
  const [mode, Phone] of [["states", TablePhone], ["handleEvent", EventPhone]] as [string, Phone][]
) {
  const start = (
    node: Node,
    how: Encodable = "",
    options = {},
  ): Promise<{ pid: Pid; stop(reason?: ExitReason): Promise<void> }> =>
    node.start(Phone, [how], options) as never;

  nodeTest(`start1, start6: anonymous (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    await funcTest(node, pid);
    await stopIt(node, pid);
  });

  nodeTest(`start2: anonymous, ends with shutdown (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    await funcTest(node, pid);
    const gone = new Promise((resolve) => node.monitor(pid, ({ reason }) => resolve(reason)));
    assertEquals(text(await node.call(pid, term(atom("stop"), SHUTDOWN))), "stopped");
    assertStrictEquals(await gone, SHUTDOWN);
  });

  nodeTest(`start3: init takes too long (${mode})`, async ({ node, platform }) => {
    const slow = class extends (Phone as new () => TablePhone) {
      override async init(): Promise<never> {
        await this.sleep(1_000);
        return this.next("idle") as never;
      }
    };
    const late = exitReason(node.start(slow, [], { timeout: 5 }));
    await platform.elapse(6);
    assertStrictEquals(await late, atom("timeout"));
    await start(node, "", { timeout: 5 });
  });

  nodeTest(`start4: init does not want to run (${mode})`, async ({ node }) => {
    const nothing = class extends (Phone as new () => TablePhone) {
      override init(): never {
        return ignore as never;
      }
    };
    assert(await failure(node.start(nothing, [])) instanceof IgnoredError);
  });

  nodeTest(`start5a, start5b: init stops (${mode})`, async ({ node }) => {
    assertStrictEquals(await exitReason(start(node, "stop")), atom("stopped"));
    assertStrictEquals(
      await exitReason(start(node, "stop", { register: "my_stm" })),
      atom("stopped"),
    );
    assertEquals(node.whereis("my_stm"), undefined);
  });

  nodeTest(`start8, start9, start11: a local name (${mode})`, async ({ node }) => {
    const { pid } = await start(node, "", { register: "my_stm" });
    const taken = await failure(start(node, "", { register: "my_stm" }));
    assert(taken instanceof NameError && taken.pid?.equals(pid));
    await funcTest(node, pid);
    await funcTest(node, "my_stm");
    await stopIt(node, pid);
    await start(node, "", { register: "my_stm" });
    await stopIt(node, "my_stm");
    assertEquals(node.whereis("my_stm"), undefined);
  });

  test(`start7, start10, start11: a global name (${mode})`, () =>
    withNode(async (node) => {
      const register = { global: "my_stm" };
      const { pid } = await start(node, "", { register });
      const taken = await failure(start(node, "", { register }));
      assert(taken instanceof NameError && taken.pid?.equals(pid));
      await funcTest(node, pid);
      await funcTest(node, register);
      await stopIt(node, register);
      await start(node, "", { register });
      await stopIt(node, register);
    }));

  nodeTest(`start12: a name of a registry (${mode})`, async ({ node }) => {
    const register = { via: new Via(), name: "my_stm" };
    const { pid } = await start(node, "", { register });
    assert(await failure(start(node, "", { register })) instanceof NameError);
    await funcTest(node, pid);
    await funcTest(node, register);
    await stopIt(node, register);
    assertEquals(register.via.pids.size, 0);
  });

  nodeTest(`stop1, stop2, stop4, stop5: in order (${mode})`, async ({ node }) => {
    const log: Term[] = [];
    const one = await node.start(Phone, ["", log]) as {
      pid: Pid;
      stop(reason?: ExitReason): Promise<void>;
    };
    await one.stop();
    assert(await failure(one.stop()) instanceof NoProcessError);
    const other = await node.start(Phone, ["", log], { register: "to_stop" }) as typeof one;
    await other.stop(atom("other_reason"));
    assertEquals(log.map(text), ["normal", "other_reason"]);
    assertEquals(node.whereis("to_stop"), undefined);
    assert(await failure(node.call("to_stop", atom("hej"))) instanceof NoProcessError);
  });

  test(`stop6, stop7: by a global name and that of a registry (${mode})`, () =>
    withNode(async (node) => {
      for (const register of [{ global: "to_stop" }, { via: new Via(), name: "to_stop" }]) {
        const { pid } = await start(node, "", { register });
        await sys.terminate(node, register, NORMAL);
        await new Promise<void>((resolve) => void node.monitor(pid, () => resolve()));
        assert(await failure(sys.terminate(node, register, NORMAL)) instanceof NoProcessError);
      }
    }));

  nodeTest(`abnormal1: a call has a timeout (${mode})`, async ({ node, platform }) => {
    const { pid } = await start(node);
    const good = node.call(pid, atom("delayed_answer"), { timeout: 2_000 });
    await platform.elapse(1_100);
    assertEquals(text(await good), "delayed");
    const late = failure(node.call(pid, atom("delayed_answer"), { timeout: 10 }));
    await platform.elapse(50);
    assertEquals((await late as Error).name, "CallTimeoutError");
    await platform.elapse(2_000); // the reply comes to nobody
    assertEquals(text(await node.call(pid, atom("alive?"))), "yes");
  });

  nodeTest(
    `abnormal2, abnormal3, abnormal4: what no machine may do (${mode})`,
    async ({ node }) => {
      const reasons: string[] = [];
      for (const what of ["badreturn", "badaction", "badtimeout"]) {
        const { pid } = await start(node);
        const gone = new Promise<Term>((resolve) =>
          void node.monitor(pid, ({ reason }) => resolve(reason))
        );
        node.call(pid, atom(what)).catch(() => {});
        reasons.push(format(await gone));
      }
      assertEquals(reasons, [
        '{{bad_return_from_state_function,<<"badreturn">>},[]}',
        '{{bad_action_from_state_function,{reply,<<"badaction">>,1}},[]}',
        '{{bad_action_from_state_function,{{timeout,bad},-4711,<<"ouch">>}},[]}',
      ]);
    },
  );

  nodeTest(`shutdown (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    const reason = pair(SHUTDOWN, atom("reason"));
    const gone = new Promise<Term>((resolve) =>
      void node.monitor(pid, (down) => resolve(down.reason))
    );
    assertEquals(text(await node.call(pid, term(atom("stop"), reason))), "stopped");
    assertEquals(format(await gone), "{shutdown,reason}");
    assert(await failure(node.call(pid, atom("hej"))) instanceof NoProcessError);
  });

  nodeTest(`loop_start_fail (${mode})`, async ({ node }) => {
    assertEquals(format(await exitReason(start(node, "stop"))), "stopped");
    assertEquals(format(await exitReason(start(node, "throw"))), "bailout");
    assertEquals(format(await exitReason(start(node, "bad"))), "{{bad_return_from_init,4711},[]}");
  });

  nodeTest(`sys1 (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    const status = await sys.getStatus(node, pid);
    assertEquals([status.module, status.state], ["gen_statem", "running"]);
    await sys.suspend(node, pid);
    let answered = false;
    const call = node.call(pid, atom("hej")).then((reply) => {
      answered = true;
      return reply;
    });
    assertEquals((await sys.getStatus(node, pid)).state, "suspended");
    assertEquals(answered, false);
    await sys.resume(node, pid);
    assertEquals(text(await call), "hej");
  });

  nodeTest(`get_state (${mode})`, async ({ node }) => {
    for (const register of [undefined, "gstm"]) {
      const { pid } = await start(node, tuple(atom("data"), node.pid) as never, { register });
      const expected = `{idle,#{kept => ${format(node.pid)}}}`;
      assertEquals(format(await sys.getState(node, register ?? pid)), expected);
      await sys.suspend(node, pid);
      assertEquals(format(await sys.getState(node, pid)), expected);
      await sys.resume(node, pid);
    }
  });
}

nodeTest("stop3: a timeout that is none", async ({ node }) => {
  const machine = await node.start(MapMachine, [{ states: { start: {} } }]);
  const wrong = await failure(machine.stop(NORMAL, { timeout: "x" as never }));
  assert(wrong instanceof RangeError || wrong instanceof TypeError, String(wrong));
  await machine.stop();
});

nodeTest("hibernate: until the next message", async ({ node }) => {
  const { pid } = await node.start(MapMachine, [{
    init: (machine) => machine.next("start").hibernate(),
    states: {
      start: {
        on: (machine, event) =>
          event.content === 1 ? machine.keep().hibernate().reply(1) : machine.keep().reply(2),
      },
    },
  }]);
  const status = (): string | undefined => node.info(pid)?.status;
  assertEquals(status(), "hibernating");
  assertEquals(await node.call(pid, 2), 2);
  assertEquals(status(), "idle");
  assertEquals(await node.call(pid, 1), 1);
  assertEquals(status(), "hibernating");
  await sys.suspend(node, pid);
  await sys.resume(node, pid);
  assertEquals(await node.call(pid, 2), 2);
  assertEquals(status(), "idle");
});

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

nodeTest("call_format_status, format_all_status", async ({ node }) => {
  for (
    const register of [undefined, "gstm", {
      via: new Via(),
      name: tuple(atom("name"), "term") as never,
    }]
  ) {
    const { pid } = await node.start(MapMachine, [{
      states: {
        idle: {
          on: (machine, event) =>
            event.content === atom("timeout")
              ? machine.keep().timeout("t", 100_000, 5)
              : machine.keep().postpone(),
        },
      },
    }], { register });
    node.cast(pid, atom("wait"));
    node.cast(pid, atom("timeout"));
    const { misc } = await sys.getStatus(node, pid);
    const shownAs = format(misc);
    assert(shownAs.includes("Status for state machine"), shownAs);
    for (
      const part of [
        "{\"Modules\",['MapMachine']}",
        '{"Time-outs",{1,[{{timeout,t},5}]}}',
        '{"Postponed",[{cast,wait}]}',
        '{data,[{"State",{idle,nil}}]}',
      ]
    ) assert(shownAs.includes(part), `${part} in ${shownAs}`);
  }
});

nodeTest("replace_state", async ({ node }) => {
  const { pid } = await node.start(MapMachine, [{
    states: {
      idle: { on: (machine, event) => machine.keep().replyTo(callerOf(event), atom("idle")) },
      state0: { on: (machine, event) => machine.keep().replyTo(callerOf(event), atom("state0")) },
    },
  }]);
  const replace = async (fn: (state: Term, data: Term) => [unknown, unknown]): Promise<string> =>
    format(
      await sys.replaceState(node, pid, (both) => {
        const [state, data] = both as unknown as [Term, Term];
        return tuple(...fn(state, data));
      }),
    );
  assertEquals(await replace((state) => [state, atom("replaced")]), "{idle,replaced}");
  assertEquals(await replace(() => [atom("state0"), atom("again")]), "{state0,again}");
  assertStrictEquals(await node.call(pid, 1), atom("state0"));
  const failed = await failure(replace(() => {
    throw new ExitError(atom("fail"));
  }));
  assert(
    String(failed).includes("{callback_failed,{gen_statem,system_replace_state},{error,fail}}"),
    String(failed),
  );
  assertEquals(format(await sys.getState(node, pid)), "{state0,again}");
  await sys.suspend(node, pid);
  assertEquals(await replace((state) => [state, 5]), "{state0,5}");
  await sys.resume(node, pid);
  assertEquals(format(await sys.getState(node, pid)), "{state0,5}");
  // The name means nothing to sys, though it looks like an error.
  assertEquals(await replace((_, data) => [atom("error"), data]), "{error,5}");
});

nodeTest("undef_terminate1, undef_terminate2: a machine needs no terminate", async ({ node }) => {
  for (const reason of [NORMAL, atom("kaboom")]) {
    const machine = await node.start(MapMachine, [{ states: { start: {} } }]);
    await machine.stop(reason);
    assert(await failure(machine.stop()) instanceof NoProcessError);
  }
});

nodeTest("undef_in_terminate: what fails there is what the process ends with", async ({ node }) => {
  class Failing extends MapMachine {
    override terminate(): void {
      (undefined as unknown as () => void)();
    }
  }
  const machine = await node.start(Failing, [{ states: { start: {} } }]);
  const reason = await exitReason(machine.stop());
  assert(isTuple(reason) && format(reason).includes("TypeError"), format(reason));
});
