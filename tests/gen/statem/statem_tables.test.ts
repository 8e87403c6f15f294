/** Tables of handlers, which our state machines have besides what gen_statem does, and states with data. */
import { assert, assertEquals } from "@std/assert";
import {
  atom,
  format,
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
import { ended, nodeTest } from "../../node/_nodes.ts";
import { assertRefused, bothWays, exitReason, failure, logs, untyped } from "../_servers.ts";
import { Door } from "./_door.ts";

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
