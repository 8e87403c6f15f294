/** What our state machines do besides what gen_statem does: tables, promises, replies, states with data. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  format,
  type From,
  later,
  on,
  ReplyError,
  Statem,
  type StatemEvent,
  type StatemResult,
  sys,
  t,
  type Term,
  type Transition,
  tuple,
} from "../../../mod.ts";
import { ended, KILL, nodeTest } from "../../node/_nodes.ts";
import {
  assertJsError,
  assertRefused,
  bothWays,
  exitReason,
  failure,
  gate,
  logs,
  term,
  untyped,
} from "../_servers.ts";
import { MapMachine, seen } from "./_machines.ts";

/** A door with a code lock. */
class Door extends Statem<"locked" | "open"> {
  #code = 0;
  tries = 0;
  override init(code: number): Transition {
    this.#code = code;
    return this.next("locked");
  }
  override readonly states = this.table({
    locked: {
      calls: {
        unlock: on(t.integer, (code) => {
          this.tries++;
          return code === this.#code
            ? this.next("open").stateTimeout(10_000).reply("welcome")
            : "wrong code";
        }),
        enter: () => this.keep().postpone(),
      },
    },
    open: {
      enter: () => {
        this.tries = 0;
      },
      calls: {
        enter: () => "inside",
      },
      casts: { lock: () => this.next("locked") },
      stateTimeout: () => this.next("locked"),
    },
  });
  override readonly common = { calls: { state: () => this.state } };
}

bothWays("calls and casts find their handler in the table of the state", async (lone) => {
  const { node, platform } = lone;
  const door = await node.start(Door, [4711]);
  assertEquals(`${await door.call("unlock", 1)}`, "wrong code");
  assertEquals(`${await door.call("state")}`, "locked");
  const inside = door.call("enter");
  assertEquals(`${await door.call("unlock", 4711)}`, "welcome");
  assertEquals(`${await inside}`, "inside");
  assertEquals(`${await door.call("state")}`, "open");
  await platform.elapse(10_100);
  assertEquals(`${await door.call("state")}`, "locked");
});

nodeTest("what is dropped is logged in the name of the machine, by its own level", async (lone) => {
  class Quiet extends Door {
    override init(code: number): Transition {
      this.logger.level = "none";
      return super.init(code);
    }
  }
  const door = await lone.node.start(Quiet, [4711]);
  untyped(door).cast("lock");
  await door.call("unlock", 4711);
  assertEquals(logs(lone), []);
  assertEquals(lone.node.info().refusedCasts, 1);
});

bothWays("what a state does not take is refused, and names the state", async (lone) => {
  const { node } = lone;
  const door = await node.start(Door, [4711]);
  await assertRefused(untyped(door).call("unlock", "x"), [0], "as argument 1, integer is needed");
  await assertRefused(untyped(door).call("unlok", 1), [], /did you mean unlock\?/);
  await assertRefused(node.call(door, 5), [], "another term came");
  untyped(door).cast("lock");
  node.send(door, atom("hello"));
  await door.call("unlock", 4711);
  await assertRefused(untyped(door).call("unlock", 1), [], "Door in state open has no such call");
  assertEquals(logs(lone).map((line) => line.replace(/<[^>]*>/, "Pid")), [
    "Door Pid dropped a cast: Cannot serve request lock/0: Door in state locked has no such cast; it takes no casts by name",
    "Door Pid got a message that state locked does not handle: hello",
  ]);
});

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

/** Logged out, or in as somebody. */
type Session = { name: "out" } | { name: "in"; user: string };

class Login extends Statem<Session> {
  entered: string[] = [];
  override init(): Transition {
    return this.next({ name: "out" });
  }
  override readonly states = this.table({
    out: {
      casts: { login: on(t.text, (user) => this.next({ name: "in", user })) },
    },
    in: {
      enter: (previous) => {
        if (this.state.name === "in") this.entered.push(`${previous.name} ${this.state.user}`);
      },
      casts: { login: on(t.text, (user) => this.next({ name: "in", user })) },
      calls: { user: () => this.state.name === "in" ? this.state.user : "" },
    },
  });
}

