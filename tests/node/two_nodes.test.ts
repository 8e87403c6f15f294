import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type Atom,
  atom,
  type CallOptions,
  CallTimeoutError,
  type Encodable,
  EncodeError,
  exit,
  ExitError,
  format,
  type From,
  GenServer,
  isTuple,
  later,
  type Node,
  NodeDownError,
  NoProcessError,
  noReply,
  on,
  type Pid,
  RpcError,
  startNode,
  t,
  type Target,
  type Term,
  TermMap,
  type Transport,
  tuple,
  withSelf,
} from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import {
  assertRefused,
  Counter,
  exitReason,
  failure,
  failureOf,
  gate,
  term,
} from "../gen/_servers.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { BOOM, forever, idler, KILL, KILLED, NOPROC, NORMAL, SHUTDOWN } from "./_nodes.ts";
import { clusterTest, eventsOf, type Inbox, inbox, settle, until } from "./_cluster.ts";

const NOCONNECTION = atom("noconnection");
const [EXIT, DOWN, PROCESS] = [atom("EXIT"), atom("DOWN"), atom("process")];

function named(name: string, node: Node): { readonly name: string; readonly node: string } {
  return { name, node: node.name };
}

/** Replies what it is asked, at once or later. */
class Echo extends GenServer {
  override readonly calls = {
    echo: on(t.term, (value) => value),
    caller: () => this.caller,
    never: () => later(new Promise(() => {})),
    stop: on(t.term, (reason) => this.stop(reason as Atom)),
    exit: on(t.term, (reason): null => exit(reason as Atom)),
  };
  override handleCall(request: Term, from: From): unknown {
    // {answer_for, Pid}: another process answers in our place
    if (!isTuple(request) || request.tag !== "answer_for") return super.handleCall(request, from);
    this.send(request[1] as Pid, from.term as unknown as Encodable);
    return noReply;
  }
}

// Messages and calls

for (const target of ["a pid", "a name"]) {
  clusterTest(`a server of another node is called by ${target}, from anywhere`, async (a, b) => {
    const echo = await b.start(Echo, [], { register: "echo" });
    const to: Target = target === "a pid" ? echo.pid : named("echo", b);
    for (
      const value of [1, atom("x"), 2.5, null, [1, [2]], tuple(1, 2), 2n ** 80n] as Encodable[]
    ) {
      assertEquals(await a.call(to, term(atom("echo"), value)), value as Term);
    }
    const caller = await a.call(to, atom("caller"));
    assert(a.pid.equals(caller));
    const mine = await inbox(a, async (self) => {
      self.send(self.pid, await self.call(to, atom("caller")));
    });
    assert(mine.pid.equals(await mine.next()));
  });
}

clusterTest("messages and casts reach a pid, a name, and an alias", async (a, b) => {
  let alias!: Target;
  const there = await inbox(b, (self) => void (alias = self.alias()), "there");
  const targets: Target[] = [
    there.pid,
    named("there", b),
    tuple(atom("there"), atom(b.name)) as Target,
    alias,
  ];
  for (const [i, target] of targets.entries()) a.send(target, i);
  assertEquals(await there.take(4), [0, 1, 2, 3]);
  for (const [i, target] of targets.entries()) a.cast(target, i);
  assertEquals(
    await there.take(4),
    [0, 1, 2, 3].map((i) => tuple(atom("$gen_cast"), i)) as unknown as Term[],
  );
});

clusterTest("an alias that was taken back leads nowhere", async (a, b) => {
  let taken!: Target;
  const there = await inbox(b, (self) => {
    const alias = self.alias();
    taken = alias;
    assert(self.unalias(alias));
    assertStrictEquals(self.unalias(alias), false);
  });
  a.send(taken, 1);
  a.send(there.pid, 2);
  assertStrictEquals(await there.next(), 2);
});

clusterTest("what is sent to nobody is dropped without a word", async (a, b, { logs }) => {
  const there = await inbox(b);
  const dead = idler(b);
  b.exit(dead, KILL);
  a.send(dead, 1);
  a.send(named("nobody", b), 1);
  a.cast(named("nobody", b), 1);
  a.exit(dead, KILL);
  a.send(there.pid, 2);
  assertStrictEquals(await there.next(), 2);
  assertEquals(logs, []);
});

clusterTest("a message is a copy: what changes later does not count", async (a, b) => {
  const there = await inbox(b);
  const bytes = new Uint8Array([1, 2, 3]);
  const list: Encodable[] = [1, bytes];
  const map = new Map<Encodable, Encodable>([[atom("a"), 1]]);
  const change = (): void => {
    list.push(2);
    bytes.fill(0);
    map.set(atom("b"), 2);
  };
  for (const connected of [false, true]) {
    assertStrictEquals(a.nodes().length > 0, connected);
    [list.length, bytes[0], bytes[1], bytes[2]] = [2, 1, 2, 3];
    map.delete(atom("b"));
    a.send(there.pid, list);
    a.send(there.pid, map);
    a.cast(there.pid, list);
    a.exit(there.pid, NORMAL); // ignored, but on its way too
    change();
    const [first, second, third] = await there.take(3);
    assertEquals([(first as Term[]).length, [...((first as Term[])[1] as Uint8Array)]], [2, [
      1,
      2,
      3,
    ]]);
    assert((second as TermMap).get(atom("a")) === 1 && (second as TermMap).size === 1);
    assertStrictEquals(((third as Term[])[1] as Term[]).length, 2);
  }
});

