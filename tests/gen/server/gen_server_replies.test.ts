// Replies that come later, from elsewhere, too late or never.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  atom,
  CallTimeoutError,
  type Encodable,
  ExitError,
  format,
  type From,
  GenServer,
  isTuple,
  later,
  NoProcessError,
  noReply,
  on,
  type Pid,
  Ref,
  type ServerRef,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { BOOM, ended, nodeTest, spawned } from "../../node/_nodes.ts";
import {
  assertJsError,
  assertRefused,
  bothWays,
  callByHand,
  Counter,
  exitReason,
  failure,
  type Gate,
  gate,
  term,
} from "../_servers.ts";

// Replies that come later

bothWays(
  "later replies when its promise settles, and the mailbox goes on meanwhile",
  async ({ node }) => {
    const gates: Gate<number>[] = [];
    class Slow extends GenServer {
      override readonly calls = {
        slow: () => {
          const made = gate<number>();
          gates.push(made);
          return later(made.promise);
        },
        slowLater: async () => await Promise.resolve(later(Promise.resolve(9))),
        count: () => gates.length,
      };
    }
    const slow = await node.start(Slow, []);
    const order: number[] = [];
    const first = slow.call("slow").then((n) => order.push(n));
    const second = slow.call("slow").then((n) => order.push(n));
    assertStrictEquals(await slow.call("count"), 2);
    assertStrictEquals(await slow.call("slowLater"), 9);
    gates[1].open(2);
    await second;
    gates[0].open(1);
    await first;
    assertEquals(order, [2, 1]);
  },
);

bothWays("a later that is rejected crashes the server", async ({ node }) => {
  const failing = gate<number>();
  class Slow extends GenServer {
    override readonly calls = { slow: () => later(failing.promise), count: () => 1 };
  }
  const slow = await node.start(Slow, []);
  const call = failure(slow.call("slow"));
  assertStrictEquals(await slow.call("count"), 1);
  const down = ended(node, slow.pid);
  failing.fail(new RangeError("too slow"));
  const error = await call;
  assertInstanceOf(error, ExitError);
  assertJsError(error.reason, "RangeError", "too slow");
  assertJsError(await down, "RangeError", "too slow");
});

bothWays("who waits for a later is told when the server ends before", async ({ node }) => {
  const never = gate<number>();
  class Slow extends GenServer {
    override readonly calls = { slow: () => later(never.promise), count: () => 1 };
  }
  const slow = await node.start(Slow, []);
  const reason = exitReason(slow.call("slow"));
  await slow.call("count");
  node.exit(slow.pid, BOOM);
  assertStrictEquals(await reason, BOOM);
  never.open(1); // too late, and nobody minds
});

