// What nothing can do without: `bare.ts spawn` makes, runs and ends processes that consist of no more than their parts;
// `bare.ts encode --file NAME.etf` makes the result of an encoding whose bytes are ready.

import { readFileSync } from "node:fs";
import { atom, Pid } from "../../mod.ts";
import type { Work } from "../_measure.ts";
import { pick, report, task } from "../workloads/_report.ts";

const COUNT = 10_000;

/** The fields that an Erlang process cannot do without, and its place in the run queue. */
class BareProcess {
  readonly pid: Pid;
  readonly fn: (self: BareProcess) => unknown;
  readonly groupLeader: Pid;
  status = 0;
  trapExit = false;
  first: unknown = undefined;
  links: Set<Pid> | null = null;
  monitors: Set<unknown> | null = null;
  rest: unknown[] | null = null;

  constructor(pid: Pid, fn: (self: BareProcess) => unknown, groupLeader: Pid) {
    this.pid = pid;
    this.fn = fn;
    this.groupLeader = groupLeader;
  }
}

const PAGE = 32;

/** Processes by their numbers, which are given one after another: pages of neighbours take less than an entry of a `Map` for each. */
class Table {
  readonly #pages: Map<number, { left: number; readonly places: (BareProcess | null)[] }> =
    new Map();
  #last = { left: 0, places: new Array<BareProcess | null>(PAGE).fill(null) };

  add(number: number, process: BareProcess): void {
    if (number % PAGE === 0) {
      this.#last = { left: 0, places: new Array(PAGE).fill(null) };
      this.#pages.set(number / PAGE, this.#last);
    }
    this.#last.places[number % PAGE] = process;
    this.#last.left++;
  }

  remove(number: number): void {
    const page = this.#pages.get(Math.floor(number / PAGE));
    if (page === undefined) return;
    page.places[number % PAGE] = null;
    if (--page.left === 0 && page !== this.#last) this.#pages.delete(Math.floor(number / PAGE));
  }
}

/** A process each: a pid, the object, its place in a table, its turn in a queue that a microtask drains, its end. */
function spawning(): Work {
  const node = atom("bare@localhost");
  const leader = new Pid(node, 0, 0, 1);
  const table = new Table();
  let queue: BareProcess[] = [];
  let number = 0;
  let left = 0;
  let done: () => void = () => {};
  const end = (): void => {
    if (--left === 0) done();
  };
  const drain = (): void => {
    const turns = queue;
    queue = [];
    for (const process of turns) {
      try {
        process.fn(process);
      } finally {
        process.status = 2;
        table.remove(process.pid.id);
      }
    }
  };
  const spawn = (fn: (self: BareProcess) => unknown): Pid => {
    const pid = new Pid(node, number++ & 0xfff_ffff, 0, 1);
    const process = new BareProcess(pid, fn, leader);
    table.add(pid.id, process);
    if (queue.push(process) === 1) queueMicrotask(drain);
    return pid;
  };
  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    done = resolve;
    left = COUNT;
    for (let i = 0; i < COUNT; i++) spawn(() => end());
    await promise;
    return COUNT;
  };
}

/** The last result, which is kept so that no engine leaves it out. */
export let last: unknown;

const SLAB = 8192;

/** An array of its own that holds the bytes; small ones are carved from a common buffer, which costs less. */
function copying(): Work {
  const ready = new Uint8Array(readFileSync(it.file));
  const { length } = ready;
  const rounds = Math.max(1, Math.min(1_000, Math.floor(80_000 / length)));
  let slab = new Uint8Array(SLAB);
  let used = 0;
  const copy = (): Uint8Array => {
    if (length > SLAB / 4) return ready.slice();
    if (used + length > SLAB) {
      slab = new Uint8Array(SLAB);
      used = 0;
    }
    const copied = new Uint8Array(slab.buffer, used, length);
    copied.set(ready);
    used += length;
    return copied;
  };
  return () => {
    for (let i = 0; i < rounds; i++) last = copy();
    return rounds;
  };
}

const it = task();
await report(it, pick({ spawn: spawning, encode: copying }, it.names[0])());
