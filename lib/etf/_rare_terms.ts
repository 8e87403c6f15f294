import type { Atom } from "./atom.ts";
import { atomObject, encodedSize } from "./_atom_bytes.ts";
import { bigintLength, writeBigint } from "./_bignum.ts";
import { Bitstring } from "./binary.ts";
import { Float } from "./float.ts";
import { writeDouble } from "./_double.ts";
import { ExternalFun, Fun, LocalTerm, type NativeRecord } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { Tag } from "./tags.ts";
import { writeUtf8 } from "./_utf8.ts";
import { MARGIN, type Writer, writeU32 } from "./_writer.ts";

// What the encoder's loop leaves to others: texts, and terms that messages hold less often. All expect room for MARGIN bytes.

/** A binary of the text's UTF-8; `false` where it has none. */
export function writeText(writer: Writer, text: string): boolean {
  const room = text.length > 20_000 ? utf8Length(text) : text.length * 3;
  writer.reserve(room + 5);
  const head = writer.position;
  const end = writeUtf8(text, writer.bytes, head + 5);
  if (end < 0) return false;
  writer.bytes[head] = Tag.BINARY_EXT;
  writeU32(writer.bytes, head + 1, end - head - 5);
  writer.position = end;
  return true;
}

/** STRING_EXT, as Erlang sends a list whose elements are all bytes; `false` where they are not. */
export function writeByteList(writer: Writer, list: readonly unknown[]): boolean {
  const length = list.length;
  const first = list[0];
  if (typeof first !== "number" && typeof first !== "bigint") return false;
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
  for (let i = 0; i < size; i++) bytes[position + i] = atom._bytes[atom._at + i];
  writer.position = position + size;
}

/** An integer that came as a bigint, in the shortest form, as Erlang sends it. */
export function writeBigInteger(writer: Writer, value: bigint): void {
  if (value >= -9007199254740991n && value <= 9007199254740991n) {
    writer.reserve(MARGIN);
    const number = Number(value);
    const { bytes, position } = writer;
    if ((number | 0) !== number) {
      writer.position = writeSafe(bytes, position, number);
    } else if (number >= 0 && number < 256) {
      bytes[position] = Tag.SMALL_INTEGER_EXT;
      bytes[position + 1] = number;
      writer.position += 2;
    } else {
      bytes[position] = Tag.INTEGER_EXT;
      writeU32(bytes, position + 1, number);
      writer.position += 5;
    }
    return;
  }
  const magnitude = value < 0n ? -value : value;
  const length = bigintLength(magnitude);
  if (length < 256) {
    writer.u8(Tag.SMALL_BIG_EXT);
    writer.u8(length);
  } else {
    writer.u8(Tag.LARGE_BIG_EXT);
    writer.u32(length);
  }
  writer.u8(value < 0n ? 1 : 0);
  writer.reserve(length);
  writeBigint(magnitude, writer.bytes, writer.position, length);
  writer.position += length;
}

/** Writes an object that holds no other terms; `false` where it is no term. */
export function writeLeaf(writer: Writer, value: object | null): boolean {
  if (value === null) {
    writeAtom(writer, atomObject(null));
  } else if (value instanceof Pid) {
    writer.u8(Tag.NEW_PID_EXT);
    writeAtom(writer, value._node);
    const { bytes, position } = writer;
    writeU32(bytes, position, value.id);
    writeU32(bytes, position + 4, value.serial);
    writeU32(bytes, position + 8, value.creation);
    writer.position = position + 12;
  } else if (value instanceof Ref) {
    const { words } = value;
    writer.u8(Tag.NEWER_REFERENCE_EXT);
    writer.u16(words.length);
    writeAtom(writer, value._node);
    const { bytes, position } = writer;
    writeU32(bytes, position, value.creation);
    for (let i = 0; i < words.length; i++) writeU32(bytes, position + 4 + 4 * i, words[i]);
    writer.position = position + 4 + 4 * words.length;
  } else if (value instanceof Uint8Array) {
    writer.u8(Tag.BINARY_EXT);
    writer.u32(value.length);
    writer._binary(value);
  } else if (value instanceof Float) {
    writer.position = writeFloat(writer.bytes, writer.position, value.value);
  } else if (value instanceof Port) {
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

/** Writes a float, and gives the position behind it. */
export function writeFloat(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = 70; // NEW_FLOAT_EXT
  writeDouble(bytes, at + 1, value);
  return at + 9;
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

function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A pair is 4 bytes, 2 for each half.
    if (unit >= 0x80) length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}