bothWays("a server may keep from and answer when it likes, once", async ({ node }) => {
  class Gatekeeper extends GenServer {
    #waiting: From[] = [];
    override handleCall(request: Term, from: From): unknown {
      if (request !== atom("enter")) return super.handleCall(request, from);
      this.#waiting.push(from);
      return noReply;
    }
    override readonly calls = { waiting: () => this.#waiting.length };
    override readonly casts = {
      open: on(t.text, (word) => {
        for (const from of this.#waiting) {
          from.reply(word);
          from.reply("twice");
        }
      }),
      bar: () => {
        for (const from of this.#waiting) from.refuse(BOOM);
      },
    };
  }
  const keeper = await node.start(Gatekeeper, []);
  const calls = [node.call(keeper, atom("enter")), node.call(keeper, atom("enter"))];
  assertStrictEquals(await keeper.call("waiting"), 2);
  keeper.cast("open", "in");
  assertEquals((await Promise.all(calls)).map(String), ["in", "in"]);
  const refused = exitReason(node.call(keeper, atom("enter")));
  await keeper.call("waiting");
  keeper.cast("bar");
  assertStrictEquals(await refused, BOOM);
  await assertRefused(node.call(keeper, atom("exit")), [], "request exit/0");
});

bothWays("who waits for a kept from is told when the server ends", async ({ node }) => {
  class Forgetful extends GenServer {
    override handleCall(): unknown {
      return noReply;
    }
    override readonly calls = { stop: () => this.stop(BOOM) };
  }
  const forgetful = await node.start(Forgetful, []);
  const waiting = [1, 2, 3].map((n) => exitReason(node.call(forgetful, n)));
  assertStrictEquals(await forgetful.call("stop"), null);
  assertEquals(await Promise.all(waiting), [BOOM, BOOM, BOOM]);
});

bothWays(
  "from.term goes to another process, which answers in the server's place",
  async ({ node }) => {
    const worker = node.spawn(async (self) => {
      for await (const message of self) {
        const [from, n] = message as [never, number];
        node.reply(from, n * 2);
        node.reply(from, n * 3); // only the first counts
      }
    });
    class Front extends GenServer {
      override handleCall(request: Term, from: From): unknown {
        this.send(worker, tuple(from.term, request) as unknown as Encodable);
        return noReply;
      }
    }
    const front = await node.start(Front, []);
    assertEquals(await Promise.all([1, 2, 3].map((n) => node.call(front, n))), [2, 4, 6]);
    assertStrictEquals(node._core.aliasCount, 0);
  },
);

nodeTest(
  "a call as gen makes it by hand is answered by its tag, whatever that is",
  async ({ node }) => {
    const { pid } = await node.start(Counter, [4]);
    for (
      const tag of [atom("tag"), 7, [1, 2], tuple(1, 2) as unknown as Term, node._core.makeRef()]
    ) {
      assertEquals(await callByHand(node, pid, atom("get"), tag), tuple(tag, 4) as unknown as Term);
    }
  },
);

nodeTest(
  "what looks like a call or a cast but is none is a message",
  async ({ node, platform }) => {
    const got: Term[] = [];
    class Listener extends GenServer {
      override handleInfo(message: Term): void {
        got.push(message);
      }
    }
    const { pid } = await node.start(Listener, []);
    const [call, cast] = [atom("$gen_call"), atom("$gen_cast")];
    const messages = [
      term(call, 1, 2),
      term(call, tuple(pid), 2),
      term(call, tuple(atom("pid"), 1), 2),
      term(call, tuple(pid, 1)),
      term(call, tuple(pid, 1), 2, 3),
      term(cast),
      term(cast, 1, 2),
      tuple(),
      call,
      [cast, 1],
    ] as Encodable[];
    for (const message of messages) node.send(pid, message);
    await platform.settle();
    assertEquals(got, messages as Term[]);
  },
);

// Callers

bothWays("a handler sees who has called, while it runs", async ({ node, platform }) => {
  const seen: (Pid | null)[] = [];
  let server!: Seer;
  class Seer extends GenServer {
    override init(): void {
      server = this;
    }
    override readonly calls = {
      see: async () => {
        seen.push(this.caller);
        await Promise.resolve();
        seen.push(this.caller);
      },
    };
    override handleInfo(): void {
      seen.push(this.caller);
    }
  }
  const seer = await node.start(Seer, []);
  await seer.call("see");
  const { value: asked, pid } = await spawned(node, (self) => seer.as(self).call("see"));
  await asked;
  const { value: asked2, pid: pid2 } = await spawned(node, (self) => self.call(seer, atom("see")));
  await asked2;
  seer.send(1);
  await seer.call("see");
  assertEquals(seen.map((who) => who?.key), [
    node.pid.key,
    node.pid.key,
    pid.key,
    pid.key,
    pid2.key,
    pid2.key,
    undefined,
    node.pid.key,
    node.pid.key,
  ]);
  await platform.settle();
  assertStrictEquals(server.caller, null);
});

bothWays("a process that calls itself is told at once", async ({ node }) => {
  const told = async (call: Promise<unknown>): Promise<string> =>
    ((await failure(call)) as Error).message;
  class Selfish extends GenServer {
    override readonly calls = {
      byPid: () => told(this.call(this.pid, atom("get"))),
      byName: () => told(this.call("selfish", atom("get"))),
      byRef: (): Promise<string> => told(own.as(this).call("get")),
      stop: (): Promise<string> => told(own.as(this).stop()),
      get: () => 1,
    };
  }
  const own: ServerRef<Selfish> = await node.start(Selfish, [], { register: "selfish" });
  for (const name of ["byPid", "byName", "byRef"] as const) {
    const message = String(await own.call(name));
    assert(message.endsWith("a process that calls itself would wait for ever"), message);
  }
  assert(String(await own.call("stop")).endsWith("call this.stop() in it"));
  assertStrictEquals(await own.call("get"), 1);
});

bothWays("a call of a process that has ended says that there is none", async ({ node }) => {
  const counter = await node.start(Counter, []);
  node.exit(counter.pid, BOOM);
  const error = await failure(counter.call("get"));
  assertInstanceOf(error, NoProcessError);
  assertStrictEquals(error.reason, atom("noproc"));
  assert(error.message.startsWith("Cannot reach process "), error.message);
  assertInstanceOf(await failure(counter.stop()), NoProcessError);
  assertStrictEquals(node._core.aliasCount, 0);
});

bothWays(
  "a call of a name that nobody has says so, and what an Elixir module is called",
  async ({ node }) => {
    let error = await failure(node.call("counter", atom("get")));
    assertInstanceOf(error, NoProcessError);
    assertStrictEquals(error.message, "Cannot reach counter: no such process");
    assertStrictEquals(error.target, "counter");
    for (const target of ["Users", "My.App.Users"]) {
      error = await failure(node.call(target, atom("get")));
      assertInstanceOf(error, NoProcessError);
      assertStrictEquals(
        error.message,
        `Cannot reach ${target}: no such process; an Elixir module is registered as Elixir.${target}`,
      );
    }
    error = await failure(node.call("Elixir.Users", atom("get")));
    assertStrictEquals((error as Error).message, "Cannot reach Elixir.Users: no such process");
  },
);

nodeTest("an alias can be sent to, and not be called or monitored", async ({ node }) => {
  const { value: alias } = await spawned(node, (self) => self.alias());
  assertInstanceOf(alias, Ref);
  assertThrows(() => node.monitor(alias, () => {}), TypeError, "by its pid or name");
  const error = await failure(node.call(alias, atom("get")));
  assertInstanceOf(error, TypeError);
  assert(error.message.startsWith("Cannot call an alias: "), error.message);
});

// Time

class Slow extends GenServer {
  static gates: Gate<number>[] = [];
  override readonly calls = {
    slow: () => {
      const made = gate<number>();
      Slow.gates.push(made);
      return later(made.promise);
    },
    get: () => 1,
  };
}

bothWays("a call waits five seconds, unless it is told otherwise", async ({ node, platform }) => {
  const slow = await node.start(Slow, [], { register: "slow" });
  const waits: [Promise<unknown>, number, string][] = [
    [failure(slow.call("slow")), 5000, "process"],
    [failure(node.call("slow", atom("slow"))), 5000, "slow"],
    [failure(slow.with({ timeout: 300 }).call("slow")), 300, "process"],
    [failure(node.call("slow", atom("slow"), { timeout: 300 })), 300, "slow"],
    [failure(node.call("slow", atom("slow"), t.integer, { timeout: 300 })), 300, "slow"],
    [failure(slow.with({ timeout: 20_000 }).with({}).call("slow")), 20_000, "process"],
  ];
  await slow.call("get");
  for (const [, timeout] of waits) await platform.elapse(timeout + 40);
  for (const [wait, timeout, target] of waits) {
    const error = await wait;
    assertInstanceOf(error, CallTimeoutError);
    assertStrictEquals(error.timeout, timeout);
    assert(error.target.startsWith(target), error.target);
    assert(error.message.includes(`no reply within ${timeout} ms`), error.message);
    assertStrictEquals(error.exitReason, atom("timeout"));
  }
  assertStrictEquals(node._core.aliasCount, 0);
});

bothWays("no call ends before its time", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  let over = 0;
  for (const timeout of [100, 5000]) {
    failure(slow.with({ timeout }).call("slow")).then(() => over++);
  }
  await slow.call("get");
  await platform.elapse(99);
  assertStrictEquals(over, 0);
  await platform.elapse(1);
  assertStrictEquals(over, 1);
  await platform.elapse(4899);
  assertStrictEquals(over, 1);
  await platform.elapse(100);
  assertStrictEquals(over, 2);
});

bothWays("a reply that comes too late is dropped", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  const { value: late, pid } = await spawned(
    node,
    (self) => failure(slow.as(self).with({ timeout: 100 }).call("slow")),
  );
  await slow.call("get");
  await platform.elapse(100);
  assertInstanceOf(await late, CallTimeoutError);
  Slow.gates.at(-1)!.open(7);
  await platform.settle();
  assertStrictEquals(node._core.process(pid)!.queued, 0);
  assertStrictEquals(await slow.call("get"), 1);
});

