import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom, Binary, GenServer, later, on, sys, t, type Term, tuple } from "../../../mod.ts";
import { ended, nodeTest, until } from "../../node/_nodes.ts";
import { bothWays, exitReason, gate, logs } from "../_servers.ts";

/** Writes down what it does, in its order. */
class Steps extends GenServer {
  readonly did: unknown[] = [];
  override init(...steps: unknown[]): void {
    this.did.push("init");
    for (const step of steps) this.continueWith(step);
  }
  override handleContinue(step: unknown): unknown {
    this.did.push(step);
    if (step === "fail") throw new Error("it does not go on");
    if (step === "more") this.continueWith("last");
    return undefined;
  }
  override readonly calls = {
    go: on(t.list(t.term), (steps) => {
      for (const step of steps) this.continueWith(String(step));
      return this.did.length;
    }),
    did: () => [...this.did] as Term,
  };
  override readonly casts = { go: on(t.text, (step) => this.continueWith(step)) };
  override handleInfo(message: Term): void {
    this.did.push(message);
    if (message === atom("go")) this.continueWith("of info");
  }
}

/** What a server did, where its texts may have been binaries on the way. */
function plain(did: Term): unknown[] {
  return (did as Term[]).map((one) => one instanceof Binary ? one.text : one);
}

bothWays(
  "what init asks for comes before every message, and start does not wait for it",
  async ({ node }) => {
    const hold = gate();
    class Held extends Steps {
      override async handleContinue(step: unknown): Promise<void> {
        await hold.promise;
        super.handleContinue(step);
      }
    }
    const steps = await node.start(Held, ["one", "two"]);
    steps.send(1);
    steps.send(2);
    const did = steps.call("did");
    hold.open();
    assertEquals(plain(await did), ["init", "one", "two", 1, 2]);
  },
);

bothWays(
  "a handler's reply goes out first, then comes the step, then the next message",
  async ({ node }) => {
    const steps = await node.start(Steps, []);
    const replied = steps.call("go", ["more", "second"]);
    steps.send(1);
    const did = steps.call("did");
    assertStrictEquals(await replied, 1);
    assertEquals(plain(await did), ["init", "more", "second", "last", 1]);
  },
);

bothWays("casts and messages may have steps too", async ({ node }) => {
  const steps = await node.start(Steps, []);
  steps.cast("go", "of cast");
  steps.send(1);
  steps.send(atom("go"));
  steps.send(2);
  assertEquals(plain(await steps.call("did")), ["init", "of cast", 1, atom("go"), "of info", 2]);
});

nodeTest("urgent messages wait for a step as others do", async ({ node }) => {
  const steps = await node.start(Steps, []);
  steps.cast("go", "step");
  node.send(steps.pid, 1, { priority: "max" });
  assertEquals(plain(await steps.call("did")), ["init", 1, "step"]);
});

nodeTest("a step that fails ends the server as a handler does", async ({ node }) => {
  const steps = await node.start(Steps, []);
  const done = ended(node, steps.pid);
  steps.cast("go", "fail");
  const waiting = exitReason(steps.call("did"));
  const reason = await done;
  assertStrictEquals(String((reason as Term[][])[0][1]), "Error");
  assertEquals(await waiting, reason);
});

nodeTest("a start has succeeded, also where the first step fails", async ({ node }) => {
  const steps = await node.start(Steps, ["fail"]);
  await ended(node, steps.pid);
});

nodeTest("a server without handleContinue says so", async (lone) => {
  class Without extends GenServer {
    override init(): void {
      (this as unknown as Steps).continueWith("step");
    }
  }
  const { pid } = await lone.node.start(Without, []);
  await ended(lone.node, pid);
  assert(logs(lone).some((line) => line.includes("Without has no method handleContinue")));
});

nodeTest("a step may ask from a promise that is answered later", async ({ node }) => {
  const reply = gate<number>();
  class Late extends Steps {
    override readonly calls = {
      ...({} as Steps["calls"]),
      late: () =>
        later(reply.promise.then((n) => {
          this.continueWith("late");
          return n;
        })),
      did: () => [...this.did] as Term,
    } as Steps["calls"] & { late: () => unknown };
  }
  const late = await node.start(Late, []);
  const replied = node.call(late.pid, atom("late"));
  reply.open(7);
  assertStrictEquals(await replied, 7);
  await until(() => node.info(late.pid)!.status === "idle");
  assertEquals(await late.call("did"), ["init", "late"]);
});

nodeTest("sys sees a server between its steps and the next message", async ({ node }) => {
  const steps = await node.start(Steps, []);
  steps.cast("go", "step");
  await sys.suspend(node, steps.pid);
  assertEquals(node.info(steps.pid)!.handled, 4); // init, the cast, the step, the request of sys
  steps.send(1);
  await sys.resume(node, steps.pid);
  assertEquals(plain(await steps.call("did")), ["init", "step", 1]);
});

nodeTest("a step that handleContinue does not take is a compile error", async ({ node }) => {
  class Typed extends GenServer {
    readonly did: unknown[] = [];
    override init(): void {
      this.continueWith("load");
      this.continueWith({ rest: 1 });
      // @ts-expect-error it is no step of this server
      this.continueWith(5);
    }
    override handleContinue(step: "load" | { rest: number }): void {
      this.did.push(step);
      if (typeof step === "object" && step.rest > 0) this.continueWith({ rest: step.rest - 1 });
    }
    override readonly calls = { did: () => [...this.did] };
  }
  const typed = await node.start(Typed, []);
  assertEquals(await typed.call("did"), ["load", { rest: 1 }, 5, { rest: 0 }]);
  class None extends GenServer {
    override init(): void {
      // @ts-expect-error it has no handleContinue
      if (this.trapExit) this.continueWith("load");
    }
  }
  await node.start(None, []);
});

