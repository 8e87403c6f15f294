import { atom } from "../../etf/atom.ts";
import { encode } from "../../etf/encoder.ts";
import { EncodeError } from "../../etf/errors.ts";
import { charlist } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple, Tuple, tuple } from "../../etf/tuple.ts";

/** What is nested deeper than this is left out; nobody reads it, and a stack has an end. */
const DEEPEST = 100;

/**
 * A value of a program's as a term that people look at: plain objects are maps with atoms as keys, what is no term is a text that
 * names it. Lists, tuples and maps are copied, so that what was shown does not change afterwards.
 */
export function shown(value: unknown): Term {
  return show(value, []);
}

/** Fields of a server's status, in the form that observer shows: `{data, [{"Name", Value}]}`. */
export function statusData(fields: readonly (readonly [name: string, value: unknown])[]): unknown {
  return tuple(atom("data"), fields.map(([name, value]) => tuple(charlist(name), value)));
}

function show(value: unknown, around: readonly unknown[]): Term {
  switch (typeof value) {
    case "undefined":
      return atom("undefined");
    case "boolean":
    case "bigint":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "string":
      return value.isWellFormed() ? value : value.toWellFormed();
    case "object":
      return value === null ? null : showObject(value, around);
    default:
      return nameOf(value);
  }
}

function showObject(value: object, around: readonly unknown[]): Term {
  if (around.includes(value) || around.length === DEEPEST) return "...";
  const inner = [...around, value];
  if (isTuple(value)) return showTuple(value, inner);
  if (Array.isArray(value)) return value.map((item) => show(item, inner));
  if (value instanceof Map || value instanceof TermMap) {
    const entries = value as Iterable<[unknown, unknown]>;
    return new TermMap(
      Array.from(entries, ([key, item]) => [show(key, inner), show(item, inner)] as [Term, Term]),
    );
  }
  if (value instanceof Set) return Array.from(value, (item) => show(item, inner));
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) {
    return new TermMap(
      Object.entries(value).map(([key, item]) => [keyOf(key), show(item, inner)] as [Term, Term]),
    );
  }
  return encodes(value) ? value as Term : nameOf(value);
}

function showTuple(value: readonly unknown[], inner: readonly unknown[]): Term {
  const elements = new Tuple<unknown[]>(value.length);
  for (let i = 0; i < value.length; i++) elements[i] = show(value[i], inner);
  return elements as unknown as Term;
}

/** The atom of that name, three of which are JavaScript values; text where it is too long for one. */
function keyOf(name: string): Term {
  if (name === "true" || name === "false") return name === "true";
  if (name === "nil") return null;
  try {
    return atom(name);
  } catch {
    return name;
  }
}

function encodes(value: unknown): boolean {
  try {
    encode(value as Encodable);
    return true;
  } catch (error) {
    if (error instanceof EncodeError) return false;
    throw error;
  }
}

/** What is no term, in words. Never throws, whatever it is. */
function nameOf(value: unknown): string {
  try {
    if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof Date) return value.toISOString();
    if (typeof value === "symbol") return String(value);
    const name: unknown = (value as object).constructor?.name;
    return `[${typeof name === "string" && name !== "" ? name : "object"}]`;
  } catch {
    return "[object]";
  }
}
