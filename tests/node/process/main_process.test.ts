// The pid that stands for the node is known to every process that it has called, also on other nodes: they must not be able to harm it.
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { NodeStoppedError } from "../../../lib/node/errors.ts";
import { stopProcess } from "../../../lib/gen/server/stop_process.ts";
import {
  BOOM,
  collector,
  ended,
  idler,
  KILL,
  loneNode,
  nodeTest,
  NORMAL,
  processOf,
  SHUTDOWN,
} from "../_nodes.ts";

nodeTest("no exit signal ends it", async ({ node, platform }) => {
  for (const reason of [KILL, BOOM, NORMAL]) node.exit(node.pid, reason);
  const pid = node.spawn((self) => {
    self.link(self.node.pid);
    self.exit(self.node.pid, KILL);
    throw new Error("linked to the node");
  });
  await platform.settle();
  assertStrictEquals(node.isAlive(pid), false);
  assert(node.isAlive(node.pid));
  assertEquals(processOf(node, node.pid).links, []);
  assertStrictEquals(await ended(node, node.spawn(() => {})), NORMAL);
});

nodeTest("messages to it are dropped", async ({ node, platform }) => {
  for (let i = 0; i < 1000; i++) node.send(node.pid, i);
  node.cast(node.pid, 1);
  await platform.settle();
  assertStrictEquals(node._core.main.queued, 0);
});

nodeTest(
  "a handler of the node's monitor that throws is logged, and the other monitors go on",
  async ({ node, platform }) => {
    const pids = [idler(node), idler(node), idler(node)];
    let downs = 0;
    node.monitor(pids[0], () => {
      throw new Error("in the handler");
    });
    node.monitor(pids[1], () => Promise.reject(new Error("later in the handler")));
    node.monitor(pids[2], () => void downs++);
    for (const pid of pids) node.exit(pid, BOOM);
    await platform.settle();
    assertStrictEquals(downs, 1);
    assertStrictEquals(platform.logs.length, 2);
    assertStrictEquals(await ended(node, node.spawn(() => {})), NORMAL);
  },
);

nodeTest(
  "a handler of the node's monitor that waits holds nobody up",
  async ({ node, platform }) => {
    const pids = [idler(node), idler(node)];
    let downs = 0;
    node.monitor(pids[0], () => new Promise(() => {}));
    node.monitor(pids[1], () => void downs++);
    for (const pid of pids) node.exit(pid, BOOM);
    await platform.settle();
    assertStrictEquals(downs, 1);
  },
);

test("with its node it ends, and its monitors with it", async () => {
  const { node, platform } = loneNode();
  const reasons: unknown[] = [];
  node.monitor(idler(node), ({ reason }) => void reasons.push(reason));
  await node.stop();
  await platform.settle();
  assertStrictEquals(node.isAlive(node.pid), false);
  assertStrictEquals(node._core.main.ownedCount, 0);
  assertEquals(reasons, [SHUTDOWN]); // told before the node was gone
  assertThrows(
    () => node.monitor(node.pid, () => {}),
    NodeStoppedError,
    "Cannot monitor: node lone@localhost has stopped",
  );
});

nodeTest("it cannot be called", async ({ node, platform }) => {
  const error = node.call(node.pid, 1, { timeout: 5 }).catch((error) => error);
  await platform.elapse(10);
  assertStrictEquals((await error).name, "CallTimeoutError");
});

nodeTest("what a link brings to it is dropped", async ({ node, platform }) => {
  const other = collector(node, (self) => self.link(self.node.pid));
  await platform.settle();
  node.exit(other.pid, BOOM);
  await platform.settle();
  assert(node.isAlive(node.pid));
});

nodeTest("it cannot be stopped as a process", async ({ node, platform }) => {
  const process = processOf(node, idler(node));
  await assertRejects(
    () => stopProcess(node._core, process, node.pid, NORMAL),
    Error,
    "call node.stop()",
  );
  node._core.main.stop(NORMAL);
  await platform.settle();
  assert(node.isAlive(node.pid));
});
