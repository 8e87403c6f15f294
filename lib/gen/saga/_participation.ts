import { NOCONNECTION } from "../../node/atoms.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import { format } from "../../etf/format.ts";
import type { Schema } from "../../etf/schema/schema.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { Agreement } from "./_agreement.ts";
import type { Begun, Place, Waiting } from "./_place.ts";
import { Rollback } from "./_rollback.ts";
import { optionsTerm, reasonTerm, type SagaMessage, sagaTerm } from "./_wire.ts";
import { reasonOfError, TransactionCancelledError } from "./errors.ts";
import { Job } from "./job.ts";
import { Next } from "./next.ts";
import { FunctionWorker, SagaWorker, Step } from "./saga_worker.ts";
import {
  type JobOptions,
  type NextOptions,
  Transaction,
  type TransactionHome,
  type WorkerOf,
} from "./transaction.ts";

/** Of the lifespan what is kept for coming to an end, and at most so many milliseconds. */
const RESERVE = 0.25;
const MOST_RESERVE = 2_000;
/** Where less than this part of the reserve is left, the first saga asks the others before it cancels. */
const STILL_TIME = 0.7;

/** A saga's part in a transaction, from the request to the end. */
export class Participation implements TransactionHome {
  readonly tx: Transaction;
  readonly #place: Place;
  readonly #waiting: Waiting | null;
  readonly #agreement: Agreement;
  readonly #rollback: Rollback;
  #result: { readonly value: unknown } | null = null;
  #timer: Disposable | null = null;
  #parentMonitor: Monitor | null = null;
  #finishing = false;
  /** What `handleDone` has made of the result. */
  #finished: { readonly value: unknown } | null = null;
  /** Resolves when `handleTransaction` is over. */
  #handling: Promise<unknown> | null = null;
  #reserve = 0;
  /** Whether the parent has told that it is cancelled. */
  #parentKnows = false;
  #isTakenBack = false;
  #takingBack: Promise<void> | null = null;
  #final: unknown = null;

