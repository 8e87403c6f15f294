// A pool ends, with its workers and all that waits.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { later, on } from "../../../lib/gen/server/handlers.ts";
import { pool } from "../../../lib/gen/pool/pool.ts";
import { PoolBusyError } from "../../../lib/gen/pool/pool_options.ts";
import { exit, ExitError } from "../../../lib/node/errors.ts";
import { collector, ended, KILL, nodeTest } from "../../node/_nodes.ts";
import { exitReason, gate } from "../_servers.ts";
import { begun, Bench, BOOM, Worker } from "./_bench.ts";

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
