import type { Atom } from "./atom.ts";
import { encodedSize } from "./_atom_bytes.ts";
import { bigintLength, writeBigint } from "./_bignum.ts";
import { Bitstring } from "./binary.ts";
import { ExternalFun, Fun, LocalTerm, type NativeRecord } from "./fun.ts";
import { Port } from "./identifiers.ts";
import { Tag } from "./tags.ts";
import { MARGIN, type Writer } from "./_writer.ts";

// What the encoder's loop leaves to others: texts, and terms that messages hold less often. All expect room for MARGIN bytes.

/** Whether a list that begins with that may be one of bytes. */
export function isByte(value: unknown): boolean {
  return typeof value === "number" ? (value & 255) === value : typeof value === "bigint";
}

/** STRING_EXT, as Erlang sends a list whose elements are all bytes; `false` where they are not. */
export function writeByteList(writer: Writer, list: readonly unknown[]): boolean {
  const length = list.length;
  writer.reserve(length + MARGIN);
  const bytes = writer.bytes;
  const at = writer.position + 3;
  for (let i = 0; i < length; i++) {
    let byte = list[i];
    if (typeof byte === "bigint" && byte >= 0n && byte < 256n) byte = Number(byte);
    if (typeof byte !== "number" || (byte & 255) !== byte || (byte === 0 && 1 / byte < 0)) {
      return false;
    }
    bytes[at + i] = byte;
  }
  bytes[at - 3] = Tag.STRING_EXT;
  bytes[at - 2] = length >>> 8;
  bytes[at - 1] = length;
  writer.position = at + length;
  return true;
}

/** The atom's number where the writer has one for it, else its bytes, which are ready. Leaves room for MARGIN bytes. */
export function writeAtom(writer: Writer, atom: Atom): void {
  const { atoms } = writer;
  if (atoms !== null) {
    const number = atoms.refer(atom);
    if (number >= 0) {
      writer.reserve(2 + MARGIN);
      const { bytes, position } = writer;
      bytes[position] = Tag.ATOM_CACHE_REF;
      bytes[position + 1] = number;
      writer.position = position + 2;
      return;
    }
  }
  const size = encodedSize(atom);
  writer.reserve(size + MARGIN);
  const { bytes, position } = writer;
  for (let i = 0; i < size; i++) bytes[position + i] = atom._slab.bytes[atom._at + i];
  writer.position = position + size;
}

/** An integer of 112 bits or more. */
export function writeLarge(writer: Writer, magnitude: bigint, isNegative: boolean): void {
  const length = bigintLength(magnitude);
  if (length < 256) {
    writer.u8(Tag.SMALL_BIG_EXT);
    writer.u8(length);
  } else {
    writer.u8(Tag.LARGE_BIG_EXT);
    writer.u32(length);
  }
  writer.u8(isNegative ? 1 : 0);
  writer.reserve(length);
  writeBigint(magnitude, writer.bytes, writer.position, length);
  writer.position += length;
}

/** Writes an object that holds no other terms; `false` where it is no term. */
export function writeLeaf(writer: Writer, value: object): boolean {
  if (value instanceof Port) {
    // Ids of 28 bits go the way that all releases since 19 read, as Erlang itself sends them.
    const small = value.id < 0x1000_0000;
    writer.u8(small ? Tag.NEW_PORT_EXT : Tag.V4_PORT_EXT);
    writeAtom(writer, value._node);
    if (small) writer.u32(Number(value.id));
    else writer.u64(value.id);
    writer.u32(value.creation);
  } else if (value instanceof ExternalFun) {
    writer.u8(Tag.EXPORT_EXT);
    writeAtom(writer, value.module);
    writeAtom(writer, value.function);
    writer.u8(Tag.SMALL_INTEGER_EXT);
    writer.u8(value.arity);
  } else if (value instanceof Bitstring) {
    writer.u8(Tag.BIT_BINARY_EXT);
    writer.u32(value.bytes.length);
    writer.u8(value.bits);
    writer._binary(value.bytes);
  } else if (value instanceof Fun || value instanceof LocalTerm) {
    writer.raw(value._bytes);
  } else {
    return false;
  }
  return true;
}

/** Writes what stands before a record's values, and gives them. */
export function writeRecordHead(writer: Writer, record: NativeRecord): readonly unknown[] {
  writer.u8(Tag.RECORD_EXT);
  writer.u32(record.fields.length);
  writer.u8(record.flags);
  writeAtom(writer, record.module);
  writeAtom(writer, record.name);
  for (const [name] of record.fields) writeAtom(writer, name);
  return record.fields.map(([, value]) => value);
}

/** Writes an integer of 33 to 53 bits, and gives the position behind it. */
export function writeSafe(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = 110; // SMALL_BIG_EXT
  bytes[at + 2] = value < 0 ? 1 : 0;
  let end = at + 3;
  for (let rest = Math.abs(value); rest > 0; rest = Math.floor(rest / 256)) bytes[end++] = rest;
  bytes[at + 1] = end - at - 3;
  return end;
}
