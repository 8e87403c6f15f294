import type { Node } from "../node/node.ts";
import { provideErpc } from "./erpc.ts";
import { startGroupLeader } from "./group_leader.ts";
import { NetKernel } from "./net_kernel.ts";

/** Starts the processes that other nodes expect to find on an Erlang node. */
export async function startKernel(node: Node): Promise<void> {
  await node.start(NetKernel, [], { register: "net_kernel" });
  startGroupLeader(node);
  provideErpc(node);
}
