import { inProcess } from "../../_processes.ts";
import { processorTime, type Work } from "../../_measure.ts";
import { localNode } from "./processes.ts";

const ROUNDS = 1_000;

export const POINTS = {
  "monitors": async (size: number): Promise<Work> => {
    const node = await localNode();
    const watched = node.spawn((self) => self.receive());
    // The last of `size`, which comes and goes.
    for (let i = 1; i < size; i++) node.monitor(watched, () => {});
    return () =>
      inProcess(node, (self) => {
        for (let i = 0; i < ROUNDS; i++) self.monitor(watched, () => {})[Symbol.dispose]();
        return ROUNDS;
      });
  },
  "monitors-fire": async (size: number): Promise<Work> => {
    const node = await localNode();
    return () =>
      inProcess(node, async (self) => {
        // As many in all, so that what one process costs does not hide what a monitor does.
        const many = Math.max(1, Math.floor(ROUNDS / size));
        const { promise, resolve } = Promise.withResolvers<void>();
        let left = many * size;
        const watched = Array.from({ length: many }, () => node.spawn((other) => other.receive()));
        for (const pid of watched) {
          for (let i = 0; i < size; i++) {
            self.monitor(pid, () => --left === 0 ? resolve() : undefined);
          }
        }
        const began = processorTime();
        for (const pid of watched) self.send(pid, "end");
        await promise;
        ms += processorTime() - began;
        return many * size;
      }).then((count) => {
        const took = ms;
        ms = 0;
        return { count, ms: took };
      });
  },
};

/** Only the end is timed. */
let ms = 0;
