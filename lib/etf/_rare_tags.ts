import type { Atom } from "./atom.ts";
import { atomValue } from "./_atom_bytes.ts";
import { readInteger } from "./_bignum.ts";
import { Bitstring } from "./binary.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import type { Reader, Splice } from "./_reader.ts";
import { Tag, tagName } from "./tags.ts";
import { readLatin1 } from "./_utf8.ts";
import type { Term } from "./term.ts";

/** A term that holds others: the decoder reads `count` terms, then asks for the whole. */
export class Unfinished {
  readonly count: number;
  readonly finish: (values: Term[]) => Term;

  constructor(count: number, finish: (values: Term[]) => Term) {
    this.count = count;
    this.finish = finish;
  }
}

/** Reads what stands behind one of the tags that messages seldom hold; `nested` where the term is part of another. */
export function readRare(reader: Reader, tag: number, nested: boolean): Term | Unfinished {
  const start = reader.position - 1;
  switch (tag) {
    case Tag.ATOM_UTF8_EXT:
      return atomValue(reader._atomText(reader._u16(tag), tag));
    case Tag.ATOM_EXT:
      return atomValue(reader._latin1Atom(reader._u16(tag), tag));
    case Tag.SMALL_ATOM_EXT:
      return atomValue(reader._latin1Atom(reader._u8(tag), tag));
    case Tag.LARGE_BIG_EXT: {
      const length = reader._u32(tag);
      const sign = reader._u8(tag);
      return readBignum(reader, length, sign, tag);
    }
    case Tag.BIT_BINARY_EXT:
      return readBits(reader, tag);
    case Tag.PID_EXT:
      return new Pid(
        reader._atomTerm(tag),
        reader._u32(tag),
        reader._u32(tag),
        oldCreation(reader, tag),
      );
    case Tag.PORT_EXT:
      return new Port(reader._atomTerm(tag), reader._u32(tag), oldCreation(reader, tag));
    case Tag.NEW_PORT_EXT:
      return new Port(reader._atomTerm(tag), reader._u32(tag), reader._u32(tag));
    case Tag.V4_PORT_EXT:
      return new Port(reader._atomTerm(tag), reader._u64(tag), reader._u32(tag));
    case Tag.REFERENCE_EXT: {
      const node = reader._atomTerm(tag);
      const word = oldWord(reader, tag);
      return new Ref(node, oldCreation(reader, tag), [word]);
    }
    case Tag.NEW_REFERENCE_EXT:
      return readOldRef(reader, tag);
    case Tag.EXPORT_EXT:
      return readExport(reader, tag);
    case Tag.NEW_FUN_EXT:
    case Tag.FUN_EXT:
      return readFun(reader, tag);
    case Tag.RECORD_EXT:
      return readRecord(reader, tag);
    case Tag.LOCAL_EXT:
      // Nothing tells how long it is, so that it can only be everything.
      if (nested) break;
      reader.position = start;
      return new LocalTerm(reader._binary(reader.end - start, tag));
  }
  reader.position = start;
  switch (tag) {
    case Tag.LOCAL_EXT:
    case Tag.COMPRESSED:
      reader._fail(`${tagName(tag)} inside a term`, tag);
  }
  reader._fail(`${tagName(tag)} is not one of the external term format`, tag);
}

/** An integer of so many little-endian bytes. */
export function readBignum(
  reader: Reader,
  length: number,
  sign: number,
  tag: number,
): number | bigint {
  reader._need(length, tag);
  if (length > reader._options.maxBignumBytes) {
    reader._fail(
      `${tagName(tag)} of ${length} bytes, at most ${reader._options.maxBignumBytes} are allowed`,
      tag,
    );
  }
  const at = reader.position;
  reader.position = at + length;
  return readInteger(reader._bytes, at, length, sign !== 0);
}

/** FLOAT_EXT: what `sprintf("%.20e")` writes, filled up with zeros. */
export function readOldFloat(reader: Reader): number {
  const tag = Tag.FLOAT_EXT;
  reader._need(31, tag);
  const at = reader.position;
  const text = readLatin1(reader._bytes, at, at + 31).split("\0", 1)[0];
  const value = Number(text);
  if (!/^[+-]?\d+\.\d+(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value)) {
    reader._fail("FLOAT_EXT is not the text of a finite float", tag);
  }
  reader.position = at + 31;
  return value;
}

function readBits(reader: Reader, tag: number): Term {
  const length = reader._u32(tag);
  const bits = reader._u8(tag);
  // OTP 27 and later refuse an empty one with no bits too, which OTP 25 took.
  if (bits < 1 || bits > 8 || length === 0) {
    reader._fail(`BIT_BINARY_EXT of ${length} bytes with ${bits} bits in the last`, tag);
  }
  const bytes = reader._binary(length, tag);
  return bits === 8 ? bytes : new Bitstring(bytes, bits);
}

/** Releases until OTP 22 had creations of two bits; later ones refuse more in the old tags. */
function oldCreation(reader: Reader, tag: number): number {
  const creation = reader._u8(tag);
  if (creation > 3) {
    reader._fail(`${tagName(tag)} has creation ${creation}, at most 3 is possible`, tag);
  }
  return creation;
}

