import type { Platform, Timer } from "../../platform/contract.ts";
import { errorText } from "../errors.ts";

/** Something that is due at some time. A class that has a deadline extends this, so that setting one allocates nothing. */
export abstract class Deadline {
  /** @internal Neighbours in the bucket; `null` where it is in none. */
  _previous: Deadline | null = null;
  /** @internal */
  _next: Deadline | null = null;

  /** Called once, when the time has come, unless it was cleared before. */
  abstract expired(): void;

  /** Called instead where the node stops before the time has come. */
  abandoned(): void {}
}

/** A ring of deadlines, of which it is one itself. */
class Bucket extends Deadline {
  constructor() {
    super();
    this._previous = this._next = this;
  }

  expired(): void {}
}

function append(bucket: Bucket, deadline: Deadline): void {
  const last = bucket._previous!;
  last._next = bucket._previous = deadline;
  deadline._previous = last;
  deadline._next = bucket;
}

/** Moves all of `from`, which must not be empty, to the end of `to`. */
function moveAll(to: Bucket, from: Bucket): void {
  const first = from._next!;
  const last = from._previous!;
  to._previous!._next = first;
  first._previous = to._previous;
  last._next = to;
  to._previous = last;
  from._previous = from._next = from;
}

/** Timeouts from here on are coarse: they are rarely reached, and all that are set within a step of time share a bucket. */
const COARSE_FROM = 1_000;
const COARSE_STEP = 32;
/** From so many buckets on those that are empty are looked for. */
const SWEEP_FROM = 1_024;
/** What a platform's timer can take. */
const LONGEST_TIMER = 2_147_483_647;

/**
 * All timeouts of a node on two timers of the platform. Setting and clearing are constant in time and set no timer, unless the
 * new deadline is the earliest: a timer per call costs some runtimes nine tenths of their calls.
 *
 * - Deadlines of one millisecond fire in the order in which they were set. None fires early.
 * - Those of 1 s and more fire up to 32 ms late. What calls need, the same timeout as the call before, does not even look at the
 *   clock, which costs as much as a fifth of a call: such deadlines gather in an open bucket, and their time counts from when it is
 *   closed, 32 ms later.
 */
export class Deadlines {
  #platform: Platform;
  #buckets: Map<number, Bucket> = new Map();
  /** Due times of the buckets, a binary heap. */
  #heap: number[] = [];
  #timer: Timer | null = null;
  #armed = Infinity;
  /** Takes the deadlines of `#openMs` until it is closed; it is in none of the tables. */
  #open: Bucket | null = null;
  #openMs = NaN;
  #closing: Timer | null = null;
  #sweepAt = SWEEP_FROM;
  #stopped = false;
  /** In a simulation, where they cost nothing, all are exact. */
  readonly #coarseFrom: number;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#coarseFrom = platform.turns === undefined ? COARSE_FROM : Infinity;
  }

  /**
   * Sets a deadline in `ms` milliseconds; `Infinity` sets none. One that is set already is set anew.
   *
   * @throws {RangeError} if `ms` is negative or no number.
   */
  set(deadline: Deadline, ms: number): void {
    if (deadline._previous !== null) this.clear(deadline);
    if (ms === this.#openMs) return append(this.#open!, deadline);
    // A NaN among the due times would be before and after none of them, and hold up all that come later.
    if (typeof ms !== "number" || !(ms >= 0)) {
      throw new RangeError(`Cannot set a deadline in ${String(ms)} ms: 0 or more is needed`);
    }
    if (ms === Infinity || this.#stopped) return;
    append(ms >= this.#coarseFrom ? this.#openFor(ms) : this.#at(ms), deadline);
  }

  /** Takes a deadline back. Does nothing where it is not set. */
  clear(deadline: Deadline): void {
    const previous = deadline._previous;
    if (previous === null) return;
    previous._next = deadline._next;
    deadline._next!._previous = previous;
    deadline._previous = deadline._next = null;
  }

  /** How many points in time are kept, of which some may be cleared already. */
  get size(): number {
    return this.#heap.length + (this.#open === null ? 0 : 1);
  }

  /** Abandons all deadlines; none fires any more, and none can be set. Sets no timer again. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#armed = Infinity;
    this.#closing?.cancel();
    const buckets = [...this.#buckets.values()];
    if (this.#open !== null) buckets.push(this.#open);
    this.#open = null;
    this.#openMs = NaN;
    this.#buckets.clear();
    this.#heap = [];
    for (const bucket of buckets) this.#empty(bucket, (deadline) => deadline.abandoned());
  }

  /** The bucket of what is due in `ms` milliseconds from now. */
  #at(ms: number): Bucket {
    const due = Math.ceil(this.#platform.now() + ms);
    let bucket = this.#buckets.get(due);
    if (bucket === undefined) this.#add(due, bucket = new Bucket());
    return bucket;
  }

  #add(due: number, bucket: Bucket): void {
    this.#buckets.set(due, bucket);
    this.#push(due);
    if (due < this.#armed) this.#arm(due);
  }

  #openFor(ms: number): Bucket {
    this.#close();
    this.#openMs = ms;
    this.#closing ??= this.#platform.setTimer(COARSE_STEP, () => {
      this.#closing = null;
      this.#close();
    }, { unref: true });
    return this.#open = new Bucket();
  }

  #close(): void {
    const open = this.#open;
    const ms = this.#openMs;
    this.#open = null;
    this.#openMs = NaN;
    if (open === null || isEmpty(open)) return;
    const due = Math.ceil(this.#platform.now() + ms);
    const bucket = this.#buckets.get(due);
    if (bucket === undefined) this.#add(due, open);
    else moveAll(bucket, open);
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
    const due: Bucket[] = [];
    while (this.#heap.length > 0 && this.#heap[0] <= now) {
      const time = this.#pop();
      due.push(this.#buckets.get(time)!);
      this.#buckets.delete(time);
    }
    // Only these: one that is set while they expire waits for another turn, even if it is due at once.
    for (const bucket of due) this.#empty(bucket, (deadline) => deadline.expired());
    // Buckets whose deadlines were all cleared need no timer.
    while (this.#heap.length > 0 && isEmpty(this.#buckets.get(this.#heap[0])!)) {
      this.#buckets.delete(this.#pop());
    }
    if (this.#heap.length > 0 && this.#heap[0] < this.#armed) this.#arm(this.#heap[0]);
  }

  #empty(bucket: Bucket, tell: (deadline: Deadline) => void): void {
    for (let next = bucket._next!; next !== bucket; next = bucket._next!) {
      this.clear(next);
      try {
        tell(next);
      } catch (error) {
        this.#platform.log("error", `A deadline failed: ${errorText(error)}`);
      }
    }
  }

  /** Forgets empty buckets, which calls with long timeouts that are soon answered leave behind. */
  #sweep(): void {
    const heap = this.#heap;
    this.#heap = [];
    for (const due of heap) {
      if (isEmpty(this.#buckets.get(due)!)) this.#buckets.delete(due);
      else this.#insert(due);
    }
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#heap.length);
  }

  #push(due: number): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    this.#insert(due);
  }

  #insert(due: number): void {
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

function isEmpty(bucket: Bucket): boolean {
  return bucket._next === bucket;
}
