// Exit signals. The rules are those of "Processes" in Erlang's reference manual, and of erlang:exit/2.
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import {
  BOOM,
  collector,
  ended,
  forever,
  idler,
  KILL,
  KILLED,
  nodeTest,
  NORMAL,
  SHUTDOWN,
  spawned,
} from "../_nodes.ts";

nodeTest("exit/2 ends a process at once, with that reason", async ({ node }) => {
  for (const reason of [BOOM, SHUTDOWN, tuple(1, 2) as unknown as Term]) {
    const pid = idler(node);
    const down = ended(node, pid);
    node.exit(pid, reason as never);
    assertStrictEquals(node.isAlive(pid), false);
    assertStrictEquals(await down, reason);
  }
});

nodeTest(
  "normal from another process is ignored, also as a message unless exits are trapped",
  async ({ node, platform }) => {
    const plain = collector(node);
    const trapping = collector(node, (self) => void (self.trapExit = true));
    await platform.settle();
    node.exit(plain.pid, NORMAL);
    node.exit(trapping.pid, NORMAL);
    await platform.settle();
    assert(node.isAlive(plain.pid));
    assertEquals(plain.got, []);
    assertEquals(trapping.got, [tuple(atom("EXIT"), node.pid, NORMAL)]);
  },
);

nodeTest("normal from the process itself ends it", async ({ node }) => {
  const pid = node.spawn(async (self) => {
    self.exit(self.pid, NORMAL);
    await forever(self);
  });
  assertStrictEquals(await ended(node, pid), NORMAL);
});

nodeTest(
  "normal from the process itself is a message where it traps exits",
  async ({ node, platform }) => {
    const { pid, got } = collector(node, (self) => {
      self.trapExit = true;
      self.exit(self.pid, NORMAL);
    });
    await platform.settle();
    assertEquals(got, [tuple(atom("EXIT"), pid, NORMAL)]);
  },
);

nodeTest("kill ends a process that traps exits, with killed", async ({ node, platform }) => {
  const { pid, got } = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  const down = ended(node, pid);
  node.exit(pid, KILL);
  assertStrictEquals(await down, KILLED);
  assertEquals(got, []);
});

nodeTest("killed is a reason as any other", async ({ node, platform }) => {
  const trapping = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  node.exit(trapping.pid, KILLED);
  await platform.settle();
  assertEquals(trapping.got, [tuple(atom("EXIT"), node.pid, KILLED)]);
});

nodeTest("a trapped exit signal keeps its place among the messages", async ({ node, platform }) => {
  const { pid, got } = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  node.send(pid, 1);
  node.exit(pid, BOOM);
  node.send(pid, 2);
  await platform.settle();
  assertEquals(got, [1, tuple(atom("EXIT"), node.pid, BOOM), 2]);
});

nodeTest(
  "an exit signal comes before messages that wait: they are never handled",
  async ({ node, platform }) => {
    const { pid, got } = collector(node);
    await platform.settle();
    node.send(pid, 1);
    node.exit(pid, BOOM);
    await platform.settle();
    assertEquals(got, []);
  },
);

nodeTest("whether exits are trapped counts when the signal arrives", async ({ node, platform }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  self.trapExit = true;
  node.exit(pid, BOOM);
  assert(node.isAlive(pid));
  self.trapExit = false;
  node.exit(pid, BOOM);
  assertStrictEquals(node.isAlive(pid), false);
  await platform.settle();
});

nodeTest(
  "an exit signal to a process that is not there does nothing",
  async ({ node, platform }) => {
    const pid = node.spawn(() => {});
    await platform.settle();
    node.exit(pid, KILL);
  },
);

nodeTest("a text as a reason is refused where the atom is meant", async ({ node }) => {
  const pid = idler(node);
  for (const reason of ["normal", "shutdown", "kill"]) {
    assertThrows(() => node.exit(pid, reason as never), TypeError, `atom("${reason}")`);
  }
  const { value: self } = await spawned(node, (self) => self);
  assertThrows(() => self.stop("normal" as never), TypeError, "atom");
});
