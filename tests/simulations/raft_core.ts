/**
 * The core of Raft, without nodes, with 3 and with 5 members, under drops, partitions, crashes with lost and kept storage, pauses and skew: its
 * invariants are looked at after every step, and what clients have seen is linearizable; see tests/gen/raft/_world.ts. A hundred times as many seeds as of whole nodes fit
 * into the same time.
 */

import { World } from "../gen/raft/_world.ts";

export default {
  /** In the normal tests, on each runtime. */
  seeds: 100,
  run: (seed: number): { readonly steps: number; readonly faults: number } => {
    const world = new World({ seed, members: seed % 2 === 0 ? 5 : 3 });
    world.run();
    return { steps: world.steps, faults: world.crashes };
  },
};
