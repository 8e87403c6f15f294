import type { Node } from "../node/node.ts";
import { provideErlang } from "./erlang_module.ts";
import { provideErpc } from "./erpc.ts";
import { startGlobal } from "./global/global.ts";
import { type Output, startGroupLeader } from "./group_leader.ts";
import { startLogger } from "./logger_server.ts";
import { NetKernel } from "./net_kernel.ts";
import { Rex } from "./rex.ts";
import { provideShell } from "./shell/remote_shell.ts";

/** What the user of a node decides about its kernel. */
export interface KernelOptions {
  readonly output?: Output;
  /** What can be used by name in a remote shell; `null`, the default, where there is none. */
  readonly shell?: Readonly<Record<string, unknown>> | null;
  /** Milliseconds, see `ConnectionOptions.tickTime`. */
  readonly tickTime?: number;
  readonly connectAll?: boolean;
  readonly preventOverlappingPartitions?: boolean;
  readonly maxGlobalNames?: number;
}

/** Starts the processes that other nodes expect to find on an Erlang node. */
export async function startKernel(node: Node, options: KernelOptions = {}): Promise<void> {
  await startGroupLeader(node, options.output);
  await startLogger(node);
  await node.start(NetKernel, [], { register: "net_kernel" });
  await startGlobal(node, options);
  provideErpc(node);
  provideErlang(node);
  provideShell(node, options.shell ?? null, options.tickTime);
  await node.start(Rex, [], { register: "rex" });
}
