// Hot: what holds no other terms, each written at a position that is handed on. Tags as literals (a test holds them to tags.ts). Measured by the codec
// rows of the benchmark.
import type { Atom } from "./atom.ts";
import { atomObject, encodedSize } from "./_atom_bytes.ts";
import { writeWords } from "./_bignum.ts";
import { Float } from "./float.ts";
import { Pid, Ref } from "./identifiers.ts";
import { writeLarge, writeLeaf, writeSafe } from "./_rare_terms.ts";
import { utf8Length, writeUtf8 } from "./_utf8.ts";
import { MARGIN, Writer } from "./_writer.ts";

/** Texts up to here go character by character: a call into the runtime costs as much. Three bytes each, they fit into MARGIN. */
const SHORT = 24;
/** Atoms up to here leave room, of MARGIN, for what follows them in a pid or a reference. */
const SHORT_ATOM = 64;
/** A copy of so many bytes costs as much as a call into the runtime. */
const SHORT_BINARY = 48;

/** Writes terms that hold no others. All expect room for MARGIN bytes at the position they get, and give the one behind. */
export class LeafWriter extends Writer {
  /** @internal Makes room for MARGIN bytes at a position, and gives where that is then. */
  _more(pos: number): number {
    this.position = pos;
    this._grow(MARGIN);
    return this.position;
  }

  /** @internal A binary of the text's UTF-8; -1 where it has none. */
  _text(text: string, pos: number): number {
    const length = text.length;
    if (length > SHORT) return this.#longText(text, pos);
    const bytes = this.bytes;
    const at = pos + 5;
    let bits = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      bits |= unit;
      bytes[at + i] = unit;
    }
    if (bits >= 0x80) return this.#wideText(text, pos);
    bytes[pos] = 109; // BINARY_EXT
    this.view.setInt32(pos + 1, length);
    return at + length;
  }

  #wideText(text: string, pos: number): number {
    const end = writeUtf8(text, this.bytes, pos + 5);
    if (end < 0) return -1;
    this.bytes[pos] = 109; // BINARY_EXT
    this.view.setUint32(pos + 1, end - pos - 5);
    return end;
  }

  #longText(text: string, pos: number): number {
    if (pos + text.length * 3 + 5 > this.bytes.length) {
      this.position = pos;
      // What it may need might be beyond the limit, and what it needs not.
      this.reserve(utf8Length(text) + 5);
      pos = this.position;
    }
    return this.#wideText(text, pos);
  }

  /** @internal An atom's number where there is one for it, else its bytes, which are ready. Leaves room for SHORT_ATOM bytes. */
  _atom(atom: Atom, pos: number): number {
    const { atoms } = this;
    if (atoms !== null) {
      const number = atoms.refer(atom);
      if (number >= 0) {
        this.bytes[pos] = 82; // ATOM_CACHE_REF
        this.bytes[pos + 1] = number;
        return pos + 2;
      }
    }
    const size = encodedSize(atom);
    if (size > SHORT_ATOM && pos + size + MARGIN > this.bytes.length) {
      this.position = pos;
      this._grow(size + MARGIN);
      pos = this.position;
    }
    // Four bytes a step; what is too much is written over, or in the room behind.
    const { view } = this;
    const from = atom._slab.view;
    const at = atom._at;
    for (let i = 0; i < size; i += 4) view.setInt32(pos + i, from.getInt32(at + i));
    return pos + size;
  }

  /** @internal -1 for NaN and the infinities. */
  _number(value: number, pos: number): number {
    const bytes = this.bytes;
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value < 256) {
        bytes[pos] = 97; // SMALL_INTEGER_EXT
        bytes[pos + 1] = value;
        return pos + 2;
      }
      bytes[pos] = 98; // INTEGER_EXT
      this.view.setInt32(pos + 1, value);
      return pos + 5;
    }
    if (value !== 0 && Number.isSafeInteger(value)) return writeSafe(bytes, pos, value);
    if (value - value !== 0) return -1;
    bytes[pos] = 70; // NEW_FLOAT_EXT
    this.view.setFloat64(pos + 1, value);
    return pos + 9;
  }

  /** @internal An integer that came as a bigint, in the shortest form, as Erlang sends it. */
  _bigint(value: bigint, pos: number): number {
    const near = Number(value);
    if (Number.isSafeInteger(near)) return this._number(near, pos);
    const { bytes } = this;
    const count = writeWords(value, near, this.view, pos + 3);
    if (count > 0) {
      bytes[pos] = 110; // SMALL_BIG_EXT
      bytes[pos + 1] = count;
      bytes[pos + 2] = near < 0 ? 1 : 0;
      return pos + 3 + count;
    }
    this.position = pos;
    writeLarge(this, near < 0 ? -value : value, near < 0);
    return this.position;
  }

  /** @internal */
  _pid(pid: Pid, pos: number): number {
    this.bytes[pos] = 88; // NEW_PID_EXT
    pos = this._atom(pid._node, pos + 1);
    const { view } = this;
    view.setUint32(pos, pid.id);
    view.setUint32(pos + 4, pid.serial);
    view.setUint32(pos + 8, pid.creation);
    return pos + 12;
  }

  /** @internal */
  _ref(ref: Ref, pos: number): number {
    const { words } = ref;
    const { length } = words;
    this.bytes[pos] = 90; // NEWER_REFERENCE_EXT
    this.view.setUint16(pos + 1, length);
    pos = this._atom(ref._node, pos + 3);
    const { view } = this;
    view.setUint32(pos, ref.creation);
    pos += 4;
    for (let i = 0; i < length; i++, pos += 4) view.setUint32(pos, words[i]);
    return pos;
  }

  /** @internal The bytes of a binary, with its head. */
  _bytesTerm(value: Uint8Array, pos: number): number {
    const { bytes } = this;
    const { length } = value;
    bytes[pos] = 109; // BINARY_EXT
    this.view.setUint32(pos + 1, length);
    pos += 5;
    if (length <= SHORT_BINARY) {
      for (let i = 0; i < length; i++) bytes[pos + i] = value[i];
      return pos + length;
    }
    this.position = pos;
    this._binary(value);
    return this.position;
  }

  /** @internal Any term that holds no others; -1 for what is none, or holds some. */
  _leaf(value: unknown, pos: number): number {
    switch (typeof value) {
      case "string":
        return this._text(value, pos);
      case "number":
        return this._number(value, pos);
      case "boolean":
        return this._atom(atomObject(value), pos);
      case "bigint":
        return this._bigint(value, pos);
      case "object":
        if (value === null) return this._atom(atomObject(null), pos);
        if (value instanceof Pid) return this._pid(value, pos);
        if (value instanceof Ref) return this._ref(value, pos);
        if (value instanceof Uint8Array) return this._bytesTerm(value, pos);
        if (value instanceof Float) {
          this.bytes[pos] = 70; // NEW_FLOAT_EXT
          this.view.setFloat64(pos + 1, value.value);
          return pos + 9;
        }
        this.position = pos;
        return writeLeaf(this, value) ? this.position : -1;
    }
    return -1;
  }
}
