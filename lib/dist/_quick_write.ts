// Hot: the counterpart of _quick_read.ts. Whatever is not of its shapes goes through the encoder.
import { Atom } from "../etf/atom.ts";
import type { Encoder } from "../etf/encoder.ts";
import { EncodeError } from "../etf/errors.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import { ImproperList } from "../etf/list.ts";
import type { Encodable } from "../etf/term.ts";
import { isTuple } from "../etf/tuple.ts";
import { ALIAS, GEN_CALL } from "./_quick_read.ts";
import type { OutgoingControl } from "./control.ts";

/** Room for a pid or a reference of any size. */
const ROOM = 48;

/** Writes a control message, which may be a plain array, as a tuple. */
export function writeControl(encoder: Encoder, control: OutgoingControl): void {
  const { length } = control;
  encoder.reserve(4 + length * ROOM);
  const { bytes, position } = encoder;
  bytes[position] = 104; // SMALL_TUPLE_EXT
  bytes[position + 1] = length;
  bytes[position + 2] = 97; // SMALL_INTEGER_EXT
  bytes[position + 3] = control[0];
  encoder.position = position + 4;
  for (let i = 1; i < length; i++) writeTerm(encoder, control[i] as Encodable);
}

/**
 * Writes what follows a control message.
 *
 * @throws {EncodeError} where it is no term; what was written then is not taken back.
 */
export function writePayload(encoder: Encoder, payload: Encodable): void {
  if (isTuple(payload as unknown)) {
    const tuple = payload as unknown as readonly Encodable[];
    if (tuple.length === 2) {
      const tag = tuple[0];
      if (tag instanceof ImproperList && writeReplyHead(encoder, tag)) {
        return writeElement(encoder, tuple, 1);
      }
    } else if (tuple.length === 3 && tuple[0] === GEN_CALL && writeCallHead(encoder, tuple[1])) {
      return writeElement(encoder, tuple, 2);
    }
    return encoder.term(payload);
  }
  writeTerm(encoder, payload);
}

function writeElement(encoder: Encoder, tuple: readonly Encodable[], i: number): void {
  try {
    writeTerm(encoder, tuple[i]);
  } catch (error) {
    throw error instanceof EncodeError ? error._under(`[${i}]`) : error;
  }
}

/** Writes a term; the usual small ones without the encoder's loop. */
function writeTerm(encoder: Encoder, value: Encodable): void {
  if (typeof value === "number") {
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) return encoder.term(value);
    encoder.reserve(ROOM);
    const { bytes, position } = encoder;
    if (value >= 0 && value < 256) {
      bytes[position] = 97; // SMALL_INTEGER_EXT
      bytes[position + 1] = value;
      encoder.position = position + 2;
    } else {
      bytes[position] = 98; // INTEGER_EXT
      u32(bytes, position + 1, value);
      encoder.position = position + 5;
    }
    return;
  }
  encoder.reserve(ROOM);
  const { bytes, position } = encoder;
  if (value instanceof Pid) {
    const number = encoder.atoms === null ? -1 : encoder.atoms.refer(value._node);
    if (number < 0) return encoder.term(value);
    writePid(bytes, position, value, number);
    encoder.position = position + 15;
  } else if (value instanceof Ref) {
    const number = encoder.atoms === null ? -1 : encoder.atoms.refer(value._node);
    if (number < 0) return encoder.term(value);
    encoder.position = writeRef(bytes, position, value, number);
  } else if (value instanceof Atom) {
    const number = encoder.atoms === null ? -1 : encoder.atoms.refer(value);
    if (number < 0) return encoder.term(value);
    bytes[position] = 82; // ATOM_CACHE_REF
    bytes[position + 1] = number;
    encoder.position = position + 2;
  } else {
    encoder.term(value);
  }
}

/** Writes `{'$gen_call', {Pid, [alias | Ref]},`. @returns whether it is that, and all its atoms have numbers. */
function writeCallHead(encoder: Encoder, from: Encodable): boolean {
  const { atoms } = encoder;
  if (atoms === null || !isTuple(from as unknown)) return false;
  const [pid, tag] = from as unknown as readonly unknown[];
  if ((from as unknown[]).length !== 2 || !(pid instanceof Pid)) return false;
  if (!(tag instanceof ImproperList) || !isTag(tag)) return false;
  const ref = tag.tail as Ref;
  const call = atoms.refer(GEN_CALL);
  const own = atoms.refer(pid._node);
  const alias = atoms.refer(ALIAS);
  const node = atoms.refer(ref._node);
  if (call < 0 || own < 0 || alias < 0 || node < 0) return false;
  encoder.reserve(3 * ROOM);
  const { bytes, position } = encoder;
  bytes[position] = 104; // SMALL_TUPLE_EXT
  bytes[position + 1] = 3;
  bytes[position + 2] = 82; // ATOM_CACHE_REF
  bytes[position + 3] = call;
  bytes[position + 4] = 104;
  bytes[position + 5] = 2;
  writePid(bytes, position + 6, pid, own);
  encoder.position = writeTag(bytes, position + 21, ref, alias, node);
  return true;
}

/** Writes `{[alias | Ref],`. @returns whether it is that, and all its atoms have numbers. */
function writeReplyHead(encoder: Encoder, tag: ImproperList): boolean {
  const { atoms } = encoder;
  if (atoms === null || !isTag(tag)) return false;
  const ref = tag.tail as Ref;
  const alias = atoms.refer(ALIAS);
  const node = atoms.refer(ref._node);
  if (alias < 0 || node < 0) return false;
  encoder.reserve(2 * ROOM);
  const { bytes, position } = encoder;
  bytes[position] = 104; // SMALL_TUPLE_EXT
  bytes[position + 1] = 2;
  encoder.position = writeTag(bytes, position + 2, ref, alias, node);
  return true;
}

function isTag({ elements, tail }: ImproperList): boolean {
  return elements.length === 1 && elements[0] === ALIAS && tail instanceof Ref;
}

function writeTag(bytes: Uint8Array, at: number, ref: Ref, alias: number, node: number): number {
  bytes[at] = 108; // LIST_EXT
  u32(bytes, at + 1, 1);
  bytes[at + 5] = 82;
  bytes[at + 6] = alias;
  return writeRef(bytes, at + 7, ref, node);
}

function writePid(bytes: Uint8Array, at: number, pid: Pid, node: number): void {
  bytes[at] = 88; // NEW_PID_EXT
  bytes[at + 1] = 82;
  bytes[at + 2] = node;
  u32(bytes, at + 3, pid.id);
  u32(bytes, at + 7, pid.serial);
  u32(bytes, at + 11, pid.creation);
}

function writeRef(bytes: Uint8Array, at: number, ref: Ref, node: number): number {
  const { words } = ref;
  bytes[at] = 90; // NEWER_REFERENCE_EXT
  bytes[at + 1] = 0;
  bytes[at + 2] = words.length;
  bytes[at + 3] = 82;
  bytes[at + 4] = node;
  u32(bytes, at + 5, ref.creation);
  at += 9;
  for (let i = 0; i < words.length; i++, at += 4) u32(bytes, at, words[i]);
  return at;
}

function u32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
