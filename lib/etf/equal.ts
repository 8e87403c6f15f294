import { Atom } from "./atom.ts";
import { Bitstring } from "./binary.ts";
import { Float } from "./float.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import { canonical } from "./term_key.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { sameUtf8 } from "./_utf8.ts";

/**
 * Whether two values are the same Erlang term, as `=:=` compares.
 *
 * - `1` and `1n` are the same, `1` and `float(1)` are not, nor are `float(0)` and `float(-0)` (OTP 27 and later).
 * - A string, a `Uint8Array` and a `Binary` are the same if their bytes are; so are a `Map` and a `TermMap` if their entries are, in whatever order.
 * - Values that are no terms are the same only as themselves.
 */
export function equal(a: unknown, b: unknown): boolean {
  // Most comparisons end here, without the arrays below.
  const first = compare(a, b);
  if (typeof first === "boolean") return first;
  // Terms nest without limit: pairs of arrays that have been begun, with how far.
  const lefts: (readonly unknown[])[] = [first.left];
  const rights: (readonly unknown[])[] = [first.right];
  const nexts: number[] = [0];
  while (lefts.length > 0) {
    const top = lefts.length - 1;
    const left = lefts[top];
    const next = nexts[top]++;
    if (next === left.length) {
      lefts.pop();
      rights.pop();
      nexts.pop();
      continue;
    }
    const result = compare(left[next], rights[top][next]);
    if (result === false) return false;
    if (result !== true) {
      lefts.push(result.left);
      rights.push(result.right);
      nexts.push(0);
    }
  }
  return true;
}

/** Two arrays of one length that are left to be compared. */
interface Pending {
  readonly left: readonly unknown[];
  readonly right: readonly unknown[];
}

function compare(a: unknown, b: unknown): boolean | Pending {
  if (a === b) return a !== 0 || Object.is(a, b);
  switch (typeof a) {
    case "number":
      if (typeof b === "bigint") return isInteger(a) && BigInt(a) === b;
      if (b instanceof Float) return !isInteger(a) && Object.is(a, b.value);
      return Object.is(a, b);
    case "bigint":
      return typeof b === "number" && isInteger(b) && BigInt(b) === a;
    case "string":
      return b instanceof Uint8Array && sameUtf8(a, b);
    case "object":
      break;
    default:
      return false;
  }
  if (a === null || a instanceof Atom) return false;
  if (a instanceof Uint8Array) {
    return typeof b === "string" ? sameUtf8(b, a) : b instanceof Uint8Array && sameBytes(a, b);
  }
  if (a instanceof Float) {
    return b instanceof Float
      ? Object.is(a.value, b.value)
      : typeof b === "number" && !isInteger(b) && Object.is(a.value, b);
  }
  if (typeof b !== "object" || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length || isTuple(a) !== isTuple(b)) return false;
    return { left: a, right: b };
  }
  if (a instanceof Pid || a instanceof Ref || a instanceof Port) return a.equals(b);
  if (a instanceof TermMap || a instanceof Map) return compareMaps(a, b);
  if (a instanceof ImproperList) {
    if (!(b instanceof ImproperList) || a.elements.length !== b.elements.length) return false;
    return { left: [a.elements, a.tail], right: [b.elements, b.tail] };
  }
  if (a instanceof Bitstring) {
    return b instanceof Bitstring && a.bits === b.bits && sameBytes(a.bytes, b.bytes);
  }
  if (a instanceof ExternalFun) {
    return b instanceof ExternalFun && a.arity === b.arity && a.module === b.module &&
      a.function === b.function;
  }
  if (a instanceof Fun) return b instanceof Fun && sameBytes(a._bytes, b._bytes);
  if (a instanceof LocalTerm) return b instanceof LocalTerm && sameBytes(a._bytes, b._bytes);
  if (a instanceof NativeRecord) {
    return b instanceof NativeRecord && a.module === b.module && a.name === b.name &&
      a.flags === b.flags && a.fields.length === b.fields.length &&
      { left: a.fields, right: b.fields };
  }
  return false;
}

function compareMaps(a: TermMap | Map<unknown, unknown>, b: unknown): boolean | Pending {
  if (!(b instanceof TermMap || b instanceof Map) || a.size !== b.size) return false;
  const left = flat(a);
  const other = b instanceof TermMap ? b : new TermMap(b as never);
  // Keys that hold other terms are compared by their text, all at once: one by one, each would be a comparison inside this one.
  for (let i = 0; i < left.length; i += 2) {
    if (isContainer(left[i])) return canonical(a) === canonical(b);
  }
  const values: unknown[] = new Array(a.size);
  const others: unknown[] = new Array(a.size);
  for (let i = 0; i < left.length; i += 2) {
    const at = other._find(left[i] as never);
    if (at < 0) return false;
    values[i >> 1] = left[i + 1];
    others[i >> 1] = other._flat[at + 1];
  }
  return { left: values, right: others };
}

function flat(map: TermMap | Map<unknown, unknown>): readonly unknown[] {
  return map instanceof TermMap ? map._flat : new TermMap(map as never)._flat;
}

/** @internal Whether a value is made of other terms. */
export function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    (Array.isArray(value) || value instanceof TermMap || value instanceof Map ||
      value instanceof ImproperList || value instanceof NativeRecord);
}

/** Whether a number is an Erlang integer, not a float. */
function isInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
