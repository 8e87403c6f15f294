// Hot: goes down into a term by calling itself, its position handed on and given back. Measured by the codec rows of the benchmark. Below DEPTH, and for the
// path of what is refused, the term goes the way of _deep_encoder.ts.
import { Atom } from "./atom.ts";
import { deflate } from "./_compressed.ts";
import { type Convertible, isPlain } from "./convert.ts";
import { atomKey, DeepEncoder, MAX_ARITY, REFUSED } from "./_deep_encoder.ts";
import { EncodeError } from "./errors.ts";
import { NativeRecord } from "./fun.ts";
import { Pid, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import type { EncodeOptions } from "./options.ts";
import { isByte, writeByteList } from "./_rare_terms.ts";
import { Tag, VERSION } from "./tags.ts";
import type { Encodable } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { Slab } from "./_slab.ts";
import { OWN_SLICES } from "./_utf8.ts";
import { CARVED, MARGIN, writeU32 } from "./_writer.ts";

export { type Apart, APART_FROM, type AtomRefs } from "./_writer.ts";

/** How deep containers nest before the others take over: no term may use up the stack of the program. */
const DEPTH = 64;

/**
 * Writes terms, and what a connection puts around them, behind each other into slabs of 64 KiB.
 *
 * What has been written is `pending` until it is taken; positions are counted from the first pending byte, and stay right when the slab has to grow.
 */
export class Encoder extends DeepEncoder {
  /**
   * Writes one term, without version byte.
   *
   * @throws {EncodeError} if the value, or one in it, has no single meaning as a term; nothing has been written then.
   */
  term(value: Encodable): void {
    const before = this.pending;
    this._limit = before + this._maxSize;
    try {
      this.position = this.#value(value, this.position, DEPTH);
      if (!(this.pending + this._apart <= this._limit)) throw this.#notWritten();
    } catch (error) {
      this.position = this._start + before;
      if (error !== REFUSED) throw error;
      this.#explain(value, before);
    } finally {
      this._limit = Infinity;
    }
  }

  /** Why the position is not where it may be: no number at all where a term was made of something else than its type says. */
  #notWritten(): EncodeError {
    if (this.pending >= 0) return this._tooLarge();
    return new EncodeError("it holds a pid, a reference, a port or a fun with no atom in it", "");
  }

  /** Goes the same way again, slowly, to find where what was refused stands. */
  #explain(value: Encodable, before: number): void {
    const { apart } = this;
    this.apart = null; // What it took it has taken.
    try {
      this._deep(value, true);
    } catch (error) {
      this.position = this._start + before;
      throw error;
    } finally {
      this.apart = apart;
    }
  }

  #value(value: unknown, pos: number, depth: number): number {
    if (pos + MARGIN > this.bytes.length) pos = this._more(pos);
    switch (typeof value) {
      case "string":
        pos = this._text(value, pos);
        break;
      case "number":
        pos = this._number(value, pos);
        break;
      case "bigint":
        return this._bigint(value, pos);
      case "object":
        if (value instanceof Atom) return this._atom(value, pos);
        if (Array.isArray(value)) {
          if (depth === 0) return this.#deeper(value, pos);
          return isTuple(value)
            ? this.#tuple(value, pos, depth - 1)
            : this.#list(value, pos, depth - 1);
        }
        if (value instanceof TermMap) {
          if (depth === 0) return this.#deeper(value, pos);
          return this.#entries(value._flat, pos, depth - 1);
        }
        if (value instanceof Pid) return this._pid(value, pos);
        if (value instanceof Ref) return this._ref(value, pos);
        if (value instanceof ImproperList) {
          if (depth === 0) return this.#deeper(value, pos);
          return this.#improper(value, pos, depth - 1);
        }
        if (this._objects !== undefined && isPlain(value)) {
          if (depth === 0) return this.#deeper(value, pos);
          return this.#object(value, pos, depth - 1);
        }
        pos = this._leaf(value, pos);
        // Not before, because what else is a leaf comes more often.
        if (pos < 0) return this.#rare(value as object, this.position, depth);
        return pos;
      default:
        pos = this._leaf(value, pos);
    }
    if (pos < 0) throw REFUSED;
    return pos;
  }

  /** Most of what maps and lists hold are texts, which come here without the way through `#value`. */
  #text(text: string, pos: number): number {
    if (pos + MARGIN > this.bytes.length) pos = this._more(pos);
    pos = this._text(text, pos);
    if (pos < 0) throw REFUSED;
    return pos;
  }

  #deeper(value: unknown, pos: number): number {
    this.position = pos;
    this._deep(value, false);
    return this.position;
  }

  #tuple(items: readonly unknown[], pos: number, depth: number): number {
    const { length } = items;
    if (length < 256) {
      const { bytes } = this;
      bytes[pos] = 104; // SMALL_TUPLE_EXT
      bytes[pos + 1] = length;
      pos += 2;
    } else {
      if (length > MAX_ARITY) throw REFUSED;
      pos = this.#head(105, length, pos); // LARGE_TUPLE_EXT
    }
    for (let i = 0; i < length; i++) pos = this.#value(items[i], pos, depth);
    return pos;
  }

  #list(items: readonly unknown[], pos: number, depth: number): number {
    const { length } = items;
    if (length === 0) {
      this.bytes[pos] = 106; // NIL_EXT
      return pos + 1;
    }
    if (length < 65536 && isByte(items[0])) {
      this.position = pos;
      const written = writeByteList(this, items);
      pos = this.position;
      if (written) return pos;
    }
    pos = this.#elements(items, this.#head(108, length, pos), depth); // LIST_EXT
    if (pos === this.bytes.length) pos = this._more(pos);
    this.bytes[pos] = 106; // NIL_EXT
    return pos + 1;
  }

  #elements(items: readonly unknown[], pos: number, depth: number): number {
    const { length } = items;
    let { bytes, view } = this;
    for (let i = 0; i < length; i++) {
      const value = items[i];
      // Integers, of which lists may be long, here; 0 may be -0.
      if (typeof value === "number" && (value | 0) === value && value !== 0) {
        if (pos + MARGIN > bytes.length) {
          pos = this._more(pos);
          bytes = this.bytes;
          view = this.view;
        }
        if (value > 0 && value < 256) {
          bytes[pos] = 97; // SMALL_INTEGER_EXT
          bytes[pos + 1] = value;
          pos += 2;
        } else {
          bytes[pos] = 98; // INTEGER_EXT
          view.setInt32(pos + 1, value);
          pos += 5;
        }
      } else {
        if (pos + MARGIN > bytes.length) pos = this._more(pos);
        if (typeof value === "string") pos = this.#text(value, pos);
        else if (typeof value === "bigint") pos = this._bigint(value, pos);
        else if (value instanceof Atom) pos = this._atom(value, pos);
        else if (value instanceof Pid) pos = this._pid(value, pos);
        else pos = this.#value(value, pos, depth);
        bytes = this.bytes;
        view = this.view;
      }
    }
    return pos;
  }

  #entries(flat: readonly unknown[], pos: number, depth: number): number {
    const { length } = flat;
    pos = this.#head(116, length >> 1, pos); // MAP_EXT
    for (let i = 0; i < length; i++) {
      const value = flat[i];
      pos = typeof value === "string" ? this.#text(value, pos) : this.#value(value, pos, depth);
    }
    return pos;
  }

  #rare(value: object, pos: number, depth: number): number {
    if (depth === 0 || value instanceof NativeRecord) return this.#deeper(value, pos);
    const flat = this._flatOf(value);
    if (flat === null || flat === undefined) throw REFUSED;
    return this.#entries(flat, pos, depth - 1);
  }

  #improper({ elements, tail }: ImproperList, pos: number, depth: number): number {
    pos = this.#elements(elements, this.#head(108, elements.length, pos), depth); // LIST_EXT
    return this.#value(tail, pos, depth);
  }

  /** A plain object's own fields. */
  #object(value: object, pos: number, depth: number): number {
    // Engines go through an object by `for in` four times as fast as by its keys, but through what it inherits, too.
    if (inheritsFields()) return this.#entries(this._flatOf(value) as unknown[], pos, depth);
    const isText = this._objects === "binaries";
    const head = pos - this._start;
    let count = 0;
    pos = this.#head(116, 0, pos); // MAP_EXT
    for (const name in value) {
      pos = isText ? this.#text(name, pos) : this.#value(atomKey(name), pos, depth);
      const field = (value as Record<string, unknown>)[name];
      pos = typeof field === "string" ? this.#text(field, pos) : this.#value(field, pos, depth);
      count++;
    }
    this.view.setUint32(this._start + head + 1, count);
    return pos;
  }

  #head(tag: number, length: number, pos: number): number {
    this.bytes[pos] = tag;
    this.view.setUint32(pos + 1, length);
    return pos + 5;
  }
}

