import { type Atom, atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import { EXIT } from "./atoms.ts";
import { Call, requestTerm } from "./call.ts";

const SYSTEM = atom("system");
const SYS = atom("sys");

/** A message of Erlang's sys, which whoever has sent it waits to be answered. */
export type SystemMessage = Tuple<[Atom, Tuple<[Pid, Term]>, Term]>;

/** Whether a message is `{system, From, Request}`. */
export function isSystemMessage(message: unknown): message is SystemMessage {
  if (!isTuple(message) || message[0] !== SYSTEM || message.length !== 3) return false;
  const from: unknown = message[1];
  return isTuple(from) && from.length === 2 && from[0] instanceof Pid;
}

/** Whether a message is the exit signal of a process's parent, which ends it also where it traps exits. */
export function isParentExit(message: unknown, parent: Pid | null): boolean {
  return parent !== null && isTuple(message) && message[0] === EXIT && message.length === 3 &&
    parent.equals(message[1]);
}

/** A call of sys, which processes of this node too get as the message that it is. */
export class SystemCall extends Call {
  override message(request: Encodable = requestTerm(this.request)): Tuple {
    return tuple(SYSTEM, this.term, request) as unknown as Tuple;
  }

  /** As sys names it: `{sys, get_state, [Target]}`. */
  override _failed(target: Term, timeout: readonly Term[]): Term {
    const request = requestTerm(this.request);
    const [name, args] = functionOf(request as Term);
    return tuple(SYS, name, [target, ...args, ...timeout]) as unknown as Term;
  }
}

/** The function of sys that makes a request, and what it takes besides the target. */
function functionOf(request: Term): [name: Term, args: readonly Term[]] {
  if (!isTuple(request)) return [request, []];
  const what: unknown = request[1];
  if (request.tag === "debug") return isTuple(what) ? [what[0], [what[1]]] : [what as Term, []];
  return [request[0], Array.prototype.slice.call(request, 1) as Term[]];
}
