import { atom, GenServer, type Node, type Self, t } from "../../../mod.ts";
import { inProcess } from "../../_processes.ts";
import type { Work } from "../../_measure.ts";
import { localNode } from "./processes.ts";

class Answering extends GenServer {
  override readonly calls = { get: () => 5 };
}

const wanted = atom("wanted");
const Wanted = t.atom("wanted");

export const POINTS = {
  "mailbox-selective": async (size: number): Promise<Work> => {
    const filled = await fill(size);
    const rounds = Math.max(1, Math.min(1_000, Math.floor(100_000 / size)));
    return () =>
      filled(async (self) => {
        for (let i = 0; i < rounds; i++) {
          self.send(self.pid, wanted);
          await self.receive(Wanted);
        }
        return rounds;
      });
  },
  "mailbox-call": async (size: number): Promise<Work> => {
    const filled = await fill(size);
    return () =>
      filled(async (self, node) => {
        const server = (await node.start(Answering, [])).as(self);
        for (let i = 0; i < 1_000; i++) await server.call("get");
        await server.stop();
        return 1_000;
      });
  },
  "mailbox-drain": async (size: number): Promise<Work> => {
    const node = await localNode();
    const rounds = Math.max(1, Math.floor(1_000 / size));
    return () =>
      inProcess(node, async (self) => {
        for (let round = 0; round < rounds; round++) {
          for (let i = 0; i < size; i++) self.send(self.pid, i);
          for (let i = 0; i < size; i++) await self.receive();
        }
        return rounds * size;
      });
  },
};

type Filled = (run: (self: Self, node: Node) => Promise<number>) => Promise<number>;

/** A process with so many messages that nobody takes, which runs what it is given. */
async function fill(size: number): Promise<Filled> {
  const node = await localNode();
  const { promise, resolve } = Promise.withResolvers<Self>();
  node.spawn(async (self) => {
    for (let i = 0; i < size; i++) self.send(self.pid, i);
    resolve(self);
    await new Promise(() => {});
  });
  const self = await promise;
  return (run) => run(self, node);
}