/**
 * The bytes of a term, version byte first, as for Erlang's `binary_to_term`. They are the caller's and never written again.
 *
 * Results of up to 4 KiB may share a buffer, as those of Node's `Buffer` do: mind `byteOffset` where you use `buffer`, and take a `slice()` of what you
 * transfer or keep for long.
 *
 * @throws {EncodeError} if the value, or one in it, has no single meaning as a term.
 */
export function encode(value: Encodable, options?: EncodeOptions): Uint8Array<ArrayBuffer>;
/** With `objects`, plain objects are maps, at the top and inside. */
export function encode<Value>(
  value: Value & Convertible<Value>,
  options: EncodeOptions & { readonly objects: "atoms" | "binaries" },
): Uint8Array<ArrayBuffer>;
export function encode(value: unknown, options?: EncodeOptions): Uint8Array<ArrayBuffer> {
  return encoded(value, options, common);
}

/** @internal The same with a buffer of its own, for bytes that are kept: a common one would stay alive as long as they do. */
export function encodeToKeep(value: Encodable): Uint8Array<ArrayBuffer> {
  return encoded(value, undefined, null);
}

function encoded(
  value: unknown,
  options: EncodeOptions | undefined,
  slab: Slab | null,
): Uint8Array<ArrayBuffer> {
  // Not shared while it is in use: a Map's own iterator may call this function again.
  const isShared = options?.maxSize === undefined;
  const encoder = isShared ? shared ?? new Encoder() : new Encoder(options);
  if (isShared) {
    shared = undefined;
    encoder._objects = options?.objects;
    encoder._reuse();
  }
  encoder.u8(VERSION);
  try {
    encoder.term(value as Encodable);
  } catch (error) {
    encoder.take();
    throw error;
  }
  const compress = options?.compress;
  const bytes = compress ? compressed(encoder.take(), compress) : encoder._copy(slab);
  if (isShared) shared = encoder;
  return bytes;
}

/** The bytes of a term, deflated where that makes them fewer. */
function compressed(
  plain: Uint8Array<ArrayBuffer>,
  level: NonNullable<EncodeOptions["compress"]> & number,
): Uint8Array<ArrayBuffer> {
  const deflated = deflate(plain.subarray(1), level);
  // As in Erlang, what does not get smaller stays as it is.
  if (deflated.length + 5 >= plain.length - 1) return plain.slice();
  const bytes = new Uint8Array(deflated.length + 6);
  bytes[0] = VERSION;
  bytes[1] = Tag.COMPRESSED;
  writeU32(bytes, 2, plain.length - 1);
  bytes.set(deflated, 6);
  return bytes;
}

/** Whether somebody has given all objects a field that `for in` finds. */
function inheritsFields(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

let shared: Encoder | undefined;
/** Where small results are carved: not in Bun, where a buffer of its own costs less. */
const common = OWN_SLICES ? null : new Slab(4 * CARVED);
