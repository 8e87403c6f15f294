// The life of a server: how it starts, and all the ways in which it ends.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  atom,
  exit,
  ExitError,
  type ExitReason,
  GenServer,
  isTuple,
  NameError,
  type Node,
  NodeStoppedError,
  type Pid,
  ProcessExitedError,
  type ServerRef,
  type Term,
  tuple,
} from "../../../mod.ts";
import {
  BOOM,
  collector,
  ended,
  forever,
  KILL,
  KILLED,
  nodeTest,
  NOPROC,
  NORMAL,
  SHUTDOWN,
  spawned,
} from "../../node/_nodes.ts";
import {
  assertJsError,
  bothWays,
  Counter,
  Ending,
  exitReason,
  failure,
  failureOf,
  gate,
  logs,
  terminated,
} from "../_servers.ts";

// Init

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

// Terminate

bothWays("terminate is called where a server stops, exits, or throws", async ({ node }) => {
  for (const [name, expected] of [["stop", SHUTDOWN], ["exit", BOOM], ["later", BOOM]] as const) {
    const log: Term[] = [];
    const ref = await node.start(Ending, [log]);
    const down = ended(node, ref.pid);
    if (name === "stop") await ref.call(name, SHUTDOWN);
    else assertStrictEquals(await exitReason(ref.call(name)), BOOM);
    assertStrictEquals(await down, expected);
    assertEquals(log, [terminated(expected)]);
  }
  const log: Term[] = [];
  const ref = await node.start(Ending, [log]);
  const reason = await exitReason(ref.call("throw"));
  assertJsError(reason, "Error", "crash");
  assertEquals(log, [terminated(reason)]);
});

bothWays("terminate is not called where an exit signal ends a server", async ({ node }) => {
  for (const reason of [SHUTDOWN, BOOM, KILL]) {
    const log: Term[] = [];
    const { pid } = await node.start(Ending, [log]);
    const down = ended(node, pid);
    node.exit(pid, reason);
    assertStrictEquals(await down, reason === KILL ? KILLED : reason);
    assertEquals(log, []);
  }
});

bothWays(
  "a server that traps exits gets them as messages, and is killed all the same",
  async ({ node, platform }) => {
    const log: Term[] = [];
    const { pid } = await node.start(Ending, [log, () => {}, true]);
    node.exit(pid, BOOM);
    await platform.settle();
    assertEquals(log, [tuple(atom("EXIT"), node.pid, BOOM) as unknown as Term]);
    const down = ended(node, pid);
    node.exit(pid, KILL);
    assertStrictEquals(await down, KILLED);
    assertStrictEquals(log.length, 1);
  },
);

/** A process that starts a server linked to it, so that it is its parent. */
async function child(
  node: Node,
  log: Term[],
  options: { readonly trapExit: boolean; readonly how?: () => unknown },
): Promise<{ readonly parent: Pid; readonly ref: ServerRef<Ending> }> {
  const parent = node.spawn(forever);
  const args: [Term[], () => unknown, boolean] = [log, options.how ?? (() => {}), options.trapExit];
  return { parent, ref: await node.start(Ending, args, { link: parent }) };
}

bothWays(
  "the end of the parent is the end of a server that does not trap exits",
  async ({ node }) => {
    for (const reason of [BOOM, SHUTDOWN, KILL]) {
      const log: Term[] = [];
      const { parent, ref } = await child(node, log, { trapExit: false });
      const down = ended(node, ref.pid);
      node.exit(parent, reason);
      assertStrictEquals(await down, reason === KILL ? KILLED : reason);
      assertEquals(log, []);
    }
  },
);

bothWays(
  "a server that traps exits ends in order with its parent, whatever the reason",
  async ({ node }) => {
    for (const reason of [BOOM, SHUTDOWN, KILL]) {
      const log: Term[] = [];
      const { parent, ref } = await child(node, log, { trapExit: true });
      const down = ended(node, ref.pid);
      node.exit(parent, reason);
      const expected = reason === KILL ? KILLED : reason;
      assertStrictEquals(await down, expected);
      assertEquals(log, [terminated(expected)]);
    }
  },
);

bothWays(
  "a parent that ends with normal takes along only a server that traps exits",
  async ({ node, platform }) => {
    const end = gate();
    const parent = node.spawn(() => end.promise);
    const [plain, trapping]: [Term[], Term[]] = [[], []];
    const one = await node.start(Ending, [plain], { link: parent });
    const two = await node.start(Ending, [trapping, () => {}, true], { link: parent });
    end.open();
    await platform.settle();
    assertEquals([node.isAlive(one.pid), plain], [true, []]);
    assertEquals([node.isAlive(two.pid), trapping], [false, [terminated(NORMAL)]]);
  },
);

bothWays(
  "another process's exit is a message for a server that traps exits",
  async ({ node, platform }) => {
    const log: Term[] = [];
    const { ref } = await child(node, log, { trapExit: true });
    const { pid: other } = await spawned(node, (self) => self.link(ref.pid));
    node.exit(other, BOOM);
    await platform.settle();
    assertEquals(log, [tuple(atom("EXIT"), other, BOOM) as unknown as Term]);
    assert(node.isAlive(ref.pid));
  },
);

