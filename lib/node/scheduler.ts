import { Queue } from "../_util/queue.ts";
import type { Platform } from "../platform/contract.ts";
import { errorText } from "./errors.ts";

/** Something that has work to do when its turn comes. */
export interface Runnable {
  /** Does a bounded piece of work. */
  run(): void;
}

/** At most so many turns pass between two looks at the clock; fewer where turns are long. */
const MOST_TURNS = 32;
/** Milliseconds for which turns are given before sockets and timers get theirs. */
const SLICE = 2;

/**
 * The run queue of a node. It is drained in microtasks, which costs a fraction of a macrotask per turn; but microtasks alone
 * would starve sockets and timers, so after a slice of time the queue waits for a macrotask, and only there a new slice begins.
 */
export class Scheduler {
  #platform: Platform;
  #queue: Queue<Runnable> = new Queue();
  #waiting = false;
  /** Turns until the next look at the clock. */
  #turns = MOST_TURNS;
  #turnsPerLook = MOST_TURNS;
  #lastLook = 0;
  #sliceBegan = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Puts something at the end of the run queue. It must not be in the queue already. */
  schedule(runnable: Runnable): void {
    this.#queue.push(runnable);
    if (!this.#waiting) {
      this.#waiting = true;
      this.#platform.defer(this.#drain);
    }
  }

  #drain = (): void => {
    for (;;) {
      if (--this.#turns <= 0 && this.#look() - this.#sliceBegan >= SLICE) {
        this.#platform.yield(this.#newSlice);
        return;
      }
      const next = this.#queue.shift();
      if (next === undefined) break;
      try {
        next.run();
      } catch (error) {
        // Nothing is to throw here; where something does, the other processes go on.
        this.#platform.log("error", `A turn failed: ${errorText(error)}`);
      }
    }
    this.#waiting = false;
  };

  #look(): number {
    const now = this.#platform.now();
    const each = (now - this.#lastLook) / this.#turnsPerLook;
    this.#turnsPerLook = Math.max(1, Math.min(MOST_TURNS, Math.floor(SLICE / each)));
    this.#turns = this.#turnsPerLook;
    this.#lastLook = now;
    return now;
  }

  #newSlice = (): void => {
    this.#sliceBegan = this.#lastLook = this.#platform.now();
    this.#drain();
  };
}
