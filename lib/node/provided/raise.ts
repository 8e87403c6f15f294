import { unlisted } from "../../_util/unlisted.ts";
import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { checkReason, ExitError, ProcessError } from "../errors.ts";

const NOCATCH = atom("nocatch");

/** What {@linkcode raise} throws for an error or a throw of Erlang. Whoever calls by rpc gets it as that class, with that very term. */
export class RaisedError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "RaisedError";
  /** Erlang's class. */
  readonly class: "error" | "throw";
  /** What was raised. */
  readonly reason: Term;
  /** Erlang's stack trace, `[{Module, Function, Arity, Location}]`, as far as one was given. */
  readonly stacktrace: readonly Term[];

  /** @ignore @internal Use {@linkcode raise}. */
  constructor(kind: "error" | "throw", reason: Term, stacktrace: readonly Term[]) {
    super(`Raised ${kind} ${format(reason, { maxLength: 1_000 })}`);
    this.class = kind;
    this.reason = reason;
    this.stacktrace = stacktrace;
    unlisted(this, "reason", "stacktrace");
  }

  /** What a process exits with that does not catch this, as in Erlang: `{Reason, Stack}`, or `{{nocatch, Reason}, Stack}` for a throw. */
  get exitReason(): Term {
    const reason = this.class === "error" ? this.reason : tuple(NOCATCH, this.reason);
    return tuple(reason, [...this.stacktrace]) as Term;
  }
}

/**
 * Fails as Erlang code does, with that very term: Erlang's `error/1`, `throw/1` and `exit/1`. It throws, so that nothing after it runs.
 *
 * | here | `erpc:call` there | `rpc:call` there |
 * | --- | --- | --- |
 * | `raise("error", R)` | `error:{exception, R, Stack}` | `{badrpc, {'EXIT', {R, Stack}}}` |
 * | `raise("throw", R)` | `throw:R` | `R` |
 * | `raise("exit", R)`, `exit(R)` | `exit:{exception, R}` | `{badrpc, {'EXIT', R}}` |
 * | `throw new RangeError("no")` | `error:{exception, {js_error, <<"RangeError">>, <<"no">>}, Stack}` | `{badrpc, {'EXIT', {{js_error, ...}, Stack}}}` |
 *
 * @param stacktrace `[{Module, Function, Arity, Location}]` of Erlang code that failed before; by default the provided function alone.
 * @throws {RaisedError} or, for an exit, {@linkcode ExitError}: always.
 *
 * @example
 * ```ts
 * import { atom, on, raise, startNode, t, tagged } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * node.provide("Elixir.Prices", {
 *   of: on(t.text, (article) => article === "tea" ? 2 : raise("throw", tagged("unknown", article))),
 *   half: on(t.integer, (n) => n % 2 === 0 ? n / 2 : raise("error", atom("badarith"))),
 * });
 * // From Elixir: :erpc.call(:demo@localhost, Prices, :half, [3])   ** (ArithmeticError)
 * await node.stopped;
 * ```
 */
export function raise(
  kind: "error" | "throw" | "exit",
  reason: Exclude<Term, string>,
  stacktrace: readonly Term[] = [],
): never {
  if (kind === "exit") throw new ExitError(checkReason(reason));
  if (kind !== "error" && kind !== "throw") {
    throw new TypeError(
      `Cannot raise ${String(kind)}: it is no class, "error", "throw" or "exit" is needed`,
    );
  }
  throw new RaisedError(kind, reason, stacktrace);
}