nodeTest(
  "a state may have data of its own: with other data it is another state",
  async ({ node }) => {
    const login = await node.start(Login, []);
    for (const user of ["zoë", "zoë", "ada"]) login.cast("login", user);
    assertEquals(await login.call("user"), "ada");
    assertEquals(
      format(await sys.getState(node, login)),
      '{{in,#{user => <<"ada">>}},#{entered => [<<"out zoë"/utf8>>,<<"in ada">>]}}',
    );
    await sys.replaceState(node, login, (state) => {
      const [, data] = state as unknown as [Term, Term];
      return tuple(tuple(atom("in"), new Map([[atom("user"), "bob"]])), data);
    });
    assertEquals(await login.call("user"), "bob");
    for (const wrong of [5, tuple(atom("elsewhere"), 1)]) {
      assert(await failure(sys.replaceState(node, login, () => wrong)) instanceof ReplyError);
    }
    assertEquals(await login.call("user"), "bob");
  },
);

nodeTest("a state that the table does not have is refused where it is named", async ({ node }) => {
  class Lost extends Statem {
    override init(): Transition {
      return this.next("a");
    }
    override readonly states = { a: { calls: { go: () => this.next("b") } } };
  }
  const lost = await node.start(Lost, []);
  const reason = await exitReason(lost.call("go"));
  assert(format(reason).includes("Cannot go to state b: the machine has a"), format(reason));
  class Misspelt extends Statem {
    override init(): Transition {
      return this.next("a");
    }
    override readonly states = { a: { calls: {}, cast: {} } };
  }
  const misspelt = await failure(node.start(Misspelt, []));
  const why = String((misspelt as Error).cause);
  assert(
    why.includes("Cannot start Misspelt: state a has cast") && why.includes("casts may be meant"),
    why,
  );
  class Nothing extends Statem {
    override init(): Transition {
      return this.next("a");
    }
  }
  const error = await failure(node.start(Nothing, []));
  assert(String((error as Error).cause).includes("it has no states"), String(error));
});

nodeTest("its own events and timers have to be handled", async ({ node }) => {
  class Forgets extends Statem<"a"> {
    override init(): Transition {
      return this.next("a");
    }
    override readonly states = this.table({
      a: {
        casts: {
          timer: () => this.keep().timeout("t", 0, 5),
          internal: () => this.keep().nextEvent("internal", 6),
        },
      },
    });
  }
  for (
    const [name, words] of [["timer", "{{timeout,t},5}"], ["internal", "{internal,6}"]] as const
  ) {
    const machine = await node.start(Forgets, []);
    const gone = ended(node, machine.pid);
    machine.cast(name);
    const reason = format(await gone);
    assert(reason.includes(`Cannot handle ${words}: state a has no handler for it`), reason);
  }
});

nodeTest("timers by name, in a table too, and a term as a name", async ({ node, platform }) => {
  const fired: string[] = [];
  class Timers extends Statem<"a"> {
    override init(): Transition {
      return this.next("a").timeout("retry", 100, 1).timeout(tuple(atom("job"), 7) as Term, 200, 2);
    }
    override readonly states = this.table({
      a: {
        timeouts: {
          retry: (content: number) => void fired.push(`retry ${content}`),
          job: (content: number) => void fired.push(`job ${content}`),
        },
        casts: { cancel: () => this.keep().timeout(atom("retry"), "cancel") },
      },
    });
  }
  const one = await node.start(Timers, []);
  await platform.elapse(250);
  await sys.getState(node, one);
  assertEquals(fired, ["retry 1", "job 2"]);
  const other = await node.start(Timers, []);
  other.cast("cancel"); // the atom and the string are one name
  await platform.elapse(250);
  await sys.getState(node, other);
  assertEquals(fired, ["retry 1", "job 2", "job 2"]);
});

