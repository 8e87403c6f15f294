// What the compiler says of state machines. Nothing of this is run, but what is not marked has to compile.
import { test } from "node:test";
import {
  type Node,
  on,
  type Pid,
  Statem,
  type StatemEvent,
  type StatemResult,
  t,
  type Term,
  type Transition,
} from "../../../mod.ts";
import { sameType } from "../../etf/schema/_support.ts";

class Lock extends Statem<"locked" | "open"> {
  override init(code: number): Transition {
    void code;
    // @ts-expect-error: there is no such state
    this.next("opened");
    return this.next("locked").stateTimeout(5);
  }
  override readonly states = this.table({
    locked: {
      enter(previous): void {
        sameType<typeof previous, "locked" | "open">(true);
      },
      calls: {
        unlock: on(t.integer, (code) => code === 1 ? this.next("open").reply(true) : "no"),
        wait: () => this.keep().postpone(),
      },
    },
    open: {
      calls: { wait: () => 5, close: () => this.next("locked") },
      casts: { touch: on(t.text, (_who) => this.keep().eventTimeout(1_000)) },
      info(message): void {
        sameType<typeof message, Term>(true);
      },
      timeouts: { late: (content: number) => void content },
    },
  });
  override readonly common = { calls: { tries: async () => await Promise.resolve([1]) } };
}

class Missing extends Statem<"a" | "b"> {
  override init(): Transition {
    return this.next("a");
  }
  // @ts-expect-error: b is missing
  override readonly states = this.table({ a: {} });
}

class TooMany extends Statem<"a"> {
  override init(): Transition {
    return this.next("a");
  }
  // @ts-expect-error: there is no state c
  override readonly states = this.table({ a: {}, c: {} });
}

class Misspelt extends Statem<"a"> {
  override init(): Transition {
    return this.next("a");
  }
  override readonly states = this.table({
    // @ts-expect-error: it is called calls
    a: { casts: {}, call: {} },
  });
}

class Enters extends Statem<"a" | "b"> {
  override init(): Transition {
    return this.next("a");
  }
  override readonly states = this.table({
    a: {
      // @ts-expect-error: a state that is entered cannot be left at once
      enter: () => this.next("b"),
    },
    b: {
      // @ts-expect-error: nor is there an event to postpone
      enter: () => this.keep().postpone(),
    },
  });
}

class Returns extends Statem<"a"> {
  override init(): Transition {
    return this.next("a");
  }
  override readonly states = this.table({
    a: {
      casts: {
        // @ts-expect-error: nobody gets what a cast returns
        count: () => 5,
      },
    },
  });
}

/** States with data of their own: those of another state cannot be had. */
type Session = { name: "out" } | { name: "in"; user: string; since: number };

class Login extends Statem<Session> {
  override init(): Transition {
    return this.next({ name: "out" });
  }
  override handleEvent(event: StatemEvent, state: Session): StatemResult {
    if (state.name === "in" && event.type === "cast") return this.next({ name: "out" });
    if (event.type === "call") {
      sameType<typeof event.content, Term>(true);
      return this.next({ name: "in", user: "Zoë", since: this.now() }).replyTo(event.from, true);
    }
    // @ts-expect-error: a state that is in has a user
    this.next({ name: "in" });
    // @ts-expect-error: only where somebody is in
    void state.user;
  }
}

async function _refs(node: Node): Promise<void> {
  const lock = await node.start(Lock, [1]);
  sameType<typeof lock.pid, Pid>(true);
  const unlocked = await lock.call("unlock", 5);
  sameType<typeof unlocked, true | "no">(true);
  const waited = await lock.call("wait");
  sameType<typeof waited, number>(true);
  const closed = await lock.call("close");
  sameType<typeof closed, null>(true);
  const tries = await lock.call("tries");
  sameType<typeof tries, number[]>(true);
  lock.cast("touch", "me");
  // @ts-expect-error: an integer is needed
  lock.call("unlock", "x");
  // @ts-expect-error: it is a call
  lock.cast("unlock", 5);
  // @ts-expect-error: no state takes it
  lock.call("open");
  // @ts-expect-error: init takes a number
  await node.start(Lock, ["x"]);
  await node.start(Login, []);
  void [Missing, TooMany, Misspelt, Enters, Returns];
}

test("the types of state machines hold", () => {
  // They are checked by the compiler, with what is marked above.
  void _refs;
});