clusterTest("the first message connects, and what follows keeps its order", async (a, b) => {
  const there = await inbox(b, (self) => void (self.trapExit = true), "there");
  const here = await inbox(a, (self) => void (self.trapExit = true));
  const process = a._core.process(here.pid)!;
  assertEquals(a.nodes(), []);
  // All of it before the connection is up.
  for (let i = 0; i < 1000; i++) {
    a._core.send(process, i % 2 === 0 ? there.pid : named("there", b), i);
  }
  a._core.link(process, there.pid);
  a._core.exit(process, there.pid, BOOM);
  a._core.unlink(process, there.pid);
  a._core.send(process, there.pid, "end");
  const got = await there.take(1002);
  assertEquals(got.slice(0, 1000), Array.from({ length: 1000 }, (_, i) => i));
  assertEquals(got[1000], tuple(EXIT, here.pid, BOOM) as unknown as Term);
  assertStrictEquals(String(got[1001]), "end");
  assertEquals([a.nodes(), b.nodes()], [[b.name], [a.name]]);
});

clusterTest(
  "what is sent while the connection comes up does not overtake what waits",
  async (a, b) => {
    const there = await inbox(b);
    let sent = 0;
    while (a.nodes().length === 0 || sent % 100 !== 0) {
      a.send(there.pid, sent++);
      if (sent % 3 === 0) await macrotask();
    }
    for (let i = 0; i < 100; i++) a.send(there.pid, sent++);
    assertEquals(await there.take(sent), Array.from({ length: sent }, (_, i) => i));
  },
);

clusterTest("calls and casts of one process keep their order on the way", async (a, b) => {
  const counter = await b.start(Counter, []);
  const replies: Promise<Term>[] = [];
  for (let i = 0; i < 200; i++) {
    a.cast(counter.pid, tuple(atom("add"), 2));
    replies.push(a.call(counter.pid, tuple(atom("add"), -1)));
  }
  assertEquals(await Promise.all(replies), Array.from({ length: 200 }, (_, i) => i + 1));
});

clusterTest(
  "what cannot be encoded is an error of who sends it, also before there is a connection",
  async (a, b) => {
    const echo = await b.start(Echo, [], { register: "echo" });
    const there = await inbox(b);
    const bad = [
      { plain: 1 },
      [undefined],
      NaN,
      () => {},
      new Map([[atom("a"), { deep: 1 }]]),
    ] as unknown as Encodable[];
    for (const connected of [false, true]) {
      assertStrictEquals(a.nodes().length > 0, connected);
      for (const value of bad) {
        assertThrows(() => a.send(there.pid, value), EncodeError);
        assertThrows(() => a.cast(named("echo", b), value), EncodeError);
        assertThrows(() => a.exit(there.pid, value as Atom), EncodeError);
        if (!connected) continue; // a call connects by its monitor
        assertInstanceOf(await failure(a.call(echo.pid, value)), EncodeError);
        assertInstanceOf(await failure(a.rpc(b.name, "m", "f", [value])), EncodeError);
      }
      if (!connected) assertInstanceOf(await failure(a.call(echo.pid, bad[0])), EncodeError);
      assertStrictEquals(await a.call(echo.pid, tuple(atom("echo"), 1)), 1);
    }
    assertEquals([a._core.aliasCount, a._core.process(a.pid)!.links], [0, []]);
    a.send(there.pid, "fine");
    assertStrictEquals(String(await there.next()), "fine");
  },
);

clusterTest(
  "a message beyond the limit is an error of who sends it, and nothing else suffers",
  async (a, b) => {
    const there = await inbox(b);
    await a.connect(b.name);
    assertThrows(() => a.send(there.pid, new Uint8Array(20_000)), EncodeError);
    a.send(there.pid, new Uint8Array(5_000));
    assertStrictEquals((await there.next() as Uint8Array).length, 5_000);
  },
  { node: { maxMessage: 10_000 } },
);

clusterTest("a process gets its terms as it asked for them", async (a, b) => {
  const got: unknown[] = [];
  const seen = gate();
  const pid = b.spawn(async (self) => {
    for (let i = 0; i < 2; i++) got.push(await self.receive());
    seen.open();
  }, { terms: { binaries: "text", objects: "atoms" }, register: "texts" });
  const plain = await inbox(b);
  const message = ["text", new Map([[atom("key"), "value"]])];
  a.send(pid, message);
  a.send(named("texts", b), message);
  a.send(plain.pid, message);
  await seen.promise;
  assertEquals(got, [["text", { key: "value" }], ["text", { key: "value" }]]);
  const [text, map] = await plain.next() as [Term, Term];
  assert(text instanceof Uint8Array && map instanceof TermMap);
});

clusterTest("calls of another node are refused as those of one's own", async (a, b) => {
  const counter = await b.start(Counter, [], { register: "counter" });
  await assertRefused(a.call(counter.pid, term(atom("add"), atom("x"))), [0], "integer is needed");
  await assertRefused(a.call(named("counter", b), atom("nothing")), [], "request nothing/0");
  await assertRefused(a.call(counter.pid, atom("__proto__")), [], "request __proto__/0");
  await assertRefused(a.call(counter.pid, 5), [], "an atom, or a tuple");
  assertStrictEquals(await a.call(counter.pid, atom("get")), 0);
  assertStrictEquals(a._core.aliasCount, 0);
});

clusterTest("a call of nobody says so", async (a, b) => {
  const dead = idler(b);
  b.exit(dead, KILL);
  for (const target of [dead, named("nobody", b)]) {
    const error = await failure(a.call(target, 1));
    assertInstanceOf(error, NoProcessError);
    assert(error.message.includes("on b@localhost: no such process"), error.message);
  }
  const error = await failure(a.call(named("Users", b), 1));
  assert((error as Error).message.endsWith("registered as Elixir.Users"), String(error));
});