nodeTest("a request whose caller waits no longer is not handled", async ({ node, platform }) => {
  const block = gate();
  const handled: number[] = [];
  class Busy extends GenServer {
    override readonly calls = {
      block: () => block.promise,
      step: on(t.integer, (i) => void handled.push(i)),
    };
  }
  const busy = await node.start(Busy, []);
  const blocked = busy.with({ timeout: Infinity }).call("block");
  const late = failure(busy.with({ timeout: 100 }).call("step", 1));
  await platform.elapse(100);
  assertInstanceOf(await late, CallTimeoutError);
  block.open();
  await blocked;
  await busy.call("step", 2);
  assertEquals(handled, [2]);
});

bothWays("a call without a limit waits for ever", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  let reply: number | null = null;
  const wait = slow.with({ timeout: Infinity }).call("slow").then((n) => reply = n);
  await slow.call("get");
  await platform.elapse(10_000_000);
  assertStrictEquals(reply, null);
  Slow.gates.at(-1)!.open(3);
  await wait;
  assertStrictEquals(reply, 3);
});

bothWays(
  "a call with no time at all does not wait for what is not there at once",
  async ({ node, platform }) => {
    const slow = await node.start(Slow, []);
    const wait = failure(slow.with({ timeout: 0 }).call("slow"));
    await platform.elapse(1);
    const error = await wait;
    assertInstanceOf(error, CallTimeoutError);
    assertStrictEquals(error.timeout, 0);
  },
);

