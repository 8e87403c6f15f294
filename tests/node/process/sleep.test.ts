import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { NodeStoppedError, ProcessExitedError } from "../../../lib/node/errors.ts";
import { BOOM, loneNode, nodeTest, processOf, spawned } from "../_nodes.ts";

nodeTest("sleep waits as long as it is told", async ({ node, platform }) => {
  let woken = 0;
  node.sleep(20).then(() => woken++);
  await platform.elapse(19);
  assertStrictEquals(woken, 0);
  await platform.elapse(1);
  assertStrictEquals(woken, 1);
});

nodeTest(
  "a signal cuts a sleep short, with its own reason, and leaves no timer",
  async ({ node, platform }) => {
    const controller = new AbortController();
    const sleeping = node.sleep(500, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => sleeping, Error, "enough");
    await assertRejects(() => node.sleep(500, { signal: controller.signal }), Error, "enough");
    await platform.elapse(600);
    assertStrictEquals(platform.pendingTimers, 0);
  },
);

nodeTest("a signal that aborts after the sleep does nothing", async ({ node, platform }) => {
  const controller = new AbortController();
  const sleeping = node.sleep(5, { signal: controller.signal });
  await platform.elapse(5);
  await sleeping;
  controller.abort();
});

nodeTest("a time that is none is a rejection", async ({ node }) => {
  for (const ms of [-1, NaN, "1" as never]) await assertRejects(() => node.sleep(ms), RangeError);
  const { signal } = new AbortController();
  await assertRejects(() => node.sleep(-1, { signal }), RangeError);
});

nodeTest("a process that sleeps wakes when it ends, to clean up", async ({ node, platform }) => {
  const steps: string[] = [];
  const pid = node.spawn(async (self) => {
    try {
      await self.sleep(10_000);
    } catch (error) {
      steps.push((error as Error).name);
    }
  });
  await platform.settle();
  node.exit(pid, BOOM);
  await platform.settle();
  assertEquals(steps, ["ProcessExitedError"]);
});

nodeTest(
  "a sleep that nobody waits for is nobody's fault when the process ends",
  async ({ node, platform }) => {
    const { pid } = await spawned(node, (self) => {
      void self.sleep(10_000);
    });
    node.exit(pid, BOOM);
    await platform.settle(); // an unhandled rejection would fail the run
  },
);

nodeTest(
  "a hundred thousand sleeps leave nothing with their process",
  async ({ node, platform }) => {
    const { pid, value: self } = await spawned(node, (self) => self);
    for (let round = 0; round < 10; round++) {
      const all = Promise.all(Array.from({ length: 10_000 }, () => self.sleep(5)));
      await platform.elapse(5);
      await all;
    }
    assertStrictEquals(processOf(node, pid).ownedCount, 0);
  },
);

nodeTest("a process that has ended cannot sleep", async ({ node }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  node.exit(pid, BOOM);
  await assertRejects(() => self.sleep(1), ProcessExitedError, "Cannot sleep");
});

test("a sleep ends when the node stops, and none begins after that", async () => {
  const { node, platform } = loneNode();
  const sleeping = [node.sleep(500), node.sleep(5_000), node.sleep(5_000)].map((promise) =>
    promise.catch((error) => error)
  );
  const stopped = node.stop();
  await platform.settle();
  await stopped;
  for (const error of await Promise.all(sleeping)) {
    assert(error instanceof NodeStoppedError);
    assertStrictEquals(error.node, node.name);
  }
  await assertRejects(
    () => node.sleep(1),
    NodeStoppedError,
    "Cannot sleep: node lone@localhost has stopped",
  );
  assertStrictEquals(platform.pendingTimers, 0);
});
