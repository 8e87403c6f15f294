import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  CallTimeoutError,
  GenServer,
  NodeDownError,
  NoProcessError,
  noReply,
  type Term,
  tuple,
} from "../../../mod.ts";
import { clusterTest } from "../_cluster.ts";

class Named extends GenServer {
  readonly got: Term[] = [];
  override handleCall(request: Term): unknown {
    return request === atom("never") ? noReply : tuple(atom(this.node.name), request);
  }
  override handleCast(request: Term): void {
    this.got.push(request);
  }
  override readonly calls = { got: () => [...this.got] };
}

const BOTH = ["a@localhost", "b@localhost"];
const NOBODY = "nobody@localhost";

clusterTest("servers of one name are called on several nodes", async (a, b) => {
  for (const node of [a, b]) await node.start(Named, [], { register: "named" });
  assertEquals(
    await a.multiCall([...BOTH, BOTH[1]], "named", 7),
    [...BOTH, BOTH[1]].map((node) => ({ node, ok: true, value: tuple(atom(node), 7) as Term })),
  );
  assertEquals(await a.multiCall([], "named", 7), []);
});

clusterTest("what happens to one is told of that one", async (a, b) => {
  await b.start(Named, [], { register: "named" });
  const [here, there, nobody] = await a.multiCall([...BOTH, NOBODY], "named", 7);
  assert(!here.ok && there.ok && !nobody.ok);
  assertInstanceOf(here.error, NoProcessError);
  assertInstanceOf(nobody.error, NodeDownError);
  const [late] = await a.multiCall([BOTH[1]], "named", atom("never"), { timeout: 1 });
  assert(!late.ok);
  assertInstanceOf(late.error, CallTimeoutError);
});

clusterTest("servers of one name are cast to on several nodes", async (a, b) => {
  const servers = [];
  for (const node of [a, b]) servers.push(await node.start(Named, [], { register: "named" }));
  a.abcast([...BOTH, NOBODY], "named", 7);
  a.abcast(BOTH, "nobody", 7);
  for (const server of servers) {
    let got: Term = [];
    await server.call("got");
    while ((got as Term[]).length === 0) got = await server.call("got");
    assertEquals(got, [7]);
  }
});

clusterTest("nodes are named in an array", async (a) => {
  const text = "on several nodes: an array of their names is needed";
  const nodes = "b@localhost" as unknown as string[];
  await assertRejects(() => a.multiCall(nodes, "named", 7), TypeError, text);
  await assertRejects(() => a.multicall(nodes, "erlang", "node"), TypeError, text);
  assertThrows(() => a.abcast([1] as unknown as string[], "named", 7), TypeError, text);
});
