// What is asked of a pool: who gets it, what waits, what is refused, who the caller is for a worker, also on another node.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { pool } from "../../../lib/gen/pool/pool.ts";
import { PoolBusyError } from "../../../lib/gen/pool/pool_options.ts";
import { CallTimeoutError, type ExitError } from "../../../lib/node/errors.ts";
import { clusterTest, inbox, pack } from "../../node/_cluster.ts";
import { nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import { bothWays, exitReason, failure, gate, logs } from "../_servers.ts";
import { begun, Bench, BOOM, Worker } from "./_bench.ts";

bothWays("requests go round the workers, which answer the caller", async ({ node }) => {
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 3 }), []);
  const who: string[] = [];
  for (let i = 0; i < 7; i++) who.push(String(await ref.call("who")));
  assertEquals(who, ["w0", "w1", "w2", "w0", "w1", "w2", "w0"]);
  const pids = await Promise.all([1, 2, 3].map(() => ref.call("pid")));
  assertEquals(new Set(pids.map((pid) => pid.key)), new Set(ref.workers().map((pid) => pid.key)));
  for (const pid of pids) assert(!pid.equals(ref.pid));
  assertStrictEquals(String(await node.call(ref, atom("something"))), "kept");
});

bothWays("casts and messages go to a worker too", async ({ node }) => {
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 2 }), []);
  ref.cast("note", "a");
  ref.send(1);
  ref.cast("note", "b");
  ref.send(atom("x"));
  // Each has its own in order; which of them runs first is the scheduler's.
  const all = await begun(bench, 4);
  assertEquals(all.filter((line) => line.startsWith("w0")), ["w0 a", "w0 b"]);
  assertEquals(all.filter((line) => line.startsWith("w1")), ["w1 got 1", "w1 got x"]);
});

nodeTest("a worker sees who calls", async ({ node }) => {
  const ref = await node.start(pool(Worker, [new Bench()]), []);
  assertEquals(ref.stats().size, 4);
  const asked = gate<Pid | null>();
  const pid = node.spawn(async (self) => asked.open(await ref.as(self).call("caller")));
  assert((await asked.promise)!.equals(pid));
});

nodeTest("the least loaded worker gets what comes", async ({ node }) => {
  const bench = new Bench();
  const options = { size: 3, strategy: "least_loaded" } as const;
  const ref = await node.start(pool(Worker, [bench], options), []);
  const works = ["a", "b", "c", "d", "e"].map((name) => ref.call("work", name));
  assertEquals(await begun(bench, 3), ["w0 a", "w1 b", "w2 c"]);
  assertEquals(ref.stats().workers.map(({ load }) => load), [2, 2, 1]);
  bench.gate("b").open();
  bench.gate("e").open(); // behind b, so that w1 has nothing
  await Promise.all([works[1], works[4]]);
  assertEquals(String(await ref.call("who")), "w1");
  for (const name of ["a", "c", "d"]) bench.gate(name).open();
  await Promise.all(works);
  assertEquals(ref.stats().workers.map(({ load }) => load), [0, 0, 0]);
});

nodeTest("what no worker has room for waits, first come, first served", async (lone) => {
  const { node, platform } = lone;
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 2, maxPerWorker: 1 }), []);
  const works = ["a", "b", "c", "d", "e"].map((name) => ref.call("work", name));
  await begun(bench, 2);
  assertEquals(ref.stats().waiting, 3);
  bench.gate("b").open();
  bench.gate("c").open();
  bench.gate("d").open();
  bench.gate("e").open();
  await Promise.all(works.slice(1));
  assertEquals(bench.begun, ["w0 a", "w1 b", "w1 c", "w1 d", "w1 e"]); // whoever is free
  bench.gate("a").open();
  await works[0];
  await platform.settle();
  const { waiting, workers } = ref.stats();
  assertEquals([waiting, ...workers.map(({ handled }) => handled)], [0, 1, 4]);
});

bothWays("what is too much is refused, and the pool goes on", async (lone) => {
  const { node } = lone;
  const bench = new Bench();
  const ref = await node.start(
    pool(Worker, [bench], { size: 1, maxPerWorker: 1, maxWaiting: 1 }),
    [],
    { register: "small" },
  );
  const works = [ref.call("work", "a"), ref.call("work", "b")];
  await begun(bench, 1);
  const error = await failure(ref.call("work", "c"));
  ref.cast("note", "lost");
  if (error instanceof PoolBusyError) assertEquals(error.waiting, 1);
  else assertEquals((error as ExitError).reason, new PoolBusyError("small", 1).exitReason); // its term crosses the wire
  assert((error as Error).message.includes("1 wait already, which is the limit (maxWaiting)"));
  bench.gate("a").open();
  bench.gate("b").open();
  await Promise.all(works);
  assertEquals(ref.stats().refused, 2);
  assertEquals(bench.begun, ["w0 a", "w0 b"]);
  assertEquals(logs(lone).splice(0).length, 1);
  assertEquals(String(await ref.call("who")), "w0");
});

