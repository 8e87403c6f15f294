import { unlisted } from "../_util/unlisted.ts";
import { atom } from "../etf/atom.ts";
import { Binary } from "../etf/binary.ts";
import { format } from "../etf/format.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { KILL, MAILBOX_FULL, NORMAL, SHUTDOWN } from "./atoms.ts";
import { describeThrown, reasonReport } from "./provided/thrown.ts";

/**
 * An error that is at home in OTP: where no handler catches it, the process exits with {@linkcode exitReason} instead of
 * `{{js_error, Name, Message}, Stack}`.
 */
export abstract class ProcessError extends Error {
  /** The reason that a process exits with which does not catch this. */
  abstract readonly exitReason: Term;
  // Behind accessors, so that no log shows it.
  #call: Term = null;

  /** @ignore @internal The call that failed so, `{gen_server, call, [Target, Request]}`; `null` where it was none. */
  get _call(): Term {
    return this.#call;
  }

  /** @ignore @internal */
  set _call(call: Term) {
    this.#call = call;
  }
}

/** A process ended: the one that was called, or (thrown by {@linkcode exit}) the one that throws it. */
export class ExitError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name: string = "ExitError";
  /** Why, as a term: the reason of the exit. */
  readonly reason: Term;

  /** @ignore @internal Use {@linkcode exit}. */
  constructor(reason: Term, message?: string, options?: ErrorOptions) {
    super(message ?? `Process exited: ${reasonText(reason)}`, options);
    this.reason = reason;
    unlisted(this, "reason");
  }

  /** The same reason: whoever does not catch this exits for it too, as in Erlang. */
  get exitReason(): Term {
    return this.reason;
  }
}

/** A call was not answered in time. The request may still be carried out; a late reply is dropped. */
export class CallTimeoutError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "CallTimeoutError";
  /** What was called, in words: `pdf on app@localhost`, or `lists:seq/2 on app@localhost` by rpc. */
  readonly target: string;
  /** How many milliseconds the caller waited. */
  readonly timeout: number;

  /** @ignore @internal */
  constructor(target: string, timeout: number) {
    super(
      `Cannot call ${target}: no reply within ${timeout} ms, give a longer timeout or answer with later()`,
    );
    this.target = target;
    this.timeout = timeout;
  }

  /** The atom `timeout`. */
  get exitReason(): Term {
    return atom("timeout");
  }
}

/** There is no process of that name or pid; the {@linkcode ExitError.reason} is `noproc`. */
export class NoProcessError extends ExitError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "NoProcessError";
  /** What was called, in words: `pdf on app@localhost`. */
  readonly target: string;

  /** @ignore @internal */
  constructor(target: string, hint = "") {
    super(atom("noproc"), `Cannot reach ${target}: no such process${hint}`);
    this.target = target;
  }
}

/** The mailbox of the process is full, and takes no more; the {@linkcode ExitError.reason} is `mailbox_full`. */
export class MailboxFullError extends ExitError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "MailboxFullError";
  /** Whose mailbox it is, in words: `pdf on app@localhost`. */
  readonly target: string;

  /** @ignore @internal */
  constructor(target: string) {
    super(MAILBOX_FULL, `Cannot reach ${target}: its mailbox is full, try again later`);
    this.target = target;
  }
}

/**
 * The other node cannot be reached, or the connection to it was lost. Whether the request was carried out is not known.
 *
 * The {@linkcode ExitError.reason} is `noconnection`, as links and monitors are told; `cause` is what went wrong, where it is known.
 */
export class NodeDownError extends ExitError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "NodeDownError";
  /** The node's name. */
  readonly node: string;

  /** @ignore @internal */
  constructor(node: string, options?: ErrorOptions) {
    const cause = options?.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(atom("noconnection"), `Cannot reach node ${node}${cause}`, options);
    this.node = node;
  }

  /** `{nodedown, Node}`, as of a call in OTP. */
  override get exitReason(): Term {
    return tuple(atom("nodedown"), atom(this.node));
  }
}

/**
 * So much waits to be sent to a node that nothing more is taken: nothing of what was sent now will arrive. `await node.sendReady(...)`
 * tells when to send again.
 */
export class BusyError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "BusyError";
  /** The node's name. */
  readonly node: string;
  /** How many bytes wait to be sent to it. */
  readonly queued: number;

  /** @ignore @internal */
  constructor(node: string, queued: number) {
    const name = JSON.stringify(node);
    super(
      `Cannot send to ${node}: ${queued} bytes wait already, which is the limit (maxQueue); await node.sendReady(${name}) first`,
    );
    this.node = node;
    this.queued = queued;
  }

  /** `{system_limit, Text}`. */
  get exitReason(): Term {
    return tuple(atom("system_limit"), text(this.message));
  }
}

