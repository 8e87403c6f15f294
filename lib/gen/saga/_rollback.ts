import { isThenable } from "../../_util/thenable.ts";
import { reasonTerm, sagaTerm } from "./_wire.ts";
import type { Place } from "./_place.ts";
import type { Next } from "./next.ts";
import type { Transaction } from "./transaction.ts";

/** Milliseconds that something may take to take back what it did, or to commit; then it is not waited for any more. */
const CANCEL_TIME = 5_000;
/** Milliseconds for which a part is waited for at least, however late it is. */
const LEAST_TIME = 100;
/** Milliseconds for which a cancelled `handleTransaction` is waited for, a quarter of what is left at most. */
const HANDLER_TIME = 1_000;
/** Takes back what a saga, and those below it, did for a transaction: the last first. Nothing is waited for without end. */
export class Rollback {
  readonly #place: Place;
  readonly #tx: Transaction;

  constructor(place: Place, tx: Transaction) {
    this.#place = place;
    this.#tx = tx;
  }

  /** @param handling what the saga is just doing for it. */
  async run(reason: string, handling: Promise<unknown> | null): Promise<void> {
    const tx = this.#tx;
    const open = Array.from(tx._open.values());
    tx._open.clear();
    for (const next of open) next._fail(reason); // whoever waits for it goes on
    const jobs = Array.from(tx._jobs, (job) => this.within(job._cancel(reason)));
    // It may still say how to take back what it is just doing.
    if (handling !== null) {
      const handled = handling.then(() => {}, () => {});
      await this.within(handled, Math.min(HANDLER_TIME, tx.remaining / 4));
    }
    await Promise.all([...open.map((next) => this.#cancel(next, reason)), ...jobs]);
    tx._undo = (undo) => void this.#undo(undo);
    const { _done: done } = tx;
    for (let step = done.pop(); step !== undefined; step = done.pop()) {
      if (typeof step === "function") await this.#undo(step);
      else await this.#cancel(step, reason);
    }
  }

  /** The saga hears no answers any more. */
  hurry(): void {
    for (const next of this.#tx._nexts.values()) if (next._cancelled !== null) next._over("ended");
  }

  /** Runs a method of the user that changes nothing any more, whatever it throws. */
  async last(method: string, fn: () => unknown): Promise<void> {
    try {
      const done = fn();
      if (isThenable(done)) await this.within(Promise.resolve(done));
    } catch (error) {
      this.#place._fault(`${method} of a saga has failed`, error);
    }
  }

  /** Tells a part that it is cancelled. */
  tell(next: Next<never>, reason: string): void {
    this.#place._tell(
      next._saga,
      sagaTerm("cancel", this.#place.pid, this.#tx.id, next.id, reasonTerm(reason)),
    );
  }

  /** Waits for something, so long at most. */
  within(done: PromiseLike<unknown>, ms: number = CANCEL_TIME): Promise<void> {
    if (this.#place._process.exited) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = this.#place._later(ms, resolve);
      done.then(() => {
        late[Symbol.dispose]();
        resolve();
      }, reject);
    });
  }

  async #undo(undo: () => unknown): Promise<void> {
    try {
      const undone = undo();
      if (isThenable(undone)) await this.within(Promise.resolve(undone));
    } catch (error) {
      this.#place._fault("Cannot take back a part of a transaction", error);
    }
  }

  /** Milliseconds for a part to take back what it did. One that is gone without a word may not hold up the end, and those below are given up before those above. */
  get #patience(): number {
    const { remaining, _parents: parents } = this.#tx;
    const part = 0.5 + 0.25 / (parents.length + 1);
    return Math.min(CANCEL_TIME, Math.max(LEAST_TIME, remaining * part));
  }

  /** Resolves when a part has taken back what it did, or does not live, or takes too long. */
  #cancel(next: Next<never>, reason: string): Promise<void> {
    if (next._state === "over" || this.#place._process.exited) return Promise.resolve();
    this.tell(next, reason);
    // An Ergo saga does not tell when it is done, and a saga that ends does not hear it.
    if (this.#place._ends || !next._agrees && next._state === "done") {
      next._over(reason);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const late = this.#place._later(this.#patience, () => next._over(reason));
      next._cancelled = () => {
        late[Symbol.dispose]();
        resolve();
      };
    });
  }
}