clusterTest("a caller is told how the server ended", async (a, b) => {
  for (const reason of [BOOM, NORMAL, SHUTDOWN, term(SHUTDOWN, [1, 2]) as Term]) {
    const echo = await b.start(Echo, []);
    const waiting = exitReason(a.call(echo.pid, atom("never")));
    assertEquals(await exitReason(a.call(echo.pid, term(atom("exit"), reason))), reason);
    assertEquals(await waiting, reason);
  }
});

clusterTest(
  "a call that is not answered in time ends, and a late reply is dropped",
  async (a, b) => {
    const opened = gate<number>();
    const asked = gate();
    class Slow extends GenServer {
      override readonly calls = {
        slow: () => {
          asked.open();
          return later(opened.promise);
        },
        get: () => 1,
      };
    }
    const slow = await b.start(Slow, []);
    const abort = new AbortController();
    const given = failure(a.call(slow.pid, atom("slow"), { signal: abort.signal }));
    await asked.promise;
    const late = await failure(a.call(slow.pid, atom("slow"), { timeout: 1 }));
    assertInstanceOf(late, CallTimeoutError);
    abort.abort(BOOM);
    assertStrictEquals(await given, BOOM);
    opened.open(5);
    assertStrictEquals(await a.call(slow.pid, atom("get")), 1);
    assertStrictEquals(a._core.aliasCount, 0);
  },
);

// Monitors

clusterTest(
  "a monitor tells the reason with which a process of another node ends",
  async (a, b) => {
    const reasons = [
      BOOM,
      NORMAL,
      SHUTDOWN,
      5,
      [1, 2],
      term(SHUTDOWN, atom("x")) as Term,
      1.5,
      null,
    ];
    for (const [watching, watched] of [[a, b], [b, a]]) {
      for (const reason of reasons) {
        const pid = watched.spawn(async (self) => exit(await self.receive() as Atom), {
          register: "watched",
        });
        const here = await inbox(watching, (self) => {
          self.monitor(pid);
          self.monitor(named("watched", watched));
          self.monitor(pid, (down) => self.send(self.pid, down.reason));
        });
        watching.send(pid, reason);
        const [byPid, byName, byHandler] = await here.take(3) as Term[][];
        assertEquals([byPid[0], byPid[2], byPid[3], byPid[4]], [DOWN, PROCESS, pid, reason]);
        assertEquals(byName[3], tuple(atom("watched"), atom(watched.name)) as unknown as Term);
        assertEquals(byName[4], reason);
        assertEquals(byHandler as Term, reason);
      }
    }
  },
);

clusterTest("a monitor on nobody fires with noproc", async (a, b) => {
  const dead = idler(b);
  b.exit(dead, KILL);
  for (const target of [dead, named("nobody", b)]) {
    const here = await inbox(a, (self) => void self.monitor(target));
    assertStrictEquals((await here.next() as Term[])[4], NOPROC);
  }
});

clusterTest("a monitor that was taken back does not fire", async (a, b) => {
  const pid = idler(b);
  const reasons: Term[] = [];
  const taken = a.monitor(pid, ({ reason }) => reasons.push(reason));
  const early = a.monitor(pid, ({ reason }) => reasons.push(reason));
  early[Symbol.dispose](); // before the connection is up
  const kept = gate<Term>();
  a.monitor(pid, ({ reason }) => kept.open(reason));
  await a.ping(b.name);
  taken[Symbol.dispose]();
  taken[Symbol.dispose]();
  a.exit(pid, BOOM);
  assertStrictEquals(await kept.promise, BOOM);
  await settle();
  assertEquals(reasons, []);
});

clusterTest("monitors whose watcher ends are taken back there", async (a, b) => {
  const pid = idler(b);
  let watched = 0;
  const process = b._core.process(pid)!;
  const [add, remove] = [process.addWatcher.bind(process), process.removeWatcher.bind(process)];
  process.addWatcher = (watcher) => {
    watched++;
    add(watcher);
  };
  process.removeWatcher = (watcher) => {
    watched--;
    remove(watcher);
  };
  const watchers = Array.from({ length: 10 }, () =>
    a.spawn(async (self) => {
      self.monitor(pid);
      await forever(self);
    }));
  await settle();
  assert(await a.ping(b.name)); // behind the monitors
  assertStrictEquals(watched, 10);
  for (const watcher of watchers) a.exit(watcher, KILL);
  assert(await a.ping(b.name));
  assertStrictEquals(watched, 0);
});

// Links and exits

clusterTest("a link tells the other end how a process ended, both ways", async (a, b) => {
  const reasons = [BOOM, NORMAL, SHUTDOWN, 5, term(1, [2]) as Term, null];
  for (const [linking, linked] of [[a, b], [b, a]]) {
    for (const ends of [linking, linked]) {
      for (const reason of reasons) {
        const first = await inbox(linking, (self) => void (self.trapExit = true));
        const second = await inbox(linked, (self) => void (self.trapExit = true));
        linking._core.link(linking._core.process(first.pid)!, second.pid);
        assert(await linking.ping(linked.name)); // the link has arrived
        const [{ pid: ending }, other] = ends === linking ? [first, second] : [second, first];
        const process = ends._core.process(ending)!;
        process.exit(reason);
        assertEquals(await other.next(), tuple(EXIT, ending, reason) as unknown as Term);
      }
    }
  }
});

