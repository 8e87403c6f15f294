import { atom } from "../etf/atom.ts";
import { Binary } from "../etf/binary.ts";
import { format } from "../etf/format.ts";
import type { Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";

/**
 * An error that is at home in OTP: where no handler catches it, the process exits with {@linkcode exitReason} instead of
 * `{{js_error, Name, Message}, Stack}`.
 */
export abstract class ProcessError extends Error {
  /** The reason that a process exits with which does not catch this. */
  abstract readonly exitReason: Term;
}

/** A process ended: the one that was called, or (thrown by {@linkcode exit}) the one that throws it. */
export class ExitError extends ProcessError {
  override readonly name: string = "ExitError";
  /** Why, as a term: the reason of the exit. */
  readonly reason: Term;

  constructor(reason: Term, message?: string, options?: ErrorOptions) {
    super(message ?? `Process exited: ${format(reason)}`, options);
    this.reason = reason;
  }

  get exitReason(): Term {
    return this.reason;
  }
}

/** A call was not answered in time. The request may still be carried out; a late reply is dropped. */
export class CallTimeoutError extends ProcessError {
  override readonly name = "CallTimeoutError";
  readonly target: string;
  /** Milliseconds that the caller waited. */
  readonly timeout: number;

  constructor(target: string, timeout: number) {
    super(`Cannot call ${target}: no reply within ${timeout} ms, give a longer timeout or answer with later()`);
    this.target = target;
    this.timeout = timeout;
  }

  get exitReason(): Term {
    return atom("timeout");
  }
}

/** There is no process of that name or pid. */
export class NoProcessError extends ExitError {
  override readonly name = "NoProcessError";
  readonly target: string;

  constructor(target: string, hint = "") {
    super(atom("noproc"), `Cannot reach ${target}: no such process${hint}`);
    this.target = target;
  }
}

/** The other node cannot be reached, or the connection to it was lost. */
export class NodeDownError extends ExitError {
  override readonly name = "NodeDownError";
  /** The node's name. */
  readonly node: string;

  constructor(node: string, options?: ErrorOptions) {
    const cause = options?.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(atom("noconnection"), `Cannot reach node ${node}${cause}`, options);
    this.node = node;
  }

  override get exitReason(): Term {
    return tuple(atom("nodedown"), atom(this.node));
  }
}

/** A process that has exited tried to go on: its handler was still running when it ended. */
export class ProcessExitedError extends ProcessError {
  override readonly name = "ProcessExitedError";
  readonly reason: Term;

  constructor(verb: string, reason: Term) {
    super(`Cannot ${verb}: this process has exited with ${format(reason)}; watch this.signal to stop in time`);
    this.reason = reason;
  }

  get exitReason(): Term {
    return this.reason;
  }
}

/** The node has stopped: nothing can be done with it any more. */
export class NodeStoppedError extends ProcessError {
  override readonly name = "NodeStoppedError";
  /** The node's name. */
  readonly node: string;

  constructor(verb: string, node: string) {
    super(`Cannot ${verb}: node ${node} has stopped`);
    this.node = node;
  }

  get exitReason(): Term {
    return atom("noconnection");
  }
}

/** A name is taken, not taken, or no name. */
export class NameError extends Error {
  override readonly name = "NameError";
}

/** What a process exits with when its code throws `error`. Never throws, whatever was thrown. */
export function exitReasonOf(error: unknown): Term {
  try {
    if (error instanceof ProcessError) return error.exitReason;
    const thrown = error instanceof Error ? error : new Error(String(error));
    return jsError(thrown.name, thrown.message, thrown.stack ?? "");
  } catch {
    return jsError("Error", "what was thrown cannot be printed", "");
  }
}

function jsError(name: unknown, message: unknown, stack: unknown): Term {
  return tuple(tuple(atom("js_error"), text(name), text(message)), text(stack));
}

const utf8 = new TextEncoder();

function text(value: unknown): Binary {
  return new Binary(utf8.encode(String(value)).buffer);
}

/**
 * Ends the process whose code runs this, with that very reason: Erlang's `exit/1`. It throws, so that nothing after it runs.
 *
 * @throws {ExitError} always.
 */
export function exit(reason: Exclude<Term, string>): never {
  throw new ExitError(reason);
}