nodeTest("a caller that gives up leaves the queue", async ({ node, platform }) => {
  const bench = new Bench();
  const ref = await node.start(
    pool(Worker, [bench], { size: 1, maxPerWorker: 1, maxWaiting: 1 }),
    [],
  );
  const first = ref.with({ timeout: Infinity }).call("work", "a");
  await begun(bench, 1);
  const abort = new AbortController();
  const second = ref.with({ signal: abort.signal }).call("work", "b");
  await platform.settle();
  assertEquals(ref.stats().waiting, 1);
  abort.abort(new Error("enough"));
  assertEquals((await failure(second) as Error).message, "enough");
  assertEquals(ref.stats().waiting, 0);
  const third = failure(ref.with({ timeout: 50 }).call("work", "c"));
  await platform.elapse(60);
  assert(await third instanceof CallTimeoutError);
  assertEquals(ref.stats().waiting, 0);
  bench.gate("a").open();
  await first;
  assertEquals(bench.begun, ["w0 a"]);
});

nodeTest("a reply that is no term ends the call at once", async (lone) => {
  const { node } = lone;
  const ref = await node.start(pool(Worker, [new Bench()], { size: 1 }), []);
  const reason = format(await exitReason(ref.call("bad")));
  assert(reason.startsWith("{bad_reply,bad,"), reason);
  lone.platform.logs.splice(0);
}, { copyMessages: true });

clusterTest("a worker answers callers of another node, and its end is theirs", async (a, b) => {
  const bench = new Bench();
  const options = { size: 2, maxPerWorker: 1, maxWaiting: 1 };
  const ref = await b.start(pool(Worker, [bench], options), [], { register: "workers" });
  const there = { name: "workers", node: b.name };
  assertEquals(String(await a.call(there, atom("who"))), "w0");
  const caller = await inbox(a);
  const seen = gate<Pid>();
  a.spawn(async (self) => seen.open(await self.call(there, atom("caller")) as Pid));
  assertEquals((await seen.promise).node, a.name);
  const calls = ["a", "b", "c"].map((name) => a.call(there, pack(atom("work"), name)));
  await begun(bench, 2);
  while (ref.stats().waiting === 0) await a.ping(b.name);
  const refused = await exitReason(a.call(there, atom("who")));
  assert(format(refused).startsWith("{system_limit,"), format(refused));
  b.exit(ref.workers()[0], BOOM);
  bench.gate("b").open();
  bench.gate("c").open();
  const results = await Promise.allSettled(calls);
  assertEquals(results.map(({ status }) => status), ["rejected", "fulfilled", "fulfilled"]);
  assertEquals(((results[0] as PromiseRejectedResult).reason as ExitError).reason, BOOM);
  a.cast(there, pack(atom("note"), "x"));
  await begun(bench, 4);
  a.send(there, pack(atom("hello"), caller.pid));
  assert((await begun(bench, 5))[4].includes("got {hello,"));
  assertEquals(String(await a.call(there, atom("anything"))), "kept"); // by from.reply, later
  const late = exitReason(a.call(there, pack(atom("later"), "z")));
  await begun(bench, 6);
  await ref.stop();
  assertEquals(await late, SHUTDOWN); // that of the worker
});

clusterTest("a message of another node that looks like an exit is a message", async (a, b) => {
  const bench = new Bench();
  const ref = await b.start(pool(Worker, [bench], { size: 1 }), [], { register: "workers" });
  const there = { name: "workers", node: b.name };
  a.send(there, pack(atom("EXIT"), a.pid, BOOM));
  a.send(there, pack(atom("EXIT"), null, BOOM));
  assertEquals((await begun(bench, 2)).length, 2);
  assert(b.isAlive(ref.pid));
});

clusterTest("a worker that acts for others knows for whom", async (a, b) => {
  const origins: (string | null)[] = [];
  class Acting extends GenServer {
    override init(): void {
      this._process.asksOrigin = true;
    }
    override readonly calls = { origin: () => void origins.push(this._process.origin) };
  }
  const ref = await b.start(pool(Acting, [], { size: 1 }), [], { register: "acting" });
  await ref.call("origin");
  await a.call({ name: "acting", node: b.name }, atom("origin"));
  await ref.call("origin");
  assertEquals(origins, [null, a.name, null]);
});
