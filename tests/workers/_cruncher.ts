import { GenServer, on, t } from "../../mod.ts";

/** Keeps a core busy. */
export class Cruncher extends GenServer {
  override readonly calls = {
    primes: on(t.integer, primesBelow),
    name: () => "cruncher",
  };
}

/** How many primes there are below a number. */
export function primesBelow(limit: number): number {
  let count = 0;
  for (let n = 2; n < limit; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0;
    if (isPrime) count++;
  }
  return count;
}
