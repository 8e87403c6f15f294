// A process is spawned, and messages come to it. The rules are those of "Processes" in Erlang's reference manual.
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { collector, ended, nodeTest, NORMAL } from "../_nodes.ts";

nodeTest("a spawned function runs later, in a process of its own", async ({ node, platform }) => {
  let ran = false;
  const pid = node.spawn(() => {
    ran = true;
  });
  assertStrictEquals(ran, false);
  assert(node.isAlive(pid));
  await platform.settle();
  assertStrictEquals(ran, true);
  assertStrictEquals(node.isAlive(pid), false);
});

nodeTest("a process ends with normal when its function is done", async ({ node }) => {
  assertStrictEquals(await ended(node, node.spawn(() => {})), NORMAL);
  assertStrictEquals(await ended(node, node.spawn(async () => await Promise.resolve(5))), NORMAL);
});

nodeTest("messages arrive in the order in which they were sent", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  for (let i = 0; i < 10_000; i++) node.send(pid, i);
  await platform.settle();
  assertEquals(got, Array.from({ length: 10_000 }, (_, i) => i));
});

nodeTest("messages of several senders keep each sender's order", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  for (let sender = 0; sender < 10; sender++) {
    node.spawn(async (self) => {
      for (let i = 0; i < 100; i++) {
        self.send(pid, tuple(sender, i));
        if (i % 7 === sender % 7) await Promise.resolve();
      }
    });
  }
  await platform.settle();
  assertStrictEquals(got.length, 1000);
  for (let sender = 0; sender < 10; sender++) {
    const own = got.filter((message) => (message as Term[])[0] === sender).map((message) =>
      (message as Term[])[1]
    );
    assertEquals(own, Array.from({ length: 100 }, (_, i) => i));
  }
});

nodeTest("ten thousand processes pass a message round", async ({ node, platform }) => {
  let next = collector(node);
  const { got } = next;
  for (let i = 0; i < 10_000; i++) {
    const { pid } = next;
    next = {
      got,
      pid: node.spawn(async (self) => self.send(pid, (await self.receive() as number) + 1)),
    };
  }
  node.send(next.pid, 0);
  await platform.settle();
  assertEquals(got, [10_000]);
});

nodeTest("what is sent to a process that has ended is dropped", async ({ node, platform }) => {
  const pid = node.spawn(() => {});
  await platform.settle();
  node.send(pid, 1);
  node.send("nobody", 1);
  node.cast(pid, 1);
  await platform.settle();
});

nodeTest("undefined is no message, and the mailbox goes on", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  await platform.settle();
  assertThrows(() => node.send(pid, undefined as unknown as null), TypeError, "nil");
  node.send(pid, 1);
  node.send(pid, null);
  node.send(pid, false);
  await platform.settle();
  assertEquals(got, [1, null, false]);
});

nodeTest(
  "a message is passed by reference, unless the node is to copy",
  async ({ node, platform }) => {
    const { pid, got } = collector(node);
    const map = new TermMap([[atom("a"), 1]]);
    node.send(pid, map);
    await platform.settle();
    assertStrictEquals(got[0], map);
  },
);

nodeTest("a node that copies sends what another node would get", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  const list = [1, 2];
  node.send(pid, list);
  list.push(3);
  await platform.settle();
  assertEquals(got, [[1, 2]]);
  assertThrows(() => node.send(pid, { plain: 1 } as unknown as Term), Error);
}, { copyMessages: true });
