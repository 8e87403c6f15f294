// Pids, and those of another node or another life of this one.
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { collector, idler, KILL, loneNode, nodeTest, NOPROC } from "../_nodes.ts";

nodeTest("every pid is another one", ({ node }) => {
  const keys = new Set(Array.from({ length: 1000 }, () => idler(node).key));
  assertStrictEquals(keys.size, 1000);
});

nodeTest("pids keep to 15 bits of id for old peers, and go on in the serial", ({ node }) => {
  for (let i = 0; i < 40_000; i++) {
    const pid = node.spawn(() => {});
    assert(pid.id < 32_768);
    node.exit(pid, KILL);
  }
  const pid = idler(node);
  assertStrictEquals(pid.serial, 1);
  assertStrictEquals(node.isAlive(pid), true);
});

test("two nodes of one program have nothing to do with each other", async () => {
  const [one, two] = [loneNode({}, "one@localhost"), loneNode({}, "two@localhost")];
  const pid = idler(one.node);
  assertStrictEquals(two.node.isAlive(pid), false);
  two.node.exit(pid, KILL);
  two.node.send(pid, 1);
  assert(one.node.isAlive(pid));
  await one.node.stop();
  const alive = idler(two.node);
  assert(two.node.isAlive(alive));
  await two.node.stop();
});

nodeTest("a pid of another life of the node is a pid of nobody", ({ node }) => {
  const pid = idler(node);
  const earlier = new (pid.constructor as new (...args: unknown[]) => typeof pid)(
    pid._node,
    pid.id,
    pid.serial,
    pid.creation + 1,
  );
  assertStrictEquals(node.isAlive(earlier), false);
  node.exit(earlier, KILL);
  assert(node.isAlive(pid));
});

nodeTest(
  "a link to a process of an earlier life is a link to nobody",
  async ({ node, platform }) => {
    const pid = idler(node);
    const earlier = new (pid.constructor as new (...args: unknown[]) => typeof pid)(
      pid._node,
      9999,
      7,
      pid.creation + 1,
    );
    const linking = collector(node, (self) => {
      self.trapExit = true;
      self.link(earlier);
    });
    await platform.settle();
    assertEquals(linking.got, [tuple(atom("EXIT"), earlier, NOPROC)]);
  },
);
