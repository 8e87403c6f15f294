import type { Schema } from "../../etf/schema/schema.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import type { Target } from "../../node/target.ts";
import { TransactionCancelledError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { Next } from "./next.ts";
import type { JobContext, SagaWorker } from "./saga_worker.ts";

/** How a transaction is started. */
export interface TransactionOptions {
  /** Milliseconds within which it is committed, or cancelled with `lifespan` on all sagas. Default 60,000. */
  readonly lifespan?: number;
  /** How many sagas may be one behind another. Default: any number. */
  readonly hopLimit?: number;
  /**
   * Whether all sagas agree before it counts: then `handleCommit` runs on each, or on none, whichever of them crashes meanwhile. Default true.
   *
   * Without that it counts when the first saga has its result, `handleCommit` is not called, and a crash may leave others that never hear of it and take theirs
   * back.
   */
  readonly twoPhaseCommit?: boolean;
  /** Cancels it, where it is not committed yet. */
  readonly signal?: AbortSignal;
}

/** How another saga takes part. */
export interface NextOptions<R> {
  /** Milliseconds within which it gives its result, or is cancelled with `lifespan`. Default: what is left of the transaction's lifespan. */
  readonly timeout?: number;
  /** Whether its cancellation is told to whoever waits for its result alone, and the transaction goes on. Default false. */
  readonly trapCancel?: boolean;
  /** What its result must look like, and is converted to. What does not match cancels the transaction. */
  readonly result?: Schema<R, never> | Schema<R, R>;
  /** Gets the parts of the result that come before it. */
  readonly interim?: (value: Term) => void;
}

/** How a job is done. */
export interface JobOptions {
  /** Milliseconds within which it gives its result. Default: what is left of the transaction's lifespan. */
  readonly timeout?: number;
  /** Gets the parts of the result that come before it. */
  readonly interim?: (value: unknown) => void;
}

const TRANSACTION_OPTIONS: FieldsOf<TransactionOptions> = {
  lifespan: 0,
  hopLimit: 0,
  twoPhaseCommit: 0,
  signal: 0,
};
const NEXT_OPTIONS: FieldsOf<NextOptions<unknown>> = {
  timeout: 0,
  trapCancel: 0,
  result: 0,
  interim: 0,
};
const JOB_OPTIONS: FieldsOf<JobOptions> = { timeout: 0, interim: 0 };

/** @throws {TypeError | RangeError} */
export function checkTransactionOptions(options: TransactionOptions): void {
  checkFields("start a transaction", options, TRANSACTION_OPTIONS);
  checkTime("start a transaction with lifespan", options.lifespan);
  const { hopLimit } = options;
  if (hopLimit === undefined || Number.isInteger(hopLimit) && hopLimit >= 0) return;
  throw new RangeError(
    `Cannot start a transaction with hopLimit ${String(hopLimit)}: a number of sagas is needed`,
  );
}

function checkTime(what: string, ms: number | undefined): void {
  if (ms === undefined || typeof ms === "number" && ms > 0 && ms <= 0x7fff_ffff) return;
  throw new RangeError(
    `Cannot ${what} ${String(ms)}: milliseconds are needed, more than 0 and at most 2147483647`,
  );
}

/** What has been done for a transaction, and is taken back in reverse order. */
export type Done = Next<never> | (() => unknown);

/** What a transaction needs of its saga. */
export interface TransactionHome {
  /** Milliseconds, by the node's clock. */
  readonly _now: number;
  _next(saga: Target, value: Encodable, options: NextOptions<never>): Next<never>;
  _job(worker: WorkerOf<never, never>, value: never, options: JobOptions): Job<never>;
  _interim(value: Encodable): void;
  _cancel(reason: string): void;
}

/** A worker's class, or a function that runs in a process of its own. */
export type WorkerOf<V, R> =
  | (new () => SagaWorker<V, R>)
  | ((value: V, job: JobContext) => R | PromiseLike<R>);

/**
 * A transaction, as one of its sagas sees it.
 *
 * What was done for it is taken back in reverse order where it is cancelled: what {@linkcode compensate} was given here, and what the sagas did that
 * {@linkcode next} has had take part, each when all that came after it has been taken back.
 */
export class Transaction<V = unknown> {
  /** What tells it from others, the same on all sagas. */
  readonly id: Ref;
  /** What the saga was asked to do. */
  readonly value: V;
  /** The saga that has had this one take part; `null` where the transaction was started here. */
  readonly parent: Pid | null;
  /** What the saga keeps with it, for `handleCommit` and `handleCancel`. */
  data: unknown = undefined;
  /** @ignore @internal What it is in its parent. */
  readonly _origin: Ref;
  /** @ignore @internal The sagas above, the nearest first. */
  readonly _parents: readonly Pid[];
  /** @ignore @internal */
  readonly _hopLimit: number;
  /** @ignore @internal By the node's clock. */
  readonly _deadline: number;
  /** @ignore @internal */
  readonly _twoPhase: boolean;
  /** @ignore @internal Whether its parent knows more messages than Ergo's sagas. */
  readonly _agrees: boolean;
  /** @ignore @internal */
  _phase: "active" | "voted" | "prepared" | "deciding" | "committed" | "cancelled" = "active";
  /** @ignore @internal Parts that are not done, by their ids. */
  readonly _open: Map<string, Next<never>> = new Map();
  /** @ignore @internal All parts that it has had, by their ids. */
  readonly _nexts: Map<string, Next<never>> = new Map();
  /** @ignore @internal */
  readonly _jobs: Set<Job<never>> = new Set();
  /** @ignore @internal */
  _done: Done[] = [];
  /** @ignore @internal Takes back what was done too late to be among the others. */
  _undo: ((undo: () => unknown) => void) | null = null;
  readonly #home: TransactionHome;
  readonly #abort: AbortController = new AbortController();

  /** @ignore @internal Sagas get theirs. */
  constructor(home: TransactionHome, made: {
    readonly id: Ref;
    readonly value: V;
    readonly origin: Ref;
    readonly parents: readonly Pid[];
    readonly hopLimit: number;
    readonly lifespan: number;
    readonly twoPhase: boolean;
    readonly agrees: boolean;
  }) {
    this.#home = home;
    this.id = made.id;
    this.value = made.value;
    this.parent = made.parents[0] ?? null;
    this._origin = made.origin;
    this._parents = made.parents;
    this._hopLimit = made.hopLimit;
    this._deadline = home._now + made.lifespan;
    this._twoPhase = made.twoPhase;
    this._agrees = made.agrees;
  }

  /** How many milliseconds are left of its lifespan. */
  get remaining(): number {
    return Math.max(0, this._deadline - this.#home._now);
  }

  /** Aborts when the transaction is cancelled, with {@linkcode TransactionCancelledError}. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Has another saga take part, of this node or of another one. A promise of its result, which need not be waited for: this saga's own result is
   * given when all that it has started is done.
   *
   * @throws {TransactionCancelledError} `hop_limit` where the limit is reached; else if the transaction has ended, or its result is out.
   * @throws {BusyError} if its node takes nothing more now.
   */
  next<R = Term>(saga: Target, value: Encodable, options: NextOptions<R> = {}): Next<R> {
    checkFields("have a saga take part", options, NEXT_OPTIONS);
    checkTime("have a saga take part with timeout", options.timeout);
    this.#mustBeActive("have a saga take part");
    if (this._hopLimit === 0) throw new TransactionCancelledError("hop_limit");
    return this.#home._next(saga, value, options as NextOptions<never>) as unknown as Next<R>;
  }

  /**
   * Has a process of its own do something, which is linked to the saga: a {@linkcode SagaWorker}, or a function. A promise of its result.
   *
   * Where it fails the transaction is cancelled, unless `handleTransaction` waits for it and catches that. What its worker does at the end of the transaction is
   * waited for, 5,000 milliseconds at most.
   */
  job<V2, R>(worker: WorkerOf<V2, R>, value: V2, options: JobOptions = {}): Job<R> {
    checkFields("start a job", options, JOB_OPTIONS);
    checkTime("start a job with timeout", options.timeout);
    if (typeof worker !== "function") {
      throw new TypeError(
        "Cannot start a job: a class that extends SagaWorker, or a function, is needed",
      );
    }
    this.#mustBeActive("start a job");
    return this.#home._job(
      worker as WorkerOf<never, never>,
      value as never,
      options,
    ) as unknown as Job<R>;
  }

  /** Gives a part of the result to the saga above, before the result itself. Of the first saga it is nobody's. */
  interim(value: Encodable): void {
    this.#mustBeActive("give an interim result");
    this.#home._interim(value);
  }

  /**
   * Says how to take back what has just been done, where the transaction is cancelled. Runs once at most; a promise is waited for, 5,000 milliseconds at most.
   *
   * @throws {TransactionCancelledError} if it was cancelled meanwhile: `undo` runs then, too.
   */
  compensate(undo: () => unknown): void {
    if (typeof undo !== "function") {
      throw new TypeError(
        "Cannot compensate: a function is needed, which takes back what was done",
      );
    }
    // What was done while others cancelled it is taken back, too.
    if (this._phase === "cancelled") {
      if (this._undo === null) this._done.push(undo);
      else this._undo(undo);
    }
    this.#mustBeActive("compensate");
    this._done.push(undo);
  }

  /**
   * Cancels the transaction, on all sagas.
   *
   * @throws {TransactionCancelledError} if it is cancelled already.
   * @throws {TypeError} if this saga has given its result: then it is for the others to cancel.
   */
  cancel(reason: string): void {
    if (typeof reason !== "string") {
      throw new TypeError("Cannot cancel a transaction: a text that says why is needed");
    }
    this.#mustBeActive("cancel the transaction");
    this.#home._cancel(reason);
  }

  /** @ignore @internal Whether nothing is waited for that it has started. */
  get _settled(): boolean {
    if (this._open.size > 0) return false;
    for (const job of this._jobs) if (job.running) return false;
    return true;
  }

  /** @ignore @internal */
  _aborted(reason: string): void {
    this.#abort.abort(new TransactionCancelledError(reason));
  }

  #mustBeActive(verb: string): void {
    if (this._phase === "active") return;
    if (this._phase === "cancelled") throw this.signal.reason;
    throw new TypeError(
      `Cannot ${verb}: this saga has given its result, do it before handleTransaction returns`,
    );
  }
}
