// Hot: goes down into a term by calling itself, the position in a field. Tags as literals (a test holds them to tags.ts). Measured by the codec rows of the
// benchmark. Whatever is rare, deep, or looks wrong goes the way of _deep_decoder.ts, which says what is wrong.
import type { Atom } from "./atom.ts";
import { atomObject, type AtomValue, atomValue, cachedAtom, holds } from "./_atom_bytes.ts";
import { readInteger } from "./_bignum.ts";
import { inflate } from "./_compressed.ts";
import { DeepDecoder } from "./_deep_decoder.ts";
import { DecodeError } from "./errors.ts";
import { Float } from "./float.ts";
import { Pid, Ref } from "./identifiers.ts";
import { cachedKey, LONGEST } from "./_key_texts.ts";
import { ImproperList } from "./list.ts";
import type { DecodeOptions } from "./options.ts";
import { Tag, VERSION } from "./tags.ts";
import type { Term } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { newTuple, Tuple } from "./tuple.ts";

/** How deep containers nest before the other way is taken: no term may use up the stack of the program. */
const DEPTH = 64;
/** Longer arrays are grown, because V8 makes a hash table of one that is made with more than 32 million places. */
const PREALLOCATED = 1 << 20;
/** Twice the size of the largest map whose keys are remembered. */
const KNOWN = 64;
/** What is thrown where something is wrong with a term; no error of its own, for that costs a stack. */
const MALFORMED: Error = new Error("Cannot decode a term");

/**
 * Reads terms from bytes, one after the other.
 *
 * Terms may nest without limit. What a term claims about its size is compared with the bytes that are left before anything is allocated.
 */
export class Decoder extends DeepDecoder {
  #lastNode: Atom = atomObject(null);
  /** For each size the keys of the map that came last, where all were texts of ASCII: they differ from each other. */
  readonly #knownTexts: (readonly string[] | undefined)[] = [];

  /**
   * Reads one term, which has no version byte in front.
   *
   * @throws {DecodeError} if the bytes are no term; `position` is where it began then.
   * @throws {AtomLimitError} if it holds a new atom and the table is full.
   */
  term(): Term {
    const start = this.position;
    if (this.end - start > this._safe) this._checkMemory();
    try {
      return this.#value(0, false, DEPTH);
    } catch (error) {
      this.position = start;
      this._forget();
      if (error !== MALFORMED) throw error;
      return this.#explain(start);
    } finally {
      if (this._keys !== null && this._keys.names.size > 0) this._keys = null;
    }
  }

