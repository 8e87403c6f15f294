// How a server starts.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  exit,
  ExitError,
  type ExitReason,
  GenServer,
  NameError,
  type Pid,
  ProcessExitedError,
  type Term,
} from "../../../mod.ts";
import { BOOM, collector, KILL, KILLED, nodeTest, NORMAL } from "../../node/_nodes.ts";
import {
  assertJsError,
  bothWays,
  Counter,
  exitReason,
  failure,
  failureOf,
  gate,
} from "../_servers.ts";

bothWays("init takes what start is given", async ({ node }) => {
  class Person extends GenServer {
    #words: unknown[] = [];
    override init(name: string, options: { readonly age: number }, tall = true): void {
      this.#words = [name, options.age, tall];
    }
    override readonly calls = { words: () => this.#words as Term[] };
  }
  const zoe = await node.start(Person, ["Zoë", { age: 31 }]);
  assertEquals((await zoe.call("words")).map(String), ["Zoë", "31", "true"]);
  const bob = await node.start(Person, ["Bob", { age: 5 }, false]);
  assertEquals((await bob.call("words")).map(String), ["Bob", "5", "false"]);
});

bothWays("start waits for an asynchronous init, and so do messages", async ({ node, platform }) => {
  const opened = gate();
  const log: Term[] = [];
  class Late extends GenServer {
    override async init(): Promise<void> {
      await opened.promise;
      log.push("ready");
    }
    override readonly calls = { get: () => void log.push("call") };
    override readonly casts = { add: () => void log.push("cast") };
    override handleInfo(message: Term): void {
      log.push(message);
    }
  }
  let started = false;
  const starting = node.start(Late, [], { register: "late" }).then(() => started = true);
  node.send("late", 5);
  node.cast("late", atom("add"));
  const call = node.call("late", atom("get"));
  await platform.settle();
  assertEquals([started, log], [false, []]);
  opened.open();
  await Promise.all([starting, call]);
  assertEquals(log, ["ready", 5, "cast", "call"]);
});

bothWays(
  "init can use the process: its pid, its node, a timer, a message to itself",
  async ({ node, platform }) => {
    const log: Term[] = [];
    class Busy extends GenServer {
      override init(): void {
        this.send(this.pid, 1);
        this.after(10, () => log.push("timer"));
        this.register("busy");
        assertStrictEquals(this.node, node);
      }
      override handleInfo(message: Term): void {
        log.push(message);
      }
    }
    const busy = await node.start(Busy, []);
    assertStrictEquals(node.whereis("busy"), busy.pid);
    await platform.elapse(10);
    assertEquals(log, [1, "timer"]);
  },
);

nodeTest("the process is not there before init, and says what to do", async ({ node }) => {
  class Early extends GenServer {
    readonly own: Pid = this.pid;
  }
  const error = await failure(node.start(Early, []));
  assertInstanceOf(error, Error);
  assert(error.message.includes("set up its state in init"), error.message);
  assertStrictEquals(node.processes().length, 1);
});

class Failing extends GenServer {
  static terminated: ExitReason[] = [];
  override init(
    how: "throws" | "rejects" | "exits" | "exits late" | "stops" | "stops late",
  ): unknown {
    switch (how) {
      case "throws":
        throw new RangeError("no init");
      case "rejects":
        return Promise.resolve().then(() => {
          throw new RangeError("no init");
        });
      case "exits":
        return exit(BOOM);
      case "exits late":
        return Promise.resolve().then(() => exit(BOOM));
      case "stops":
        return this.stop(BOOM);
      case "stops late":
        return Promise.resolve().then(() => this.stop(BOOM));
    }
  }
  override terminate(reason: ExitReason): void {
    Failing.terminated.push(reason);
  }
}

for (const how of ["throws", "rejects"] as const) {
  bothWays(`a server whose init ${how} does not start, and start says why`, async ({ node }) => {
    const error = await failure(node.start(Failing, [how], { register: "failing" }));
    assertInstanceOf(error, ExitError);
    assertJsError(error.reason, "RangeError", "no init");
    assertInstanceOf(error.cause, RangeError);
    assertEquals([node.registered(), node.processes().length, Failing.terminated.length], [
      [],
      1,
      0,
    ]);
  });
}

for (const how of ["exits", "exits late", "stops", "stops late"] as const) {
  bothWays(
    `a server whose init ${how} does not start, and its reason is the start's`,
    async ({ node }) => {
      const error = await failure(node.start(Failing, [how], { register: "failing" }));
      assertInstanceOf(error, ExitError);
      assertStrictEquals(error.reason, BOOM);
      assertEquals([node.registered(), node.processes().length, Failing.terminated.length], [
        [],
        1,
        0,
      ]);
    },
  );
}

nodeTest("an init that ends with normal is no start either", async ({ node }) => {
  class Ignoring extends GenServer {
    override init(): void {
      this.stop();
    }
  }
  assertStrictEquals(await exitReason(node.start(Ignoring, [])), NORMAL);
});

nodeTest("a failed init is an exit signal for who is linked", async ({ node, platform }) => {
  const parent = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  assertStrictEquals(await exitReason(node.start(Failing, ["exits"], { link: parent.pid })), BOOM);
  await platform.settle();
  assertStrictEquals(parent.got.length, 1);
  const [, , reason] = parent.got[0] as Term[];
  assertStrictEquals(reason, BOOM);
});

nodeTest(
  "a server that is killed while its init waits does not start",
  async ({ node, platform }) => {
    const opened = gate();
    let late: unknown;
    class Late extends GenServer {
      override async init(): Promise<void> {
        await opened.promise;
        late = await failureOf(() => this.send(this.pid, 1));
      }
    }
    const starting = exitReason(node.start(Late, [], { register: "late" }));
    const call = exitReason(node.call("late", atom("get")));
    await platform.settle();
    node.exit(node.whereis("late")!, KILL);
    assertStrictEquals(await starting, KILLED);
    assertStrictEquals(await call, KILLED);
    assertEquals(node.registered(), []);
    opened.open();
    await platform.settle();
    assertInstanceOf(late, ProcessExitedError);
  },
);

nodeTest("a server that is killed before its init does not start", async ({ node }) => {
  let ran = false;
  class Late extends GenServer {
    override init(): void {
      ran = true;
    }
  }
  const starting = exitReason(node.start(Late, [], { register: "late" }));
  node.exit(node.whereis("late")!, BOOM);
  assertStrictEquals(await starting, BOOM);
  assertStrictEquals(ran, false);
});

nodeTest("a name that is taken is no name for another one", async ({ node }) => {
  const counter = await node.start(Counter, [1], { register: "counter" });
  const error = await failure(node.start(Counter, [], { register: "counter" }));
  assertInstanceOf(error, NameError);
  assertStrictEquals(await node.call("counter", atom("get")), 1);
  assertStrictEquals(node.processes().length, 2);
  await counter.stop();
  await node.start(Counter, [2], { register: "counter" });
  assertStrictEquals(await node.call("counter", atom("get")), 2);
});
