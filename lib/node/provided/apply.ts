import { Atom, atom } from "../../etf/atom.ts";
import { ExternalFun, Fun } from "../../etf/fun.ts";
import { format } from "../../etf/format.ts";
import { isList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { UNDEF } from "../atoms.ts";
import { nameOf } from "../core.ts";
import { ExitError, exitReasonOf, isProcessError } from "../errors.ts";
import type { Node } from "../node.ts";
import type { Process } from "../process/process.ts";
import { undefinedFunction } from "./provide.ts";
import { RaisedError } from "./raise.ts";
import { RpcError } from "../remote/rpc_error.ts";
import type { Self } from "../process/self.ts";
import { whereUnsendable } from "./unsendable.ts";

const BADARG = atom("badarg");
const BADARITY = atom("badarity");
const BADFUN = atom("badfun");
const EXCEPTION = atom("exception");
const RETURN = atom("return");
const ERROR = atom("error");
/** What is told about funs, whose code another node has. */
export const NO_FUNS =
  "Cannot run a fun: this node has no Erlang code, give the module and name of a function that it provides";

/** Where Erlang's `apply` stands in the stack when what it is to apply is no function for that. */
const APPLY_2: Term = tuple(atom("erlang"), atom("apply"), 2, []) as Term;

/** What others send is cut where it is logged. */
const SHORT = { maxLength: 1_000 };

/** What another node asks to be run here, as it came. */
export interface Asked {
  readonly module: Term;
  readonly name: Term;
  readonly args: Term;
}

/**
 * Runs a provided function for another node, as Erlang's `apply/3`; where `erlang:apply` is asked for, what that would run.
 *
 * @param peer the node that asks; `null` where it is this one.
 * @throws {RaisedError} where nothing of that name is provided (`undef`), a fun is to be run (`badfun`) or the arguments are
 * none (`badarg`); and whatever the function throws.
 */
export function applyProvided(node: Node, self: Self, peer: string | null, asked: Asked): unknown {
  return foundProvided(node, peer, asked)(self);
}

/** What {@linkcode applyProvided} runs; only a function that wants its process needs one. Throws as that does. */
export function foundProvided(
  node: Node,
  peer: string | null,
  asked: Asked,
): (self: Self | null) => unknown {
  const { module, name, args } = throughApply(asked);
  if (!isName(module) || !isName(name) || !isList(args)) throw new RaisedError("error", BADARG, []);
  // The only place where what others ask for is looked up.
  const fn = node._provided.find(nameOf(module), nameOf(name), args, peer);
  if (fn === null) {
    const [, stack] = undefinedFunction(nameOf(module), nameOf(name), args) as Term[];
    throw new RaisedError("error", UNDEF, stack as Term[]);
  }
  return fn as (self: Self | null) => unknown;
}

/**
 * Whether one more process may be spawned for that node.
 *
 * @param kept how much is kept for it that may become processes, and is not to be more than it may have of these.
 */
export function maySpawnFor(node: Node, peer: string | null, kept = 0): boolean {
  return peer === null || node._access.of(peer).maySpawn(kept);
}

/**
 * Counts a process of that node's which is only about to be started.
 *
 * @returns what ends that, when it is there or will not be.
 */
export function startsFor(node: Node, peer: string | null): () => void {
  if (peer === null) return () => {};
  const access = node._access.of(peer);
  const place = {};
  access.spawned(place);
  return () => access.ended(place);
}

/** A process runs for that node: it counts among those, and their signals reach it. */
export function runsFor(node: Node, peer: string | null, process: Process): void {
  process.spawner = peer;
  if (peer === null) return;
  const access = node._access.of(peer);
  access.spawned(process);
  process.addWatcher({ down: () => access.ended(process) });
}

/**
 * `erlang:apply(M, F, Args)` and `erlang:apply(fun M:F/A, Args)` run `M:F`; funs that have code of their own cannot be run. So does
 * what `proc_lib:spawn(Node, M, F, Args)` and its like ask for.
 *
 * @throws {RaisedError} where Erlang's `apply` fails, with the same reason.
 */
export function throughApply(asked: Asked): Asked {
  let { module, name, args } = throughProcLib(asked);
  while (isAtomOf(module, "erlang") && isAtomOf(name, "apply") && isList(args)) {
    if (args.length === 3) {
      const frame = tuple(module, name, args, []) as Term;
      [module, name, args] = args;
      if (!isName(module) || !isName(name) || !isList(args)) throw raised(BADARG, frame);
    } else if (args.length === 2) {
      const fun: Term = args[0];
      if (fun instanceof Fun) throw raised(tuple(BADFUN, NO_FUNS) as Term, stackEntry(asked));
      if (!isList(args[1])) throw raised(BADARG, tuple(module, name, args, []) as Term, APPLY_2);
      if (!(fun instanceof ExternalFun)) throw raised(tuple(BADFUN, fun) as Term, APPLY_2);
      args = args[1];
      if (args.length !== fun.arity) {
        throw raised(tuple(BADARITY, tuple(fun, args)) as Term, APPLY_2);
      }
      module = fun.module;
      name = fun.function;
    } else {
      break;
    }
  }
  return { module, name, args };
}

/** `proc_lib:init_p(Parent, Ancestors, M, F, Args)`, or with a fun in the place of the last three. */
function throughProcLib(asked: Asked): Asked {
  const { module, name, args } = asked;
  if (!isAtomOf(module, "proc_lib") || !isAtomOf(name, "init_p") || !isList(args)) return asked;
  if (args.length !== 5 && args.length !== 3) return asked;
  const applied = args.length === 5 ? args.slice(2) : [args[2], []];
  return { module: atom("erlang"), name: atom("apply"), args: applied };
}

function raised(reason: Term, ...stack: Term[]): RaisedError {
  return new RaisedError("error", reason, stack);
}

/** How a function has ended that did not return. */
export type Failure =
  | { readonly class: "throw" | "exit"; readonly reason: Term }
  | { readonly class: "error"; readonly reason: Term; readonly stacktrace: Term[] };

/** What an error that a provided function has thrown is in Erlang. Never throws. */
export function failureOf(error: unknown, asked: Asked): Failure {
  if (!isProcessError(error)) {
    const [reason] = exitReasonOf(error) as Term[];
    return { class: "error", reason, stacktrace: [stackEntry(asked)] };
  }
  if (error instanceof RaisedError || error instanceof RpcError) {
    if (error.class === "throw") return { class: "throw", reason: error.reason };
    // As erpc:call raises what was raised at its other end.
    const reason = error instanceof RpcError
      ? tuple(EXCEPTION, error.reason, [...error.stacktrace]) as Term
      : error.reason;
    const own = error instanceof RaisedError && error.stacktrace.length > 0;
    return {
      class: "error",
      reason,
      stacktrace: own ? [...error.stacktrace] : [stackEntry(asked)],
    };
  }
  return { class: "exit", reason: exitReasonOf(error) };
}

/** What `erpc:execute_call/4` exits with: the result of the call, whatever came of it. Never rejects. */
export async function executeCall(
  node: Node,
  self: Self,
  peer: string | null,
  res: Term,
  asked: Asked,
): Promise<Term> {
  let result: Term;
  try {
    const value = await applyProvided(node, self, peer, asked);
    result = tuple(res, RETURN, value === undefined ? null : value) as Term;
    if (peer !== null) result = node._core.outgoing(self._process, result);
    whereUnsendable(result, (error) => {
      const [reason] = exitReasonOf(error._within("[2]")) as Term[]; // the place of the value in the result
      return tuple(res, ERROR, reason, [stackEntry(asked)]) as Term;
    });
    return result;
  } catch (error) {
    const failure = failureOf(error, asked);
    result = failure.class === "error"
      ? tuple(res, ERROR, failure.reason, failure.stacktrace) as Term
      : tuple(res, atom(failure.class), failure.reason) as Term;
  }
  return peer === null ? result : node._core.outgoing(self._process, result);
}

/** What `erpc:execute_cast/3` does. Nobody waits for it, so an error is logged, as OTP does. */
export async function executeCast(
  node: Node,
  self: Self,
  peer: string | null,
  asked: Asked,
): Promise<void> {
  try {
    await applyProvided(node, self, peer, asked);
  } catch (error) {
    const failure = failureOf(error, asked);
    if (failure.class === "exit") throw error;
    const who = peer === null ? "this node" : peer === "" ? "another node" : peer;
    const [module, name] = [asked.module, asked.name].map((term) => format(term, SHORT));
    const what = `${module}:${name}`;
    const how = `${failure.class} ${format(failure.reason, SHORT)}`;
    node._core.platform.log("error", `A cast of ${who} to ${what} ended with ${how}`);
    throw new ExitError(new RaisedError(failure.class, failure.reason, []).exitReason);
  }
}

/** The function in a stack trace: `{M, F, Arity, []}`. */
export function stackEntry({ module, name, args }: Asked): Term {
  return tuple(module, name, isList(args) ? args.length : args, []) as Term;
}

function isName(term: Term): term is Atom | boolean | null {
  return term instanceof Atom || term === null || typeof term === "boolean";
}

function isAtomOf(term: Term, name: string): boolean {
  return term instanceof Atom && term.name === name;
}