bothWays(
  "the end waits for an asynchronous terminate; the name is free only then",
  async ({ node, platform }) => {
    const opened = gate();
    const log: Term[] = [];
    const ref = await node.start(Ending, [log, () => opened.promise], { register: "ending" });
    let reason: Term | undefined;
    ended(node, ref.pid).then((ended) => reason = ended);
    await ref.call("stop", SHUTDOWN);
    node.send(ref, 5); // not handled any more
    await platform.settle();
    assertEquals(log, [terminated(SHUTDOWN)]);
    assertStrictEquals(reason, undefined);
    assertStrictEquals(node.whereis("ending"), ref.pid);
    opened.open();
    await platform.settle();
    assertStrictEquals(reason, SHUTDOWN);
    assertStrictEquals(node.whereis("ending"), undefined);
    assertEquals(log, [terminated(SHUTDOWN)]);
  },
);

bothWays("terminate can still call and send", async ({ node, platform }) => {
  const counter = await node.start(Counter, []);
  const { pid, got } = collector(node);
  class Leaving extends GenServer {
    override readonly calls = { bye: () => this.stop() };
    override async terminate(): Promise<void> {
      this.send(pid, await this.call(counter, tuple(atom("add"), 1)));
    }
  }
  const leaving = await node.start(Leaving, []);
  const down = ended(node, leaving.pid);
  await leaving.call("bye");
  assertStrictEquals(await down, NORMAL);
  await platform.settle();
  assertEquals(got, [1]);
});

for (const late of [false, true]) {
  bothWays(`a terminate that ${late ? "rejects" : "throws"} gives the reason`, async (lone) => {
    const { node } = lone;
    const fail = (error: () => never): () => unknown =>
      late ? () => Promise.resolve().then(error) : error;
    const throwing = fail(() => {
      throw new RangeError("no end");
    });
    const ref = await node.start(Ending, [[], throwing]);
    const down = ended(node, ref.pid);
    await ref.call("stop", NORMAL);
    assertJsError(await down, "RangeError", "no end");
    assertStrictEquals(logs(lone).length, 1);
    const other = await node.start(Ending, [[], fail(() => exit(BOOM))]);
    const otherDown = ended(node, other.pid);
    await other.call("stop", NORMAL);
    assertStrictEquals(await otherDown, BOOM);
  });
}

bothWays("a server can be killed while its terminate waits", async ({ node, platform }) => {
  const opened = gate();
  const ref = await node.start(Ending, [[], () => opened.promise]);
  const down = ended(node, ref.pid);
  await ref.call("stop", SHUTDOWN);
  await platform.settle();
  assert(node.isAlive(ref.pid));
  node.exit(ref.pid, KILL);
  assertStrictEquals(await down, KILLED);
  opened.fail(new Error("too late to matter"));
  await platform.settle();
});

// An exit while a handler waits

bothWays("an exit while a handler waits takes effect at once", async ({ node, platform }) => {
  const opened = gate();
  const late: unknown[] = [];
  const other = collector(node);
  let signal!: AbortSignal;
  class Waiting extends GenServer {
    override readonly calls = {
      wait: async () => {
        signal = this.signal;
        await opened.promise;
        const attempts: (() => unknown)[] = [
          () => this.send(other.pid, "late"),
          () => this.cast(other.pid, "late"),
          () => this.call(other.pid, "late"),
          () => this.sleep(1),
          () => this.after(1, () => {}),
          () => this.monitor(other.pid),
          () => this.link(other.pid),
          () => this.exit(other.pid, KILL),
          () => this.register("late"),
          () => this.alias(),
        ];
        for (const attempt of attempts) late.push(await failureOf(attempt));
        return 5;
      },
    };
    override terminate(): void {
      late.push("terminated");
    }
  }
  const ref = await node.start(Waiting, [], { register: "waiting" });
  const linked = collector(node, (self) => {
    self.trapExit = true;
    self.link(ref.pid);
  });
  const alias = node._core.addAlias(node._core.process(ref.pid)!);
  const call = exitReason(ref.call("wait"));
  const behind = exitReason(ref.call("wait"));
  await platform.settle();
  assertStrictEquals(signal.aborted, false);
  const down = ended(node, ref.pid);

  node.exit(ref.pid, BOOM);
  assertStrictEquals(node.isAlive(ref.pid), false);
  assertStrictEquals(node.whereis("waiting"), undefined);
  assert(signal.aborted);
  assertInstanceOf(signal.reason, ProcessExitedError);
  assertStrictEquals(signal.reason.reason, BOOM);
  assertStrictEquals(await call, BOOM);
  assertStrictEquals(await behind, BOOM);
  assertStrictEquals(await down, BOOM);
  await platform.settle();
  assertEquals(linked.got, [tuple(atom("EXIT"), ref.pid, BOOM) as unknown as Term]);
  node.send(alias, 1);
  const successor = await node.start(Counter, [], { register: "waiting" });

  opened.open();
  await platform.settle();
  assertStrictEquals(late.length, 10);
  for (const error of late) {
    assertInstanceOf(error, ProcessExitedError);
    assertStrictEquals(error.reason, BOOM);
  }
  assertEquals(other.got, []);
  assert(node.isAlive(other.pid));
  assertStrictEquals(node.whereis("waiting"), successor.pid);
});

