import { Atom } from "./atom.ts";
import { atomObject } from "./_atom_bytes.ts";
import { Bitstring } from "./binary.ts";
import { isContainer } from "./equal.ts";
import { Float } from "./float.ts";
import { ExternalFun, Fun } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import type { Encodable } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { writeUtf8 } from "./_utf8.ts";

/** The kinds of terms, each less than the next. */
const Kind = {
  number: 0,
  atom: 1,
  reference: 2,
  fun: 3,
  port: 4,
  pid: 5,
  tuple: 6,
  map: 7,
  nil: 8,
  list: 9,
  bitstring: 10,
} as const;

/** Two rows of terms of which the first that differ decide. */
interface Rows {
  readonly left: readonly unknown[];
  readonly right: readonly unknown[];
  /** How many there are to compare. */
  readonly length: number;
  next: number;
  /** As keys of maps are compared: an integer is less than any float. */
  readonly exact: boolean;
  /** What it is where none differ. */
  readonly otherwise: number;
}

/** The entries of maps in the order of their keys, as far as they have been put in order. */
type Sorted = Map<object, readonly unknown[]>;

/**
 * Compares two terms as Erlang does, for use with `sort`: negative where `a < b`, positive where `a > b`, 0 where `a == b`.
 *
 * - number < atom < reference < fun < port < pid < tuple < map < `[]` < list < binary and bitstring.
 * - Integers and floats are compared by what they are worth, exactly, however large: `1` and `float(1)` are 0 here (`==`), not for {@linkcode equal} (`=:=`).
 * - Atoms and binaries are compared byte by byte, tuples by their size and then element by element, lists element by element, maps by their size, then by their
 *   keys in order, then by the values in the order of the keys. As a key any integer is less than any float.
 *   (OTP 26 and later have another order for maps that are themselves keys of maps, where these have atoms as keys: it differs from node to node.)
 * - References and ports are compared by their node first, pids by their number first.
 * - Values mean what they mean when they are sent: a string is a binary, `null` the atom `nil`.
 *
 * @throws {TypeError} if one is no term, or one that only the node it came from can read.
 *
 * @example
 * ```ts
 * import { atom, compareTerms, tuple } from "@ergo-ts/ergo";
 *
 * ["b", 2, atom("z"), tuple(1), 1.5, "a"].sort(compareTerms); // [1.5, 2, z, {1}, <<"a">>, <<"b">>], as lists:sort/1
 * ```
 */
export function compareTerms(a: Encodable, b: Encodable): number {
  return compareAll(a, b, false, null);
}

function compareAll(a: unknown, b: unknown, exact: boolean, sorted: Sorted | null): number {
  // Terms nest without limit: rows that have been begun wait here.
  const stack: Rows[] = [];
  let result = step(a, b, exact);
  for (;;) {
    if (result === undefined) sorted = open(a, b, exact, stack, sorted ?? new Map());
    else if (result !== 0) return result;
    for (;;) {
      const rows = stack.at(-1);
      if (rows === undefined) return 0;
      if (rows.next < rows.length) {
        a = rows.left[rows.next];
        b = rows.right[rows.next++];
        exact = rows.exact;
        break;
      }
      if (rows.otherwise !== 0) return rows.otherwise;
      stack.pop();
    }
    result = step(a, b, exact);
  }
}

/** Compares two terms that hold no others, or are of different kinds or sizes; `undefined` where what they hold decides. */
function step(a: unknown, b: unknown, exact: boolean): number | undefined {
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b, exact);
  const kind = kindOf(a);
  const other = kindOf(b);
  if (kind !== other) return kind < other ? -1 : 1;
  switch (kind) {
    case Kind.number:
      return compareNumbers(a as number, b as number, exact);
    case Kind.atom:
      return compareAtoms(a as Atom, b as Atom);
    case Kind.reference:
      return compareRefs(a as Ref, b as Ref);
    case Kind.port:
      return compareNodes(a as Port, b as Port) || compareValues((a as Port).id, (b as Port).id);
    case Kind.pid:
      return compareValues((a as Pid).serial, (b as Pid).serial) ||
        compareValues((a as Pid).id, (b as Pid).id) || compareNodes(a as Pid, b as Pid);
    case Kind.bitstring:
      return compareBits(a, b);
    case Kind.nil:
      return 0;
    case Kind.fun:
      return compareFuns(a, b);
    case Kind.tuple:
      return compareSizes((a as unknown[]).length, (b as unknown[]).length);
    case Kind.map:
      return compareSizes((a as TermMap).size, (b as TermMap).size);
    default:
      return undefined;
  }
}

/** Nothing to compare but sizes, or `undefined` where there is more. */
function compareSizes(a: number, b: number): number | undefined {
  return a !== b ? compareValues(a, b) : a === 0 ? 0 : undefined;
}

