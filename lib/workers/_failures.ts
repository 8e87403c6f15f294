import { atom } from "../etf/atom.ts";
import { encode } from "../etf/encoder.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import {
  CallTimeoutError,
  errorText,
  ExitError,
  exitReasonOf,
  MailboxFullError,
  NameError,
  NodeDownError,
  NodeStoppedError,
  NoProcessError,
} from "../node/errors.ts";
import { IgnoredError } from "../node/process/ignore.ts";
import { describeThrown } from "../node/provided/thrown.ts";
import { RpcError, SpawnError } from "../node/remote/rpc_error.ts";

/** An error as it crosses: its name, its message, what else it tells, its stack, and what has caused it, in words. */
export function failureTerm(error: unknown): Encodable {
  const { name, message, stack, cause } = wordsOf(error);
  return tuple(atom(name.slice(0, 255)), message, termDetailOf(error), stack, cause) as Encodable;
}

interface Words {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause: string | null;
}

/** Whatever was thrown, this does not throw. */
function wordsOf(error: unknown): Words {
  try {
    const { message, stack } = describeThrown(error);
    if (!(error instanceof Error)) return { name: "Error", message, stack, cause: null };
    const { cause } = error;
    const text = cause === undefined ? null : errorText(cause);
    return { name: String(error.name), message, stack: String(error.stack ?? ""), cause: text };
  } catch {
    return { name: "Error", message: "what was thrown cannot be printed", stack: "", cause: null };
  }
}

/** What an error tells may be no term, as the reason of an exit whose process was not made to be known elsewhere. */
function termDetailOf(error: unknown): Encodable {
  const detail = detailOf(error);
  try {
    encode(detail);
    return detail;
  } catch (fault) {
    return tuple(atom("bad_reason"), String((fault as Error).message)) as Encodable;
  }
}

function detailOf(error: unknown): Encodable {
  if (error instanceof RpcError) return tuple(atom(error.class), error.reason, error.stacktrace);
  if (error instanceof SpawnError) return error.reason;
  if (error instanceof NameError) return error.pid;
  if (error instanceof NodeDownError) return error.node;
  if (error instanceof NoProcessError || error instanceof MailboxFullError) return error.target;
  if (error instanceof CallTimeoutError) return tuple(error.target, error.timeout);
  return exitReasonOf(error);
}

/** The error that has crossed. */
export function failureOf(term: Term): Error {
  if (!isTuple(term) || term.length !== 5) return new Error("Cannot tell what went wrong");
  const [name, message, detail, stack, cause] = term as unknown as [
    { readonly name: string },
    ...[unknown, Term, unknown, unknown],
  ];
  const error = errorOf(name.name, detail);
  error.message = String(message);
  // Where it was thrown, not where it has arrived.
  if (String(stack) !== "") hide(error, "stack", String(stack));
  if (cause !== null) hide(error, "cause", String(cause));
  return error;
}

function hide(error: Error, name: string, value: string): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true });
}

function errorOf(name: string, detail: Term): Error {
  const parts = isTuple(detail) ? detail as readonly unknown[] : [];
  switch (name) {
    case "NodeDownError":
      return new NodeDownError(String(detail));
    case "NoProcessError":
      return new NoProcessError(String(detail));
    case "MailboxFullError":
      return new MailboxFullError(String(detail));
    case "NodeStoppedError":
      return new NodeStoppedError("go on", "");
    case "CallTimeoutError":
      return new CallTimeoutError(String(parts[0]), Number(parts[1]));
    case "NameError":
      return new NameError("", detail instanceof Pid ? detail : null);
    case "SpawnError":
      return new SpawnError("", detail);
    case "RpcError":
      return new RpcError(
        "",
        String(parts[0]) === "throw" ? "throw" : "error",
        parts[1] as Term,
        parts[2] as Term[],
      );
    case "IgnoredError":
      return new IgnoredError("");
    case "TypeError":
      return new TypeError();
    case "RangeError":
      return new RangeError();
    case "ReferenceError":
      return new ReferenceError();
    case "ExitError":
      return new ExitError(detail);
    default:
      return new Error();
  }
}