bothWays("a handler that fails after its process has ended disturbs nobody", async (lone) => {
  const { node, platform } = lone;
  const opened = gate();
  class Waiting extends GenServer {
    override readonly calls = { wait: () => opened.promise };
    override readonly casts = { wait: () => opened.promise };
  }
  const called = await node.start(Waiting, []);
  const cast = await node.start(Waiting, []);
  const call = exitReason(called.call("wait"));
  cast.cast("wait");
  await platform.settle();
  for (const { pid } of [called, cast]) node.exit(pid, SHUTDOWN);
  assertStrictEquals(await call, SHUTDOWN);
  opened.fail(new Error("too late"));
  await platform.settle();
  assertEquals(logs(lone), []);
});

nodeTest(
  "a call that a server waits for is not given up by its end, and its reply disturbs nobody",
  async ({ node, platform }) => {
    const opened = gate<number>();
    class Answering extends GenServer {
      override readonly calls = { get: () => opened.promise };
    }
    const answering = await node.start(Answering, []);
    const got: unknown[] = [];
    class Asking extends GenServer {
      override readonly casts = {
        ask: async () => {
          got.push(await answering.as(this).call("get"));
          this.send(this.pid, 1);
        },
      };
    }
    const asking = await node.start(Asking, []);
    asking.cast("ask");
    await platform.settle();
    node.exit(asking.pid, BOOM);
    opened.open(5);
    await platform.settle();
    assertEquals(got, [5]);
    assert(node.isAlive(answering.pid));
  },
);

// The node stops

nodeTest(
  "a node that stops ends its servers, the last first, and lets terminate run where exits are trapped",
  async ({ node, platform }) => {
    const log: Term[] = [];
    const one = await node.start(Ending, [log, () => void log.push(1), true]);
    await node.start(Ending, [log]);
    await node.start(Ending, [log, async () => {
      await Promise.resolve();
      log.push(node.isAlive(one.pid) ? 3 : "one was first");
    }, true]);
    const down: Term[] = [];
    node.monitor(one, ({ reason }) => down.push(reason));
    await node.stop();
    assertEquals(log, [terminated(SHUTDOWN), 3, terminated(SHUTDOWN), 1]);
    assertEquals(down, [SHUTDOWN]);
    assertStrictEquals(platform.pendingTimers, 0);
  },
);

nodeTest("a stopping node does not wait for ever", async ({ node, platform }) => {
  const ref = await node.start(Ending, [[], () => new Promise(() => {}), true]);
  await ref.call("stop", NORMAL);
  const call = exitReason(ref.with({ timeout: Infinity }).call("exit"));
  await platform.settle();
  let stopped = false;
  const stopping = node.stop().then(() => stopped = true);
  await platform.elapse(4_900);
  assertStrictEquals(stopped, false);
  await platform.elapse(200);
  await stopping;
  assertStrictEquals(await call, SHUTDOWN);
});

nodeTest("nothing can be done with a node that has stopped", async ({ node }) => {
  const counter = await node.start(Counter, []);
  await node.stop();
  assertInstanceOf(await failure(node.start(Counter, [])), NodeStoppedError);
  assertThrows(() => node.spawn(() => {}), NodeStoppedError);
  assertInstanceOf(await failure(counter.call("get")), NodeStoppedError);
  assertThrows(() => counter.cast("reset"), NodeStoppedError);
  assertThrows(() => counter.send(1), NodeStoppedError);
  assertInstanceOf(await failure(node.call("counter", 1)), NodeStoppedError);
  assertThrows(() => node.send("counter", 1), NodeStoppedError);
  assertThrows(() => node.monitor("counter", () => {}), NodeStoppedError);
  assertInstanceOf(await failure(node.sleep(1)), NodeStoppedError);
  assertInstanceOf(await failure(counter.stop()), NodeStoppedError);
  assertStrictEquals(node.isAlive(counter.pid), false);
});

nodeTest("processes that start while the node stops are refused", async ({ node }) => {
  let refused: unknown;
  class Spawning extends GenServer {
    override init(): void {
      this.trapExit = true;
    }
    override async terminate(): Promise<void> {
      refused = await failure(this.node.start(Counter, []));
    }
  }
  await node.start(Spawning, []);
  await node.stop();
  assertInstanceOf(refused, NodeStoppedError);
});

bothWays("monitors tell of a server that had ended before", async ({ node, platform }) => {
  const counter = await node.start(Counter, []);
  await counter.stop();
  const reasons: Term[] = [];
  counter.monitor(({ reason }) => reasons.push(reason));
  node.monitor("counter", ({ reason, object }) => {
    assert(isTuple(object));
    reasons.push(reason);
  });
  await platform.settle();
  assertEquals(reasons, [NOPROC, NOPROC]);
});
