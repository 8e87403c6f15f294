import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { atom, type Encodable, ReplyError, sys, type Term, tuple } from "../../mod.ts";
import { clusterTest, settle } from "../node/_cluster.ts";

const NET_KERNEL = { name: "net_kernel", node: "b@localhost" };

clusterTest("another node pings it, and cannot end or hold it", async (a, b) => {
  const ping = (): Promise<unknown> => a.call(NET_KERNEL, tuple(atom("is_auth"), atom(a.name)));
  assertStrictEquals(await ping(), atom("yes"));
  await assertRejects(() => sys.terminate(a, NET_KERNEL), ReplyError, "belongs to the node");
  await assertRejects(() => sys.suspend(a, NET_KERNEL), ReplyError, "belongs to the node");
  a.exit(b.whereis("net_kernel")!, atom("kill"));
  a.exit(b.whereis("net_kernel")!, atom("shutdown"));
  await settle(2);
  assert(b.whereis("net_kernel") !== undefined);
  assertStrictEquals(await ping(), atom("yes"));
});

clusterTest(
  "another node looks at the node's own processes, and debugs none of them",
  async (a, b) => {
    for (const name of b.registered()) {
      const there = { name, node: b.name };
      await sys.getState(a, there);
      const { debug } = await sys.getStatus(a, there);
      const changes: readonly (() => Promise<void>)[] = [
        () => sys.trace(a, there, true),
        () => sys.log(a, there, true),
        () => sys.log(a, there, 10_000),
        () => sys.statistics(a, there, true),
        () => sys.remove(a, there, atom("x")),
        () => sys.noDebug(a, there),
      ];
      for (const change of changes) await assertRejects(change, ReplyError, "only its own program");
      assertEquals(debug, [], name);
      assertEquals(await sys.getStatistics(a, there), null);
    }
  },
);

clusterTest("its own program debugs them, whoever is said to ask", async (a, b, { logs }) => {
  await sys.log(b, "net_kernel", true);
  await sys.trace(b, "net_kernel", true);
  await a.ping(b.name);
  assert(logs.some((line) => line.includes("net_kernel") && line.includes("is_auth")));
  assertEquals((await sys.getLog(a, NET_KERNEL)).length, 2);
  // As its own program would, by what the message says.
  const from = tuple(b.pid, atom("tag"));
  const request = tuple(atom("debug"), atom("no_debug"));
  a.send(NET_KERNEL, tuple(atom("system"), from, request as Term) as Encodable);
  await a.ping(b.name);
  assertEquals((await sys.getStatus(b, "net_kernel")).debug.length, 2);
  await sys.noDebug(b, "net_kernel");
});
