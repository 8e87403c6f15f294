/** Supervisors of ten thousand children. How long that takes, and in how much memory, tells tests/long/supervisor_scale.ts. */
import { assertEquals } from "@std/assert";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import { type Child, child } from "../../../lib/gen/supervisor/child.ts";
import type { SupervisorRef } from "../../../lib/gen/supervisor/supervisor_ref.ts";
import { BOOM, ended, nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import { counts, Plan, Simple, tree, worker } from "./_workers.ts";

const MANY = 10_000;

async function pidsOf(sup: SupervisorRef): Promise<Pid[]> {
  return (await sup.whichChildren()).map(({ pid }) => pid!);
}

nodeTest(
  "10,000 children crash at once: as many restarts as are allowed, and one more",
  async ({ node }) => {
    const children = Array.from({ length: MANY }, (_, id) => child(Simple, [], { id }));
    const sup = await tree(node, { intensity: MANY }, children);
    const pids = await pidsOf(sup);
    for (const pid of pids) node.exit(pid, BOOM);
    assertEquals(await counts(sup), [MANY, MANY, 0, MANY]);
    const again = await pidsOf(sup);
    assertEquals(new Set([...pids, ...again].map(({ key }) => key)).size, MANY * 2);
    const down = ended(node, sup.pid);
    node.exit(again[0], BOOM); // one more in the same period
    assertEquals(await down, SHUTDOWN);
    assertEquals(node.processes().length, 1);
  },
);

nodeTest(
  "where one more crashes than is allowed, as many are started as are allowed",
  async ({ node }) => {
    let starts = 0;
    const some = MANY / 10;
    const ids = Array.from({ length: some }, (_, i) => i);
    const one = (id: number): Child =>
      child(
        (self) => {
          starts++;
          return self.receive();
        },
        [],
        { id },
      );
    const sup = await tree(node, { intensity: some - 1 }, ids.map(one));
    const down = ended(node, sup.pid);
    for (const pid of await pidsOf(sup)) node.exit(pid, BOOM);
    assertEquals(await down, SHUTDOWN);
    assertEquals(starts, 2 * some - 1);
  },
);

nodeTest(
  "10,000 children that trap exits are ended one after another, the last first",
  async ({ node }) => {
    const plan = new Plan();
    const names = Array.from({ length: MANY }, (_, i) => String(i));
    const sup = await tree(node, {}, names.map((name) => worker(plan, name)));
    plan.take();
    await sup.stop();
    assertEquals(plan.take(), names.map((name) => `end ${name} shutdown`).reverse());
  },
);

nodeTest("restarts that are too old are forgotten", async ({ node, platform }) => {
  const sup = await tree(node, { intensity: 101, period: 1_000 }, [child(Simple, [])]);
  for (let i = 0; i < 2_000; i++) {
    const [pid] = await pidsOf(sup);
    node.exit(pid, BOOM);
    platform.advance(10);
  }
  assertEquals(await counts(sup), [1, 1, 0, 1]);
});
