import { Atom } from "./atom.ts";
import { isContainer } from "./equal.ts";
import { canonical, type KeySession, termKey } from "./term_key.ts";
import type { Term } from "./term.ts";

/** Up to so many keys are compared each with each. */
const COMPARED = 12;

let maps = 0;

/**
 * Whether two keys of a decoded map are equal terms. `flat` holds the keys at even places.
 *
 * Linear in the size of the message, whatever a sender thinks up: atoms are marked, what is in order is compared with its neighbour, the rest goes through a `Map`.
 */
export function hasDuplicate(flat: readonly Term[], owner: { _keys: KeySession | null }): boolean {
  const end = flat.length;
  if (end <= 2) return false;
  const mark = ++maps;
  let at = 0;
  for (; at < end; at += 2) {
    const key = flat[at];
    if (!(key instanceof Atom)) break;
    if (key._seen === mark) return true;
    key._seen = mark;
  }
  if (at === end || isAscending(flat)) return false;
  if (end <= COMPARED * 2 && areSimple(flat)) return hasSamePair(flat);
  const seen: Set<unknown> = new Set();
  for (at = 0; at < end; at += 2) {
    const key = flat[at];
    const name = isContainer(key) ? "\uDC00" + canonical(key, session(owner)) : termKey(key);
    if (seen.has(name)) return true;
    seen.add(name);
  }
  return false;
}

function session(owner: { _keys: KeySession | null }): KeySession {
  return owner._keys ??= { names: new Map(), maps: new Map() };
}

/** Whether all keys are binaries, or all numbers, each greater than the one before: so Erlang sends them in maps of up to 32. */
function isAscending(flat: readonly Term[]): boolean {
  for (let i = 2; i < flat.length; i += 2) {
    const left = flat[i - 2];
    const right = flat[i];
    if (typeof left === "number") {
      if (typeof right !== "number" || left >= right) return false;
    } else if (typeof left === "string") {
      if (typeof right !== "string" || left >= right) return false;
    } else if (
      !(left instanceof Uint8Array && right instanceof Uint8Array && isBefore(left, right))
    ) {
      return false;
    }
  }
  return true;
}

/** Whether all keys are binaries, texts or atoms, which differ from each other quickly. */
function areSimple(flat: readonly Term[]): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    const key = flat[i];
    if (!(key instanceof Uint8Array || typeof key === "string" || key instanceof Atom)) {
      return false;
    }
  }
  return true;
}

function hasSamePair(flat: readonly Term[]): boolean {
  for (let i = 2; i < flat.length; i += 2) {
    const key = flat[i];
    for (let j = 0; j < i; j += 2) {
      const other = flat[j];
      if (key === other) return true;
      if (key instanceof Uint8Array && other instanceof Uint8Array && isSame(key, other)) {
        return true;
      }
    }
  }
  return false;
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  const length = left.length;
  if (length !== right.length) return false;
  for (let i = 0; i < length; i++) {
    if (left[i] !== right[i]) return false;
  }
  return true;
}

function isBefore(left: Uint8Array, right: Uint8Array): boolean {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if (left[i] !== right[i]) return left[i] < right[i];
  }
  return left.length < right.length;
}

/** The entries of a `Map`, keys at even places; `undefined` if two keys are the same term. */
export function mapEntries(map: ReadonlyMap<unknown, unknown>): readonly unknown[] | undefined {
  const flat: unknown[] = [];
  let kinds = 0;
  for (const [key, value] of map) {
    flat.push(key, value);
    kinds |= kindOf(key);
  }
  // Keys of one plain kind differ as terms if they differ for the Map, which has no -0.
  if ((kinds & OTHER) === 0) return flat;
  const seen: Set<unknown> = new Set();
  for (let i = 0; i < flat.length; i += 2) {
    let name: unknown;
    try {
      name = termKey(flat[i] as Term);
    } catch {
      continue; // No term: the encoder will say so, with its path.
    }
    if (seen.has(name)) return undefined;
    seen.add(name);
  }
  return flat;
}

const PLAIN = 1;
const OTHER = 2;

function kindOf(key: unknown): number {
  return typeof key === "string" || typeof key === "number" || key instanceof Atom ? PLAIN : OTHER;
}
