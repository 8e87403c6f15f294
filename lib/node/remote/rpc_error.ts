import { unlisted } from "../../_util/unlisted.ts";
import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { UNDEF } from "../atoms.ts";
import { elixirHint } from "../call.ts";
import { ProcessError } from "../errors.ts";

/** A function was called on another node and threw, or raised an error there. */
export class RpcError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "RpcError";
  /** Erlang's class: `error` or `throw`; an exit is an {@linkcode ExitError}. */
  readonly class: "error" | "throw";
  /** What was raised or thrown; `undef` where there is no such function. */
  readonly reason: Term;
  /** Erlang's stack trace, `[{Module, Function, Arity, Location}]`; empty for a throw. */
  readonly stacktrace: readonly Term[];

  /** @ignore @internal */
  constructor(what: string, kind: "error" | "throw", reason: Term, stacktrace: readonly Term[]) {
    const hint = reason === UNDEF ? elixirHint(what) : "";
    super(`${what} ended with ${kind} ${format(reason, { maxLength: 1_000 })}${hint}`);
    this.class = kind;
    this.reason = reason;
    this.stacktrace = stacktrace;
    unlisted(this, "reason", "stacktrace");
  }

  /** `{error, Reason}` or `{throw, Reason}`. */
  get exitReason(): Term {
    return tuple(atom(this.class), this.reason);
  }
}

/** Another node could not spawn, and said why. */
export class SpawnError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SpawnError";
  /** As of Erlang's `spawn_request/5`: `notsup`, `badopt`, `system_limit`. */
  readonly reason: Term;

  /** @ignore @internal */
  constructor(node: string, reason: Term) {
    super(`Cannot spawn on ${node}: it answered ${format(reason, { maxLength: 1_000 })}`);
    this.reason = reason;
    unlisted(this, "reason");
  }

  /** The same reason. */
  get exitReason(): Term {
    return this.reason;
  }
}
