import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Monitor } from "../../node/process/monitor.ts";
import type { Target } from "../../node/target.ts";
import { TransactionCancelledError } from "./errors.ts";

/** The part of a transaction that another saga has: a promise of its result. */
export class Next<R = Term> implements PromiseLike<R> {
  /** What tells it from the other parts. */
  readonly id: Ref;
  /** @ignore @internal */
  readonly _saga: Target;
  /** @ignore @internal Whether its cancellation is for whoever waits for it alone. */
  readonly _trapCancel: boolean;
  /** @ignore @internal Who takes part there and below, where they can come to an agreement. */
  _members: readonly Pid[] = [];
  /** @ignore @internal Whether it has told that it knows more messages than Ergo's sagas. */
  _agrees = false;
  /** @ignore @internal */
  _state: "open" | "done" | "over" = "open";
  /** @ignore @internal What is done when it has taken back what it did. */
  _cancelled: (() => void) | null = null;
  /** @ignore @internal */
  _timer: Disposable | null = null;
  /** @ignore @internal What the result must look like. */
  _schema: { parse(value: unknown): unknown } | null = null;
  /** @ignore @internal */
  readonly _interim: ((value: Term) => void) | null;
  readonly #monitor: Monitor;
  readonly #promise: Promise<R>;
  #resolve!: (result: R) => void;
  #reject!: (error: Error) => void;

  /** @ignore @internal Made by {@linkcode Transaction.next}. */
  constructor(
    monitor: Monitor,
    saga: Target,
    trapCancel: boolean,
    interim: ((value: Term) => void) | null,
  ) {
    this.#monitor = monitor;
    this.id = monitor.ref;
    this._saga = saga;
    this._trapCancel = trapCancel;
    this._interim = interim;
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#promise.catch(() => {}); // nobody has to wait for it
  }

  /** Waits for the result. Rejects with {@linkcode TransactionCancelledError} where it is cancelled. */
  then<A = R, B = never>(
    done?: ((result: R) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(done, failed);
  }

  /** @ignore @internal Its result has come. */
  _done(result: R): void {
    this._state = "done";
    this._timer?.[Symbol.dispose]();
    this.#resolve(result);
  }

  /** @ignore @internal Its result does not count any more; it has still to tell that it has taken back what it did. */
  _fail(reason: string): void {
    this.#reject(new TransactionCancelledError(reason));
  }

  /** @ignore @internal Nothing more is expected of it. */
  _over(reason: string): void {
    this._timer?.[Symbol.dispose]();
    this.#monitor[Symbol.dispose]();
    if (this._state === "open") this.#reject(new TransactionCancelledError(reason));
    this._state = "over";
    const cancelled = this._cancelled;
    this._cancelled = null;
    cancelled?.();
  }
}