// Idle timeouts

class Idle extends GenServer {
  readonly got: Term[] = [];
  override init(ms?: number): void {
    if (ms !== undefined) this.idleTimeout = ms;
  }
  override readonly calls = {
    got: () => [...this.got],
    set: on(t.float, (ms) => {
      this.idleTimeout = ms;
    }),
    timeout: () => this.idleTimeout,
    never: () => {
      this.idleTimeout = Infinity;
    },
  };
  override handleInfo(message: Term): void {
    this.got.push(message);
  }
}

const TIMEOUT = atom("timeout");

nodeTest("a server that has nothing to do gets the message timeout", async ({ node, platform }) => {
  const idle = await node.start(Idle, [100]);
  await platform.elapse(99);
  assertEquals(node.info(idle.pid)!.handled, 1);
  await platform.elapse(1);
  assertEquals(await idle.call("got"), [TIMEOUT]);
});

nodeTest("everything that comes begins the time anew", async ({ node, platform }) => {
  const idle = await node.start(Idle, [100]);
  for (let i = 0; i < 5; i++) {
    await platform.elapse(60);
    idle.send(i);
  }
  await platform.elapse(60);
  assertEquals(await idle.call("got"), [0, 1, 2, 3, 4]);
  await platform.elapse(100);
  assertEquals(await idle.call("got"), [0, 1, 2, 3, 4, TIMEOUT]);
});

nodeTest("it comes once, and again when something has come since", async ({ node, platform }) => {
  const idle = await node.start(Idle, [100]);
  await platform.elapse(1_000);
  idle.send(1);
  await platform.elapse(1_000);
  assertEquals(await idle.call("got"), [TIMEOUT, 1, TIMEOUT]);
});

nodeTest("handleTimeout takes it, and may have it again", async ({ node, platform }) => {
  let times = 0;
  class Again extends Idle {
    override handleTimeout(): void {
      times++;
      if (times < 4) this.idleTimeout = 100;
    }
  }
  const idle = await node.start(Again, [100]);
  await platform.elapse(1_000);
  assertStrictEquals(times, 4);
  assertEquals(await idle.call("got"), []);
});

nodeTest("the time counts from when a handler is done", async ({ node, platform }) => {
  const hold = gate();
  class Slow extends Idle {
    override readonly calls = { ...({} as Idle["calls"]), hold: () => hold.promise } as
      & Idle["calls"]
      & { hold: () => Promise<void> };
  }
  const idle = await node.start(Slow, [100]);
  const held = idle.call("hold");
  await platform.elapse(500);
  assertStrictEquals(node.info(idle.pid)!.handled, 2);
  hold.open();
  await held;
  await platform.elapse(99);
  assertStrictEquals(node.info(idle.pid)!.handled, 2);
  await platform.elapse(1);
  assertStrictEquals(node.info(idle.pid)!.handled, 3);
});

nodeTest("it can be set, asked for and taken back by every handler", async ({ node, platform }) => {
  const idle = await node.start(Idle, []);
  assertStrictEquals(await idle.call("timeout"), Infinity);
  await idle.call("set", 50);
  assertStrictEquals(await idle.call("timeout"), 50);
  await platform.elapse(50);
  await idle.call("never");
  await platform.elapse(1_000);
  assertEquals(await idle.call("got"), [TIMEOUT]);
});

nodeTest("a time of 0 comes when nothing waits", async ({ node, platform }) => {
  const idle = await node.start(Idle, [0]);
  for (let i = 0; i < 3; i++) idle.send(i);
  await platform.elapse(1);
  assertEquals(await idle.call("got"), [0, 1, 2, TIMEOUT]);
});

nodeTest("a suspended server has no idle time", async ({ node, platform }) => {
  const idle = await node.start(Idle, [100]);
  await sys.suspend(node, idle.pid);
  await platform.elapse(1_000);
  await sys.resume(node, idle.pid);
  assertEquals(await idle.call("got"), []);
  await platform.elapse(100);
  assertEquals(await idle.call("got"), [TIMEOUT]);
});

nodeTest("a time that is none is refused", async ({ node }) => {
  class Refused extends GenServer {
    override init(): void {
      for (const ms of [-1, NaN, "5" as unknown as number]) {
        assertThrows(() => this.idleTimeout = ms, RangeError, "Cannot set the idle timeout to");
      }
    }
  }
  await node.start(Refused, []);
});

// Hibernation

nodeTest("a server that hibernates wakes with the next message as it was", async ({ node }) => {
  class Hibernating extends GenServer {
    #count = 0;
    override readonly calls = {
      sleep: () => this.hibernate(),
      add: () => ++this.#count,
    };
  }
  const server = await node.start(Hibernating, []);
  for (let i = 0; i < 100; i++) await server.call("add");
  await server.call("sleep");
  await until(() => node.info(server.pid)!.status === "hibernating");
  assertStrictEquals(await server.call("add"), 101);
  await until(() => node.info(server.pid)!.status === "idle");
});

nodeTest(
  "nothing is lost where messages wait for a server that is to hibernate",
  async ({ node }) => {
    class Hibernating extends GenServer {
      readonly got: Term[] = [];
      override handleInfo(message: Term): void {
        this.got.push(message);
        this.hibernate();
      }
      override readonly calls = { got: () => [...this.got] };
    }
    const server = await node.start(Hibernating, []);
    for (let i = 0; i < 50; i++) server.send(i);
    assertEquals(await server.call("got"), Array.from({ length: 50 }, (_, i) => i));
    node.send(server.pid, tuple(atom("more"), 1) as Term);
    await until(() => node.info(server.pid)!.status === "hibernating");
  },
);
