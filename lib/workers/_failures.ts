import { atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import {
  CallTimeoutError,
  ExitError,
  exitReasonOf,
  NameError,
  NodeDownError,
  NodeStoppedError,
} from "../node/errors.ts";
import { IgnoredError } from "../node/process/ignore.ts";
import { RpcError, SpawnError } from "../node/remote/rpc_error.ts";

/** An error as it crosses: its name, its message, and what else it tells. */
export function failureTerm(error: unknown): Encodable {
  const isError = error instanceof Error;
  const name = atom((isError ? error.name : "Error").slice(0, 255));
  return tuple(name, isError ? error.message : String(error), detailOf(error)) as Encodable;
}

function detailOf(error: unknown): Encodable {
  if (error instanceof RpcError) return tuple(atom(error.class), error.reason, error.stacktrace);
  if (error instanceof SpawnError) return error.reason;
  if (error instanceof NameError) return error.pid;
  if (error instanceof NodeDownError) return error.node;
  if (error instanceof CallTimeoutError) return tuple(error.target, error.timeout);
  return exitReasonOf(error);
}

/** The error that has crossed. */
export function failureOf(term: Term): Error {
  if (!isTuple(term) || term.length !== 3) return new Error("Cannot tell what went wrong");
  const [name, message, detail] = term as unknown as [{ readonly name: string }, unknown, Term];
  const error = errorOf(name.name, detail);
  error.message = String(message);
  return error;
}

function errorOf(name: string, detail: Term): Error {
  const parts = isTuple(detail) ? detail as readonly unknown[] : [];
  switch (name) {
    case "NodeDownError":
      return new NodeDownError(String(detail));
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
