import { atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { type AnyTuple, isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import type { Core } from "../node/core.ts";
import type { Process } from "../node/process.ts";

const SYSTEM = atom("system");
const OK = atom("ok");
const ERROR = atom("error");
const UNKNOWN = atom("unknown_system_msg");

/**
 * The messages `{system, From, Request}` of Erlang's sys: `gen_server:stop` is one of them. Whoever sends one waits, by default
 * for ever, so every request is answered: `{terminate, Reason}` is obeyed, the others are not known so far.
 *
 * @returns whether the message was one.
 */
export function handledSystem(core: Core, process: Process, message: AnyTuple): boolean {
  if (message[0] !== SYSTEM || message.length !== 3) return false;
  const [, from, request] = message;
  if (!isTuple(from) || from.length !== 2 || !(from[0] instanceof Pid)) return false;
  const terminate = isTuple(request) && request.tag === "terminate" && request.length === 2;
  core.reply(
    from as Tuple<[Pid, Term]>,
    terminate ? OK : tuple(ERROR, tuple(UNKNOWN, request)) as Term,
  );
  if (terminate) process.stop(request[1]);
  return true;
}
