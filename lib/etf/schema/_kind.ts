import { Atom } from "../atom.ts";
import { Bitstring } from "../binary.ts";
import { Float } from "../float.ts";
import { ExternalFun, Fun } from "../fun.ts";
import { Pid, Port, Ref } from "../identifiers.ts";
import { ImproperList } from "../list.ts";
import { TermMap } from "../term_map.ts";
import { isTuple } from "../tuple.ts";

/** What sort of value this is, in words that hold nothing of its content: errors go to logs and to other nodes. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "boolean":
      return "a boolean";
    case "number":
      if (Number.isNaN(value)) return "NaN";
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? "an integer" : "a float";
    case "bigint":
      return "a big integer";
    case "string":
      return `a string of ${count(value.length, "character")}`;
    case "object":
      return value === null ? "nil" : kindOfObject(value);
    default:
      return `a ${typeof value}`;
  }
}

function kindOfObject(value: object): string {
  if (value instanceof Atom) return "an atom";
  if (value instanceof Uint8Array) return `a binary of ${count(value.length, "byte")}`;
  if (Array.isArray(value)) {
    if (isTuple(value)) return `a tuple of ${count(value.length, "element")}`;
    return value.length === 0 ? "an empty list" : `a list of ${count(value.length, "element")}`;
  }
  if (value instanceof TermMap || value instanceof Map) {
    return `a map of ${count(value.size, "key")}`;
  }
  if (value instanceof Float) return "a float";
  if (value instanceof Pid) return "a pid";
  if (value instanceof Port) return "a port";
  if (value instanceof Ref) return "a reference";
  if (value instanceof Fun || value instanceof ExternalFun) return "a fun";
  if (value instanceof ImproperList) return "an improper list";
  if (value instanceof Bitstring) return "a bitstring";
  if (value instanceof Date) return "a Date";
  return "an object";
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? "" : "s"}`;
}
