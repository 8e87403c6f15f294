import { Atom } from "./atom.ts";
import { atomObject, encodedSize } from "./_atom_bytes.ts";
import { Bitstring } from "./binary.ts";
import { Float } from "./float.ts";
import { ExternalFun, Fun } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import type { Encodable } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { writeUtf8 } from "./_utf8.ts";

/** What `erlang:phash2/1` reduces its hash to. */
const RANGE = 2 ** 27;
const LARGEST_RANGE = 2 ** 32;

// The hash is Bob Jenkins' of 1996 (lookup2), fed with two words at a time and with a multiple of its constant for each kind of term.
const GOLDEN = 0x9e3779b9;
const kind = (times: number): number => Math.imul(GOLDEN, times);
const SMALL = kind(1);
const NIL_INSIDE = kind(2);
const ATOM_INSIDE = kind(3);
const BYTES_OF_LIST = kind(4);
const PID = kind(5);
const PORT = kind(6);
const REF = kind(7);
const TUPLE = kind(9);
const NEGATIVE = kind(10);
const POSITIVE = kind(11);
const FLOAT = kind(12);
const BINARY = kind(13);
const EXTERNAL = kind(14);
const LAST_BITS = kind(15);
const MAP = kind(16);
const MAP_END = kind(19);
const EMPTY_LIST = 3468870702;

const double = new DataView(new ArrayBuffer(8));

// What waits on the stack besides terms.
const NIL = Symbol("the end of a list");
const PAIR = Symbol("the end of a key and its value");

/** The rest of a list, behind the element that is hashed now. */
class Rest {
  readonly elements: readonly unknown[];
  readonly tail: unknown;
  at = 0;

  constructor(elements: readonly unknown[], tail: unknown) {
    this.elements = elements;
    this.tail = tail;
  }
}

/** Where a map ends, with what was there before it began. */
class MapEnd {
  readonly hash: number;
  readonly pairs: number;

  constructor(hash: number, pairs: number) {
    this.hash = hash;
    this.pairs = pairs;
  }
}

/**
 * Erlang's hash of a term, to the bit: what `erlang:phash2(Term, Range)` gives, in all releases and on all machines.
 *
 * For choosing one of several processes, tables or partitions as Erlang and Elixir choose; all that they say is that equal terms have equal hashes.
 *
 * - Values mean what they mean when they are sent: a string is a binary, `null` is the atom `nil`, `1` is an integer and `float(1)` a float.
 * - The order of a map's entries does not count. `0.0` and `-0.0` have one hash.
 * - Of a pid only its number counts, not its node, of a reference its first word: so it is in Erlang.
 *
 * @param range how many different hashes there are: an integer from 1 to 2^32, default 2^27.
 * @returns an integer from 0 to `range` - 1.
 * @throws {RangeError} if the range is not as told.
 * @throws {TypeError} if the value is no term, or one that only the node it came from can read.
 *
 * @example
 * ```ts
 * import { atom, phash2, tuple } from "@ergo-ts/ergo";
 *
 * phash2(atom("ok")); //              1883, as :erlang.phash2(:ok)
 * phash2(tuple("user", 17), 8); //    2: the partition, 0 to 7, of {"user", 17}
 * ```
 */
export function phash2(term: Encodable, range: number = RANGE): number {
  if (!(Number.isInteger(range) && range >= 1 && range <= LARGEST_RANGE)) {
    throw new RangeError(`Cannot hash into the range ${range}: 1 to 2^32 is needed`);
  }
  return hashOf(term) % range;
}