clusterTest(
  "a link ends a process that does not trap exits, unless the reason is normal",
  async (a, b) => {
    for (const reason of [BOOM, KILL, NORMAL]) {
      const remote = idler(b);
      const down = gate<Term>();
      const local = a.spawn(async (self) => {
        self.link(remote);
        await forever(self);
      });
      a.monitor(local, (ended) => down.open(ended.reason));
      assert(await a.ping(b.name));
      b._core.process(remote)!.exit(reason);
      assert(await a.ping(b.name));
      if (reason === NORMAL) assert(a.isAlive(local));
      else assertStrictEquals(await down.promise, reason); // kill by a link is a reason as any other
    }
  },
);

clusterTest("a link to nobody is an exit signal noproc", async (a, b) => {
  const dead = idler(b);
  b.exit(dead, KILL);
  const here = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(dead);
  });
  assertEquals(await here.next(), tuple(EXIT, dead, NOPROC) as unknown as Term);
});

clusterTest("after unlink no exit signal of the link comes", async (a, b) => {
  const remote = idler(b);
  const here = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(remote);
    self.link(remote);
    self.unlink(remote);
    self.unlink(remote);
  });
  assert(await a.ping(b.name));
  b.exit(remote, BOOM);
  const again = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(remote);
  });
  assertEquals((await again.next() as Term[])[2], NOPROC); // behind whatever the first link could have sent
  a.send(here.pid, "nothing came");
  assertStrictEquals(String(await here.next()), "nothing came");
});

clusterTest("an unlink from one end holds for the other end too", async (a, b) => {
  const remote = await inbox(b, (self) => void (self.trapExit = true));
  const local = idler(a);
  const process = a._core.process(local)!;
  a._core.link(process, remote.pid);
  assert(await a.ping(b.name));
  b._core.unlink(b._core.process(remote.pid)!, local);
  assert(await b.ping(a.name));
  assertEquals(process.links, []);
  a.exit(local, BOOM);
  assert(await a.ping(b.name));
  b.send(remote.pid, "nothing came");
  assertStrictEquals(String(await remote.next()), "nothing came");
});

clusterTest("exit/2 does on another node what it does here", async (a, b) => {
  const down = (pid: Pid): Promise<Term> =>
    new Promise((resolve) => void b.monitor(pid, (end) => resolve(end.reason)));
  for (const [reason, expected] of [[BOOM, BOOM], [KILL, KILLED], [5, 5]] as const) {
    const pid = idler(b);
    const ended = down(pid);
    a.exit(pid, reason);
    assertStrictEquals(await ended, expected);
  }
  const trapping = await inbox(b, (self) => void (self.trapExit = true));
  a.exit(trapping.pid, BOOM);
  a.exit(trapping.pid, NORMAL);
  assertEquals(
    await trapping.take(2),
    [tuple(EXIT, a.pid, BOOM), tuple(EXIT, a.pid, NORMAL)] as unknown as Term[],
  );
  const ended = down(trapping.pid);
  a.exit(trapping.pid, KILL);
  assertStrictEquals(await ended, KILLED);
  const deaf = await inbox(b);
  a.exit(deaf.pid, NORMAL);
  a.send(deaf.pid, 1);
  assertStrictEquals(await deaf.next(), 1);
});

// Functions on another node

clusterTest("rpc gives a function's value", async (a, b) => {
  b.provide("demo", {
    sum: on(t.integer, t.integer, (x, y) => x + y),
    pair: (x, y) => tuple(x, y) as unknown as Term,
    nothing: () => {},
    slow: async () => await Promise.resolve([1, 2]),
    own: withSelf((self, x) => tuple(self.pid.node, x) as unknown as Term),
  });
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [1, 2]), 3);
  assertEquals(await a.rpc(b.name, "demo", "pair", [1, [2]]), tuple(1, [2]) as unknown as Term);
  assertStrictEquals(await a.rpc(b.name, "demo", "nothing"), null);
  assertEquals(await a.rpc(b.name, "demo", "slow"), [1, 2]);
  assertEquals((await a.rpc(b.name, "demo", "own", [5]) as Term[])[1], 5);
});

clusterTest("rpc tells how a function failed", async (a, b) => {
  b.provide("demo", {
    exit: (reason) => exit(reason as Atom),
    throw: () => {
      throw new RangeError("no");
    },
    strict: on(t.integer, (n) => n),
    call: async () => await b.call("nobody", 1),
  });
  const exited = await failure(a.rpc(b.name, "demo", "exit", [term(BOOM, 1)]));
  assertInstanceOf(exited, ExitError);
  assertEquals(exited.reason, term(BOOM, 1) as Term);
  const thrown = await failure(a.rpc(b.name, "demo", "throw"));
  assertInstanceOf(thrown, RpcError);
  assertStrictEquals(thrown.class, "error");
  const [kind, name, message] = thrown.reason as Term[];
  assertEquals([kind, String(name), String(message)], [atom("js_error"), "RangeError", "no"]);
  const strict = await failure(a.rpc(b.name, "demo", "strict", ["x"]));
  assertInstanceOf(strict, RpcError);
  assertStrictEquals(String((strict.reason as Term[])[1]), "SchemaError");
  assertEquals(
    format(await exitReason(a.rpc(b.name, "demo", "call"))),
    "{noproc,{gen_server,call,[nobody,1]}}",
  );
});

