/** What the processes of a node see of a peer that takes less than they send. */
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  BusyError,
  type Encodable,
  ExitError,
  type ExitReason,
  format,
  GenServer,
  NodeDownError,
  on,
  ProcessGroups,
  startNode,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest, eventsOf, type Inbox, inbox, settle, until } from "../_cluster.ts";

const MIB = 1024 * 1024;
const B = "b@localhost";
const NAMES = ["a@localhost", "b@localhost", "c@localhost"];

/** A cable from `a` to `b` that can be blocked, in that direction alone. */
class Gate {
  #closed = false;
  #held: (() => void)[] = [];

  readonly defer = (deliver: () => void, link: { readonly from: string; readonly to: string }) => {
    if (this.#closed && link.from === "a" && link.to === "b") this.#held.push(deliver);
    else setImmediate(deliver);
  };

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    for (const deliver of this.#held.splice(0)) setImmediate(deliver);
  }
}

/** A test on three nodes, with a gate between two of them. */
function gateTest(
  title: string,
  body: (
    ...args: [...Parameters<Parameters<typeof clusterTest>[1]>, Gate]
  ) => unknown,
): void {
  const gate = new Gate();
  clusterTest(title, async (a, b, cluster) => {
    try {
      await body(a, b, cluster, gate);
    } finally {
      gate.open();
      await settle(200); // a node that stops closes its connections at once
    }
  }, { names: NAMES, node: { maxQueue: 2 * MIB }, network: { defer: gate.defer } });
}

/** Sends numbered messages of 100,000 bytes until no more is taken. @returns how many were, and the error. */
async function fill(
  node: Parameters<Parameters<typeof clusterTest>[1]>[0],
  to: Inbox,
): Promise<[count: number, error: BusyError]> {
  const piece = new Uint8Array(100_000);
  for (let count = 0;; count++) {
    try {
      node.send(to.pid, tuple(count, piece));
    } catch (error) {
      assertInstanceOf(error, BusyError);
      return [count, error];
    }
    if (count % 5 === 0) await settle(2);
    assert(node.stats(to.pid.node)!.queued <= 2 * MIB);
  }
}

async function assertNumbered(to: Inbox, count: number): Promise<void> {
  for (let i = 0; i < count; i++) assertEquals((await to.next() as Term[])[0], i);
}

gateTest("what does not fit throws, and all that was taken arrives", async (a, b, { c }, gate) => {
  const [mine, other] = [await inbox(b), await inbox(c)];
  await a.connect(B);
  await a.sendReady(B);
  const event = eventsOf(a);
  gate.close();
  const [count, error] = await fill(a, mine);
  assert(count > 15, `${count} were taken`);
  assertEquals(error.node, B);
  assert(error.queued > 1.9 * MIB);
  assertEquals(
    error.message,
    `Cannot send to b@localhost: ${error.queued} bytes wait already, which is the limit (maxQueue); ` +
      `await node.sendReady("b@localhost") first`,
  );
  assertEquals(await until(event, "busy"), { type: "busy", node: B, busy: true });
  assertEquals(a.stats(B)!.busy, true);
  // Whatever else a user sends is refused as well, and others are served.
  const piece = new Uint8Array(200_000);
  assertThrows(() => a.send({ name: "x", node: B }, piece), BusyError);
  assertThrows(() => a.cast({ name: "x", node: B }, piece), BusyError);
  assertThrows(
    () => a.exit(mine.pid, tuple(atom("because"), piece) as unknown as ExitReason),
    BusyError,
  );
  await assertRejects(() => a.call({ name: "x", node: B }, piece), BusyError);
  await assertRejects(() => a.rpc(B, "m", "f", [piece]), BusyError);
  await assertRejects(() => a.spawnRemote(B, "m", "f", [piece]), BusyError);
  a.send(other.pid, piece);
  assertEquals((await other.next() as unknown as Uint8Array).length, 200_000);
  await a.sendReady(other.pid);

  const ready = a.sendReady(mine.pid);
  gate.open();
  await ready;
  assertEquals(await until(event, "busy"), { type: "busy", node: B, busy: false });
  a.send(mine.pid, tuple(count, piece));
  await assertNumbered(mine, count + 1);
});

gateTest("waiting ends with the connection, and with its signal", async (a, b, cluster, gate) => {
  const mine = await inbox(b);
  await a.connect(B);
  gate.close();
  await fill(a, mine);
  const abort = new AbortController();
  const [lost, aborted] = [a.sendReady(B), a.sendReady(B, { signal: abort.signal })];
  const reason = new Error("enough");
  abort.abort(reason);
  assertEquals(await aborted.catch((error) => error), reason);
  assertEquals(await a.sendReady(B, { signal: abort.signal }).catch((error) => error), reason);
  cluster.reset();
  const error = await assertRejects(() => lost, NodeDownError);
  assertEquals(error.node, B);
  await a.sendReady(B);
});

gateTest("where nothing waits, it resolves at once", async (a, b) => {
  const mine = await inbox(a);
  await a.sendReady(mine.pid);
  await a.sendReady("a_name");
  await a.sendReady({ name: "a_name" });
  await a.sendReady("a@localhost");
  await a.sendReady("never@localhost");
  await a.sendReady({ name: "x", node: B });
  assertEquals(a.nodes(), []);
  await a.connect(B);
  await a.sendReady(B);
  await a.sendReady({ name: "x", node: B });
  await a.sendReady(tuple(atom("x"), atom(B)));
  await a.sendReady(b.pid);
});

class Big extends GenServer {
  override readonly calls = {
    big: on(t.integer, (size) => new Uint8Array(size)),
    ping: () => atom("pong"),
  };
}

gateTest(
  "a reply that does not fit ends the caller, and the server lives on",
  async (a, b, _, gate) => {
    const server = await a.start(Big, [], { register: "big" });
    const target = { name: "big", node: "a@localhost" };
    assertEquals(await b.call(target, atom("ping")), atom("pong"));
    const mine = await inbox(b);
    gate.close();
    const [count] = await fill(a, mine);
    const call = b.call(target, tuple(atom("big"), 300_000) as unknown as Encodable, {
      timeout: Infinity,
    });
    call.catch(() => {});
    await settle();
    gate.open();
    const error = await assertRejects(() => call, ExitError);
    assert(format(error.reason).startsWith('{system_limit,<<"Cannot send to b@localhost: '));
    assertEquals(await b.call(target, atom("ping")), atom("pong"));
    assertEquals(await server.call("ping"), atom("pong"));
    await assertNumbered(mine, count);
  },
);

gateTest("calls that are refused leave nothing behind", async (a, b, _, gate) => {
  const mine = await inbox(b);
  await a.connect(B);
  gate.close();
  await fill(a, mine);
  // A monitor that fits, for a request that does not, may be sent and taken back; not for ever.
  const before = a.stats(B)!;
  for (let i = 0; i < 1000; i++) {
    await assertRejects(() => a.call({ name: "x", node: B }, new Uint8Array(200_000)), BusyError);
  }
  assert(a.stats(B)!.queued <= 2 * MIB + 1000, `${a.stats(B)!.queued}, ${before.queued} before`);
  assertEquals(a.stats().aliases, 0);
  assertEquals(a.nodes(), [B]);
});

gateTest("exits and downs go though nothing else does", async (a, b, _, gate) => {
  const [mine, ended] = [await inbox(b), await inbox(b)];
  const watched = await inbox(a, undefined, "watched");
  const down = Promise.withResolvers<Term>();
  b.monitor(watched.pid, ({ reason }) => down.resolve(reason));
  const exit = Promise.withResolvers<Term>();
  b.monitor(ended.pid, ({ reason }) => exit.resolve(reason));
  await settle();
  gate.close();
  const [count] = await fill(a, mine);
  a.exit(watched.pid, atom("gone"));
  // No message of 8 bytes is taken any more.
  assertThrows(() => {
    for (;;) a.send(mine.pid, count);
  }, BusyError);
  const because = tuple(atom("because"), new Uint8Array(900));
  a.exit(ended.pid, because as unknown as ExitReason);
  await settle();
  gate.open();
  assertEquals(await down.promise, atom("gone"));
  assertEquals(((await exit.promise) as Term[])[0], atom("because"));
  await assertNumbered(mine, count);
});

gateTest(
  "what the node's own processes send goes though nothing else does",
  async (a, b, _, gate) => {
    const [mine, asker] = [await inbox(b), await inbox(b)];
    await a.connect(B);
    const scope = await a.start(ProcessGroups, [], { register: "groups" });
    gate.close();
    const [count] = await fill(a, mine);
    // No message of 8 bytes is taken any more.
    assertThrows(() => {
      for (;;) a.send(mine.pid, count);
    }, BusyError);
    b.send({ name: "rex", node: "a@localhost" }, tuple(asker.pid, atom("features_request")));
    b.send({ name: "groups", node: "a@localhost" }, tuple(atom("discover"), asker.pid));
    await settle();
    assert(a.isAlive(scope.pid));
    gate.open();
    const replies = [await asker.next(), await asker.next()].map((reply) => format(reply));
    assertEquals(replies[0], "{features_reply,a@localhost,[erpc]}");
    assert(replies[1].startsWith("{'$gen_cast',{sync,") || replies[1].startsWith("{discover,"));
    await assertNumbered(mine, count);
  },
);

gateTest("a ping waits until there is room for it", async (a, b, cluster, gate) => {
  const mine = await inbox(b);
  await a.connect(B);
  gate.close();
  const [count] = await fill(a, mine);
  assertThrows(() => {
    for (;;) a.send(mine.pid, 1);
  }, BusyError);
  const ping = a.ping(B);
  await settle();
  gate.open();
  assertEquals(await ping, true);
  await assertNumbered(mine, count);

  gate.close();
  await fill(a, mine);
  assertThrows(() => {
    for (;;) a.send(mine.pid, 1);
  }, BusyError);
  const lost = a.ping(B);
  await settle();
  cluster.reset();
  assertEquals(await lost, false);
});

gateTest("what is sent before the connection is up counts as well", async (a, b, _, gate) => {
  const mine = await inbox(b, undefined, "mine");
  const target = { name: "mine", node: B };
  gate.close();
  const piece = new Uint8Array(100_000);
  let count = 0;
  const error = assertThrows(() => {
    for (;; count++) a.send(target, tuple(count, piece));
  }, BusyError);
  assert(count >= 19 && count <= 20, `${count} were taken`);
  assert(error.queued > 1.8 * MIB);
  assertThrows(() => a.cast(target, piece), BusyError);
  await assertRejects(() => a.call(target, piece), BusyError);
  await assertRejects(() => a.rpc(B, "m", "f", [piece]), BusyError);
  const ended = await inbox(b);
  const exit = new Promise<Term>((resolve) => b.monitor(ended.pid, (down) => resolve(down.reason)));
  const because = (size: number): ExitReason =>
    tuple(atom("because"), new Uint8Array(size)) as unknown as ExitReason;
  assertThrows(() => a.exit(ended.pid, because(100_000)), BusyError);
  a.exit(ended.pid, because(900));
  const ready = a.sendReady(B);
  gate.open();
  await ready;
  assertEquals(((await exit) as Term[])[0], atom("because"));
  a.send(target, tuple(count, piece));
  await assertNumbered(mine, count + 1);
  assertEquals(b.nodes(), ["a@localhost"]);
});

gateTest("who waits for a connection that cannot be made is told", async (a) => {
  const piece = new Uint8Array(100_000);
  const nowhere = "d@localhost";
  assertThrows(() => {
    for (;;) a.send({ name: "x", node: nowhere }, piece);
  }, BusyError);
  const error = await assertRejects(() => a.sendReady(nowhere), NodeDownError);
  assertEquals(error.node, nowhere);
  a.send({ name: "x", node: nowhere }, piece);
});

gateTest("a process that does not catch it exits with system_limit", async (a, b, _, gate) => {
  const mine = await inbox(b);
  await a.connect(B);
  gate.close();
  await fill(a, mine);
  const reason = new Promise<Term>((resolve) => {
    const pid = a.spawn((self) => self.send(mine.pid, new Uint8Array(200_000)));
    a.monitor(pid, ({ reason }) => resolve(reason));
  });
  assert(format(await reason).startsWith('{system_limit,<<"Cannot send to b@localhost'));
});

test("a queue must hold what a stream takes at once", async () => {
  const error = await assertRejects(async () => {
    const node = await startNode("lone@localhost", { network: false, maxQueue: 1000 });
    await node.stop();
  }, RangeError);
  assertEquals(error.message, "Cannot use maxQueue 1000: it must be 1048576 bytes (1 MiB) or more");
});

class Talker extends GenServer {
  override readonly calls = {
    /** Sends the caller a large message, then replies. */
    talk: () => {
      this.send(this.caller!, new Uint8Array(6 * MIB));
      return atom("talked");
    },
    quick: () => atom("quick"),
  };
}

clusterTest(
  "a reply does not pass what the server has sent its caller before; others pass it",
  async (a, b) => {
    await a.start(Talker, [], { register: "talker" });
    const talker = { name: "talker", node: "a@localhost" };
    const seen: string[] = [];
    const done = Promise.withResolvers<void>();
    b.spawn(async (self) => {
      self.call(talker, atom("talk")).then((reply) => {
        seen.push(String(reply));
        done.resolve();
      });
      for await (const message of self) seen.push(`${(message as unknown as Uint8Array).length}`);
    });
    await until(eventsOf(a), "nodeup");
    while (a.stats(B)?.sequencesOut !== 1) await settle(1);
    seen.push(String(await b.call(talker, atom("quick"))));
    await done.promise;
    assertEquals(seen, ["quick", `${6 * MIB}`, "talked"]);
  },
  { names: NAMES, node: { maxQueue: 8 * MIB } },
);

gateTest("a node tells its figures", async (a, b) => {
  assertEquals(a.stats(B), null);
  assertEquals(a.stats("nobody@localhost"), null);
  const before = a.stats();
  assertEquals(before.connections, []);
  const mine = await inbox(b);
  const started = Date.now();
  a.send(mine.pid, 1);
  a.send(mine.pid, new Uint8Array(2 * MIB));
  await mine.take(2);
  const there = b.stats("a@localhost")!;
  const here = a.stats(B)!;
  assertEquals(here.node, B);
  assert(here.hidden && there.hidden);
  assert(here.since >= started - 1000 && here.since <= Date.now() + 1000);
  assertEquals([here.messagesOut, there.messagesIn], [2, 2]);
  assert(here.fragmentsOut > 2);
  assertEquals(there.fragmentsIn, here.fragmentsOut);
  assertEquals(there.bytesIn, here.bytesOut);
  assert(here.bytesOut > 2 * MIB);
  assertEquals([here.queued, here.busy, here.sequencesOut, there.sequencesIn], [0, false, 0, 0]);
  assertEquals(a.stats().connections, [here]);
  const { processes, names } = a.stats();
  const pid = a.spawn(async (self) => {
    for await (const _ of self);
  }, { register: "one_more" });
  assertEquals([a.stats().processes, a.stats().names], [processes + 1, names + 1]);
  a.exit(pid, atom("kill"));
});

testNothingIsLeft();