function hashOf(term: unknown): number {
  // Terms nest without limit: what is left to be hashed waits here, the next one last.
  let stack: unknown[] | null = null;
  let value: unknown = term;
  let hash = 0;
  let pairs = 0;
  for (;;) {
    const leaf = hashLeaf(value, hash);
    if (leaf >= 0) {
      hash = leaf;
    } else {
      stack ??= [];
      if (isTuple(value)) {
        hash = mix(TUPLE + value.length, TUPLE, hash);
        for (let i = value.length - 1; i >= 0; i--) stack.push(value[i]);
      } else if (Array.isArray(value)) {
        stack.push(new Rest(value, NIL));
      } else if (value instanceof ImproperList) {
        stack.push(new Rest(value.elements, value.tail));
      } else if (value instanceof TermMap || value instanceof Map) {
        const flat: readonly unknown[] =
          (value instanceof TermMap ? value : new TermMap(value))._flat;
        hash = mix(MAP + (flat.length >> 1), MAP, hash);
        if (flat.length > 0) {
          stack.push(new MapEnd(hash, pairs));
          hash = 0;
          pairs = 0;
          for (let i = 0; i < flat.length; i += 2) stack.push(PAIR, flat[i + 1], flat[i]);
        }
      } else if (value instanceof Fun) {
        hash = mix(SMALL + value.free.length, SMALL + hashOfAtom(value.module), hash);
        hash = mix(SMALL + value.index, SMALL + value.oldUniq, hash);
        for (let i = value.free.length - 1; i >= 0; i--) stack.push(value.free[i]);
      } else {
        throw new TypeError(`Cannot hash ${nameOf(value)}: it is no term whose content is known`);
      }
    }
    // What was hashed last may end pairs, maps and lists.
    for (;;) {
      if (stack === null || stack.length === 0) return hash >>> 0;
      const next: unknown = stack.pop();
      if (next === PAIR) {
        pairs ^= hash;
        hash = 0;
      } else if (next === NIL) {
        hash = hash === 0 ? EMPTY_LIST : mix(NIL_INSIDE + 2, NIL_INSIDE, hash);
      } else if (next instanceof MapEnd) {
        hash = mix(MAP_END + pairs, MAP_END, next.hash);
        pairs = next.pairs;
      } else if (next instanceof Rest) {
        hash = hashBytes(next, hash);
        const { elements, at, tail } = next;
        if (at === elements.length) {
          stack.push(tail);
        } else {
          next.at++;
          stack.push(next.at === elements.length ? tail : next, elements[at]);
        }
      } else {
        value = next;
        break;
      }
    }
  }
}

/** The bytes at the beginning of what is left of a list, four at a time. */
function hashBytes(rest: Rest, hash: number): number {
  const { elements } = rest;
  let word = 0;
  let count = 0;
  let at = rest.at;
  for (; at < elements.length; at++) {
    let byte = elements[at];
    if (typeof byte === "bigint" && byte >= 0n && byte < 256n) byte = Number(byte);
    if (typeof byte !== "number" || (byte & 255) !== byte || Object.is(byte, -0)) break;
    word = (word << 8) + byte;
    if (++count === 4) {
      hash = mix(BYTES_OF_LIST + word, BYTES_OF_LIST, hash);
      count = word = 0;
    }
  }
  rest.at = at;
  return count > 0 ? mix(BYTES_OF_LIST + word, BYTES_OF_LIST, hash) : hash;
}

/** The hash of what holds no other terms, -1 for the rest. */
function hashLeaf(value: unknown, hash: number): number {
  switch (typeof value) {
    case "number":
      return (Number.isSafeInteger(value) && !Object.is(value, -0)
        ? hashNumber(value, hash)
        : hashFloat(value, hash)) >>> 0;
    case "bigint":
      return (Number.isSafeInteger(Number(value))
        ? hashNumber(Number(value), hash)
        : hashBigint(value, hash)) >>> 0;
    case "string": {
      const bytes = new Uint8Array(value.length * 3);
      const length = writeUtf8(value, bytes, 0);
      if (length < 0) {
        throw new TypeError(
          "Cannot hash a text: it has half a surrogate pair, which UTF-8 has not",
        );
      }
      return hashBinary(bytes, length, hash) >>> 0;
    }
    case "boolean":
      return hashAtom(atomObject(value), hash);
    case "object":
      break;
    default:
      return -1;
  }
  if (value === null || value instanceof Atom) return hashAtom(atomObject(value), hash);
  if (value instanceof Uint8Array) return hashBinary(value, value.length, hash) >>> 0;
  if (value instanceof Float) return hashFloat(value.value, hash) >>> 0;
  if (Array.isArray(value)) {
    if (value.length > 0 || isTuple(value)) return -1;
    return hash === 0 ? EMPTY_LIST : mix(NIL_INSIDE + 2, NIL_INSIDE, hash) >>> 0;
  }
  if (value instanceof Pid) return mix(PID + value.id, PID, hash) >>> 0;
  if (value instanceof Ref) return mix(REF + (value.words[0] ?? 0), REF, hash) >>> 0;
  if (value instanceof Port) {
    const id = BigInt(value.id);
    return mix(PORT + Number(id & 0xffff_ffffn), PORT + Number(id >> 32n), hash) >>> 0;
  }
  if (value instanceof Bitstring) {
    const { bytes, bits } = value;
    const whole = bytes.length - 1;
    hash = hashBinary(bytes, whole, hash, true);
    return mix(LAST_BITS + bits, LAST_BITS + (bytes[whole] >> (8 - bits)), hash) >>> 0;
  }
  if (value instanceof ExternalFun) {
    hash = mix(SMALL + value.arity, SMALL + hashOfAtom(value.module), hash);
    return mix(EXTERNAL + hashOfAtom(value.function), EXTERNAL, hash) >>> 0;
  }
  return -1;
}

