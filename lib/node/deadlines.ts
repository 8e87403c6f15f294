import type { Platform, Timer } from "../platform/contract.ts";

/** Something that is due at some time. A class that has a deadline extends this, so that setting one allocates nothing. */
export abstract class Deadline {
  /** @internal Neighbours in the bucket; `null` where it is in none. */
  _previous: Deadline | null = null;
  /** @internal */
  _next: Deadline | null = null;

  /** Called once, when the time has come, unless it was cleared before. */
  abstract expired(): void;
}

class Bucket extends Deadline {
  expired(): void {}
}

/** Timeouts from here on are rounded up to a coarse step: they are rarely reached, and thousands of them share a bucket. */
const COARSE_FROM = 1_000;
const COARSE_STEP = 32;
/** What a platform's timer can take. */
const LONGEST_TIMER = 2_147_483_647;

/**
 * All timeouts of a node on one timer of the platform. Setting and clearing are constant in time and set no timer, unless the
 * new deadline is the earliest: a timer per call costs some runtimes nine tenths of their calls.
 *
 * Deadlines of one millisecond fire in the order in which they were set. None fires early; those of 1 s and more up to 32 ms late.
 */
export class Deadlines {
  #platform: Platform;
  #buckets: Map<number, Bucket> = new Map();
  /** Due times of the buckets, a binary heap. */
  #heap: number[] = [];
  #timer: Timer | null = null;
  #armed = Infinity;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Sets a deadline in `ms` milliseconds; `Infinity` sets none. */
  set(deadline: Deadline, ms: number): void {
    if (ms === Infinity) return;
    const step = ms >= COARSE_FROM ? COARSE_STEP : 1;
    const due = Math.ceil((this.#platform.now() + ms) / step) * step;
    let bucket = this.#buckets.get(due);
    if (bucket === undefined) {
      bucket = new Bucket();
      bucket._previous = bucket._next = bucket;
      this.#buckets.set(due, bucket);
      this.#push(due);
      if (due < this.#armed) this.#arm(due);
    }
    const last = bucket._previous!;
    last._next = bucket._previous = deadline;
    deadline._previous = last;
    deadline._next = bucket;
  }

  /** Takes a deadline back. Does nothing where it is not set. */
  clear(deadline: Deadline): void {
    const previous = deadline._previous;
    if (previous === null) return;
    previous._next = deadline._next;
    deadline._next!._previous = previous;
    deadline._previous = deadline._next = null;
  }

  /** Forgets all deadlines, none of which fires any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armed = Infinity;
    this.#buckets.clear();
    this.#heap = [];
  }

  #arm(due: number): void {
    this.#timer?.cancel();
    this.#armed = due;
    const ms = Math.min(Math.max(0, Math.ceil(due - this.#platform.now())), LONGEST_TIMER);
    this.#timer = this.#platform.setTimer(ms, () => this.#fire(), { unref: true });
  }

  #fire(): void {
    this.#armed = Infinity;
    this.#timer = null;
    const now = this.#platform.now();
    while (this.#heap.length > 0 && this.#heap[0] <= now) {
      const due = this.#pop();
      const bucket = this.#buckets.get(due)!;
      this.#buckets.delete(due);
      for (let next = bucket._next!; next !== bucket; next = bucket._next!) {
        this.clear(next);
        try {
          next.expired();
        } catch (error) {
          this.#platform.log("error", `A deadline failed: ${error}`);
        }
      }
    }
    // Buckets whose deadlines were all cleared need no timer.
    while (this.#heap.length > 0) {
      const bucket = this.#buckets.get(this.#heap[0])!;
      if (bucket._next !== bucket) break;
      this.#buckets.delete(this.#pop());
    }
    if (this.#heap.length > 0 && this.#heap[0] < this.#armed) this.#arm(this.#heap[0]);
  }

  #push(due: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent] <= due) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): number {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop()!;
    const length = heap.length;
    if (length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= last) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