bothWays("a timeout that is none is refused, as a rejection", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  for (const timeout of [-1, NaN, -Infinity, "5" as never]) {
    const error = await failure(slow.with({ timeout }).call("slow"));
    assertInstanceOf(error, RangeError, String(timeout));
  }
  await platform.settle();
  assertStrictEquals(await slow.call("get"), 1);
});

bothWays("a signal gives a call up, before it or while it waits", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  const reason = new Error("no longer needed");
  const count = Slow.gates.length;
  const aborted = AbortSignal.abort(reason);
  assertStrictEquals(await failure(slow.with({ signal: aborted }).call("slow")), reason);
  assertStrictEquals(await failure(node.call(slow, atom("slow"), { signal: aborted })), reason);
  assertStrictEquals(await slow.call("get"), 1);
  assertStrictEquals(Slow.gates.length, count); // it was not even sent
  const abort = new AbortController();
  const wait = failure(slow.with({ signal: abort.signal }).call("slow"));
  await slow.call("get");
  assertStrictEquals(Slow.gates.length, count + 1);
  abort.abort(reason);
  assertStrictEquals(await wait, reason);
  Slow.gates.at(-1)!.open(1);
  await platform.settle();
  assertStrictEquals(await slow.with({ signal: new AbortController().signal }).call("get"), 1);
});

// Replies that are no terms

class Bad extends GenServer {
  #kept: From | null = null;
  override readonly calls = {
    plain: () => ({ user: 1 }),
    deep: () => tuple(atom("ok"), [1, { user: 1 }]),
    soon: async () => await Promise.resolve([new Date(0)]),
    later: () => later(Promise.resolve(() => {})),
    text: () => "ok",
    answer: () => this.#kept!.reply(tuple(1, { a: 1 }) as never),
  };
  override handleCall(request: Term, from: From): unknown {
    if (request !== atom("keep")) return new Set([1]);
    this.#kept = from;
    return noReply;
  }
}

nodeTest(
  "a reply that is no term ends the call with what to do, and the server lives on",
  async (lone) => {
    const { node } = lone;
    const bad = await node.start(Bad, [], { register: "bad" });
    const replies: [name: string, handler: string, words: string][] = [
      ["plain", "plain", "Cannot encode value: a plain object does not say what its keys are"],
      ["deep", "deep", "Cannot encode value at [1][1]: a plain object"],
      ["soon", "soon", "Cannot encode value at [0]: a Date has no single form"],
      ["later", "later", "Cannot encode value: a function cannot be sent"],
      ["other", "handleCall", "Cannot encode value: a Set is no term; use [...set]"],
    ];
    for (const [name, handler, words] of replies) {
      const reason = await exitReason(node.call(bad, atom(name)));
      assert(isTuple(reason), format(reason));
      assertEquals([reason[0], reason[1]], [atom("bad_reply"), atom(handler)]);
      const message = `Cannot send the reply of ${handler}: ${words}`;
      assert(String(reason[2]).startsWith(message), String(reason[2]));
      const [line] = lone.platform.logs.splice(0);
      assertStrictEquals(line.level, "error");
      assert(line.message.startsWith(`Bad bad: ${message}`), line.message);
    }
    assertEquals(String(await bad.call("text")), "ok");
    assertEquals(lone.platform.logs, []);
    assertStrictEquals(node._core.aliasCount, 0);
  },
  { copyMessages: true },
);

nodeTest("a caller of this node gets any value, by reference", async ({ node }) => {
  const bad = await node.start(Bad, []);
  assertEquals(await bad.call("plain"), { user: 1 });
  assertEquals(await bad.call("soon"), [new Date(0)]);
});

nodeTest(
  "a kept caller that is answered with no term is an error where it is answered",
  async ({ node }) => {
    const bad = await node.start(Bad, []);
    const waiting = exitReason(node.call(bad, atom("keep")));
    const reason = await exitReason(bad.call("answer"));
    assertStrictEquals(String((reason as Term[][])[0][1]), "EncodeError");
    const message = String((reason as Term[][])[0][2]);
    assert(message.startsWith("Cannot encode value at [1]: a plain object"), message);
    assertEquals(await waiting, reason);
  },
  { copyMessages: true },
);
