/**
 * A process of Erlang that starts a child there and is its parent, since that cannot be a process of ours: a start function runs in
 * the process that calls it, and links to it what it starts.
 *
 * It needs no code on that node: it is what follows, as OTP's evaluator takes it (erl_eval; the forms are those of erl_parse).
 *
 * ```erlang
 * process_flag(trap_exit, true),
 * Result = (catch apply(M, F, A)),
 * Ref ! {Result},
 * Pid = case Result of {ok, P} -> P; {ok, P, _} -> P; _ -> exit(normal) end,
 * receive
 *     {'EXIT', Pid, Why} -> exit(Why);
 *     {'EXIT', Sup, Why} -> exit(Pid, Why), receive {'EXIT', Pid, Last} -> exit(Last) end
 * end
 * ```
 *
 * @module
 */
import { atom } from "../../etf/atom.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Mfa } from "../../node/remote/rpc.ts";

/** A form stands on line 1. */
function form(kind: string, ...parts: unknown[]): Term {
  return tuple(atom(kind), 1, ...parts as Term[]) as Term;
}

function variable(name: string): Term {
  return form("var", atom(name));
}

function literal(name: string): Term {
  return form("atom", atom(name));
}

function tupleOf(...elements: Term[]): Term {
  return form("tuple", elements);
}

function call(name: string, ...args: Term[]): Term {
  return form("call", form("remote", literal("erlang"), literal(name)), args);
}

function clause(pattern: Term, ...body: Term[]): Term {
  return form("clause", [pattern], [], body);
}

function exitOf(pid: Term, reason: Term): Term {
  return tupleOf(literal("EXIT"), pid, reason);
}

function keeperForms(): Term[] {
  const [result, pid, p, sup, why, last] = ["Result", "Pid", "P", "Sup", "Why", "Last"].map(
    variable,
  );
  const [m, f, a, ref] = ["M", "F", "A", "Ref"].map(variable);
  const ok = literal("ok");
  const afterwards = form("receive", [clause(exitOf(pid, last), call("exit", last))]);
  return [
    call("process_flag", literal("trap_exit"), form("atom", true)),
    form("match", result, form("catch", call("apply", m, f, a))),
    call("send", ref, tupleOf(result)),
    form(
      "match",
      pid,
      form("case", result, [
        clause(tupleOf(ok, p), p),
        clause(tupleOf(ok, p, variable("_")), p),
        clause(variable("_"), call("exit", literal("normal"))),
      ]),
    ),
    form("receive", [
      clause(exitOf(pid, why), call("exit", why)),
      clause(exitOf(sup, why), call("exit", pid, why), afterwards),
    ]),
  ];
}

/** The arguments of `erl_eval:exprs/2`. */
export function keeperCall(sup: Pid, ref: Ref, [module, name, args]: Mfa): Encodable[] {
  const bound: readonly (readonly [string, unknown])[] = [
    ["A", args],
    ["F", atom(name)],
    ["M", atom(module)],
    ["Ref", ref],
    ["Sup", sup],
  ];
  const bindings = bound.map(([key, value]) => tuple(atom(key), value));
  return [keeperForms(), bindings as unknown as Term];
}
