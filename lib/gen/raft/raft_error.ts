import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { ProcessError } from "../../node/errors.ts";

/**
 * Why a request of a group was not served.
 *
 * - `timeout`: no answer in time: there is no leader, or no majority.
 * - `failed`: the handler has thrown, and the message is its, or what it has returned is no term. A command was carried out on every member as far
 *   as that, once: what its handler had changed by then stays changed.
 * - `overloaded`: more is under way than the leader takes.
 * - `bad_change`: who is to be added is a member already or one too many, who is to go is none or the last one.
 * - `busy`: another change of members is under way.
 * - `removed`: the member that was asked is none of the group any more, and knows nobody who leads it.
 */
export type RaftErrorKind =
  | "timeout"
  | "failed"
  | "overloaded"
  | "bad_change"
  | "busy"
  | "removed";

/** A request of a {@linkcode Raft} was not served, or it is not known whether it was. */
export class RaftError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "RaftError";
  /** Why. */
  readonly kind: RaftErrorKind;
  /**
   * Whether the command may have been carried out, or may be yet, also in part, see `failed`. It is at most once in any case. `false`: its
   * handler was not called, and will not be.
   */
  readonly mayHaveHappened: boolean;

  /** @ignore @internal */
  constructor(kind: RaftErrorKind, message: string, mayHaveHappened: boolean) {
    super(message);
    this.kind = kind;
    this.mayHaveHappened = mayHaveHappened;
  }

  /** `{raft_error, Kind}`. */
  get exitReason(): Term {
    return tuple(atom("raft_error"), atom(this.kind)) as unknown as Term;
  }
}
