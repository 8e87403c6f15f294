import type { AsyncContext, Timer } from "../platform/contract.ts";
import { reality } from "../platform/simulation.ts";
import type { VirtualScope } from "../platform/virtual_globals.ts";
import type { SeededRandom } from "./random.ts";
import { SimulationFault } from "./_fault.ts";

/** Who something is done for: one life of a node, the system of its machine, or the script. */
export interface Owner {
  readonly name: string;
  /** What was to be done for one that is not alive is dropped. */
  alive: boolean;
  /** What is due for one that is paused waits. */
  paused: boolean;
  /** Waits until it goes on. */
  readonly parked: Job[];
  /** What its code runs in. */
  readonly scope: VirtualScope;
}

/** Something that is to be done. */
export interface Job extends Timer {
  readonly owner: Owner;
  /** Microseconds; -1 where it can be done at any time. */
  at: number;
  readonly order: number;
  readonly run: () => void;
}

/** How a world moves. */
export interface WorldOptions {
  /** Draws who is next, and how long that takes; `null`: in the order of their coming, and in no time. */
  readonly random: SeededRandom | null;
  /** Whether time goes on by itself when nothing is left to do. */
  readonly flows: boolean;
  /** Steps after which it is given up. */
  readonly maxSteps: number;
  /** Microseconds after which it is given up. */
  readonly maxTime: number;
  /** After every step. What it throws ends the world. */
  afterStep(): void;
}

/** Real milliseconds for which a world waits that has nothing to do: something of the real runtime may come yet. */
const PATIENCE = 1_000;
const LOOK = 20;
/** The same for a world whose time a test moves. */
const STANDSTILL = 3_000;

/**
 * Time, and what is to be done in it. A step does one thing that can be done now, and lets all microtasks run that come of it; which one, the seed
 * decides. Where there is nothing time goes on to the next that is due.
 */
export class World {
  readonly #options: WorldOptions;
  readonly #context: AsyncContext = reality.context();
  /** Due later, a heap by time, then by the order in which they were set. */
  readonly #later: Job[] = [];
  readonly #ready: Job[] = [];
  /** Done at its time, before all else and without a draw: what is planned from outside, as faults. */
  readonly #planned: { readonly at: number; readonly run: () => void }[] = [];
  #us = 0;
  #order = 0;
  #steps = 0;
  #looping = false;
  #stuckFor = 0;
  #until = 0;
  #reached: (() => void) | null = null;
  #end: ((fault: unknown) => void) | null = null;
  #over = false;
  #settled = false;
  #fault: unknown = null;
  /** Looks whether time is moved on. */
  #doubt: Timer | null = null;

  constructor(options: WorldOptions) {
    this.#options = options;
    if (options.flows) this.#until = Infinity;
  }

  /** Microseconds since the beginning. */
  get us(): number {
    return this.#us;
  }

  get steps(): number {
    return this.#steps;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Whose code runs; `null` outside of this world. */
  get current(): Owner | null {
    return this.#context.get() as Owner | null ?? null;
  }

  /** Runs something as code of an owner. */
  as<T>(owner: Owner, fn: () => T): T {
    return this.#context.run(owner, fn);
  }

  /** Can be done at once, in any order with others. */
  soon(owner: Owner, run: () => void): Job {
    const job = this.#job(owner, -1, run);
    if (!owner.alive) return job;
    (owner.paused ? owner.parked : this.#ready).push(job);
    this.#wake();
    return job;
  }

  /** Is done in so many microseconds. */
  after(owner: Owner, us: number, run: () => void): Job {
    const job = this.#job(owner, this.#us + us, run);
    if (owner.alive) this.#push(job);
    return job;
  }

  /** Is done at that time in microseconds, whatever else there is; it takes no part in what the seed decides. */
  plan(at: number, run: () => void): void {
    const planned = this.#planned;
    let index = planned.length;
    while (index > 0 && planned[index - 1].at > at) index--;
    planned.splice(index, 0, { at, run });
    this.#wake();
  }

  pause(owner: Owner): void {
    owner.paused = true;
    this.#removeReady((job) => {
      if (job.owner !== owner) return false;
      owner.parked.push(job);
      return true;
    });
  }

