import { api, GenServer, type Node, startNode, t } from "../../../mod.ts";
import { heap } from "../../local.ts";
import { inProcess, inProcesses } from "../../_processes.ts";
import type { Work } from "../../_measure.ts";
import { serve, startFar } from "./_far.ts";

const Far = api({ calls: { get: [t.integer] }, casts: {} });

class Answering extends GenServer {
  override readonly calls = { get: () => 5 };
}

const COOKIE = "curves";
const CALLERS = 120;
const nameOf = (i: number): string => `far_${i}@localhost`;

export const POINTS = {
  "connections": async (size: number): Promise<Work> => {
    const { refs, node } = await connected(size);
    let next = 0;
    return () =>
      inProcess(node, async (self) => {
        for (let i = 0; i < 500; i++) await refs[next++ % size].as(self).call("get");
        return 500;
      });
  },
  "connections-load": async (size: number): Promise<Work> => {
    const { refs, node } = await connected(size);
    let next = 0;
    return () =>
      inProcesses(node, CALLERS, async (self) => {
        for (let i = 0; i < 50; i++) await refs[next++ % size].as(self).call("get");
        return 50;
      });
  },
  "connection-memory": async (size: number): Promise<number> => {
    let before = 0;
    await connected(size, async () => void (before = await heap()));
    return (await heap() - before) / size;
  },
};

/** A node to which so many have connected, which are in another program. */
async function connected(size: number, first?: () => Promise<void>) {
  const node = await startNode("near@localhost", { cookie: COOKIE, epmd: false });
  await first?.();
  await startFar("connections", String(node.addresses[0].port), String(size));
  const refs = Array.from(
    { length: size },
    (_, i) => node.ref(Far, { name: "far", node: nameOf(i) }).with({ timeout: 60_000 }),
  );
  for (const ref of refs) await ref.call("get");
  return { node, refs };
}

/** So many nodes, each with a connection to the one at that port. */
export async function far([port, size]: readonly string[]): Promise<void> {
  const routes = { "near@localhost": { port: Number(port) } };
  const nodes: Node[] = [];
  for (let i = 0; i < Number(size); i++) {
    const node = await startNode(nameOf(i), {
      cookie: COOKIE,
      epmd: false,
      listen: false,
      signals: false,
      routes,
    });
    await node.start(Answering, [], { register: "far" });
    await node.connect("near@localhost");
    nodes.push(node);
  }
  serve("ready");
}
