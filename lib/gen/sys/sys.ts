/**
 * What Erlang's `sys` does with a server: look at its state, hold it, trace it. It works with servers of this node, and with every
 * OTP process (gen_server, gen_statem, supervisor, GenStage, ...) of other nodes.
 *
 * Processes of a node's own (`net_kernel`, `rex`, ...) show their state to all nodes; only their own program can debug them, and nobody
 * suspends or ends them.
 *
 * All functions take where they are called from (a node, or `this` in a server and `self` in a spawned function), then the
 * target, and reject as calls do: {@linkcode NoProcessError}, {@linkcode NodeDownError}, {@linkcode ExitError}, {@linkcode CallTimeoutError}.
 *
 * @example
 * ```ts
 * import { startNode, sys } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const users = { name: "Elixir.Users", node: "app@localhost" };
 * console.log(await sys.getState(node, users));
 * await sys.suspend(node, users); //   handles nothing but sys until it is resumed
 * await sys.resume(node, users);
 * ```
 *
 * @module
 */

import { type Atom, atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { ExternalFun, Fun } from "../../etf/fun.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { NORMAL } from "../../node/atoms.ts";
import { type Caller, callerProcess } from "../../node/caller.ts";
import type { CallOptions } from "../../node/call.ts";
import { ProcessContext } from "../../node/process/context.ts";
import { checkReason } from "../../node/errors.ts";
import type { ExitReason } from "../../node/process/process.ts";
import { addressOf, nodeOf, type Target } from "../../node/target.ts";
import { wrapsStates } from "./_sys_version.ts";
import { ReplyError } from "../server/contract.ts";
import type { DebugFunction } from "./_debug_options.ts";

export type { DebugFunction } from "./_debug_options.ts";

export type { Caller };

/** What {@linkcode getStatus} gives. */
export interface SystemStatus {
  /** The server's pid. */
  readonly pid: Pid;
  /** The kind of server, as `gen_server`. */
  readonly module: string;
  /** Whether it handles messages. */
  readonly state: "running" | "suspended";
  /** Who has started it; itself where nobody has. */
  readonly parent: Pid;
  /** What is switched on for it: `{trace, true}`, `{log, _}`, `{statistics, _}`. */
  readonly debug: readonly Term[];
  /** Its process dictionary. */
  readonly dictionary: readonly Term[];
  /** What it says of itself, in the form that observer shows: `[{header, _}, {data, _}, ...]`. */
  readonly misc: Term;
}

/** What {@linkcode getStatistics} gives. */
export interface SystemStatistics {
  /** When counting began, by the clock of the server's machine: `2026-11-21T05:33:13`, without a time zone. */
  readonly startTime: string;
  /** What that clock shows now. */
  readonly currentTime: string;
  /** How much the server has done, in Erlang's unit; of a server of JavaScript, how many messages. */
  readonly reductions: number;
  /** How many messages it has taken. */
  readonly messagesIn: number;
  /** How many it has answered. */
  readonly messagesOut: number;
}

/**
 * The state of a server: of one of ours, what its `formatState` shows; of Erlang's, its very state.
 *
 * @throws {ReplyError} if the server cannot show its state.
 */
export async function getState(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<Term> {
  return await state("get the state", from, target, atom("get_state"), options);
}

/**
 * Gives a server another state, and returns it as the server shows it.
 *
 * @param fn makes the new state of the one that {@linkcode getState} gives. It runs in the server, between two messages. A server of another node cannot run
 *   a function of this program: there, name one that it has, by `new ExternalFun(module, name, 1)`.
 * @throws {ReplyError} if the function fails, or the server's class has no method `replaceState`; the state is as it was.
 * @throws {EncodeError} if it is a function of this program, and the server is on another node.
 */
export async function replaceState(
  from: Caller,
  target: Target,
  fn: ((state: Term) => unknown) | ExternalFun | Fun,
  options: CallOptions = {},
): Promise<Term> {
  if (typeof fn !== "function" && !(fn instanceof ExternalFun || fn instanceof Fun)) {
    throw new TypeError("Cannot replace a state: a function that makes the new one is needed");
  }
  const request = tuple(atom("replace_state"), fn) as unknown as Encodable;
  return await state("replace the state", from, target, request, options);
}

/** What a server is and what it does: its state in the form of observer, whether it is suspended, what is switched on for it. */
export async function getStatus(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<SystemStatus> {
  const status = await ask(from, target, atom("get_status"), options);
  if (!isTuple(status) || status.length !== 4 || !isTuple(status[2]) || !isList(status[3])) {
    throw new TypeError(`Cannot read a status: ${text(status)} came, {status, ...} is needed`);
  }
  const [dictionary, state, parent, debug, misc] = status[3];
  return {
    pid: status[1] as Pid,
    module: (status[2][1] as Atom).name,
    state: (state as Atom).name as SystemStatus["state"],
    parent: parent as Pid,
    debug: debug as Term[],
    dictionary: dictionary as Term[],
    misc,
  };
}

/**
 * Holds a server: until it is resumed it handles requests of sys, and the end of its parent, and nothing else. What comes meanwhile
 * waits in its order; callers wait as long as their timeouts say.
 */
export async function suspend(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<void> {
  await obeyed(from, target, atom("suspend"), options);
}

/** Lets a server go on that was suspended. Nothing happens where it was not. */
export async function resume(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<void> {
  await obeyed(from, target, atom("resume"), options);
}

/** Ends a server in order, as its own `stop` does: `terminate` is called. Returns before it has ended. */
export async function terminate(
  from: Caller,
  target: Target,
  reason: ExitReason = NORMAL,
  options: CallOptions = {},
): Promise<void> {
  await obeyed(from, target, pair("terminate", checkReason(reason)), options);
}

/** Switches on, or off, that a server prints what it does: of ours, each event is a line of the node's log. */
export async function trace(
  from: Caller,
  target: Target,
  on: boolean,
  options: CallOptions = {},
): Promise<void> {
  await debug(from, target, pair("trace", on), options);
}

/**
 * Switches on, or off, that a server keeps its last events.
 *
 * @param on how many; `true` are 10. A server of ours keeps 10,000 at most, and about 16 MiB of them. Where it is on already nothing changes.
 */
export async function log(
  from: Caller,
  target: Target,
  on: boolean | number,
  options: CallOptions = {},
): Promise<void> {
  if (typeof on === "number" && !(Number.isInteger(on) && on >= 1)) {
    throw new RangeError(`Cannot keep ${on} events: 1 or more is needed`);
  }
  const flag = typeof on === "number" ? tuple(true, on) as Term : on;
  await debug(from, target, pair("log", flag), options);
}

/** The events that a server has kept, the oldest first: `{in, Message}`, `{out, Reply, From, State}`, `{noreply, State}`. */
export async function getLog(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<Term[]> {
  return await debug(from, target, pair("log", atom("get")), options) as Term[];
}

/** Switches on, or off, that a server counts its messages. */
export async function statistics(
  from: Caller,
  target: Target,
  on: boolean,
  options: CallOptions = {},
): Promise<void> {
  await debug(from, target, pair("statistics", on), options);
}

/** What a server has counted; `null` where it does not count. */
export async function getStatistics(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<SystemStatistics | null> {
  const report = await debug(from, target, pair("statistics", atom("get")), options);
  if (!isList(report)) return null;
  const fields = new Map(
    report.map((field) => {
      const [name, value] = field as unknown as [Atom, Term];
      return [name.name, value];
    }),
  );
  return {
    startTime: dateText(fields.get("start_time")!),
    currentTime: dateText(fields.get("current_time")!),
    reductions: fields.get("reductions") as number,
    messagesIn: fields.get("messages_in") as number,
    messagesOut: fields.get("messages_out") as number,
  };
}

/** Switches off all that was switched on for a server. */
export async function noDebug(
  from: Caller,
  target: Target,
  options: CallOptions = {},
): Promise<void> {
  await debug(from, target, atom("no_debug"), options);
}

/**
 * Installs a function that sees each event of a server of this node, until it returns `"done"` or throws, or is removed. It runs in
 * the server, before its next message.
 *
 * @param id what {@linkcode remove} takes. Where one of that id is there already, nothing changes.
 * @param fn is called with what it has returned last (`first` to begin with), the event as in {@linkcode getLog}, and the server's name.
 */
export async function install(
  from: Caller,
  target: Target,
  id: Term,
  fn: DebugFunction,
  first: unknown = null,
  options: CallOptions = {},
): Promise<void> {
  const request = tuple(atom("install"), tuple(id, fn, first)) as unknown as Term;
  await debug(from, target, request, options);
}

/** Removes a function that was installed. Nothing happens where there is none. */
export async function remove(
  from: Caller,
  target: Target,
  id: Term,
  options: CallOptions = {},
): Promise<void> {
  await debug(from, target, pair("remove", id), options);
}

function ask(
  from: Caller,
  target: Target,
  request: Encodable,
  options: CallOptions,
): Promise<Term> {
  const process = callerProcess(from, "ask a server", "sys.getState(node, server)");
  return from._core.systemCall(process, target, request, options) as Promise<Term>;
}

/** Releases before OTP 26.1 give the bare state. */
async function state(
  verb: string,
  from: Caller,
  target: Target,
  request: Encodable,
  options: CallOptions,
): Promise<Term> {
  const reply = refused(verb, await ask(from, target, request, options));
  const node = nodeOf(addressOf(target, from._core.global)) || from._core.name.name;
  const home = from instanceof ProcessContext ? from.node : from;
  if (!await wrapsStates(home, node)) return reply;
  return isTuple(reply) && reply.tag === "ok" && reply.length === 2 ? reply[1] : reply;
}

async function obeyed(
  from: Caller,
  target: Target,
  request: Encodable,
  options: CallOptions,
): Promise<void> {
  refused("do that", await ask(from, target, request, options));
}

/** What a debug request gives: `ok`, or the value of `{ok, Value}`. */
async function debug(
  from: Caller,
  target: Target,
  what: Term,
  options: CallOptions,
): Promise<Term> {
  const reply = await ask(from, target, pair("debug", what), options);
  if (isTuple(reply) && reply.tag === "ok" && reply.length === 2) return reply[1];
  if (reply !== atom("ok")) {
    const reason = isTuple(reply) && reply.tag === "error" ? reply[1] : reply;
    throw new ReplyError(reason, `Cannot debug a server: it answered ${text(reply)}`);
  }
  return null;
}

function refused(verb: string, reply: Term): Term {
  if (!isTuple(reply) || reply.tag !== "error" || reply.length !== 2) return reply;
  throw new ReplyError(reply[1], `Cannot ${verb} of a server: it answered ${text(reply)}`);
}

function pair(name: string, value: Term): Term {
  return tuple(atom(name), value) as Term;
}

function text(term: Term): string {
  return format(term, { maxLength: 1_000 });
}

function dateText(date: Term): string {
  const [[year, month, day], [hour, minute, second]] = date as unknown as number[][];
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
}