  constructor(place: Place, begun: Begun, waiting: Waiting | null) {
    this.#place = place;
    this.#waiting = waiting;
    this.tx = new Transaction(this, begun);
    this.#rollback = new Rollback(place, this.tx);
    this.#agreement = new Agreement(place, this.tx, {
      commit: (final) => this.#commit(final),
      cancel: (reason, agreed = false) => this.#cancel(reason, "agreement", agreed),
      forget: () => place._forget(this),
    });
  }

  get _now(): number {
    return this.#place._now;
  }

  get _process(): Process {
    return this.#place._process;
  }

  // From the request to the result

  begin(): void {
    const { tx } = this;
    if (tx._twoPhase) this.#reserve = Math.min(MOST_RESERVE, tx.remaining * RESERVE);
    this.#timer = this.#place._later(tx.remaining - this.#reserve, () => this.#late());
    if (tx.parent !== null) {
      this.#parentMonitor = this.#place._watch(tx.parent, (down) => this.#parentDown(down));
    }
    let result: unknown;
    try {
      result = this.#place._run(tx);
    } catch (error) {
      return this.#failed(error);
    }
    if (!isThenable(result)) return this.#handled(result);
    this.#handling = Promise.resolve(result);
    this.#handling.then(
      (value) => this.#turn(() => this.#handled(value)),
      (error) => this.#turn(() => this.#failed(error)),
    );
  }

  /** @ignore @internal */
  _next(saga: Target, value: Encodable, options: NextOptions<never>): Next<never> {
    const { tx } = this;
    const place = this.#place;
    const { timeout, trapCancel = false, interim = null, result } = options;
    const monitor = place._watch(saga, (down) => {
      const why = down.reason === NOCONNECTION
        ? `the node of ${place._describe(saga)} cannot be reached`
        : `saga ${format(down.object)} is down: ${format(down.reason, { maxLength: 200 })}`;
      this.#nextEnded(next, why);
    });
    const next: Next<never> = new Next(monitor, saga, trapCancel, interim);
    if (result !== undefined) next._schema = result as Schema<never>;
    const lifespan = tx.remaining; // it may have to wait for others when it is done
    try {
      place._offer(
        saga,
        sagaTerm(
          "next",
          place.pid,
          tx.id,
          next.id,
          value,
          tx._parents,
          optionsTerm({ hopLimit: tx._hopLimit - 1, lifespan, twoPhaseCommit: tx._twoPhase }),
        ),
      );
    } catch (error) {
      next._over("not sent");
      throw error;
    }
    if (timeout !== undefined) {
      next._timer = place._later(timeout, () => {
        if (next._state !== "open") return;
        if (!trapCancel) return this.#cancel("lifespan", "here");
        this.#rollback.tell(next, "lifespan");
        this.#nextEnded(next, "lifespan");
      });
    }
    tx._open.set(next.id.key, next);
    tx._nexts.set(next.id.key, next);
    return next;
  }

  /** @ignore @internal */
  _job(worker: WorkerOf<never, never>, value: never, options: JobOptions): Job<never> {
    const { tx } = this;
    const isClass = worker.prototype instanceof SagaWorker;
    const Worker = isClass ? worker as new () => SagaWorker<never, never> : FunctionWorker;
    const { process, instance } = this.#place._startWorker(
      Worker as new () => SagaWorker<never, never>,
    );
    if (!isClass) (instance as unknown as FunctionWorker)._fn = worker as FunctionWorker["_fn"];
    const job = new Job<never>(this, process, instance);
    tx._jobs.add(job);
    const { timeout, interim } = options;
    instance._work(
      value,
      (part) =>
        this.#turn(() => {
          if (job.running) interim?.(part);
        }),
      (result) => this.#turn(() => job._done(result, tx._twoPhase)),
    );
    if (timeout !== undefined) {
      job._timer = this.#place._later(timeout, () => job.cancel("lifespan"));
    }
    return job;
  }

  /** @ignore @internal */
  _jobSettled(job: Job<never>): void {
    const { tx } = this;
    if (job._failure === null) return this.#look();
    if (job._lost) return this.#lost(job._failure); // its result, too
    // Whoever has started it may still come to wait for it.
    if (job._awaited || this.#result === null) return this.#look();
    if (tx._phase === "active") this.#cancel(job._failure, "here");
  }

  /** @ignore @internal */
  _interim(value: Encodable): void {
    const { tx } = this;
    if (tx.parent !== null) {
      this.#place._offer(
        tx.parent,
        sagaTerm("interim", this.#place.pid, tx.id, tx._origin, value),
      );
    }
  }

  /** @ignore @internal */
  _cancel(reason: string): void {
    this.#cancel(reason, "here");
  }

  #handled(value: unknown): void {
    if (this.tx._phase !== "active") return;
    this.#result = { value };
    for (const { _failure: failure, _awaited: isAwaited } of this.tx._jobs) {
      if (failure !== null && !isAwaited) return this.#cancel(failure, "here");
    }
    this.#look();
  }

  #failed(error: unknown): void {
    const { _phase: phase } = this.tx;
    if (phase !== "active" && phase !== "deciding") return;
    this.#cancel(reasonOfError(error), "here");
  }

  /** Gives the result where nothing is waited for any more. */
  #look(): void {
    const { tx } = this;
    if (tx._phase !== "active" || this.#result === null || !tx._settled) return;
    if (tx.parent !== null) return this.#vote(this.#result.value);
    if (this.#finished !== null) return this.#decide(this.#finished.value);
    if (this.#finishing) return;
    this.#finishing = true;
    let final: unknown;
    try {
      final = this.#place._finish(tx, this.#result.value);
    } catch (error) {
      return this.#failed(error);
    }
    if (!isThenable(final)) return this.#finish(final);
    Promise.resolve(final).then(
      (value) => this.#turn(() => this.#finish(value)),
      (error) => this.#turn(() => this.#failed(error)),
    );
  }

  #vote(value: unknown): void {
    const { tx } = this;
    const { pid } = this.#place;
    const result = value === undefined ? null : value;
    try {
      const message = sagaTerm("result", pid, tx.id, tx._origin, result);
      if (tx._agrees) {
        const members = tx._twoPhase ? [pid, ...this.#membersBelow()] : [];
        this.#place._tell(tx.parent!, sagaTerm("member", pid, tx.id, tx._origin, members));
      }
      this.#place._tell(tx.parent!, message);
    } catch (error) {
      return this.#failed(error); // what is no term cannot be told
    }
    tx._phase = "voted";
    // An Ergo saga tells of no end then.
    if (!tx._twoPhase && !tx._agrees) this.#commit(result);
  }

  #finish(final: unknown): void {
    this.#finished = { value: final === undefined ? null : final };
    this.#look();
  }

  #decide(final: unknown): void {
    const members = this.tx._twoPhase ? this.#membersBelow() : [];
    if (members.length === 0) return this.#commit(final);
    try {
      this.#agreement.decide(members, final as Term);
    } catch (error) {
      this.#failed(error); // what is no term cannot be told
    }
  }

  #membersBelow(): Pid[] {
    return Array.from(
      this.tx._nexts.values(),
      (next) => next._state === "done" ? next._members : [],
    ).flat();
  }

  // What others say

  receive(message: Exclude<SagaMessage, { kind: "next" }>): void {
    const { tx } = this;
    switch (message.kind) {
      case "member": {
        const next = tx._open.get(message.origin.key);
        if (next === undefined) return;
        next._agrees = true;
        next._members = message.members;
        return;
      }
      case "interim": {
        const next = tx._open.get(message.origin.key);
        if (next === undefined) return;
        try {
          next._interim?.(message.value);
        } catch (error) {
          this.#failed(error);
        }
        return;
      }
      case "result":
        return this.#nextDone(message.origin, message.value);
      case "cancel":
        return this.#cancelled(message);
      case "cancelled":
        return tx._nexts.get(message.origin.key)?._over("cancelled");
      default:
        return this.#agreement.receive(message);
    }
  }

  #nextDone(id: Ref, value: Term): void {
    const { tx } = this;
    const next = tx._open.get(id.key);
    if (next === undefined) return;
    let result = value as never;
    try {
      if (next._schema !== null) result = next._schema.parse(value) as never;
    } catch (error) {
      this.#rollback.tell(next, "bad_result");
      return this.#nextEnded(next, `bad_result: ${(error as Error).message}`);
    }
    tx._open.delete(id.key);
    tx._done.push(next);
    next._done(result);
    this.#look();
  }

  #cancelled({ from, origin, reason }: SagaMessage & { kind: "cancel" }): void {
    const { tx } = this;
    const next = tx._nexts.get(origin.key);
    if (next !== undefined) return this.#nextEnded(next, reason);
    if (tx.parent !== null && from.equals(tx.parent) && origin.equals(tx._origin)) {
      this.#parentKnows = true;
      if (tx._phase === "cancelled" && this.#isTakenBack) this.#acknowledge();
      else if (tx._phase === "cancelled") return; // it is told when all is taken back
      else this.#cancel(reason, "parent");
      return;
    }
    if (this.#agreement.isMember(from)) this.#cancel(reason, "agreement");
  }

  /** A part is cancelled, or its saga is down. */
  #nextEnded(next: Next<never>, reason: string): void {
    const { tx } = this;
    const was = next._state;
    if (was === "over") return;
    tx._open.delete(next.id.key);
    next._over(reason);
    if (was === "done") {
      tx._done = tx._done.filter((done) => done !== next as unknown);
      return this.#lost(reason); // that is not trapped
    }
    if (tx._phase !== "active") return;
    if (next._trapCancel) this.#look();
    else this.#cancel(reason, "here");
  }

  /** Something that was done is lost, or taken back. */
  #lost(reason: string): void {
    const { tx } = this;
    if (tx._phase === "prepared") this.#agreement.tellFirst(reason);
    else if (tx._twoPhase || tx._phase === "active") this.#cancel(reason, "here");
  }

  #parentDown({ reason }: Down): void {
    this.#parentMonitor = null;
    const { tx } = this;
    if (tx._phase === "active" || tx._phase === "voted") {
      this.#cancel(`saga ${format(tx.parent!)} is down`, "agreement");
    } else if (tx._phase === "prepared") {
      this.#agreement.down(tx.parent!, reason);
    }
  }

  /** Nothing new is done any more. There is some time left to come to an end in, with the first saga, or, where it says nothing, without. */
  #late(): void {
    const { tx } = this;
    const reserve = this.#reserve;
    if (tx._phase === "active" || tx._phase === "deciding") return this.#cancel("lifespan", "here");
    this.#timer = this.#place._later(reserve / 2, () => {
      if (tx._phase === "voted") return this.#cancel("lifespan", "here");
      this.#doubt();
    });
  }

  #doubt(): void {
    this.#agreement.doubt();
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#place._later(this.#reserve / 4, () => this.#agreement.force());
  }

  // The end

  #commit(final: unknown): void {
    const { tx } = this;
    if (tx._phase === "committed" || tx._phase === "cancelled") return;
    const voted = tx.parent === null || tx._twoPhase || tx._agrees;
    tx._phase = "committed";
    this.#final = final;
    this.#end();
    for (const next of tx._nexts.values()) {
      // Members are told by the first saga.
      if (voted && (next._members.length === 0 || !tx._twoPhase) && next._state === "done") {
        this.#tellCommit(next, final);
      }
      next._over("committed");
    }
    const jobs = Array.from(tx._jobs, (job) => this.#rollback.within(job._commit(final as Term)));
    if (!this.#agreement.committed(final as Term)) this.#place._forget(this);
    const told = !tx._twoPhase
      ? null
      : this.#rollback.last("handleCommit", () => this.#place._committed(tx, final));
    void this.#everywhere([told, ...jobs], final);
  }

  #tellCommit(next: Next<never>, final: unknown): void {
    try {
      this.#place._tell(
        next._saga,
        sagaTerm("commit", this.#place.pid, this.tx.id, next.id, final),
      );
    } catch (error) {
      this.#place._fault("Cannot tell a saga that a transaction is committed", error);
    }
  }

  /** Who started it hears of it when all have. */
  async #everywhere(here: readonly (Promise<void> | null)[], final: unknown): Promise<void> {
    await Promise.all(here);
    if (this.#place._process.exited) return;
    this.#agreement.handled();
    if (this.#waiting === null) return;
    await this.#agreement.everywhere;
    this.#waiting.resolve(final);
  }

  /** @param by who has cancelled it: the parent is told when all is taken back, unless it knows. */
  #cancel(reason: string, by: "here" | "parent" | "agreement", agreed = false): void {
    const { tx } = this;
    if (tx._phase === "committed" || tx._phase === "cancelled") return;
    // So late that the others may have come to an end without this one: it has stood still.
    const isLate = tx.remaining < this.#reserve * STILL_TIME;
    if (tx._phase === "deciding" && isLate && !agreed) return this.#doubt();
    tx._phase = "cancelled";
    this.#end();
    tx._aborted(reason);
    this.#agreement.cancelled(reason);
    this.#takingBack = this.#takeBack(reason, by).catch((error) =>
      this.#place._fault("Cannot cancel a transaction", error)
    );
  }

  async #takeBack(reason: string, by: "here" | "parent" | "agreement"): Promise<void> {
    const { tx } = this;
    await this.#rollback.run(reason, this.#handling);
    if (this.#place._process.exited) return;
    await this.#rollback.last("handleCancel", () => this.#place._cancelled(tx, reason));
    if (this.#place._process.exited) return;
    this.#isTakenBack = true;
    this.#agreement.tellMembers(reason);
    this.#waiting?.reject(new TransactionCancelledError(reason));
    if (this.#parentKnows) this.#acknowledge();
    else if (tx.parent !== null && by === "here") {
      this.#place._tell(
        tx.parent,
        sagaTerm("cancel", this.#place.pid, tx.id, tx._origin, reasonTerm(reason)),
      );
    }
    if (!this.#agreement.keeps(by !== "agreement")) this.#place._forget(this);
  }

  #acknowledge(): void {
    const { tx } = this;
    if (!tx._agrees || tx.parent === null) return;
    this.#place._tell(tx.parent, sagaTerm("cancelled", this.#place.pid, tx.id, tx._origin));
  }

  #end(): void {
    this.#place._over();
    this.#timer?.[Symbol.dispose]();
    this.#parentMonitor?.[Symbol.dispose]();
    this.#timer = this.#parentMonitor = null;
  }

  /** The saga ends in order. @returns when all is taken back here; `null` where the others decide, or have decided. */
  stop(): Promise<void> | null {
    const { _phase: phase } = this.tx;
    if (phase === "active" || phase === "voted" || phase === "deciding") {
      this.#cancel("the saga has ended", "here");
    }
    this.#rollback.hurry();
    return this.#takingBack;
  }

  /** The saga has ended. */
  abandon(): void {
    if (this.tx._phase === "committed") this.#waiting?.resolve(this.#final);
    else this.#waiting?.reject(new TransactionCancelledError("the saga has ended"));
    for (const job of this.tx._jobs) job._abandon();
    this.tx._aborted("the saga has ended");
  }

  #turn(fn: () => void): void {
    this.#place._process.deliver(new Step(fn));
  }
}
