import type { Node, Pid } from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import type { ClusterOptions } from "../../node/_cluster.ts";

/** Three visible nodes. */
export const VISIBLE: ClusterOptions = {
  names: ["a@localhost", "b@localhost", "c@localhost"],
  node: { published: true },
};

/** A process that waits for one message. */
export function waiting(node: Node): Pid {
  return node.spawn(async (self) => void await self.receive());
}

/** Waits until these nodes, and no others, see each other and have each other's names. */
export async function whole(...nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) {
    await poll(() => node.nodes("visible").length === nodes.length - 1);
    await node.global.sync();
  }
}

/** Connects nodes in a chain, and waits until they are a mesh. */
export async function joined(...nodes: readonly Node[]): Promise<void> {
  for (let i = 1; i < nodes.length; i++) await nodes[i - 1].connect(nodes[i].name);
  await whole(...nodes);
}
