import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { Debugged, debugOf, eventLine, nameTerm } from "./debug.ts";
import {
  type DebugFunction,
  type DebugOption,
  EventLog,
  eventTerm,
  Installed,
  LOG,
  STATISTICS,
  Statistics,
  TRACE,
  Trace,
} from "./_debug_options.ts";

const OK = atom("ok");
const ERROR = atom("error");
const NO_DEBUG = atom("no_debug");
const GET = atom("get");
const PRINT = atom("print");
const NO_STATISTICS = atom("no_statistics");
const UNKNOWN_DEBUG = atom("unknown_debug");
/** How many events are kept where nobody says how many. */
const LOG_SIZE = 10;
/** The most that anybody can have kept: the peer chooses, the memory is ours. */
const MOST_LOGGED = 10_000;

/** Does what sys asks with `{debug, What}`, and gives what is answered. */
export function debug(behaviour: Behaviour, what: unknown): Term {
  if (what === NO_DEBUG) {
    behaviour._process.body = behaviour;
    return OK;
  }
  if (!isTuple(what) || what.length !== 2) return UNKNOWN_DEBUG;
  const value: unknown = what[1];
  switch (what.tag) {
    case "trace":
      return switched(behaviour, TRACE, value, () => traceOf(behaviour));
    case "log":
      return log(behaviour, value);
    case "statistics":
      if (value === GET) {
        return ok(debugOf(behaviour)?.statistics?.report(now(behaviour)) ?? NO_STATISTICS);
      }
      return switched(behaviour, STATISTICS, value, () => new Statistics(now(behaviour)));
    case "log_to_file":
      return value === false ? OK : noFile(behaviour);
    case "install":
      return install(behaviour, value);
    case "remove":
      remove(behaviour, value as Term);
      return OK;
    default:
      return UNKNOWN_DEBUG;
  }
}

function switched(
  behaviour: Behaviour,
  id: Term,
  on: unknown,
  make: () => DebugOption,
): Term {
  if (on === true) add(behaviour, make());
  else if (on === false) remove(behaviour, id);
  else return UNKNOWN_DEBUG;
  return OK;
}

function log(behaviour: Behaviour, what: unknown): Term {
  const kept = debugOf(behaviour)?.log?.events ?? [];
  if (what === GET) return ok(kept.map(eventTerm));
  if (what === PRINT) {
    for (const event of kept) print(behaviour, eventLine(event, nameTerm(behaviour)));
    return OK;
  }
  let size: unknown = LOG_SIZE;
  if (isTuple(what) && what.length === 2 && what[0] === true) {
    size = what[1];
    if (typeof size !== "number" || !Number.isInteger(size) || size < 1) return UNKNOWN_DEBUG;
    what = true;
  }
  const room = Math.min(size as number, MOST_LOGGED);
  return switched(behaviour, LOG, what, () => new EventLog(room));
}

/** A peer is not to write files of this machine; `{error, open_file}` is what OTP answers where it cannot open one. */
function noFile(behaviour: Behaviour): Term {
  behaviour._core.platform.log(
    "warning",
    "Cannot log the events of a server to a file: sys was asked for it, and files are not written for it here; use sys.trace or sys.log",
  );
  return tuple(ERROR, atom("open_file")) as Term;
}

function install(behaviour: Behaviour, what: unknown): Term {
  if (!isTuple(what) || what.length < 2 || what.length > 3) return UNKNOWN_DEBUG;
  const [id, fn, first] = what.length === 2 ? [what[0], what[0], what[1]] : what as unknown[];
  if (typeof fn !== "function") {
    const why =
      "a fun of Erlang cannot be run in JavaScript, use sys.install in a program of this node";
    return tuple(ERROR, tuple(atom("not_supported"), why)) as unknown as Term;
  }
  add(behaviour, new Installed(id as Term, fn as DebugFunction, first));
  return OK;
}

function traceOf(behaviour: Behaviour): Trace {
  return new Trace((event) => print(behaviour, eventLine(event, nameTerm(behaviour))));
}

function print(behaviour: Behaviour, line: string): void {
  behaviour._core.platform.log("info", line);
}

function add(behaviour: Behaviour, option: DebugOption): void {
  const debugged = debugOf(behaviour) ?? new Debugged(behaviour);
  debugged.add(option);
  behaviour._process.body = debugged;
}

function remove(behaviour: Behaviour, id: Term): void {
  const debugged = debugOf(behaviour);
  if (debugged === null) return;
  debugged.remove(id);
  if (debugged.options.length === 0) behaviour._process.body = behaviour;
}

function ok(value: Term): Term {
  return tuple(OK, value) as Term;
}

function now(behaviour: Behaviour): number {
  return behaviour._core.platform.systemTime();
}
