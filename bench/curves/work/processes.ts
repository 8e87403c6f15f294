import { GenServer, type Node, type ServerRef, startNode } from "../../../mod.ts";
import { inProcess } from "../../_processes.ts";
import { heap } from "../../local.ts";
import type { Work } from "../../_measure.ts";

/** A server whose table is its class's, as those have that are many. */
class Answering extends GenServer {
  static calls = { get: () => 5 };
  declare readonly calls: typeof Answering.calls;
}

const CALLS = 10_000;

export const POINTS = {
  "processes": async (size: number): Promise<Work> => {
    const node = await localNode();
    const servers = await startMany(node, size);
    let next = 0;
    // Not one after the other, as they lie in memory.
    const step = stepOf(size);
    return () =>
      inProcess(node, async (self) => {
        for (let i = 0; i < CALLS; i++) {
          next = (next + step) % size;
          await servers[next].as(self).call("get");
        }
        return CALLS;
      });
  },
  "process-memory": async (size: number): Promise<number> => {
    const node = await localNode();
    const before = await heap();
    const servers = await startMany(node, size);
    const after = await heap();
    return (after - before) / servers.length;
  },
};

export function localNode(): Promise<Node> {
  return startNode("curve@localhost", { network: false });
}

async function startMany(node: Node, count: number): Promise<ServerRef<Answering>[]> {
  const servers: ServerRef<Answering>[] = [];
  for (let i = 0; i < count; i++) servers.push(await node.start(Answering, []));
  return servers;
}

/** Goes through all of them: it has no factor in common with a power of ten. */
function stepOf(size: number): number {
  return Math.floor(size * 0.618) * 2 + 1;
}
