import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom, type Encodable, type Pid, type Term, tuple } from "../../mod.ts";
import { BOOM, idler } from "./_nodes.ts";
import { clusterTest, type Inbox, inbox } from "./_cluster.ts";
import { Echo, named, NOCONNECTION } from "./_two_nodes.ts";

// Three nodes

const THREE = { names: ["a@localhost", "b@localhost", "c@localhost"] };

clusterTest(
  "pids and references go round three nodes and mean the same everywhere",
  async (a, b, { c }) => {
    const nodes = [a, b, c];
    const ring: Inbox[] = [];
    for (const node of nodes) ring.push(await inbox(node, undefined, "ring"));
    const reference = a._core.makeRef();
    a.send(named("ring", b), tuple(ring[0].pid, reference));
    const atB = await ring[1].next();
    b.send(named("ring", c), atB);
    const atC = await ring[2].next() as [Pid, Term];
    assert(ring[0].pid.equals(atC[0]));
    c.send(atC[0], atC as unknown as Encodable);
    assertEquals(await ring[0].next(), tuple(ring[0].pid, reference) as unknown as Term);
    assertEquals(nodes.map((node) => node.nodes().length), [2, 2, 2]);
  },
  THREE,
);

clusterTest("a call is answered by a process of a third node", async (a, b, { c }) => {
  const answering = await inbox(c);
  const echo = await b.start(Echo, []);
  const call = a.call(echo.pid, tuple(atom("answer_for"), answering.pid));
  c.reply(await answering.next() as never, "from c");
  assertStrictEquals(String(await call), "from c");
  assertStrictEquals(a._core.aliasCount, 0);
}, THREE);

clusterTest(
  "one end is seen by monitors of all nodes, and a lost node by those of that node only",
  async (a, b, { c }) => {
    const [inB, inC] = [idler(b), idler(c)];
    const watchers = [];
    for (const node of [a, b, c]) {
      watchers.push(
        await inbox(node, (self) => {
          self.monitor(inB);
          self.monitor(inC);
        }),
      );
      for (const other of [a, b, c]) assert(await node.ping(other.name));
    }
    a.disconnect(c.name);
    const lost = await watchers[0].next() as Term[];
    assertEquals([lost[3], lost[4]], [inC, NOCONNECTION]);
    b.exit(inB, BOOM);
    for (const watcher of watchers) {
      const down = await watcher.next() as Term[];
      assertEquals([down[3], down[4]], [inB, BOOM]);
    }
    assert(c.isAlive(inC));
  },
  THREE,
);
