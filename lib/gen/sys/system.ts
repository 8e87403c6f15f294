import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { type AnyTuple, isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { UNDEF } from "../../node/atoms.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { exitReasonOf } from "../../node/errors.ts";
import type { Body, Process } from "../../node/process/process.ts";
import { isParentExit, isSystemMessage } from "../../node/system_message.ts";
import { debug } from "./_debug_requests.ts";
import { shown } from "./shown.ts";
import { wrapsStates } from "./_sys_version.ts";
import { initialModule, initialName, statusOf } from "./_status.ts";

const OK = atom("ok");
const ERROR = atom("error");
const SUSPEND: Term = atom("suspend");
const RESUME: Term = atom("resume");
const GET = atom("get");
const GET_STATE: Term = atom("get_state");
const GET_STATUS: Term = atom("get_status");
const CALLBACK_FAILED = atom("callback_failed");
const NOT_SUPPORTED = atom("not_supported");
const ESSENTIAL = tuple(NOT_SUPPORTED, "that process belongs to the node: stop the node") as Term;
const NOT_FROM_THERE = tuple(
  NOT_SUPPORTED,
  "that process belongs to the node: only its own program may debug it, by sys.trace and the like",
) as Term;

/**
 * Handles what every behaviour has in common: the messages `{system, From, Request}` of Erlang's sys, and the end of the parent.
 *
 * Whoever sends a request of sys waits, by default for ever, so every request is answered, by the same rules as OTP 25 to 29.
 *
 * @returns whether the message was one of these.
 */
export function handledSystem(behaviour: Behaviour, message: AnyTuple): boolean {
  const process = behaviour._process;
  if (isParentExit(message, process.parent)) {
    process.stop(message[2] as Term); // as in OTP: the end of the parent is ours, also where exits are trapped
    return true;
  }
  if (!isSystemMessage(message)) return false;
  const [, from, request] = message;
  const refusal = (behaviour as Body)._essential === true ? refusalOf(process, request) : null;
  let reply: Term;
  try {
    reply = refusal === null ? answer(behaviour, request) : failed(refusal);
  } catch (error) {
    behaviour._core.fault("Cannot answer a request of sys", error);
    reply = failed(exitReasonOf(error));
  }
  send(behaviour, from, request, reply);
  if (refusal === null && isTuple(request) && request.tag === "terminate" && request.length === 2) {
    process.stop(request[1]);
  }
  return true;
}

/** The state comes bare, or as `{ok, State}`, as the release of whoever asks expects it. */
function send(
  behaviour: Behaviour,
  from: Tuple<[Pid, Term]>,
  request: Term,
  reply: Term,
): void {
  const { _core: core, _process: process } = behaviour;
  const asker = from[0]._node;
  const isState = request === GET_STATE || (isTuple(request) && request.tag === "replace_state");
  if (!isState || asker === core.name || !isTuple(reply) || reply.tag !== "ok") {
    return core.reply(from, reply, process);
  }
  wrapsStates(behaviour.node, asker.name).then((wraps) => {
    // A reply to a node that is gone would dial it, and keep it from coming back meanwhile.
    if (wraps !== null) core.reply(from, wraps ? reply : reply[1], process);
  }).catch((error) => core.fault("Cannot answer a request of sys", error));
}

/**
 * A process of the node's own is not held, ended or changed from outside, as no exit signal ends it; and peers may not have it print
 * and keep what others send.
 */
function refusalOf({ origin }: Process, request: Term): Term | null {
  if (request === SUSPEND) return ESSENTIAL;
  if (!isTuple(request)) return null;
  if (request.tag !== "debug") return ESSENTIAL;
  const what: unknown = request[1];
  const looks = isTuple(what) && what[1] === GET;
  return origin === null || looks ? null : NOT_FROM_THERE;
}

function answer(behaviour: Behaviour, request: Term): Term {
  const process = behaviour._process;
  if (isTuple(request)) return answerTuple(behaviour, request);
  switch (request) {
    case SUSPEND:
      process.suspend();
      return OK;
    case RESUME:
      process.resume();
      return OK;
    case GET_STATE:
      return tried(behaviour, "system_get_state", () => ok(shown(behaviour.formatState())));
    case GET_STATUS:
      return statusOf(behaviour);
    default:
      return unknown(request);
  }
}

function answerTuple(behaviour: Behaviour, request: AnyTuple): Term {
  const tag: unknown = request.tag;
  if (request.length === 2 && tag === "terminate") return OK;
  if (request.length === 2 && tag === "debug") return debug(behaviour, request[1]);
  if (request.length === 2 && tag === "replace_state") return replaceState(behaviour, request[1]);
  if (request.length === 4 && tag === "change_code" && behaviour._process.suspended) {
    return failed(noCodeChange(behaviour, request));
  }
  return unknown(request as Term);
}

function unknown(request: Term): Term {
  return failed(tuple(atom("unknown_system_msg"), request) as Term);
}

function failed(reason: Term): Term {
  return tuple(ERROR, reason) as Term;
}

/** What OTP answers for a module without `code_change/3`. */
function noCodeChange(behaviour: Behaviour, request: AnyTuple): Term {
  const args = [request[2], shown(behaviour.formatState()), request[3]];
  const frame = tuple(initialModule(behaviour), atom("code_change"), args, []);
  return tuple(atom("EXIT"), tuple(UNDEF, [frame])) as unknown as Term;
}

// The state

function replaceState(behaviour: Behaviour, fun: unknown): Term {
  return tried(behaviour, "system_replace_state", () => {
    if (typeof fun !== "function") {
      throw new NotSupported(
        "a fun of Erlang cannot be run in JavaScript, use sys.replaceState in a program of this node",
      );
    }
    if (behaviour._replaceStates !== undefined) {
      behaviour._replaceStates((state) => fun(state));
      return ok(shown(behaviour.formatState()));
    }
    if (behaviour.replaceState === undefined) {
      throw new NotSupported(
        `the class ${initialName(behaviour)} has no method replaceState, which takes a new state`,
      );
    }
    behaviour.replaceState(fun(shown(behaviour.formatState())));
    return ok(shown(behaviour.formatState()));
  });
}

function ok(value: Term): Term {
  return tuple(OK, value) as Term;
}

/** Something that a server of this node cannot do, in words. */
class NotSupported extends Error {}

/** What OTP answers where a callback has failed: the server goes on. */
function tried(behaviour: Behaviour, callback: string, fn: () => Term): Term {
  try {
    return fn();
  } catch (error) {
    const reason = error instanceof NotSupported
      ? tuple(NOT_SUPPORTED, error.message)
      : exitReasonOf(error);
    const where = tuple(atom(behaviour._system.module), atom(callback));
    return failed(tuple(CALLBACK_FAILED, where, tuple(ERROR, reason)) as unknown as Term);
  }
}