/**
 * A process that has exited tried to go on: its handler was still running when it ended. Also the reason with which the
 * `signal` of a process aborts.
 */
export class ProcessExitedError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "ProcessExitedError";
  /** What the process exited with. */
  readonly reason: Term;

  /** @ignore @internal */
  constructor(verb: string, reason: Term) {
    super(
      `Cannot ${verb}: this process has exited with ${
        reasonText(reason)
      }; watch this.signal to stop in time`,
    );
    this.reason = reason;
    unlisted(this, "reason");
  }

  /** The same reason. */
  get exitReason(): Term {
    return this.reason;
  }
}

/** The node has stopped: nothing can be done with it any more. */
export class NodeStoppedError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "NodeStoppedError";
  /** The node's name. */
  readonly node: string;

  /** @ignore @internal */
  constructor(verb: string, node: string) {
    super(`Cannot ${verb}: node ${node} has stopped`);
    this.node = node;
  }

  /** The atom `noconnection`, as other nodes are told. */
  get exitReason(): Term {
    return atom("noconnection");
  }
}

/** A process cannot be registered: the name is taken or is none, or the process has a name already. */
export class NameError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "NameError";
  /** Who has the name; `null` where it is not taken, or that is not known. */
  readonly pid: Pid | null;

  /** @ignore @internal */
  constructor(message: string, pid: Pid | null = null) {
    super(message);
    this.pid = pid;
    unlisted(this, "pid");
  }
}

/**
 * A reason for a message: another node may have sent megabytes of it. What code of ours has thrown is told without its stack, which is in
 * the reason.
 */
function reasonText(reason: Term): string {
  const error: unknown = isTuple(reason) && reason.length === 2 ? reason[0] : null;
  if (isTuple(error) && error.tag === "js_error" && error.length === 3) {
    const [, name, message] = error as unknown[];
    if (name instanceof Binary && message instanceof Binary) {
      return `${name.text}: ${message.text}`.slice(0, 1_000);
    }
  }
  return format(reason, { maxLength: 1_000 });
}

/** What a process exits with when its code throws `error`. Never throws, whatever was thrown. */
export function exitReasonOf(error: unknown): Term {
  try {
    if (error instanceof ProcessError) {
      // As gen_server:call/3 exits: else a server whose own call fails with noproc would seem not to be there itself.
      const { exitReason, _call: call } = error;
      return call === null ? exitReason : tuple(exitReason, call);
    }
    const { name, message, stack } = describeThrown(error);
    return jsError(name, message, stack);
  } catch {
    return jsError("Error", "what was thrown cannot be printed", "");
  }
}

/** Whether it is an error of {@linkcode ProcessError}'s kind. Never throws, whatever was thrown. */
export function isProcessError(error: unknown): error is ProcessError {
  try {
    return error instanceof ProcessError;
  } catch {
    return false; // a proxy, or a class, that does not want to be asked
  }
}

/** An error for a log, its stack on lines of its own. Never throws, whatever was thrown. */
export function errorText(error: unknown): string {
  return reasonReport(exitReasonOf(error));
}

function jsError(name: unknown, message: unknown, stack: unknown): Term {
  return tuple(tuple(atom("js_error"), text(name), text(message)), text(stack));
}

const utf8 = new TextEncoder();

function text(value: unknown): Binary {
  return new Binary(utf8.encode(String(value)).buffer);
}

const WELL_KNOWN = new Set<unknown>([NORMAL.name, SHUTDOWN.name, KILL.name]);

/** @internal @throws {TypeError} where none was given, or a string and the atom of that name is meant. */
export function checkReason(reason: Term): Term {
  if (reason === undefined) {
    throw new TypeError(
      'Cannot exit with nothing: a term is needed, atom("normal") where all is in order',
    );
  }
  if (WELL_KNOWN.has(reason)) {
    throw new TypeError(
      `Cannot exit with the text "${reason}": that would be a binary, use atom("${reason}")`,
    );
  }
  return reason;
}

/**
 * Ends the process whose code runs this, with that very reason: Erlang's `exit/1`. It throws, so that nothing after it runs.
 *
 * @throws {ExitError} always.
 */
export function exit(reason: Exclude<Term, string>): never {
  throw new ExitError(checkReason(reason));
}
