import { Queue } from "../../_util/queue.ts";
import type { Platform } from "../../platform/contract.ts";
import { errorText } from "../errors.ts";

/** Something that has work to do when its turn comes. */
export interface Runnable {
  /** Does a bounded piece of work. */
  run(): void;
}

/** At most so many turns run before what waits for promises goes on and the clock is looked at; fewer where turns are long. */
const MOST_TURNS = 32;
/** Milliseconds for which turns are given before sockets and timers get theirs. */
const SLICE = 2;

/**
 * The run queue of a node. It is drained in microtasks, which costs a fraction of a macrotask per turn; but microtasks alone
 * would starve sockets and timers, so after a slice of time the queue waits for a macrotask, and only there a new slice begins.
 *
 * Within a slice it lets other microtasks run after some turns: a process whose promise was settled would else go on at the end of
 * the slice only, where another one is flooded with messages.
 */
export class Scheduler {
  #platform: Platform;
  #queue: Queue<Runnable> = new Queue();
  #waiting = false;
  /** Turns until the next look at the clock. */
  turns: number = MOST_TURNS;
  /** How many messages a process may take in one turn. */
  readonly batch: number = 16;
  #turnsPerLook = MOST_TURNS;
  #lastLook = 0;
  #sliceBegan = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Whether turns wait to be given. */
  get isWaiting(): boolean {
    return this.#waiting;
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
      const next = this.#queue.shift();
      if (next === undefined) break;
      try {
        next.run();
      } catch (error) {
        // Nothing is to throw here; where something does, the other processes go on.
        this.#platform.log("error", `A turn failed: ${errorText(error)}`);
      }
      if (--this.turns <= 0 && this.#pause()) return;
    }
    this.#waiting = false;
  };

  /** @returns whether the rest of the queue comes later; where there is none the next turn begins as if this had not been. */
  #pause(): boolean {
    const now = this.#platform.now();
    const each = (now - this.#lastLook) / this.#turnsPerLook;
    this.#turnsPerLook = Math.max(1, Math.min(MOST_TURNS, Math.floor(SLICE / each)));
    this.#lastLook = now;
    this.turns = this.#turnsPerLook;
    if (now - this.#sliceBegan >= SLICE) this.#platform.yield(this.#newSlice);
    else if (this.#queue.length > 0) this.#platform.defer(this.#drain);
    else return false;
    return true;
  }

  /** @returns whether turns have waited for it; where none have, all of the program was waiting. */
  #newSlice = (): boolean => {
    const hasWaited = this.#queue.length > 0;
    this.#sliceBegan = this.#lastLook = this.#platform.now();
    this.turns = this.#turnsPerLook;
    this.#drain();
    return hasWaited;
  };
}

/** A run queue whose order the platform decides. */
class GivenTurns extends Scheduler {
  override readonly batch = 1;
  readonly #give: (turn: Runnable) => void;

  constructor(platform: Platform, give: (turn: Runnable) => void) {
    super(platform);
    this.#give = give;
  }

  override schedule(runnable: Runnable): void {
    this.#give(runnable);
  }
}

/** The run queue of a node on that platform. */
export function schedulerOf(platform: Platform): Scheduler {
  return platform.turns === undefined
    ? new Scheduler(platform)
    : new GivenTurns(platform, platform.turns);
}
