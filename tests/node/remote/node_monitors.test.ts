import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { format, type Node, type NodeType, startNode } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest, type Inbox, inbox } from "../_cluster.ts";

/** A process that is told of nodes. */
function listener(node: Node, ...types: (NodeType | undefined)[]): Promise<Inbox> {
  return inbox(node, (self) => {
    for (const type of types) self.monitorNodes(true, type === undefined ? {} : { type });
  });
}

async function taken(from: Inbox, count: number): Promise<string[]> {
  return (await from.take(count)).map((message) => format(message));
}

clusterTest("a process is told of the nodes that come and go", async (a, b, { reset }) => {
  const [got, there] = [await listener(a, undefined), await listener(b, undefined)];
  await a.connect(b.name);
  a.disconnect(b.name);
  await taken(there, 2); // b knows of it too
  assertEquals(await taken(got, 2), [
    "{nodeup,b@localhost,[{node_type,hidden}]}",
    "{nodedown,b@localhost,[{nodedown_reason,disconnect},{node_type,hidden}]}",
  ]);
  await b.connect(a.name);
  b.disconnect(a.name);
  await taken(there, 2);
  assertEquals(
    (await taken(got, 2))[1],
    "{nodedown,b@localhost,[{nodedown_reason,connection_closed},{node_type,hidden}]}",
  );
  await b.connect(a.name);
  reset();
  assertEquals(
    (await taken(got, 2))[1],
    "{nodedown,b@localhost,[{nodedown_reason,connection_closed},{node_type,hidden}]}",
  );
});

clusterTest("what a node sends comes between its nodeup and its nodedown", async (a, b) => {
  const got = await inbox(a, (self) => self.monitorNodes(true), "here");
  for (let i = 0; i < 20; i++) b.send({ name: "here", node: a.name }, i);
  const all = await taken(got, 21);
  assertEquals(all[0], "{nodeup,b@localhost,[{node_type,hidden}]}");
  assertEquals(all.slice(1), Array.from({ length: 20 }, (_, i) => String(i)));
  for (let i = 0; i < 20; i++) b.send({ name: "here", node: a.name }, i);
  await b.stop(); // sends what it has
  const rest = await taken(got, 21);
  assertEquals(rest.slice(0, 20), Array.from({ length: 20 }, (_, i) => String(i)));
  assertEquals(rest[20].startsWith("{nodedown,b@localhost,"), true);
});

clusterTest(
  "the type says of which connections, and whoever asks twice is told twice",
  async (a, b) => {
    const hidden = await listener(a, "hidden", "all");
    const visible = await listener(a, "visible");
    const stopped = await inbox(a, (self) => {
      self.monitorNodes(true);
      self.monitorNodes(true);
      self.monitorNodes(false, { type: "hidden" });
      self.monitorNodes(false);
      self.monitorNodes(true, { type: "hidden" });
    });
    await a.connect(b.name);
    a.disconnect(b.name);
    assertEquals((await taken(hidden, 4)).map((text) => text.split(",")[0]), [
      "{nodeup",
      "{nodeup",
      "{nodedown",
      "{nodedown",
    ]);
    assertEquals((await taken(stopped, 2)).map((text) => text.split(",")[0]), [
      "{nodeup",
      "{nodedown",
    ]);
    a.send(visible.pid, 1);
    assertEquals(await taken(visible, 1), ["1"]);
  },
);

clusterTest(
  "published nodes are visible to each other, and hidden where one asks for it",
  async (a, b) => {
    const got = await listener(a, "visible", "hidden");
    await a.connect(b.name);
    assertEquals(await taken(got, 1), ["{nodeup,b@localhost,[{node_type,visible}]}"]);
    assertEquals([a.nodes("visible"), b.nodes("visible")], [[b.name], [a.name]]);
    a.disconnect(b.name);
    await taken(got, 1);
    await a.connect(b.name, { hidden: true });
    assertEquals(await taken(got, 1), ["{nodeup,b@localhost,[{node_type,hidden}]}"]);
    assertEquals([a.nodes("visible"), a.nodes("hidden"), b.nodes("hidden")], [[], [b.name], [
      a.name,
    ]]);
  },
  { node: { published: true, connectAll: false } },
);

clusterTest(
  "a node is watched until it is down, once for each time that it was asked for",
  async (a, b) => {
    const got = await inbox(a, (self) => {
      self.monitorNode(b.name);
      self.monitorNode(b.name);
      self.monitorNode(b.name);
      self.monitorNode(b.name, false);
      self.monitorNode(a.name);
    });
    await a.connect(b.name);
    await b.stop();
    a.send(got.pid, 1);
    const all = await taken(got, 3);
    assertEquals(all.sort(), ["1", "{nodedown,b@localhost}", "{nodedown,b@localhost}"]);
  },
);

clusterTest("a node that cannot be reached is down", async (a) => {
  const got = await inbox(a, (self) => {
    self.monitorNode("d@localhost");
    self.monitorNode("d@localhost");
    self.monitorNode("no node at all");
  });
  assertEquals((await taken(got, 3)).sort(), [
    "{nodedown,'no node at all'}",
    "{nodedown,d@localhost}",
    "{nodedown,d@localhost}",
  ]);
});

clusterTest("to watch a node connects to it", async (a, b) => {
  const up = await listener(b, "all");
  const got = await inbox(a, (self) => self.monitorNode(b.name));
  assertEquals(await taken(up, 1), ["{nodeup,a@localhost,[{node_type,hidden}]}"]);
  b.disconnect(a.name);
  assertEquals(await taken(got, 1), ["{nodedown,b@localhost}"]);
});

clusterTest("a process that has ended is told nothing more, and is forgotten", async (a, b) => {
  const pid = a.spawn((self) => {
    self.monitorNodes(true);
    self.monitorNode(b.name);
  });
  await new Promise((resolve) => a.monitor(pid, resolve));
  await a.connect(b.name);
  assertEquals(a.isAlive(pid), false);
});

test("a node without a network has no other nodes", async () => {
  await using node = await startNode("alone@localhost", { network: false });
  const got = await inbox(node, (self) => {
    self.monitorNodes(true);
    self.monitorNode("other@localhost");
    self.monitorNode("other@localhost", false);
    assertThrows(
      () => self.monitorNodes(true, { type: "some" as never }),
      TypeError,
      '"visible", "hidden" or "all"',
    );
  });
  assertEquals(await taken(got, 1), ["{nodedown,other@localhost}"]);
});

testNothingIsLeft();
