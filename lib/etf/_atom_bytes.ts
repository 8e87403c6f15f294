import {
  Atom,
  type AtomSlab,
  create,
  existingAtom,
  isTooLong,
  MAX_ATOM_CHARACTERS,
} from "./atom.ts";
import { readUtf8, writeUtf8 } from "./_utf8.ts";
import { Tag } from "./tags.ts";

// Hot: measured by the rows "atoms" and "gen_call" of the codec benchmark. The decoder finds atoms by their bytes, without making a string.

/** What an atom is in JavaScript. */
export type AtomValue = Atom | boolean | null;

/** The atoms that have a JavaScript value of their own, for where an object is needed: the name of a function, say. */
const TRUE = new Atom("true");
const FALSE = new Atom("false");
const NIL = new Atom("nil");

// A cache of two places per hash, not a growing table: whoever chooses atoms that collide makes decoding slower by a
// constant, not by their number.
const SLOTS = 16384;
const cached: (Atom | undefined)[] = new Array(SLOTS).fill(undefined);
const SLAB = 8192;
let slab: AtomSlab | undefined;
let used = SLAB;
const scratch = new Uint8Array(MAX_ATOM_CHARACTERS * 6);

/** The atom object of these bytes of UTF-8, at most 255; `undefined` if it is not in the cache. */
export function cachedAtom(bytes: Uint8Array, start: number, length: number): Atom | undefined {
  const slot = slotOf(bytes, start, length);
  const first = cached[slot];
  if (first !== undefined && holds(first, bytes, start, length)) return first;
  const second = cached[slot ^ 1];
  if (second !== undefined && holds(second, bytes, start, length)) return second;
  return undefined;
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  let at = start;
  const end = start + length;
  // Four bytes a step: what takes time is that each multiplication waits for the one before.
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x9e3779b1);
  return ((hash >>> 15) ^ hash) & (SLOTS - 1);
}

/** Whether an atom is that of these bytes of UTF-8, at most 255. */
export function holds(atom: Atom, bytes: Uint8Array, start: number, length: number): boolean {
  if (atom._size !== length + 2) return false;
  const own = atom._slab.bytes;
  const at = atom._at + 2;
  for (let i = 0; i < length; i++) {
    if (own[at + i] !== bytes[start + i]) return false;
  }
  return true;
}

/**
 * The atom object of these bytes of UTF-8, made if `make` allows it.
 *
 * A string says what is wrong with them.
 */
export function findAtom(
  bytes: Uint8Array,
  start: number,
  length: number,
  make: boolean,
  limit: number,
): Atom | string {
  const name = length > MAX_ATOM_CHARACTERS * 4
    ? undefined
    : readUtf8(bytes, start, start + length);
  if (name === undefined) return "an atom is not valid UTF-8";
  const atom = namedAtom(name, make, limit);
  if (typeof atom === "string" || length > 255) return atom;
  encodedSize(atom);
  const slot = slotOf(bytes, start, length);
  cached[slot ^ 1] = cached[slot];
  cached[slot] = atom;
  return atom;
}

/** The atom object of that name, or what is wrong with it. */
export function namedAtom(name: string, make: boolean, limit: number): Atom | string {
  const found = existingAtom(name) ?? special(name);
  if (found !== undefined) return found;
  if (isTooLong(name)) {
    return `an atom has more than ${MAX_ATOM_CHARACTERS} characters`;
  }
  if (!make) return "an atom is new, and only existing ones are allowed";
  return create(name, limit);
}

function special(name: string): Atom | undefined {
  return name === "true" ? TRUE : name === "false" ? FALSE : name === "nil" ? NIL : undefined;
}

/** The JavaScript value of an atom object. */
export function atomValue(atom: Atom): AtomValue {
  if (atom === TRUE) return true;
  if (atom === FALSE) return false;
  if (atom === NIL) return null;
  return atom;
}

/** The atom object of an atom's JavaScript value. */
export function atomObject(value: AtomValue): Atom {
  if (value === true) return TRUE;
  if (value === false) return FALSE;
  return value ?? NIL;
}

/** How many bytes the atom has as a term, tag and length included; they stand in `_slab` from `_at` on. */
export function encodedSize(atom: Atom): number {
  return atom._size === 0 ? encodeAtom(atom) : atom._size;
}

function encodeAtom(atom: Atom): number {
  const length = writeUtf8(atom.name, scratch, 0);
  const head = length > 255 ? 3 : 2;
  const size = head + length;
  // Whoever copies by four bytes reads up to three too many.
  if (slab === undefined || used + size + 3 > SLAB) {
    const bytes = new Uint8Array(SLAB);
    slab = { bytes, view: new DataView(bytes.buffer) };
    used = 0;
  }
  const { bytes } = slab;
  const at = used;
  used += size;
  bytes[at] = length > 255 ? Tag.ATOM_UTF8_EXT : Tag.SMALL_ATOM_UTF8_EXT;
  if (length > 255) bytes[at + 1] = length >> 8;
  bytes[at + head - 1] = length & 255;
  for (let i = 0; i < length; i++) bytes[at + head + i] = scratch[i];
  atom._slab = slab;
  atom._at = at;
  return atom._size = size;
}