/** Puts on the stack what decides between two terms of one kind. */
function open(a: unknown, b: unknown, exact: boolean, stack: Rows[], sorted: Sorted): Sorted {
  if (isTuple(a)) {
    stack.push(rows(a, b as unknown[], exact));
  } else if (a instanceof Fun) {
    stack.push(rows(a.free, (b as Fun).free, exact));
  } else if (a instanceof TermMap || a instanceof Map) {
    const left = sortedEntries(a, sorted);
    const right = sortedEntries(b as TermMap, sorted);
    stack.push(
      rows(every(left, 1), every(right, 1), exact),
      rows(every(left, 0), every(right, 0), true),
    );
  } else {
    stack.push(rowsOfLists(a as unknown[], b as unknown[], exact));
  }
  return sorted;
}

function rows(
  left: readonly unknown[],
  right: readonly unknown[],
  exact: boolean,
  length: number = left.length,
  otherwise: number = 0,
): Rows {
  return { left, right, length, next: 0, exact, otherwise };
}

function rowsOfLists(
  a: readonly unknown[] | ImproperList,
  b: readonly unknown[] | ImproperList,
  exact: boolean,
): Rows {
  const left = Array.isArray(a) ? a : (a as ImproperList).elements;
  const right = Array.isArray(b) ? b : (b as ImproperList).elements;
  const length = Math.min(left.length, right.length);
  if (left.length === right.length) {
    const tail = a instanceof ImproperList ? a.tail : [];
    const other = b instanceof ImproperList ? b.tail : [];
    if (a instanceof ImproperList || b instanceof ImproperList) {
      return rows([...left, tail], [...right, other], exact);
    }
    return rows(left, right, exact);
  }
  // One goes on where the other has its tail: `[]` or no list at all.
  const shorter = left.length < right.length ? a : b;
  const tail = shorter instanceof ImproperList ? kindOf(shorter.tail) : Kind.nil;
  const isLess = (tail < Kind.list) === (shorter === a);
  return rows(left, right, exact, length, isLess ? -1 : 1);
}

function every(flat: readonly unknown[], from: 0 | 1): unknown[] {
  const half: unknown[] = new Array(flat.length >> 1);
  for (let i = from; i < flat.length; i += 2) half[i >> 1] = flat[i];
  return half;
}

/** The entries of a map in the order of its keys. Maps that its keys are made of come first, so that none is put in order inside of a comparison. */
function sortedEntries(
  map: TermMap | ReadonlyMap<unknown, unknown>,
  sorted: Sorted,
): readonly unknown[] {
  const known = sorted.get(map);
  if (known !== undefined) return known;
  const maps: (TermMap | ReadonlyMap<unknown, unknown>)[] = [map];
  const waiting: unknown[] = keysWithin(map);
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (value instanceof TermMap || value instanceof Map) {
      if (!sorted.has(value)) maps.push(value);
      for (const inner of flatOf(value)) if (isContainer(inner)) waiting.push(inner);
    } else if (Array.isArray(value)) {
      for (const inner of value) if (isContainer(inner)) waiting.push(inner);
    } else if (value instanceof ImproperList) {
      waiting.push(value.elements, value.tail);
    } else if (value instanceof Fun) {
      waiting.push(value.free);
    }
  }
  for (let i = maps.length - 1; i >= 0; i--) sorted.set(maps[i], sort(maps[i], sorted));
  return sorted.get(map)!;
}

function keysWithin(map: TermMap | ReadonlyMap<unknown, unknown>): unknown[] {
  const flat = flatOf(map);
  const keys: unknown[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    if (isContainer(flat[i]) || flat[i] instanceof Fun) keys.push(flat[i]);
  }
  return keys;
}

function sort(map: TermMap | ReadonlyMap<unknown, unknown>, sorted: Sorted): readonly unknown[] {
  const flat = flatOf(map);
  const order: number[] = [];
  for (let i = 0; i < flat.length; i += 2) order.push(i);
  order.sort((i, j) => compareAll(flat[i], flat[j], true, sorted));
  return order.flatMap((i) => [flat[i], flat[i + 1]]);
}

function flatOf(map: TermMap | ReadonlyMap<unknown, unknown>): readonly unknown[] {
  return map instanceof TermMap ? map._flat : new TermMap(map as never)._flat;
}