function oldWord(reader: Reader, tag: number): number {
  const word = reader._u32(tag);
  if (word >= 1 << 18) reader._fail(`${tagName(tag)} has a first word of more than 18 bits`, tag);
  return word;
}

function readOldRef(reader: Reader, tag: number): Ref {
  const count = reader._u16(tag);
  if (count > 5) reader._fail(`${tagName(tag)} has ${count} words, at most 5 are possible`, tag);
  const node = reader._atomTerm(tag);
  const creation = oldCreation(reader, tag);
  const words: number[] = [];
  for (let i = 0; i < count; i++) words.push(i === 0 ? oldWord(reader, tag) : reader._u32(tag));
  return new Ref(node, creation, words);
}

function readExport(reader: Reader, tag: number): ExternalFun {
  const module = reader._atomTerm(tag);
  const name = reader._atomTerm(tag);
  const arity = readSmall(reader, tag);
  if (arity < 0 || arity > 255) {
    reader._fail(`EXPORT_EXT has arity ${arity}, 0 to 255 is possible`, tag);
  }
  return new ExternalFun(module, name, arity);
}

/** An integer of at most 32 bits, with its tag. */
function readSmall(reader: Reader, of: number): number {
  const tag = reader._u8(of);
  if (tag === Tag.SMALL_INTEGER_EXT) return reader._u8(tag);
  if (tag === Tag.INTEGER_EXT) return reader._u32(tag) | 0;
  reader.position--;
  reader._fail(`${tagName(of)} needs a small integer, not ${tagName(tag)}`, of);
}

function readPid(reader: Reader, of: number): Pid {
  const tag = reader._u8(of);
  if (tag === Tag.NEW_PID_EXT) {
    return new Pid(reader._atomTerm(tag), reader._u32(tag), reader._u32(tag), reader._u32(tag));
  }
  if (tag === Tag.PID_EXT) return readRare(reader, tag, true) as Pid;
  reader.position--;
  reader._fail(`${tagName(of)} needs a pid, not ${tagName(tag)}`, of);
}

/** Reads the fields; the bytes are kept as they are, but for atom cache references, which mean nothing elsewhere. */
function readFun(reader: Reader, tag: number): Unfinished {
  const start = reader.position - 1;
  const outer = reader._splices === null;
  const splices: Splice[] = reader._splices ??= [];
  const before = splices.length;
  let count: number;
  let arity: number;
  let module: Atom;
  let index: number;
  let oldUniq: number;
  let pid: Pid;
  if (tag === Tag.NEW_FUN_EXT) {
    reader._u32(tag); // Its size, which Erlang does not check either.
    arity = reader._u8(tag);
    reader._need(16, tag);
    reader.position += 16; // The MD5 of its module.
    index = reader._u32(tag);
    count = reader._u32(tag);
    module = reader._atomTerm(tag);
    readSmall(reader, tag); // The old index.
    oldUniq = readSmall(reader, tag);
    pid = readPid(reader, tag);
  } else {
    arity = -1;
    count = reader._u32(tag);
    pid = readPid(reader, tag);
    module = reader._atomTerm(tag);
    index = readSmall(reader, tag);
    oldUniq = readSmall(reader, tag);
  }
  return new Unfinished(count, (free) => {
    const end = reader.position;
    if (tag === Tag.NEW_FUN_EXT && splices.length > before) {
      let size = end - start - 1;
      for (let i = before; i < splices.length; i++) {
        size += splices[i].by.length - splices[i].length;
      }
      const by = Uint8Array.of(size >>> 24, size >>> 16, size >>> 8, size);
      splices.splice(before, 0, { at: start + 1, length: 4, by });
    }
    const bytes = splice(reader, start, end, splices.slice(before), tag);
    if (outer) reader._splices = null;
    return new Fun({ module, arity, index, oldUniq, pid, free }, bytes);
  });
}

/** The bytes from `start` to `end` with some replaced. */
function splice(
  reader: Reader,
  start: number,
  end: number,
  splices: Splice[],
  tag: number,
): Uint8Array {
  const isCopied = splices.length > 0 || end - start < reader._options.viewFrom;
  if (isCopied) reader._chargeFun(end - start, splices.length, tag);
  if (splices.length === 0) {
    reader.position = start;
    return reader._binary(end - start, tag);
  }
  const parts: Uint8Array[] = [];
  let at = start;
  for (const splice of splices) {
    parts.push(reader._bytes.subarray(at, splice.at), splice.by);
    at = splice.at + splice.length;
  }
  parts.push(reader._bytes.subarray(at, end));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    bytes.set(part, to);
    to += part.length;
  }
  return bytes;
}

function readRecord(reader: Reader, tag: number): Unfinished {
  const count = reader._u32(tag);
  const flags = reader._u8(tag);
  const module = reader._atomTerm(tag);
  const name = reader._atomTerm(tag);
  // A name and a value are at least two bytes and one.
  reader._need(count * 3, tag);
  const names: Atom[] = [];
  for (let i = 0; i < count; i++) names.push(reader._atomTerm(tag));
  return new Unfinished(
    count,
    (values) =>
      new NativeRecord(module, name, flags, values.map((value, i) => [names[i], value] as const)),
  );
}
