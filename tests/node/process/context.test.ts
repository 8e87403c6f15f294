import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { checkReason } from "../../../lib/node/errors.ts";
import { BOOM, collector, ended, idler, nodeTest, spawned } from "../_nodes.ts";

nodeTest("a process knows itself and its node", async ({ node }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  assertStrictEquals(self.pid, pid);
  assertStrictEquals(self.node, node);
  assertStrictEquals(self.caller, null);
  assertStrictEquals(self.trapExit, false);
  assertStrictEquals(self.signal.aborted, false);
  assertStrictEquals(self.signal, self.signal);
});

nodeTest(
  "a process sends, casts, registers and exits in its own name",
  async ({ node, platform }) => {
    const { pid: other, got } = collector(node, (self) => void (self.trapExit = true));
    const { pid } = await spawned(node, (self) => {
      self.register("mine");
      self.send(other, 1);
      self.cast(other, 2);
      self.exit(other, BOOM);
    });
    await platform.settle();
    assertStrictEquals(node.whereis("mine"), pid);
    assertEquals(got, [1, tuple(atom("$gen_cast"), 2), tuple(atom("EXIT"), pid, BOOM)]);
  },
);

nodeTest("a signal is what fetch and others take: it aborts with the process", async ({ node }) => {
  const reasons: unknown[] = [];
  const { pid } = await spawned(node, (self) => {
    self.signal.addEventListener("abort", () => reasons.push(self.signal.reason.exitReason));
  });
  node.exit(pid, BOOM);
  assertEquals(reasons, [BOOM]);
});

nodeTest("linked by itself, unlinked by itself", async ({ node, platform }) => {
  const other = idler(node);
  const { value: self } = await spawned(node, (self) => {
    self.link(other);
    self.unlink(other);
    self.unlink(other);
    return self;
  });
  node.exit(other, BOOM);
  await platform.settle();
  assert(node.isAlive(self.pid));
});

nodeTest(
  "the reason of a process that a listener of its signal starts more work from is kept",
  async ({ node, platform }) => {
    const { pid, value: self } = await spawned(node, (self) => self);
    self.signal.addEventListener("abort", () => {
      node.exit(pid, atom("again")); // it is over already
      node.spawn(() => {});
    });
    const down = ended(node, pid);
    node.exit(pid, BOOM);
    assertStrictEquals(await down, BOOM);
    await platform.settle();
  },
);

nodeTest("reasons that look like the atom of that name are refused, others are not", () => {
  for (const reason of ["normal", "shutdown", "kill"]) {
    assertThrows(() => checkReason(reason), TypeError, "atom");
  }
  for (const reason of ["Normal", "bye", atom("normal"), 5, null]) {
    assertStrictEquals(checkReason(reason), reason);
  }
});
