// The workers of a pool end and are replaced, become more and fewer.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { pool } from "../../../lib/gen/pool/pool.ts";
import { exit, ExitError } from "../../../lib/node/errors.ts";
import { ended, KILL, nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import { bothWays, exitReason, logs } from "../_servers.ts";
import { begun, Bench, BOOM, Worker } from "./_bench.ts";

bothWays("a worker's end fails what it was at, and the others get the rest", async (lone) => {
  const { node } = lone;
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 2 }), []);
  const doomed = [ref.call("work", "a"), ref.call("work", "b")];
  const moved = [ref.call("work", "c"), ref.call("work", "d"), ref.call("work", "e")];
  ref.cast("note", "f");
  await begun(bench, 2);
  const [w0] = ref.workers();
  for (const name of ["b", "c", "d", "e"]) bench.gate(name).open();
  node.exit(w0, BOOM);
  assertEquals(await exitReason(doomed[0]), BOOM);
  assertEquals(await Promise.all(moved.map(async (one) => String(await one))), ["c", "d", "e"]);
  await doomed[1];
  const { restarts, moved: count } = ref.stats();
  assertEquals([restarts, count], [1, 2]); // c and e
  assertEquals(bench.begun.slice(0, 4), ["w0 a", "w1 b", "w1 d", "w1 f"]);
  const others = bench.begun.slice(4).map((line) => line.split(" ")[1]);
  assertEquals(others.sort(), ["c", "e"]);
});

nodeTest("what is to be answered later fails with its worker", async ({ node, platform }) => {
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 1, maxPerWorker: 2 }), []);
  const first = ref.call("later", "a");
  const second = ref.call("later", "b");
  await begun(bench, 2);
  assertEquals(ref.stats().workers[0].load, 2); // it has them until they are answered
  const third = ref.call("who");
  await platform.settle();
  assertEquals(ref.stats().waiting, 1);
  bench.gate("b").open();
  assertEquals([await second, await third], ["b", "w0"]);
  node.exit(ref.workers()[0], BOOM);
  assertEquals(await exitReason(first), BOOM);
});

nodeTest("workers that end too often end the pool", async (lone) => {
  const { node, platform } = lone;
  const bench = new Bench();
  const options = { size: 1, intensity: 2, period: 1_000 };
  const ref = await node.start(pool(Worker, [bench], options), [], { register: "crashing" });
  for (let i = 0; i < 4; i++) {
    assertEquals(await exitReason(ref.call("exit", atom("normal"))), atom("normal"));
    await platform.elapse(600);
  }
  assertEquals(ref.stats().restarts, 4);
  const end = ended(node, ref.pid);
  await platform.elapse(2_000);
  const calls = [0, 1, 2].map(() => exitReason(ref.call("exit", BOOM)));
  const waiting = exitReason(ref.call("who"));
  await platform.settle();
  assertEquals(await Promise.all(calls), [BOOM, BOOM, BOOM]);
  assertEquals(await end, SHUTDOWN);
  assertEquals(await waiting, SHUTDOWN);
  assert(logs(lone).some((line) => line.includes("more than 2 restarts")));
  platform.logs.splice(0);
});

nodeTest("a worker that cannot start again does not spin", async (lone) => {
  const { node, platform } = lone;
  let starts = 0;
  class Once extends GenServer {
    override init(): void {
      if (starts++ > 0) throw new Error("not again");
    }
  }
  const ref = await node.start(pool(Once, [], { size: 1, intensity: 5 }), []);
  const end = ended(node, ref.pid);
  node.exit(ref.workers()[0], KILL);
  assertEquals(await end, SHUTDOWN);
  assertEquals(starts, 6);
  platform.logs.splice(0);
});

nodeTest("a pool whose workers do not start does not start", async ({ node, platform }) => {
  class Bad extends GenServer {
    override init(): void {
      exit(BOOM);
    }
  }
  const error = await assertRejects(() => node.start(pool(Bad, []), []), ExitError);
  assertEquals(error.reason, BOOM);
  await platform.settle();
  assertEquals(node.processes().length, 1);
});

nodeTest("a pool grows and shrinks while it works", async ({ node }) => {
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 2 }), []);
  const works = ["a", "b", "c", "d"].map((name) => ref.call("work", name));
  await begun(bench, 2);
  await ref.resize(3);
  assertEquals(ref.workers().length, 3);
  const shrinking = ref.resize(1);
  assertEquals(ref.stats().workers.map(({ state }) => state), ["running", "stopping", "stopping"]);
  assertEquals(ref.stats().size, 1);
  for (const name of ["a", "b", "c", "d"]) bench.gate(name).open();
  await shrinking;
  assertEquals(await Promise.all(works), ["a", "b", "c", "d"]); // they did what they had
  assertEquals(ref.workers().length, 1);
  assertEquals(await ref.call("who"), "w0");
  assertEquals(ref.stats().restarts, 0);
  await assertRejects(() => ref.resize(1.5), RangeError, "with size 1.5");
  await ref.resize(0);
  const waits = ref.call("who");
  await ref.resize(1);
  assertEquals(await waits, "w3");
});

nodeTest("a worker that took the place of another one can be too many, too", async (lone) => {
  const { node, platform } = lone;
  const ref = await node.start(pool(Worker, [new Bench()], { size: 2 }), []);
  node.exit(ref.workers()[0], KILL);
  await platform.settle();
  assertEquals(ref.workers().length, 2);
  await ref.resize(1);
  await platform.settle();
  const { restarts, workers } = ref.stats();
  assertEquals([restarts, workers.length], [1, 1]);
});

nodeTest("a worker that cannot start leaves the pool as it was", async ({ node, platform }) => {
  let starts = 0;
  class Limited extends GenServer {
    override init(): void {
      if (++starts > 2) exit(BOOM);
    }
    override readonly calls = { ok: () => true };
  }
  const ref = await node.start(pool(Limited, [], { size: 2 }), []);
  await assertRejects(() => ref.resize(4), ExitError);
  await platform.settle();
  assertEquals([ref.stats().size, ref.workers().length, ref.stats().restarts], [2, 2, 0]);
  assert(await ref.call("ok"));
});