  /** Goes the same way again, slowly, to say what is wrong. */
  #explain(start: number): Term {
    try {
      return this._deep(0, false, false);
    } catch (error) {
      this.position = start;
      this._forget();
      throw error;
    }
  }

  /**
   * Reads one term with its version byte; it may be compressed.
   *
   * @throws {DecodeError} if the bytes are no term.
   * @throws {AtomLimitError} if it holds a new atom and the table is full.
   */
  versioned(): Term {
    if (this._u8(VERSION) !== VERSION) {
      this.position--;
      this._fail(`a term begins with ${VERSION}, not with ${this._bytes[this.position]}`);
    }
    return this._bytes[this.position] === Tag.COMPRESSED && this.position < this.end
      ? this.#compressed()
      : this.term();
  }

  /** Reads the UTF-8 of an atom, `length` bytes, without a tag, as it stands in a distribution header. */
  atom(length: number): AtomValue {
    return atomValue(this._atomText(length, Tag.ATOM_UTF8_EXT));
  }

  #compressed(): Term {
    const tag = Tag.COMPRESSED;
    const start = this.position++;
    const size = this._u32(tag);
    if (size === 0 || size > this._options.maxInflated) {
      this._fail(
        `COMPRESSED claims ${size} bytes, 1 to ${this._options.maxInflated} are allowed`,
        tag,
      );
    }
    const inflated = inflate(this._bytes.subarray(this.position, this.end), size);
    if (inflated === undefined || inflated.bytes.length !== size) {
      this._fail("COMPRESSED is damaged, or has another size than it claims", tag);
    }
    const { _bytes: bytes, position, end } = this;
    let term: Term;
    try {
      this.reset(inflated.bytes);
      term = this.term();
      if (this.position !== this.end) this._fail("bytes behind the term");
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      throw new DecodeError("COMPRESSED holds no term", start, tag, { cause });
    } finally {
      this.reset(bytes, start, end);
    }
    this.position = position + inflated.consumed;
    return term;
  }

  /**
   * @param owed how many terms the containers outside still need, each at least a byte: what they claim in sum never exceeds what is left.
   * @param inKey whether it is part of a key, where floats are wrapped, so that 1.0 stays another key than 1, and maps stay maps.
   */
  #value(owed: number, inKey: boolean, depth: number): Term {
    const bytes = this._bytes;
    const start = this.position;
    const left = this.end - start;
    if (left < 2 && (left < 1 || bytes[start] !== 106)) throw MALFORMED;
    switch (bytes[start]) {
      case 97: // SMALL_INTEGER_EXT
        this.position = start + 2;
        return bytes[start + 1];
      case 98: // INTEGER_EXT
        if (left < 5) throw MALFORMED;
        this.position = start + 5;
        return (bytes[start + 1] << 24) | (bytes[start + 2] << 16) | (bytes[start + 3] << 8) |
          bytes[start + 4];
      case 119: { // SMALL_ATOM_UTF8_EXT
        const length = bytes[start + 1];
        if (left < 2 + length) throw MALFORMED;
        const found = cachedAtom(bytes, start + 2, length);
        if (found !== undefined) {
          this.position = start + 2 + length;
          return atomValue(found);
        }
        this.position = start + 2;
        return atomValue(this._atomText(length, 119));
      }
      case 82: // ATOM_CACHE_REF
        this.position = start + 1;
        return atomValue(this._cachedAtom());
      case 104: { // SMALL_TUPLE_EXT
        const size = bytes[start + 1];
        this.position = start + 2;
        if (size === 0) return new Tuple<Term[]>(0);
        if (size + owed > left - 2) throw MALFORMED;
        if (depth === 0) break;
        const target = newTuple(size);
        owed += size;
        for (let i = 0; i < size; i++) target[i] = this.#value(--owed, inKey, depth - 1);
        return target as Term;
      }
      case 106: // NIL_EXT
        this.position = start + 1;
        return [];
      case 109: { // BINARY_EXT
        this.position = start + 1;
        return this._binaryTerm();
      }
      case 107: // STRING_EXT
        this.position = start + 1;
        return this._byteList([]);
      case 108: { // LIST_EXT
        if (depth === 0) break;
        this.position = start + 1;
        const size = this._u32(108);
        // Without elements it is what its tail is, and tails may follow each other.
        if (size === 0) break;
        if (size + owed > left - 5) throw MALFORMED;
        return this.#list(size, owed, inKey, depth - 1);
      }
      case 116: { // MAP_EXT
        if (depth === 0) break;
        this.position = start + 1;
        const size = this._u32(116) * 2;
        if (size + owed > left - 5) throw MALFORMED;
        return this.#map(size, owed, inKey, depth - 1, start);
      }
      case 88: { // NEW_PID_EXT
        this.position = start + 1;
        const node = this.#node(88);
        const at = this.position;
        if (this.end - at < 12) throw MALFORMED;
        this.position = at + 12;
        return new Pid(node, u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8));
      }
      case 90: { // NEWER_REFERENCE_EXT
        if (left < 3) throw MALFORMED;
        const count = (bytes[start + 1] << 8) | bytes[start + 2];
        if (count > 5) throw MALFORMED;
        this.position = start + 3;
        const node = this.#node(90);
        let at = this.position;
        if (this.end - at < 4 + 4 * count) throw MALFORMED;
        const words: number[] = new Array(count);
        for (let i = 0; i < count; i++) words[i] = u32(bytes, at += 4);
        this.position = at + 4;
        return new Ref(node, u32(bytes, at - 4 * count), words);
      }
      case 70: { // NEW_FLOAT_EXT
        this.position = start + 1;
        const number = this._double();
        return inKey || this._wrapAll ? new Float(number) : number;
      }
      case 110: { // SMALL_BIG_EXT
        const length = bytes[start + 1];
        if (left < 3 + length) throw MALFORMED;
        if (length > this._options.maxBignumBytes) break;
        this.position = start + 3 + length;
        return readInteger(bytes, start + 3, length, bytes[start + 2] !== 0);
      }
    }
    this.position = start;
    return this._deep(owed, depth < DEPTH, inKey);
  }

  /** The node of a pid or a reference: mostly that of the one before. */
  #node(of: number): Atom {
    const bytes = this._bytes;
    const at = this.position;
    if (this.end - at >= 2 && bytes[at] === 119) { // SMALL_ATOM_UTF8_EXT
      const length = bytes[at + 1];
      const last = this.#lastNode;
      if (this.end - at - 2 >= length && holds(last, bytes, at + 2, length)) {
        this.position = at + 2 + length;
        return last;
      }
    }
    return this.#lastNode = this._atomTerm(of);
  }

  #list(size: number, owed: number, inKey: boolean, depth: number): Term {
    const bytes = this._bytes;
    const end = this.end;
    const last = end - 5;
    const target: Term[] = size > PREALLOCATED ? [] : new Array(size);
    let i = 0;
    for (;;) {
      let pos = this.position;
      for (; i < size; i++) {
        const tag = pos <= last ? bytes[pos] : 0;
        // Integers, of which lists may be long, here.
        if (tag === 98) { // INTEGER_EXT
          target[i] = (bytes[pos + 1] << 24) | (bytes[pos + 2] << 16) | (bytes[pos + 3] << 8) |
            bytes[pos + 4];
          pos += 5;
        } else if (tag === 97) { // SMALL_INTEGER_EXT
          target[i] = bytes[pos + 1];
          pos += 2;
        } else {
          if (tag === 119 && pos + 2 + bytes[pos + 1] <= end) { // SMALL_ATOM_UTF8_EXT
            const length = bytes[pos + 1];
            const found = cachedAtom(bytes, pos + 2, length);
            if (found !== undefined) {
              target[i] = atomValue(found);
              pos += 2 + length;
              continue;
            }
          }
          this.position = pos;
          target[i] = this.#value(owed + size - i, inKey, depth);
          pos = this.position;
        }
      }
      if (pos < end && bytes[pos] === 106) { // NIL_EXT
        this.position = pos + 1;
        return target;
      }
      this.position = pos;
      const more = this._tail(target, owed);
      if (more === 0) return target;
      if (more < 0) return new ImproperList(target, this.#value(owed, inKey, depth));
      size += more;
    }
  }

  #map(size: number, owed: number, inKey: boolean, depth: number, start: number): Term {
    const known = size <= KNOWN ? this.#knownTexts[size] : undefined;
    if (known !== undefined && !inKey && this._text && this._objects === "binaries") {
      return this.#familiar(known, size, owed, depth, start);
    }
    const flat: Term[] = size > PREALLOCATED ? [] : new Array(size);
    return this.#entries(flat, 0, size, owed, inKey, depth, start);
  }

  /** A map that becomes an object: written into it at once as long as the keys are those of the map before. */
  #familiar(
    known: readonly string[],
    size: number,
    owed: number,
    depth: number,
    start: number,
  ): Term {
    const object: Record<string, Term> = {};
    let i = 0;
    for (; i < size; i += 2) {
      const key = known[i >> 1];
      if (!this.#comes(key)) break;
      object[key] = this.#value(owed + size - i - 2, false, depth);
    }
    if (i === size) return object as unknown as Term;
    const flat: Term[] = new Array(size);
    for (let j = 0; j < i; j += 2) {
      flat[j] = known[j >> 1];
      flat[j + 1] = object[known[j >> 1]];
    }
    return this.#entries(flat, i, size, owed, false, depth, start);
  }

  /** The entries of a map from `i` on; those before have texts as keys. */
  #entries(
    flat: Term[],
    i: number,
    size: number,
    owed: number,
    inKey: boolean,
    depth: number,
    start: number,
  ): Term {
    const hasTexts = this._text;
    let texts = i;
    for (; i < size; i += 2) {
      const rest = owed + size - i - 2;
      const key = hasTexts ? this.#key() : undefined;
      if (key === undefined) {
        flat[i] = this.#value(rest + 1, true, depth);
      } else {
        flat[i] = key;
        texts += 2;
      }
      flat[i + 1] = this.#value(rest, inKey, depth);
    }
    return texts === size && size >= 4 && size <= KNOWN
      ? this.#textMap(flat, start, inKey)
      : this._mapTerm(flat, start, inKey);
  }

  /** The map whose keys are all texts that `#key` has given. */
  #textMap(flat: Term[], start: number, inKey: boolean): Term {
    const { length } = flat;
    const known = this.#knownTexts[length];
    const isObject = !inKey && this._objects === "binaries";
    if (known !== undefined && !isObject && hasTexts(flat, known)) return TermMap._of(flat);
    const made = this._mapTerm(flat, start, inKey);
    // Assigned, it would be no property.
    this.#knownTexts[length] = flat.includes("__proto__") ? undefined : textsOf(flat);
    return made;
  }

  /** Passes the binary that a key of the map before was, if it comes next. */
  #comes(text: string): boolean {
    const bytes = this._bytes;
    const { length } = text;
    const at = this.position + 5;
    if (at + length > this.end || bytes[at - 1] !== length) return false;
    if (bytes[at - 5] !== 109) return false; // BINARY_EXT
    if ((bytes[at - 4] | bytes[at - 3] | bytes[at - 2]) !== 0) return false;
    for (let i = 0; i < length; i++) {
      if (bytes[at + i] !== text.charCodeAt(i)) return false;
    }
    this.position = at + length;
    return true;
  }

  /** The text of a short binary that is a key; `undefined` if there is none. */
  #key(): string | undefined {
    const bytes = this._bytes;
    const at = this.position;
    if (at + 5 > this.end || bytes[at] !== 109) return undefined; // BINARY_EXT
    const length = bytes[at + 4];
    if (length > LONGEST || at + 5 + length > this.end) return undefined;
    if ((bytes[at + 1] | bytes[at + 2] | bytes[at + 3]) !== 0) return undefined;
    const text = cachedKey(bytes, at + 5, length);
    if (text !== undefined) this.position = at + 5 + length;
    return text;
  }
}

