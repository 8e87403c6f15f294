import type { Platform, Timer } from "../../platform/contract.ts";

/** How long what belongs together is folded into one line, in milliseconds. */
const FOLD = 60_000;
/** What is folded each on its own; all else together. */
const MAX_KEYS = 256;

interface Fold<T> {
  readonly until: number;
  /** How many were told at once. */
  told: number;
  count: number;
  last: T;
}

/** What is told of several refusals at once. */
export interface Folded<T> {
  /** What they have in common; what was given as `others` where they are of many kinds. */
  readonly key: string;
  readonly count: number;
  readonly last: T;
}

/**
 * Keeps refusals from filling the log: the first of a kind is told at once, those that follow within a minute as a count at its end.
 */
export class FoldedLog<T> {
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #others: string;
  readonly #tell: (folded: Folded<T>) => void;
  readonly #folds: Map<string, Fold<T>> = new Map();
  #timer: Timer | null = null;

  /**
   * @param others what those are called that are folded together, because there are too many kinds.
   * @param tell is called with what was folded.
   */
  constructor(
    platform: Pick<Platform, "now" | "setTimer">,
    others: string,
    tell: (folded: Folded<T>) => void,
  ) {
    this.#platform = platform;
    this.#others = others;
    this.#tell = tell;
  }

  /**
   * Whether this one is to be told now; else it is counted.
   *
   * @param allowance how many of that kind are told at once within a minute.
   */
  isFirst(kind: string, last: T, allowance = 1): boolean {
    const known = this.#folds.has(kind) || this.#folds.size < MAX_KEYS;
    const key = known ? kind : this.#others;
    const fold = this.#folds.get(key);
    if (fold === undefined) {
      this.#folds.set(key, { until: this.#platform.now() + FOLD, told: 1, count: 0, last });
      this.#timer ??= this.#platform.setTimer(FOLD, () => this.#flush(), { unref: true });
      return true;
    }
    if (fold.told < allowance) {
      fold.told++;
      return true;
    }
    fold.count++;
    fold.last = last;
    return false;
  }

  /** Tells what has been counted, all of it. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const folds = [...this.#folds];
    this.#folds.clear();
    for (const [key, fold] of folds) this.#told(key, fold);
  }

  #flush(): void {
    this.#timer = null;
    const now = this.#platform.now();
    let next = Infinity;
    for (const [key, fold] of this.#folds) {
      if (fold.until <= now) {
        this.#folds.delete(key);
        this.#told(key, fold);
      } else {
        next = Math.min(next, fold.until - now);
      }
    }
    if (this.#folds.size > 0) {
      this.#timer = this.#platform.setTimer(next, () => this.#flush(), { unref: true });
    }
  }

  #told(key: string, { count, last }: Fold<T>): void {
    if (count > 0) this.#tell({ key, count, last });
  }
}
