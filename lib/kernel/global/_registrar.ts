import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Core } from "../../node/core.ts";
import { Acquire } from "./_acquire.ts";
import type { Locks } from "./_locks.ts";
import { bossOf } from "./_order.ts";
import { GLOBAL, knownFrom, type LockId } from "./_protocol.ts";
import { Worker } from "./_worker.ts";

const GET_KNOWN = atom("get_known");

/** Changes names one after another, each under the lock of all nodes that are known. It is a process, for the lock is its own. */
export class Registrar {
  readonly #core: Core;
  readonly #worker: Worker;
  readonly #acquire: Acquire;
  #last: Promise<unknown> = Promise.resolve();

  constructor(core: Core, locks: Locks) {
    this.#core = core;
    this.#worker = new Worker(core);
    this.#acquire = new Acquire(core, locks, this.#worker.process);
  }

  get pid(): Pid {
    return this.#worker.process.pid;
  }

  /** Runs `fn` when those before are done; it gets the nodes that are locked, this one among them, and what to ask them with. */
  run<T>(fn: (acquire: Acquire, nodes: readonly string[]) => Promise<T>): Promise<T> {
    const run = this.#last.then(() => this.#locked(fn));
    this.#last = run.catch(() => {});
    return run;
  }

  async #locked<T>(fn: (acquire: Acquire, nodes: readonly string[]) => Promise<T>): Promise<T> {
    const id = { resource: GLOBAL, requester: this.#worker.process.pid as Term };
    const nodes = await this.#lockKnown(id);
    try {
      return await fn(this.#acquire, nodes);
    } finally {
      await this.#acquire.deleteAll(id, nodes);
    }
  }

  /** Locks all nodes that are known, and tries until it has them. */
  async #lockKnown(id: LockId): Promise<readonly string[]> {
    for (let times = 0;; times++) {
      const nodes = [this.#core.name.name, ...await this.#known()];
      if (await this.#lock(id, nodes)) return nodes;
      await this.#acquire.pause(times);
    }
  }

  /** Locks those nodes, the boss first, and makes sure that no more have become known meanwhile. */
  async #lock(id: LockId, nodes: readonly string[]): Promise<boolean> {
    let locked: readonly string[] = [bossOf(nodes)];
    if (!await this.#acquire.set(id, locked)) return false;
    let all = false;
    try {
      if (!await this.#acquire.set(id, nodes)) return false;
      locked = nodes;
      return all = (await this.#known()).every((node) => nodes.includes(node));
    } finally {
      // What was not set was freed already; the rest, too, where others have become known.
      if (!all) await this.#acquire.delete(id, locked);
    }
  }

  async #known(): Promise<string[]> {
    const [[, known]] = await this.#acquire.ask([this.#core.name.name], GET_KNOWN);
    return knownFrom(known).map(([node]) => node);
  }
}
