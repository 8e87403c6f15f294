// All the ways in which a server ends.
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
  GenServer,
  isTuple,
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