/**
 * The term that these bytes are, version byte first, as from Erlang's `term_to_binary`.
 *
 * @throws {DecodeError} if the bytes are no term, or have more behind it.
 * @throws {AtomLimitError} if it holds a new atom and the table is full.
 */
export function decode(bytes: Uint8Array, options?: DecodeOptions): Term {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError("Cannot decode a term: its bytes are needed as a Uint8Array");
  }
  if (options === null) throw new TypeError("Cannot decode a term: the options must be an object");
  const decoder = options === undefined ? (shared ??= new Decoder()) : new Decoder(options);
  try {
    decoder.reset(bytes);
    const term = decoder.versioned();
    if (decoder.position < decoder.end && options?.trailing !== "ignore") {
      const left = decoder.end - decoder.position;
      throw new DecodeError(`${left} bytes follow the term`, decoder.position);
    }
    return term;
  } finally {
    decoder.reset(NONE);
  }
}

function hasTexts(flat: readonly Term[], known: readonly string[]): boolean {
  for (let i = 0; i < known.length; i++) {
    if (flat[2 * i] !== known[i]) return false;
  }
  return true;
}

function textsOf(flat: readonly Term[]): string[] {
  const keys: string[] = [];
  for (let i = 0; i < flat.length; i += 2) keys.push(flat[i] as string);
  return keys;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

let shared: Decoder | undefined;
const NONE = new Uint8Array(0);
