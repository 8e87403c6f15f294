import { encode } from "../../etf/encoder.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";

/** Of what was thrown more than this is cut off. */
const LONGEST = 1_000;
const LONGEST_REPORT = 10_000;
/** So many causes of an error are told. */
const MOST_CAUSES = 5;

/** What was thrown, in words. */
export interface Thrown {
  /** The name of the error; `thrown` where it is none. */
  readonly name: string;
  readonly message: string;
  /** Where it was thrown, and what caused it; empty where it is no error. */
  readonly stack: string;
}

/** Puts into words what was thrown, which may be anything: an error, a term, an object. May throw where that is hostile. */
export function describeThrown(thrown: unknown): Thrown {
  if (!(thrown instanceof Error)) return { name: "thrown", message: valueText(thrown), stack: "" };
  return {
    name: String(thrown.name),
    message: String(thrown.message),
    stack: stackOf(thrown, MOST_CAUSES),
  };
}

function stackOf(error: Error, causes: number): string {
  let text = String(error.stack ?? "");
  if (causes === 0) return text;
  if (error.cause !== undefined) text += `\nCaused by: ${causeText(error.cause, causes - 1)}`;
  if (error instanceof AggregateError) {
    for (const one of error.errors.slice(0, causes)) {
      text += `\nOne of its errors: ${causeText(one, causes - 1)}`;
    }
  }
  return text;
}

function causeText(cause: unknown, causes: number): string {
  if (!(cause instanceof Error)) return valueText(cause);
  return titled(String(cause.name), String(cause.message), stackOf(cause, causes));
}

function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    encode(value as Encodable);
    return format(value as Encodable, { maxLength: LONGEST });
  } catch {
    return objectText(value);
  }
}

/** An object that is no term: what it says of itself, else its fields, which may be cut off. */
function objectText(value: object): string {
  if (typeof value.toString === "function" && value.toString !== Object.prototype.toString) {
    if (!Array.isArray(value)) return cut(String(value), LONGEST);
  }
  const name: unknown = value.constructor?.name;
  const named = typeof name === "string" && name !== "" && name !== "Object" && name !== "Array";
  return `${named ? `${name} ` : ""}${cut(JSON.stringify(value, readable), LONGEST)}`;
}

/** JSON leaves these out, or refuses them. */
function readable(_key: string, value: unknown): unknown {
  switch (typeof value) {
    case "bigint":
    case "undefined":
    case "symbol":
      return String(value);
    case "function":
      return `[function ${value.name}]`;
    default:
      return value;
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}

/**
 * The reason of an exit for people: a term, and where it is an error of JavaScript, its message and stack on lines of their own, all
 * but the first indented, so that no message of another node's looks like a line of the log.
 */
export function reasonReport(reason: Term): string {
  const error = jsErrorIn(reason);
  if (error === null) return format(reason, { maxLength: LONGEST_REPORT });
  const text = titled(error.name, error.message, error.stack);
  return cut(text, LONGEST_REPORT).replaceAll(/\r?\n(?=\S)|\r/g, "\n    ");
}

/** A stack begins with the error's name and message on most runtimes, not on all, and not where it was renamed. */
function titled(name: string, message: string, stack: string): string {
  const title = message === "" ? name : `${name}: ${message}`;
  if (stack.startsWith(title)) return stack;
  return stack === "" ? title : `${title}\n${stack}`;
}

/** The parts of `{{js_error, Name, Message}, Stack}`. */
function jsErrorIn(reason: Term): Thrown | null {
  if (!isTuple(reason) || reason.length !== 2) return null;
  const error: unknown = reason[0];
  if (!isTuple(error) || error.tag !== "js_error" || error.length !== 3) return null;
  const [name, message, stack] = [error[1], error[2], reason[1]].map(String);
  return { name, message, stack };
}
