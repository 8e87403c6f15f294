import { type OnWorker, Pool, type PoolSpec } from "../mod.ts";
import type Cruncher from "../examples/workers/cruncher.ts";

export const CRUNCHER = new URL("../examples/workers/cruncher.ts", import.meta.url);

/** A pool whose processes are on workers, each of which takes one call at a time. */
export class Crunchers extends Pool<OnWorker<Cruncher>> {
  override init(size: number): PoolSpec<OnWorker<Cruncher>> {
    return { worker: CRUNCHER, args: [], size, maxPerWorker: 1 };
  }
}

export interface Primes {
  call(name: "primes", from: number, to: number): Promise<number>;
}

export const CALLS = 8;
const FROM = 2_000_000;
const NUMBERS = 40_000;

/** So many calls at once, each of which computes. */
export async function crunch(crunchers: Primes): Promise<number> {
  const calls = Array.from(
    { length: CALLS },
    (_, i) => crunchers.call("primes", FROM + i * NUMBERS, FROM + (i + 1) * NUMBERS),
  );
  await Promise.all(calls);
  return CALLS;
}