nodeTest("an event that was kept comes again as it was", async ({ node }) => {
  class Keeps extends Statem<"waits" | "works"> {
    override init(): Transition {
      return this.next("waits");
    }
    override handleEvent(event: StatemEvent, state: string): StatemResult {
      if (state === "waits") return this.next("works").nextEvent(event).nextEvent("info", 1);
      if (event.type === "call") return this.keep().reply(tuple(event.content) as Term);
    }
  }
  const { pid } = await node.start(Keeps, []);
  assertEquals(format(await node.call(pid, term(atom("a"), 1))), "{{a,1}}");
});

nodeTest("handlers of a static table are called with the machine as this", async ({ node }) => {
  class Light extends Statem<"on" | "off"> {
    flips = 0;
    static readonly states = {
      on: { casts: { flip: flip("off") } },
      off: { casts: { flip: flip("on") } },
    };
    override readonly common = { calls: { state: () => this.state } };
    override init(): Transition {
      return this.next("off");
    }
  }
  function flip(to: "on" | "off"): (this: Light) => Transition {
    return function () {
      this.flips++;
      return this.next(to);
    };
  }
  const light = await node.start(Light, []);
  untyped(light).cast("flip");
  assertEquals(await light.call("state"), "on");
  assertEquals(format(await sys.getState(node, light)), "{on,#{flips => 1}}");
});

nodeTest("beside tables, handleEvent gets what they have no handler for", async ({ node }) => {
  class Both extends Statem<"a"> {
    override init(): Transition {
      return this.next("a");
    }
    override readonly states = this.table({ a: { calls: { known: () => 1 } } });
    override handleEvent(event: StatemEvent, state: string): StatemResult {
      if (event.type !== "call") return;
      return this.keep().reply(tuple(atom(state), event.content) as Term);
    }
  }
  const both = await node.start(Both, []);
  assertEquals(await both.call("known"), 1);
  assertEquals(format(await node.call(both, 5)), "{a,5}");
  node.send(both, 5);
  assertEquals(await both.call("known"), 1);
});

nodeTest("sys.trace prints what gen_statem prints", async (lone) => {
  const { node } = lone;
  const door = await node.start(Door, [4711], { register: "door" });
  await sys.trace(node, door, true);
  const inside = door.call("enter");
  await door.call("unlock", 4711);
  await inside;
  door.cast("lock");
  await door.stop();
  const lines = logs(lone).map((line) => line.replaceAll(/<<?[^>]*>>?/g, "Pid"));
  assertEquals(lines, [
    "*DBG* door receive call enter from Pid in state locked",
    "*DBG* door postpone call enter from Pid in state locked",
    "*DBG* door receive call {unlock,4711} from Pid in state locked",
    "*DBG* door send Pid to Pid",
    "*DBG* door consume call {unlock,4711} from Pid in state locked => open",
    "*DBG* door start_timer {state_timeout,10000,nil,[]} in state open",
    "*DBG* door send Pid to Pid",
    "*DBG* door consume call enter from Pid in state open",
    "*DBG* door receive cast lock in state open",
    "*DBG* door consume cast lock in state open => locked",
    "*DBG* door terminate normal in state locked",
  ]);
});

// Erlang before OTP 29 loses such a timer, and gives the machine the timer's own message in its place.
nodeTest(
  "a timer that is due at once may be set anew before it fires",
  async ({ node, platform }) => {
    const order: string[] = [];
    await node.start(MapMachine, [{
      init: (machine) => machine.next("a").stateTimeout(0, "first").nextEvent("internal", "x"),
      states: {
        a: {
          on: (machine, event) => {
            order.push(seen(event));
            if (event.type === "internal") return machine.keep().stateTimeout(20, "second");
          },
        },
      },
    }]);
    await platform.elapse(30);
    assertEquals(order, ["internal x", "state_timeout second"]);
  },
);
