import { GenServer, on, t } from "../../mod.ts";

/** Counts primes, which keeps a core busy. It runs on a thread of its own: see ../workers.ts. */
export default class Cruncher extends GenServer {
  override readonly calls = {
    // What comes from another thread comes as a term: `on` says what it has to be.
    primes: on(t.integer, t.integer, (from, to) => {
      let count = 0;
      for (let n = Math.max(from, 2); n < to; n++) if (isPrime(n)) count++;
      return count;
    }),
    fail: () => {
      setTimeout(() => {
        throw new Error("nobody catches this"); // which ends the whole thread
      }, 0);
    },
  };
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}
