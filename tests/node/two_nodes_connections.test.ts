import { setImmediate as macrotask } from "node:timers/promises";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import {
  atom,
  GenServer,
  later,
  type Node,
  NodeDownError,
  on,
  t,
  type Term,
  tuple,
} from "../../mod.ts";
import { exitReason, failure, gate } from "../gen/_servers.ts";
import { forever, idler, NOPROC, NORMAL, SHUTDOWN } from "./_nodes.ts";
import { clusterTest, eventsOf, type Inbox, inbox, until } from "./_cluster.ts";
import { DOWN, Echo, EXIT, named, NOCONNECTION } from "./_two_nodes.ts";

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
