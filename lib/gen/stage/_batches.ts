/** How much a consumer has asked for in one subscription, and not got. */
export interface Demand {
  readonly min: number;
  readonly max: number;
  pending: number;
}

/** Some events that are handled at once, and how many are asked for when they are. */
export interface Batch {
  readonly events: readonly unknown[];
  readonly ask: number;
}

/**
 * Cuts what has come into batches, as GenStage does: none is larger than `max - min`, and whenever `min` or fewer are left on their
 * way, so many are asked for that it is `max` again.
 *
 * @returns how many events came that nobody had asked for: they are handled, and not asked for again.
 */
export function cutBatches(
  events: readonly unknown[],
  demand: Demand,
): { readonly batches: Batch[]; readonly excess: number } {
  const { min, max } = demand;
  const size = max - min;
  const batches: Batch[] = [];
  let owed = demand.pending;
  let left = demand.pending;
  let excess = 0;
  for (let at = 0; at < events.length; at += size) {
    const batch = events.length <= size ? events : events.slice(at, at + size);
    const counted = Math.min(batch.length, owed);
    excess += batch.length - counted;
    owed -= counted;
    left -= counted;
    const ask = left <= min ? max - left : 0;
    if (ask > 0) left = max;
    batches.push({ events: batch, ask });
  }
  demand.pending = left;
  return { batches, excess };
}
