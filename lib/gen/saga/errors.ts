import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { ProcessError } from "../../node/errors.ts";

/** The reason of a transaction that is cancelled because something was thrown. */
export function reasonOfError(error: unknown): string {
  if (error instanceof TransactionCancelledError) return error.reason;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** A transaction, or the part of it that another saga had, was cancelled: what was done for it is taken back. */
export class TransactionCancelledError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "TransactionCancelledError";
  /**
   * Why, as sagas tell each other: what a saga gave to `tx.cancel`, the message of what it has thrown, or `lifespan`, `loop_detected`,
   * `exceed_tx_limit`, `hop_limit`, or that a saga is down.
   */
  readonly reason: string;

  /** @ignore @internal */
  constructor(reason: string, options?: ErrorOptions) {
    super(`The transaction was cancelled: ${reason}`, options);
    this.reason = reason;
  }

  /** `{saga_cancelled, Reason}`. */
  get exitReason(): Term {
    return tuple(atom("saga_cancelled"), this.reason) as unknown as Term;
  }
}