function kindOf(value: unknown): number {
  switch (typeof value) {
    case "number":
    case "bigint":
      return Kind.number;
    case "string":
      return Kind.bitstring;
    case "boolean":
      return Kind.atom;
    case "object":
      if (value === null || value instanceof Atom) return Kind.atom;
      if (value instanceof Uint8Array || value instanceof Bitstring) return Kind.bitstring;
      if (Array.isArray(value)) {
        return isTuple(value) ? Kind.tuple : value.length === 0 ? Kind.nil : Kind.list;
      }
      if (value instanceof Float) return Kind.number;
      if (value instanceof Pid) return Kind.pid;
      if (value instanceof TermMap || value instanceof Map) return Kind.map;
      if (value instanceof Ref) return Kind.reference;
      if (value instanceof Port) return Kind.port;
      if (value instanceof ImproperList) return Kind.list;
      if (value instanceof Fun || value instanceof ExternalFun) return Kind.fun;
      throw new TypeError(
        `Cannot compare ${
          value.constructor?.name ?? "an object"
        }: it is no term whose content is known`,
      );
    default:
      throw new TypeError(`Cannot compare ${typeof value}: it is no term`);
  }
}

/** JavaScript compares numbers with bigints by what they are worth, exactly, as Erlang does. */
function compareNumbers(
  a: number | bigint | Float,
  b: number | bigint | Float,
  exact: boolean,
): number {
  if (exact) {
    const isA = isFloat(a);
    if (isA !== isFloat(b)) return isA ? 1 : -1;
  }
  const left = a instanceof Float ? a.value : a;
  const right = b instanceof Float ? b.value : b;
  if (left < right) return -1;
  if (left > right) return 1;
  if (left !== left || right !== right) throw new TypeError("Cannot compare NaN: it is no term");
  // Keys that are two since OTP 27.
  return exact && left === 0 ? compareValues(1 / Number(left), 1 / Number(right)) : 0;
}

function isFloat(value: number | bigint | Float): boolean {
  return typeof value === "number"
    ? !Number.isSafeInteger(value) || Object.is(value, -0)
    : typeof value !== "bigint";
}

function compareValues<T extends number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareAtoms(a: Atom | boolean | null, b: Atom | boolean | null): number {
  return a === b ? 0 : compareTexts(atomObject(a).name, atomObject(b).name);
}

/** Compares texts as their UTF-8: by code points, not by units as `<` does. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    // Units of pairs stand for code points beyond all that is one unit.
    const isPair = (left & 0xf800) === 0xd800;
    if (isPair !== ((right & 0xf800) === 0xd800)) return isPair ? 1 : -1;
    return left < right ? -1 : 1;
  }
  return compareValues(a.length, b.length);
}

function compareNodes(a: Pid | Port | Ref, b: Pid | Port | Ref): number {
  return compareAtoms(a._node, b._node) || compareValues(a.creation, b.creation);
}

function compareRefs(a: Ref, b: Ref): number {
  const nodes = compareNodes(a, b);
  if (nodes !== 0) return nodes;
  for (let i = Math.max(a.words.length, b.words.length) - 1; i >= 0; i--) {
    const result = compareValues(a.words[i] ?? 0, b.words[i] ?? 0);
    if (result !== 0) return result;
  }
  return 0;
}

/** @returns `undefined` where what two closures have captured decides. */
function compareFuns(a: unknown, b: unknown): number | undefined {
  if (a instanceof Fun !== b instanceof Fun) return a instanceof Fun ? -1 : 1;
  if (a instanceof Fun) {
    const other = b as Fun;
    return compareAtoms(a.module, other.module) || compareValues(a.index, other.index) ||
      compareValues(a.oldUniq, other.oldUniq) || compareSizes(a.free.length, other.free.length);
  }
  const [left, right] = [a as ExternalFun, b as ExternalFun];
  return compareAtoms(left.module, right.module) || compareAtoms(left.function, right.function) ||
    compareValues(left.arity, right.arity);
}

/** Compares binaries and bitstrings: bit by bit, then by their length. */
function compareBits(a: unknown, b: unknown): number {
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  const left = bytesOf(a);
  const right = bytesOf(b);
  const bits = bitsOf(a, left);
  const other = bitsOf(b, right);
  const shared = Math.min(bits, other);
  const whole = shared >> 3;
  for (let i = 0; i < whole; i++) {
    if (left[i] !== right[i]) return left[i] < right[i] ? -1 : 1;
  }
  const more = shared & 7;
  if (more > 0) {
    const result = compareValues(left[whole] >> (8 - more), right[whole] >> (8 - more));
    if (result !== 0) return result;
  }
  return compareValues(bits, other);
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Bitstring) return value.bytes;
  if (typeof value !== "string") return value as Uint8Array;
  const bytes = new Uint8Array(value.length * 3);
  const length = writeUtf8(value, bytes, 0);
  if (length < 0) {
    throw new TypeError("Cannot compare a text: it has half a surrogate pair, which UTF-8 has not");
  }
  return bytes.subarray(0, length);
}

function bitsOf(value: unknown, bytes: Uint8Array): number {
  return value instanceof Bitstring ? (bytes.length - 1) * 8 + value.bits : bytes.length * 8;
}
