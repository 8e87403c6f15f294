import { assert, assertRejects, assertStrictEquals } from "@std/assert";
import { atom, ReplyError, sys, tuple } from "../../mod.ts";
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
