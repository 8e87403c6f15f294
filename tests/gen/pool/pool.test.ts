import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { later, noReply, on } from "../../../lib/gen/server/handlers.ts";
import { Pool, pool } from "../../../lib/gen/pool/pool.ts";
import { PoolBusyError, type PoolSpec } from "../../../lib/gen/pool/pool_options.ts";
import type { PoolRef } from "../../../lib/gen/pool/pool_ref.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { CallTimeoutError, exit, ExitError } from "../../../lib/node/errors.ts";
import type { From } from "../../../lib/node/call.ts";
import { clusterTest, inbox, pack } from "../../node/_cluster.ts";
import { collector, ended, KILL, nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import { bothWays, exitReason, failure, type Gate, gate, logs } from "../_servers.ts";

const BOOM = atom("boom");

/** What the workers of a test share. */
class Bench {
  /** What workers have begun, in its order: which of them, and what. */
  readonly begun: string[] = [];
  readonly gates: Map<string, Gate> = new Map();
  count = 0;

  gate(name: string): Gate {
    let found = this.gates.get(name);
    if (found === undefined) this.gates.set(name, found = gate());
    return found;
  }
}

class Worker extends GenServer {
  #bench!: Bench;
  #id = "";
  override init(bench: Bench): void {
    this.#bench = bench;
    this.#id = `w${bench.count++}`;
  }
  override readonly calls = {
    who: () => this.#id,
    pid: () => this.pid,
    caller: () => this.caller,
    /** Works until the test opens the gate of that name. */
    work: on(t.text, async (name) => {
      this.#bench.begun.push(`${this.#id} ${name}`);
      await this.#bench.gate(name).promise;
      return name;
    }),
    later: on(t.text, (name) => {
      this.#bench.begun.push(`${this.#id} ${name}`);
      return later(this.#bench.gate(name).promise.then(() => name));
    }),
    exit: on(t.term, (reason) => exit(reason as Exclude<Term, string>)),
    bad: (): unknown => () => {},
  };
  override readonly casts = {
    note: on(t.text, (name) => {
      this.#bench.begun.push(`${this.#id} ${name}`);
    }),
    die: () => exit(BOOM),
  };
  override handleCall(_request: Term, from: From): unknown {
    void Promise.resolve().then(() => from.reply("kept"));
    return noReply;
  }
  override handleInfo(message: Term): void {
    this.#bench.begun.push(`${this.#id} got ${format(message)}`);
  }
}

/** Waits until workers have begun with so many things. */
async function begun(bench: Bench, count: number): Promise<string[]> {
  while (bench.begun.length < count) await new Promise((resolve) => setTimeout(resolve, 0));
  return bench.begun;
}

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

nodeTest("the end of a pool is that of its workers and of what waits", async (lone) => {
  const { node, platform } = lone;
  const bench = new Bench();
  const stubborn = new Set<string>();
  class Stubborn extends Worker {
    override init(shared: Bench): void {
      super.init(shared);
      this.trapExit = true;
    }
    override async terminate(): Promise<void> {
      stubborn.add(this.pid.key);
      await gate().promise;
    }
  }
  const ref = await node.start(
    pool(Stubborn, [bench], { size: 2, maxPerWorker: 1, shutdown: 200 }),
    [],
  );
  const workers = ref.workers();
  const works = ["a", "b", "c"].map((name) => exitReason(ref.call("work", name)));
  await begun(bench, 2);
  let stopped = false;
  const stopping = ref.stop().then(() => stopped = true);
  await platform.elapse(100);
  assertEquals(await works[2], atom("normal"));
  assert(!stopped);
  await platform.elapse(150);
  await stopping;
  assertEquals(await Promise.all(works.slice(0, 2)), [atom("killed"), atom("killed")]);
  for (const pid of workers) assert(!node.isAlive(pid));
});

nodeTest("a pool that is killed leaves no worker", async ({ node, platform }) => {
  const bench = new Bench();
  const ref = await node.start(pool(Worker, [bench], { size: 3, maxPerWorker: 1 }), []);
  const works = ["a", "b", "c", "d"].map((name) => exitReason(ref.call("work", name)));
  await begun(bench, 3);
  node.exit(ref.pid, KILL);
  assertEquals(await Promise.all(works), Array(4).fill(atom("killed")));
  await platform.settle();
  assertEquals(node.processes().length, 1);
  await assertRejects(() => ref.resize(1));
});

nodeTest("links of others do to a pool what they do to any process", async ({ node, platform }) => {
  const ref = await node.start(pool(Worker, [new Bench()], { size: 1 }), []);
  const friend = (): Pid => collector(node, (self) => self.link(ref.pid)).pid;
  const [normal, crashing] = [friend(), friend()];
  await platform.settle();
  node.exit(ref.workers()[0], KILL); // one of its own does nothing to it
  await platform.settle();
  assert(node.isAlive(normal) && node.isAlive(ref.pid));
  const end = ended(node, ref.pid);
  node.exit(crashing, BOOM);
  assertEquals(await end, BOOM);
});

nodeTest("a pool that does not start leaves no worker, whatever the reason", async (lone) => {
  const { node, platform } = lone;
  let starts = 0;
  class Second extends GenServer {
    override init(): void {
      if (starts++ > 0) exit(atom("normal"));
    }
  }
  const error = await assertRejects(() => node.start(pool(Second, [], { size: 2 }), []), ExitError);
  assertEquals(error.reason, atom("normal"));
  await platform.settle();
  assertEquals(node.processes().length, 1);
});

nodeTest("a class of pools depends on what it is started with", async ({ node }) => {
  class Workers extends Pool<Worker> {
    override async init(size: number): Promise<PoolSpec<Worker>> {
      await Promise.resolve();
      return { worker: Worker, args: [new Bench()], size };
    }
  }
  const ref: PoolRef<Worker> = await node.start(Workers, [2]);
  assertEquals(ref.workers().length, 2);
  assertEquals(await ref.call("who"), "w0");
  // @ts-expect-error: its workers have no such call
  assertEquals(String(await ref.call("nothing")), "kept");
});

nodeTest("sys shows the figures", async ({ node }) => {
  const ref = await node.start(pool(Worker, [new Bench()], { size: 1 }), []);
  await ref.call("who");
  const state = format(await sys.getState(node, ref));
  assert(state.includes("size => 1") && state.includes("handled => 1"), state);
});

nodeTest("specs that cannot be are refused", async ({ node }) => {
  const bench = new Bench();
  const bad = (options: object): unknown => pool(Worker, [bench], options as never);
  assertThrows(() => bad({ size: -1 }), RangeError, "Cannot start a pool with size -1");
  assertThrows(() => bad({ size: Infinity }), RangeError);
  assertThrows(() => bad({ maxPerWorker: 0 }), RangeError, "a whole number from 1 on");
  assertThrows(() => bad({ sise: 1 }), TypeError, "there is none, there are strategy, size");
  assertThrows(() => bad({ strategy: "best" }), TypeError, "round_robin");
  assertThrows(() => pool(Object as never, []), TypeError);
  class Empty extends Pool {
    override init(): never {
      return undefined as never;
    }
  }
  const error = await assertRejects(() => node.start(Empty, []), ExitError);
  assert(String((error.cause as Error).message).includes("its init gave no { worker, args }"));
});

nodeTest("a reply that is no term ends the call at once", async (lone) => {
  const { node } = lone;
  const ref = await node.start(pool(Worker, [new Bench()], { size: 1 }), []);
  const reason = format(await exitReason(ref.call("bad")));
  assert(reason.startsWith("{bad_reply,bad,"), reason);
  lone.platform.logs.splice(0);
}, { copyMessages: true });

nodeTest("whatever ends when, every call ends, and nothing is left", async (lone) => {
  const { node, platform } = lone;
  class Erratic extends GenServer {
    override readonly calls = {
      now: on(t.integer, (n) => n),
      soon: on(t.integer, async (n) => {
        await this.sleep(n % 7);
        return n;
      }),
      later: on(t.integer, (n) => later(this.sleep(n % 5).then(() => n))),
      die: on(t.integer, () => exit(BOOM)),
    };
  }
  const names = ["now", "soon", "later", "soon", "later", "die", "now", "soon"] as const;
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (const strategy of ["round_robin", "least_loaded"] as const) {
    for (const maxPerWorker of [1, 3, Infinity]) {
      const options = { size: 5, strategy, maxPerWorker, maxWaiting: 200, intensity: Infinity };
      const ref = await node.start(pool(Erratic, [], options), []);
      const counts = { value: 0, boom: 0, killed: 0, busy: 0 };
      const calls: Promise<void>[] = [];
      for (let n = 0; n < 1_000; n++) {
        const name = names[random(names.length)];
        calls.push(
          ref.with({ timeout: Infinity }).call(name, n).then((value) => {
            assertEquals(value, n as never);
            counts.value++;
          }, (error) => {
            if (error instanceof PoolBusyError) counts.busy++;
            else if ((error as ExitError).reason === BOOM) counts.boom++;
            else counts.killed++;
          }),
        );
        if (n % 97 === 0) { for (const pid of ref.workers().slice(0, 2)) node.exit(pid, KILL); }
        if (n % 50 === 0) await platform.elapse(random(4));
        if (n % 300 === 0) void ref.resize(1 + random(8));
      }
      let settled = false;
      const all = Promise.all(calls).then(() => settled = true);
      while (!settled) await platform.elapse(5);
      await all;
      await ref.resize(3);
      await platform.elapse(20);
      const { waiting, workers, refused } = ref.stats();
      assertEquals(workers.map(({ load, state }) => [load, state]), Array(3).fill([0, "running"]));
      assertEquals([waiting, refused], [0, counts.busy]);
      assertEquals(counts.value + counts.boom + counts.killed + counts.busy, 1_000);
      assert(counts.value > 100 && counts.boom > 10, JSON.stringify(counts));
      await ref.stop();
    }
  }
  assertEquals(node.processes().length, 1);
});

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
