import type { Atom } from "./atom.ts";
import { encodedSize } from "./_atom_bytes.ts";

// What the distribution header needs of atoms: their text without a tag, and a number by which a cache places them.

/** How many bytes of UTF-8 an atom's name has. */
export function atomTextLength(atom: Atom): number {
  const size = encodedSize(atom);
  return size > 257 ? size - 3 : size - 2;
}

/** Writes an atom's name as UTF-8, for which there must be room. @returns the place behind it. */
export function writeAtomText(atom: Atom, bytes: Uint8Array, at: number): number {
  const size = encodedSize(atom);
  const head = size > 257 ? 3 : 2;
  const from = atom._slab.bytes;
  const start = atom._at + head;
  const length = size - head;
  for (let i = 0; i < length; i++) bytes[at + i] = from[start + i];
  return at + length;
}

/** A number from 0 to `slots - 1` that an atom has in every run of a program. `slots` is to be the same in all calls: it is kept. */
export function atomSlot(atom: Atom, slots: number): number {
  return atom._slot < 0 ? findSlot(atom, slots) : atom._slot;
}

function findSlot(atom: Atom, slots: number): number {
  const { name } = atom;
  let hash = name.length;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return atom._slot = (hash >>> 0) % slots;
}