clusterTest("what was not provided is undefined, and what is revoked again", async (a, b) => {
  const undef = async (name: string, args: Term[]): Promise<void> => {
    const error = await failure(a.rpc(b.name, "demo", name, args));
    assertInstanceOf(error, RpcError);
    assertStrictEquals(error.reason, atom("undef"));
    assertEquals(
      error.stacktrace,
      [tuple(atom("demo"), atom(name), args, [])] as unknown as Term[],
    );
  };
  await undef("sum", [1, 2]);
  const functions = b.provide("demo", {
    sum: on(t.integer, t.integer, (x, y) => x + y),
    id: (x) => x,
  });
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [1, 2]), 3);
  for (const name of ["sum", "id", "toString", "constructor", "__proto__"]) {
    await undef(name, [1, 2, 3]);
  }
  await undef("toString", []);
  const more = b.provide("demo", { sum: on(t.integer, t.integer, (x, y) => x * y) });
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [3, 4]), 12);
  functions[Symbol.dispose](); // what has taken its place stays
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [3, 4]), 12);
  await undef("id", [1]);
  more[Symbol.dispose]();
  more[Symbol.dispose]();
  await undef("sum", [1, 2]);
});

clusterTest("an rpc that is not answered in time ends", async (a, b) => {
  let runs = 0;
  const never = (): Promise<void> => {
    runs++;
    return new Promise(() => {});
  };
  b.provide("demo", { never });
  const rpc = (options: CallOptions): Promise<unknown> =>
    failure(a.rpc(b.name, "demo", "never", [], options));
  assertInstanceOf(await rpc({ timeout: 1 }), CallTimeoutError);
  const abort = new AbortController();
  const waiting = rpc({ signal: abort.signal, timeout: Infinity });
  assert(await a.ping(b.name));
  await settle();
  abort.abort(BOOM);
  assertStrictEquals(await waiting, BOOM);
  assertStrictEquals(runs, 2);
  assertStrictEquals(await rpc({ signal: abort.signal }), BOOM);
  const spawning = failure(a.spawnRemote(b.name, "demo", "never", [], { signal: abort.signal }));
  assertStrictEquals(await spawning, BOOM);
  assert(await a.ping(b.name));
  await settle();
  assertStrictEquals(runs, 2); // it was not even asked
});

clusterTest("a process is spawned on another node, and is one as any other", async (a, b) => {
  b.provide("demo", {
    loop: withSelf(async (self, to) => {
      for await (const message of self) {
        self.send(to as Pid, tuple(self.pid, message) as unknown as Term);
      }
    }),
    crash: () => exit(BOOM),
  });
  const here = await inbox(a);
  const pid = await a.spawnRemote(b.name, "demo", "loop", [here.pid]);
  assertStrictEquals(pid.node, b.name);
  assert(b.isAlive(pid));
  a.send(pid, 5);
  assertEquals(await here.next(), tuple(pid, 5) as unknown as Term);
  const down = gate<Term>();
  a.monitor(pid, ({ reason }) => down.open(reason));
  a.exit(pid, BOOM);
  assertStrictEquals(await down.promise, BOOM);
});

clusterTest("a process that is spawned with a link tells of its end", async (a, b) => {
  b.provide("demo", { loop: withSelf(forever), crash: () => exit(BOOM) });
  const here = await inbox(a, (self) => void (self.trapExit = true));
  const crashed = await a.spawnRemote(b.name, "demo", "crash", [], { link: here.pid });
  assertEquals(await here.next(), tuple(EXIT, crashed, BOOM) as unknown as Term);
  const missing = await a.spawnRemote(b.name, "demo", "nothing", [1], { link: here.pid });
  const [, from, reason] = await here.next() as Term[];
  assert(missing.equals(from));
  assertEquals(reason, term(atom("undef"), [term(atom("demo"), atom("nothing"), [1], [])]) as Term);
  const linked = await a.spawnRemote(b.name, "demo", "loop", [], { link: here.pid });
  const down = gate<Term>();
  b.monitor(linked, (end) => down.open(end.reason));
  a.exit(here.pid, KILL);
  assertStrictEquals(await down.promise, KILLED);
});

// Connections

clusterTest("a connection is known on both ends, as hidden", async (a, b) => {
  const [atA, atB] = [eventsOf(a), eventsOf(b)];
  await a.connect(b.name);
  await a.connect(b.name);
  await a.connect(a.name);
  assertEquals(await atA(), { type: "nodeup", node: b.name, hidden: true });
  assertEquals(await atB(), { type: "nodeup", node: a.name, hidden: true });
  assertEquals([a.nodes(), a.nodes("hidden"), a.nodes("visible")], [[b.name], [b.name], []]);
  assertEquals(b.nodes(), [a.name]);
  assert(await a.ping(b.name) && await b.ping(a.name) && await a.ping(a.name));
  assertEquals(a.nodes(), [b.name]);
});

clusterTest(
  "a disconnect ends links and monitors across it with noconnection, on both ends",
  async (a, b) => {
    const [atA, atB] = [eventsOf(a), eventsOf(b)];
    const ends: Inbox[] = [];
    for (const [one, other] of [[a, b], [b, a]]) {
      const remote = idler(other);
      const watcher = await inbox(one, (self) => {
        self.trapExit = true;
        self.monitor(remote);
        self.link(remote);
      });
      assert(await one.ping(other.name));
      ends.push(watcher);
    }
    assertEquals([a.disconnect(b.name), a.disconnect("nobody@localhost")], [true, false]);
    for (const watcher of ends) {
      const got = await watcher.take(2) as Term[][];
      assertEquals(got.map((message) => [message[0], message.at(-1)]), [[DOWN, NOCONNECTION], [
        EXIT,
        NOCONNECTION,
      ]]);
    }
    assertEquals(await until(atA, "nodedown"), {
      type: "nodedown",
      node: b.name,
      reason: "disconnected",
      error: undefined,
    });
    assertEquals(await until(atB, "nodedown"), {
      type: "nodedown",
      node: a.name,
      reason: "closed",
      error: undefined,
    });
    assertEquals([a.nodes(), b.nodes()], [[], []]);
    assertStrictEquals(a.disconnect(b.name), false);
  },
);

