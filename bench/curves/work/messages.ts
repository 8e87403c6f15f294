import { api, GenServer, on, startNode, t } from "../../../mod.ts";
import { inProcess } from "../../_processes.ts";
import type { Work } from "../../_measure.ts";
import { serve, startFar } from "./_far.ts";

const Far = api({ calls: { echo: [t.term, t.term] }, casts: {} });

class Echo extends GenServer {
  override readonly calls = { echo: on(t.term, (term) => term) };
}

const COOKIE = "curves";
const FAR = "far@localhost";

export const POINTS = {
  "messages": async (size: number): Promise<Work> => {
    const port = Number(await startFar("messages"));
    const node = await startNode("near@localhost", {
      cookie: COOKIE,
      epmd: false,
      listen: false,
      routes: { [FAR]: { port } },
    });
    const far = node.ref(Far, { name: "far", node: FAR }).with({ timeout: 60_000 });
    const binary = new Uint8Array(size).fill(7);
    // About as long, whatever the size: 1 to 200 calls.
    const rounds = Math.max(1, Math.min(200, Math.floor(1_000_000 / size)));
    return () =>
      inProcess(node, async (self) => {
        for (let i = 0; i < rounds; i++) await far.as(self).call("echo", binary);
        return rounds;
      });
  },
};

export async function far(): Promise<void> {
  const node = await startNode(FAR, { cookie: COOKIE, epmd: false });
  await node.start(Echo, [], { register: "far" });
  serve(String(node.addresses[0].port));
}
