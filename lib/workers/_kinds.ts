import type { Pid } from "../etf/identifiers.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { ServerRef } from "../gen/server/server_ref.ts";
import { Statem } from "../gen/statem/statem.ts";
import type { Node } from "../node/node.ts";
import type { Behaviour } from "../node/process/behaviour.ts";

/** What kind of reference leads to a process from other threads: one that does nothing but send, as that to a server; else the pid. */
export function kindOf(behaviour: Behaviour): string {
  return behaviour instanceof GenServer || behaviour instanceof Statem ? "server" : "pid";
}

/** The reference to a process of another thread. */
export function referenceOf(kind: string, node: Node, pid: Pid): unknown {
  return kind === "server" ? new ServerRef(node, pid, node._core.main, {}) : pid;
}