clusterTest(
  "a remote process that is linked by what does not trap ends with the connection",
  async (a, b) => {
    const remote = idler(b);
    const local = a.spawn(async (self) => {
      self.link(remote);
      await forever(self);
    });
    const down = [a, b].map((node, i) =>
      new Promise<Term>((resolve) =>
        void node.monitor([local, remote][i], ({ reason }) => resolve(reason))
      )
    );
    assert(await a.ping(b.name));
    a.disconnect(b.name);
    assertEquals(await Promise.all(down), [NOCONNECTION, NOCONNECTION]);
  },
);

clusterTest(
  "who waits is told when the connection is lost, and the next message connects again",
  async (a, b, { reset }) => {
    const echo = await b.start(Echo, []);
    b.provide("demo", { never: () => new Promise(() => {}) });
    for (const lose of [() => a.disconnect(b.name), () => b.disconnect(a.name), reset]) {
      const waiting = [
        failure(a.call(echo.pid, atom("never"), { timeout: Infinity })),
        failure(a.rpc(b.name, "demo", "never", [], { timeout: Infinity })),
      ];
      assert(await a.ping(b.name));
      lose();
      for (const error of await Promise.all(waiting)) {
        assertInstanceOf(error, NodeDownError);
        assertStrictEquals(error.node, b.name);
        assertStrictEquals(error.reason, NOCONNECTION);
      }
      assertStrictEquals(await a.call(echo.pid, tuple(atom("echo"), 1)), 1);
    }
  },
);

clusterTest("a broken connection is told as lost, with the error", async (a, b, { reset }) => {
  await a.connect(b.name);
  const [atA, atB] = [eventsOf(a), eventsOf(b)];
  reset();
  for (const [next, peer] of [[atA, b], [atB, a]] as const) {
    const event = await until(next, "nodedown");
    assert(event.type === "nodedown");
    assertEquals([event.node, event.reason], [peer.name, "lost"]);
    assertInstanceOf(event.error, Error);
  }
});

clusterTest("a node that cannot be reached is down for whoever needs it", async (a, b) => {
  await b.stop();
  const dead = b.pid;
  for (const peer of [b.name, "d@localhost", "nowhere@localhost", "long@host.example"]) {
    const errors = [
      await failure(a.connect(peer)),
      await failure(a.call({ name: "x", node: peer }, 1)),
      await failure(a.rpc(peer, "m", "f")),
      await failure(a.spawnRemote(peer, "m", "f")),
    ];
    for (const error of errors) {
      assertInstanceOf(error, NodeDownError);
      assertStrictEquals(error.node, peer);
    }
    assert(errors[0] instanceof NodeDownError && errors[0].cause instanceof Error);
    assertStrictEquals(await a.ping(peer), false);
    a.send({ name: "x", node: peer }, 1); // nobody is told
    const down = gate<Term>();
    a.monitor({ name: "x", node: peer }, (end) => down.open(end.reason));
    assertStrictEquals(await down.promise, NOCONNECTION);
  }
  const here = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(dead);
  });
  assertEquals(await here.next(), tuple(EXIT, dead, NOCONNECTION) as unknown as Term);
  assertEquals(a.nodes(), []);
});

clusterTest("an attempt that fails is an event", async (a, b) => {
  await b.stop();
  const next = eventsOf(a);
  a.send(named("x", b), 1);
  const event = await next();
  assert(event.type === "refused");
  assertStrictEquals(event.node, b.name);
  assert(event.error.message.includes("ECONNREFUSED"), event.error.message);
});

clusterTest(
  "a node with another cookie is not let in, and both are told",
  async (a, _b, { start, logs }) => {
    const stranger = await start("c@localhost", { cookie: "not that of the others" });
    for (const [one, other] of [[a, stranger], [stranger, a]]) {
      const [atOne, atOther] = [eventsOf(one), eventsOf(other)];
      const error = await failure(one.connect(other.name));
      assertInstanceOf(error, NodeDownError);
      assertInstanceOf(error.cause, Error);
      const [here, there] = [await atOne(), await atOther()];
      assertEquals([here.type, here.node], ["refused", other.name]);
      assertEquals([there.type, there.node], ["refused", one.name]);
      assertEquals([one.nodes(), other.nodes()], [[], []]);
    }
    assert(
      logs.length > 0 &&
        !logs.some((line) => line.includes("cookie for tests") || line.includes("not that of")),
    );
  },
);

clusterTest("a cookie may be another one for each peer", async (a, b, { start }) => {
  const cookies: Record<string, string> = {
    [a.name]: "a cookie for tests",
    [b.name]: "none that b knows",
  };
  const c = await start("c@localhost", { cookie: (peer) => cookies[peer] });
  assertEquals([await c.ping(a.name), await c.ping(b.name), await a.ping(c.name)], [
    true,
    false,
    true,
  ]);
});

clusterTest(
  "a node that does not listen connects to others, and they reach it then",
  async (a, b, { start }) => {
    const c = await start("c@localhost", { listen: false });
    const here = await inbox(c, undefined, "here");
    assertStrictEquals(await a.ping(c.name), false);
    await c.connect(a.name);
    a.send(named("here", c), 1);
    assertStrictEquals(await here.next(), 1);
    assertStrictEquals(await b.ping(c.name), false);
  },
);