  resume(owner: Owner): void {
    owner.paused = false;
    for (const job of owner.parked.splice(0)) {
      if (job.at < 0) {
        this.#ready.push(job);
      } else {
        job.at = this.#us;
        this.#push(job);
      }
    }
    this.#wake();
  }

  /** Nothing more is done for it. */
  kill(owner: Owner): void {
    owner.alive = false;
    owner.parked.length = 0;
    this.#removeReady((job) => job.owner === owner);
  }

  /** Runs until the script has settled, and returns what it gave; throws where the world had to end before. */
  async run<T>(outside: Owner, script: () => Promise<T>): Promise<T> {
    const ended = new Promise<never>((_, reject) => this.#end = reject);
    // Someone else may be awaited when it ends.
    ended.catch(() => {});
    const result = this.as(outside, async () => {
      try {
        return await script();
      } finally {
        this.#settled = true;
      }
    });
    this.#wake();
    try {
      const value = await Promise.race([result, ended]);
      this.#options.afterStep();
      return value;
    } finally {
      this.#over = true;
      this.#doubt?.cancel();
      result.catch(() => {});
    }
  }

  /** What it has failed with first, also where that came too late to end the script; `null` where it has not. */
  get fault(): unknown {
    return this.#fault;
  }

  /** Ends the world with a fault. */
  fail(fault: unknown): void {
    this.#over = true;
    this.#fault ??= fault;
    this.#end?.(fault);
  }

  /** Lets time go on for so many microseconds, and stand still then. */
  advance(us: number): Promise<void> {
    this.#until = Math.max(this.#until, this.#us) + us;
    return this.#reach();
  }

  /** Settles when nothing is left to do without more time. */
  settle(): Promise<void> {
    this.#until = Math.max(this.#until, this.#us);
    return this.#reach();
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#later.reduce((count, job) => job.owner.alive ? count + 1 : count, 0);
  }

  #reach(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#reached;
      this.#reached = () => {
        before?.();
        resolve();
      };
      this.#wake();
    });
  }

  #job(owner: Owner, at: number, run: () => void): Job {
    const job: Job = { owner, at, order: this.#order++, run, cancel: () => this.#cancel(job) };
    return job;
  }

  #cancel(job: Job): void {
    const list = job.at < 0 ? this.#ready : this.#later;
    const index = list.indexOf(job);
    if (index < 0) {
      const parked = job.owner.parked.indexOf(job);
      if (parked >= 0) job.owner.parked.splice(parked, 1);
    } else if (job.at < 0) list.splice(index, 1);
    else this.#removeAt(index);
  }

  #wake(): void {
    if (this.#looping || this.#over) return;
    this.#looping = true;
    reality.macrotask(this.#loop);
  }

  /** Runs in macrotasks: when one begins all that the step before has caused is done. */
  #loop = (): void => {
    this.#looping = false;
    if (this.#over || this.#settled) return;
    try {
      if (this.#steps > 0) this.#options.afterStep();
      if (this.#step()) {
        this.#stuckFor = 0;
        this.#wake();
      } else {
        this.#rest();
      }
    } catch (error) {
      this.fail(error);
    }
  };

  /** Nothing can be done, and time does not go on. */
  #rest(): void {
    if (this.#reached !== null) {
      const reached = this.#reached;
      this.#reached = null;
      reached();
    }
    if (!this.#options.flows) return this.#expect();
    this.#stuckFor += LOOK;
    if (this.#stuckFor > PATIENCE) {
      throw new SimulationFault(
        "stuck",
        "Cannot go on: nothing is left to do, yet the script has not ended; it waits for something that never comes, or for something outside of the simulation (fetch, files, node:timers)",
      );
    }
    this.#looping = true;
    reality.later(LOOK, this.#loop);
  }

  /** Somebody is to move time on. Where nobody does, and there are timers, it is told after a while. */
  #expect(): void {
    const steps = this.#steps;
    this.#doubt?.cancel();
    this.#doubt = reality.later(STANDSTILL, () => {
      if (this.#over || this.#looping || this.#steps !== steps || this.pending === 0) return;
      this.fail(
        new SimulationFault(
          "stuck",
          `Cannot go on: for ${STANDSTILL} ms nothing has happened, and ${this.pending} timers are set; time stands still until time.advance(ms) moves it on`,
        ),
      );
    });
  }

  /** @returns whether there was something to do. */
  #step(): boolean {
    const { random, maxSteps } = this.#options;
    const ready = this.#ready;
    let top = this.#later[0];
    const plan = this.#planned[0];
    if (plan !== undefined && (plan.at <= this.#us || ready.length === 0 && !(top?.at < plan.at))) {
      this.#us = Math.max(this.#us, plan.at);
      this.#inTime();
      this.#planned.shift();
      plan.run();
      return true;
    }
    if (ready.length === 0) {
      if (top === undefined || top.at > this.#until) {
        if (this.#until !== Infinity) this.#us = Math.max(this.#us, this.#until);
        return false;
      }
      this.#us = Math.max(this.#us, top.at);
    }
    const due = top !== undefined && top.at <= this.#us;
    const count = ready.length + (due ? 1 : 0);
    const chosen = random === null ? 0 : count === 1 ? 0 : random.int(count);
    let job: Job;
    if (chosen < ready.length) {
      job = ready[chosen];
      if (random === null) ready.shift();
      else {
        const last = ready.pop()!;
        if (chosen < ready.length) ready[chosen] = last;
      }
    } else {
      job = top = this.#pop();
      if (job.owner.paused) {
        job.owner.parked.push(job);
        return true;
      }
    }
    if (!job.owner.alive) return true;
    if (++this.#steps > maxSteps) {
      throw new SimulationFault(
        "limit",
        `Cannot go on: ${maxSteps} steps are done, and the script has not ended; raise maxSteps where that is right`,
      );
    }
    this.#inTime();
    if (random !== null) this.#us += 1 + random.int(20);
    this.as(job.owner, job.run);
    return true;
  }

  #inTime(): void {
    const { maxTime } = this.#options;
    if (this.#us <= maxTime) return;
    throw new SimulationFault(
      "limit",
      `Cannot go on: ${
        maxTime / 1000
      } ms have passed, and the script has not ended; raise maxTime where that is right`,
    );
  }

  #removeReady(isGone: (job: Job) => boolean): void {
    const ready = this.#ready;
    let kept = 0;
    for (let i = 0; i < ready.length; i++) {
      const job = ready[i];
      if (!isGone(job)) ready[kept++] = job;
    }
    ready.length = kept;
  }

  // The heap

  #push(job: Job): void {
    this.#later.push(job);
    this.#up(this.#later.length - 1);
    this.#wake();
  }

  #pop(): Job {
    const top = this.#later[0];
    this.#removeAt(0);
    return top;
  }

  #removeAt(index: number): void {
    const heap = this.#later;
    const last = heap.pop()!;
    if (index === heap.length) return;
    heap[index] = last;
    this.#down(index);
    this.#up(index);
  }

  #up(index: number): void {
    const heap = this.#later;
    const job = heap[index];
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(job, heap[parent])) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = job;
  }

  #down(index: number): void {
    const heap = this.#later;
    const job = heap[index];
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], job)) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = job;
  }
}

function isBefore(a: Job, b: Job): boolean {
  return a.at < b.at || a.at === b.at && a.order < b.order;
}
