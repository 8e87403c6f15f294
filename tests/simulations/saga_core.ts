/**
 * One transaction of four sagas of one node, of which one to three crash: before a message, after it, or in place of sending one. Which process runs next is drawn by lot.
 * All that live come to the same end; see tests/gen/saga/_participants.ts.
 */

import { anyCrashes, assertWhole, runWith } from "../gen/saga/_participants.ts";

export default {
  /** In the normal tests, on each runtime. */
  seeds: 200,
  run: async (seed: number): Promise<{ readonly steps: number; readonly faults: number }> => {
    const ledger = await runWith(anyCrashes, seed);
    assertWhole(ledger, `seed ${seed}`);
    return { steps: ledger.count.handles, faults: ledger.crashes.length };
  },
};