clusterTest("events end with their signal, their loop and their node", async (a, b) => {
  const abort = new AbortController();
  const types: string[] = [];
  const loop = (async () => {
    for await (const event of a.events({ signal: abort.signal })) types.push(event.type);
  })();
  const stopped = (async () => {
    for await (const event of a.events()) types.push(`${event.type} too`);
  })();
  for await (const event of await connecting(a, b)) {
    assertStrictEquals(event.type, "nodeup");
    break;
  }
  abort.abort();
  await loop;
  a.disconnect(b.name);
  await a.stop();
  await stopped;
  assertEquals(types, ["nodeup", "nodeup too", "nodedown too"]);
  assertEquals(await a.events().next(), { done: true, value: undefined });
  assertEquals(await a.events({ signal: abort.signal }).next(), { done: true, value: undefined });
});

// deno-lint-ignore require-await -- the events are to be listened to before the connection is made
async function connecting(a: Node, b: Node): Promise<ReturnType<Node["events"]>> {
  const events = a.events();
  void a.connect(b.name);
  return events;
}

/** A network on which whatever travels takes a few turns, another number each time but the same in each run; order is kept. */
function jitter(seed: number): (deliver: () => void, link: { from: string; to: string }) => void {
  const last = new Map<string, Promise<void>>();
  return (deliver, { from, to }) => {
    seed = Math.imul(seed, 1_103_515_245) + 12_345 | 0;
    const turns = (seed >>> 16) % 5 + 1;
    const before = last.get(`${from}>${to}`) ?? Promise.resolve();
    last.set(
      `${from}>${to}`,
      (async () => {
        await before;
        for (let turn = 0; turn < turns; turn++) await macrotask();
        deliver();
      })(),
    );
  };
}

for (const seed of [1, 2, 3]) {
  clusterTest(
    `two nodes that connect at the same moment have one connection, and nothing is lost (${seed})`,
    async (a, b, cluster) => {
      const [atA, atB] = [await inbox(a, undefined, "here"), await inbox(b, undefined, "here")];
      const [eventsA, eventsB] = [eventsOf(a), eventsOf(b)];
      const echo = [await a.start(Echo, []), await b.start(Echo, [])];
      for (let round = 0; round < 50; round++) {
        const connecting = [a.connect(b.name)];
        for (let turn = 0; turn < round % 7; turn++) await macrotask();
        connecting.push(b.connect(a.name));
        for (let i = 0; i < 5; i++) {
          a.send(named("here", b), i);
          b.send(named("here", a), i);
        }
        const calls = [
          a.call(echo[1].pid, tuple(atom("echo"), round)),
          b.call(echo[0].pid, tuple(atom("echo"), round)),
        ];
        await Promise.all(connecting);
        assertEquals(await Promise.all(calls), [round, round]);
        assertEquals(await atA.take(5), [0, 1, 2, 3, 4]);
        assertEquals(await atB.take(5), [0, 1, 2, 3, 4]);
        assertEquals([a.nodes(), b.nodes()], [[b.name], [a.name]]);
        while (cluster.streams() > 2) await macrotask(); // the attempt that was given up closes
        assertEquals([(await eventsA()).type, (await eventsB()).type], ["nodeup", "nodeup"]);
        (round % 2 === 0 ? a : b).disconnect(round % 2 === 0 ? b.name : a.name);
        assertEquals([(await eventsA()).type, (await eventsB()).type], ["nodedown", "nodedown"]);
        while (cluster.streams() > 0) await macrotask();
      }
    },
    { network: { defer: jitter(seed) } },
  );
}

clusterTest(
  "every call ends where the connection breaks among a thousand, and the others go on",
  async (a, b, { reset }) => {
    let handled = 0;
    class Busy extends GenServer {
      override readonly calls = {
        step: on(t.integer, (n) => {
          if (++handled === 300) queueMicrotask(reset);
          return handled % 10 === 0 ? later(Promise.resolve(n)) : n;
        }),
        never: () => later(new Promise(() => {})),
      };
    }
    const busy = await b.start(Busy, []);
    const endless = failure(a.call(busy.pid, atom("never"), { timeout: Infinity }));
    const results = await Promise.all(Array.from({ length: 20 }, async (_, worker) => {
      const counts = { replies: 0, lost: 0 };
      for (let i = 0; i < 50; i++) {
        try {
          const n = worker * 50 + i;
          assertStrictEquals(
            await a.call(busy.pid, tuple(atom("step"), n), { timeout: Infinity }),
            n,
          );
          counts.replies++;
        } catch (error) {
          assertInstanceOf(error, NodeDownError);
          counts.lost++;
        }
      }
      return counts;
    }));
    assertInstanceOf(await endless, NodeDownError);
    const sum = (key: "replies" | "lost"): number =>
      results.reduce((total, counts) => total + counts[key], 0);
    assertStrictEquals(sum("replies") + sum("lost"), 1000);
    assert(sum("lost") > 0 && sum("lost") <= 20, `${sum("lost")} calls were lost`);
    assertStrictEquals(await a.call(busy.pid, tuple(atom("step"), 5)), 5);
    assertStrictEquals(a._core.aliasCount, 0);
  },
);

clusterTest(
  "a thousand calls that were sent at once all end where the connection breaks",
  async (a, b, { reset }) => {
    const got = await inbox(b, undefined, "silent");
    const calls = Array.from(
      { length: 1000 },
      (_, i) => failure(a.call(named("silent", b), i, { timeout: Infinity })),
    );
    await got.take(500);
    reset();
    for (const error of await Promise.all(calls)) {
      assertInstanceOf(error, NodeDownError);
    }
    assertStrictEquals(a._core.aliasCount, 0);
  },
);

