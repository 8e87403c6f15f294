import type { Platform, Timer } from "../../platform/contract.ts";

/** How long what happens at one address is folded into one line, in milliseconds. */
const FOLD = 60_000;
/** Addresses that are folded each on its own; the others together. */
const MAX_ADDRESSES = 256;
const OTHERS = "other addresses";

interface Fold {
  readonly until: number;
  /** How many were told at once. */
  told: number;
  count: number;
  last: Error;
}

/** What is told of several refusals at once. */
export interface Folded {
  readonly address: string;
  readonly count: number;
  /** Why the last of them. */
  readonly error: Error;
}

/**
 * Keeps refusals from filling the log: the first of an address is told at once, those that follow within a minute as a count at
 * its end.
 */
export class FoldedLog {
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #tell: (folded: Folded) => void;
  readonly #folds: Map<string, Fold> = new Map();
  #timer: Timer | null = null;

  /** @param tell is called with what was folded. */
  constructor(platform: Pick<Platform, "now" | "setTimer">, tell: (folded: Folded) => void) {
    this.#platform = platform;
    this.#tell = tell;
  }

  /**
   * Whether this one is to be told now; else it is counted.
   *
   * @param allowance how many of that address are told at once within a minute.
   */
  isFirst(address: string, error: Error, allowance = 1): boolean {
    const known = this.#folds.has(address) || this.#folds.size < MAX_ADDRESSES;
    const key = known ? address : OTHERS;
    const fold = this.#folds.get(key);
    if (fold === undefined) {
      this.#folds.set(key, { until: this.#platform.now() + FOLD, told: 1, count: 0, last: error });
      this.#timer ??= this.#platform.setTimer(FOLD, () => this.#flush(), { unref: true });
      return true;
    }
    if (fold.told < allowance) {
      fold.told++;
      return true;
    }
    fold.count++;
    fold.last = error;
    return false;
  }

  /** Tells what has been counted, all of it. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const folds = [...this.#folds];
    this.#folds.clear();
    for (const [address, fold] of folds) this.#told(address, fold);
  }

  #flush(): void {
    this.#timer = null;
    const now = this.#platform.now();
    let next = Infinity;
    for (const [address, fold] of this.#folds) {
      if (fold.until <= now) {
        this.#folds.delete(address);
        this.#told(address, fold);
      } else {
        next = Math.min(next, fold.until - now);
      }
    }
    if (this.#folds.size > 0) {
      this.#timer = this.#platform.setTimer(next, () => this.#flush(), { unref: true });
    }
  }

  #told(address: string, { count, last }: Fold): void {
    if (count > 0) this.#tell({ address, count, error: last });
  }
}
