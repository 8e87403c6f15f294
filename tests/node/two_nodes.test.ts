import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type Atom,
  atom,
  CallTimeoutError,
  type Encodable,
  EncodeError,
  GenServer,
  later,
  NodeDownError,
  NoProcessError,
  startNode,
  type Target,
  type Term,
  TermMap,
  type Transport,
  tuple,
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
import { BOOM, idler, KILL, NORMAL, SHUTDOWN } from "./_nodes.ts";
import { clusterTest, eventsOf, inbox, until } from "./_cluster.ts";
import { DOWN, Echo, EXIT, named } from "./_two_nodes.ts";

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