clusterTest(
  "a node that stops is gone for the others, and its next life is another one",
  async (a, b, { start }) => {
    const there = await inbox(b, (self) => void (self.trapExit = true), "there");
    const old = b.pid;
    const here = await inbox(a, (self) => void self.monitor(named("there", b)));
    assert(await a.ping(b.name));
    const next = eventsOf(a);
    await b.stop();
    // It ended in order before the connection was closed; who is there is told so.
    const [, , , , reason] = await here.next() as Term[];
    assert(reason === SHUTDOWN || reason === NORMAL, String(reason));
    assertEquals(await until(next, "nodedown"), {
      type: "nodedown",
      node: b.name,
      reason: "closed",
      error: undefined,
    });
    const again = await start(b.name);
    assertNotStrictEquals(again.pid.creation, old.creation);
    const fresh = await inbox(again, undefined, "there");
    a.send(there.pid, "to nobody");
    a.send(named("there", again), "to the new one");
    assertStrictEquals(String(await fresh.next()), "to the new one");
    assertStrictEquals(await exitReason(a.call(there.pid, 1)), NOPROC);
  },
);

// Three nodes

const THREE = { names: ["a@localhost", "b@localhost", "c@localhost"] };

clusterTest(
  "pids and references go round three nodes and mean the same everywhere",
  async (a, b, { c }) => {
    const nodes = [a, b, c];
    const ring: Inbox[] = [];
    for (const node of nodes) ring.push(await inbox(node, undefined, "ring"));
    const reference = a._core.makeRef();
    a.send(named("ring", b), tuple(ring[0].pid, reference));
    const atB = await ring[1].next();
    b.send(named("ring", c), atB);
    const atC = await ring[2].next() as [Pid, Term];
    assert(ring[0].pid.equals(atC[0]));
    c.send(atC[0], atC as unknown as Encodable);
    assertEquals(await ring[0].next(), tuple(ring[0].pid, reference) as unknown as Term);
    assertEquals(nodes.map((node) => node.nodes().length), [2, 2, 2]);
  },
  THREE,
);

clusterTest("a call is answered by a process of a third node", async (a, b, { c }) => {
  const answering = await inbox(c);
  const echo = await b.start(Echo, []);
  const call = a.call(echo.pid, tuple(atom("answer_for"), answering.pid));
  c.reply(await answering.next() as never, "from c");
  assertStrictEquals(String(await call), "from c");
  assertStrictEquals(a._core.aliasCount, 0);
}, THREE);

clusterTest(
  "one end is seen by monitors of all nodes, and a lost node by those of that node only",
  async (a, b, { c }) => {
    const [inB, inC] = [idler(b), idler(c)];
    const watchers = [];
    for (const node of [a, b, c]) {
      watchers.push(
        await inbox(node, (self) => {
          self.monitor(inB);
          self.monitor(inC);
        }),
      );
      for (const other of [a, b, c]) assert(await node.ping(other.name));
    }
    a.disconnect(c.name);
    const lost = await watchers[0].next() as Term[];
    assertEquals([lost[3], lost[4]], [inC, NOCONNECTION]);
    b.exit(inB, BOOM);
    for (const watcher of watchers) {
      const down = await watcher.next() as Term[];
      assertEquals([down[3], down[4]], [inB, BOOM]);
    }
    assert(c.isAlive(inC));
  },
  THREE,
);

// Over a real network

test("two nodes talk over TCP", async () => {
  const before = openNow();
  const routes: Record<string, { host: string; port: number }> = {};
  const platform = { ...await defaultPlatform(), log: () => {} };
  const options = { cookie: "secret", epmd: false as const, routes, signals: false, platform };
  const tcp = await defaultTransport();
  let port = 0;
  const transport: Transport = {
    ...tcp,
    listen: async (where, accept) => {
      const listener = await tcp.listen(where, accept);
      port = listener.address.port;
      return listener;
    },
  };
  const b = await startNode("b@localhost", { ...options, transport });
  const a = await startNode("a@localhost", { ...options, listen: false });
  try {
    assertInstanceOf(await failure(a.connect(b.name)), NodeDownError);
    routes[b.name] = { host: "127.0.0.1", port };
    const echo = await b.start(Echo, [], { register: "echo" });
    const bytes = new Uint8Array(1_000_000).map((_, i) => i * 7);
    const reply = await a.call(echo.pid, term(atom("echo"), bytes)) as Uint8Array;
    assertEquals([reply.length, reply.every((byte, i) => byte === bytes[i])], [bytes.length, true]);
    const there = await inbox(b);
    for (let i = 0; i < 5000; i++) a.send(there.pid, i);
    assertEquals(await there.take(5000), Array.from({ length: 5000 }, (_, i) => i));
    const here = await inbox(a, (self) => {
      self.trapExit = true;
      self.monitor(echo.pid);
      self.link(echo.pid);
    });
    assertStrictEquals(await exitReason(a.call(echo.pid, term(atom("exit"), BOOM))), BOOM);
    const kinds = (await here.take(2) as Term[][]).map((message) => [message[0], message.at(-1)]);
    assertEquals(kinds, [[DOWN, BOOM], [EXIT, BOOM]]);
    const next = eventsOf(a);
    await b.stop();
    assertStrictEquals((await until(next, "nodedown")).node, b.name);
    assertInstanceOf(await failureOf(() => a.call(echo.pid, 1)), NodeDownError);
  } finally {
    await Promise.all([a.stop(), b.stop()]);
  }
  await assertNothingLeft(before);
});