/** Three words become one: a round of lookup2. */
function mix(a: number, b: number, c: number): number {
  a = (a - b - c) ^ (c >>> 13);
  b = (b - c - a) ^ (a << 8);
  c = (c - a - b) ^ (b >>> 13);
  a = (a - b - c) ^ (c >>> 12);
  b = (b - c - a) ^ (a << 16);
  c = (c - a - b) ^ (b >>> 5);
  a = (a - b - c) ^ (c >>> 3);
  b = (b - c - a) ^ (a << 10);
  return (c - a - b) ^ (b >>> 15);
}

function hashNumber(value: number, hash: number): number {
  if (value >= -(2 ** 27) && value < 2 ** 27) {
    if (value < 0) hash = mix(SMALL - value, SMALL, hash);
    return mix(SMALL + value, SMALL, hash);
  }
  const type = value < 0 ? NEGATIVE : POSITIVE;
  const size = Math.abs(value);
  return mix(type + (size % 2 ** 32), type + Math.floor(size / 2 ** 32), hash);
}

function hashBigint(value: bigint, hash: number): number {
  const type = value < 0n ? NEGATIVE : POSITIVE;
  // In hexadecimal, because taking words off a large bigint would take quadratic time.
  const digits = (value < 0n ? -value : value).toString(16);
  for (let end = digits.length; end > 0; end -= 16) {
    const low = parseInt(digits.slice(Math.max(0, end - 8), end), 16);
    const high = end > 8 ? parseInt(digits.slice(Math.max(0, end - 16), end - 8), 16) : 0;
    hash = mix(type + low, type + high, hash);
  }
  return hash;
}

function hashFloat(value: number, hash: number): number {
  if (!Number.isFinite(value)) {
    throw new TypeError(`Cannot hash ${value}: Erlang has only finite floats`);
  }
  double.setFloat64(0, value === 0 ? 0 : value);
  return mix(FLOAT + double.getUint32(0), FLOAT + double.getUint32(4), hash);
}

function hashAtom(atom: Atom, hash: number): number {
  const own = hashOfAtom(atom);
  return hash === 0 ? own : mix(ATOM_INSIDE + own, ATOM_INSIDE, hash) >>> 0;
}

/** The hash of an atom's bytes in the atom table: PJW's. Latin-1 characters count as the byte that they were before R16. */
function hashOfAtom(atom: Atom): number {
  const size = encodedSize(atom);
  const bytes = atom._slab.bytes;
  const end = atom._at + size;
  let h = 0;
  for (let i = atom._at + (size > 257 ? 3 : 2); i < end; i++) {
    let byte = bytes[i];
    if (i + 1 < end && (byte & 0xfe) === 0xc2) byte = ((byte << 6) & 0xff) | (bytes[++i] & 0x3f);
    h = (h << 4) + byte;
    const top = h & 0xf0000000;
    if (top !== 0) h ^= (top >>> 24) ^ top;
  }
  return h >>> 0;
}

/** @param partial whether bits follow, which makes an empty binary one that has to be hashed. */
function hashBinary(
  bytes: Uint8Array,
  length: number,
  hash: number,
  partial: boolean = false,
): number {
  let c = (BINARY + hash) | 0;
  if (length === 0 && !partial) return c;
  let a = GOLDEN | 0;
  let b = GOLDEN | 0;
  let at = 0;
  // The same round as in `mix`, of which all three words go on.
  for (; length - at >= 12; at += 12) {
    a += bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    b += bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
    c += bytes[at + 8] | (bytes[at + 9] << 8) | (bytes[at + 10] << 16) | (bytes[at + 11] << 24);
    a = (a - b - c) ^ (c >>> 13);
    b = (b - c - a) ^ (a << 8);
    c = (c - a - b) ^ (b >>> 13);
    a = (a - b - c) ^ (c >>> 12);
    b = (b - c - a) ^ (a << 16);
    c = (c - a - b) ^ (b >>> 5);
    a = (a - b - c) ^ (c >>> 3);
    b = (b - c - a) ^ (a << 10);
    c = (c - a - b) ^ (b >>> 15);
  }
  c += length;
  for (let i = 0; at < length; i++, at++) {
    if (i < 4) a += bytes[at] << (8 * i);
    else if (i < 8) b += bytes[at] << (8 * (i - 4));
    else c += bytes[at] << (8 * (i - 7)); // the lowest byte is that of the length
  }
  return mix(a, b, c);
}

function nameOf(value: unknown): string {
  return typeof value === "object" ? value?.constructor?.name ?? "an object" : typeof value;
}
