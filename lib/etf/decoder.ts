// Hot: one loop, its state in local variables, tags as literals (a test holds them to tags.ts). Measured by the codec rows of the benchmark.
import { type AtomValue, atomValue, cachedAtom } from "./_atom_bytes.ts";
import { readInteger } from "./_bignum.ts";
import { inflate } from "./_compressed.ts";
import { readDouble } from "./_double.ts";
import { DecodeError } from "./errors.ts";
import { Float } from "./float.ts";
import { Pid, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import { hasDuplicate } from "./_map_keys.ts";
import { mapObject } from "./_map_object.ts";
import type { DecodeOptions } from "./options.ts";
import { readBignum, readOldFloat, readRare, Unfinished } from "./_rare_tags.ts";
import { Reader } from "./_reader.ts";
import { Tag, tagName, VERSION } from "./tags.ts";
import type { Term } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { newTuple, Tuple } from "./tuple.ts";
import { readUtf8 } from "./_utf8.ts";

/** What is being filled. WRAP is added inside the keys of maps, where floats are wrapped, so that 1.0 stays another key than 1. */
const ROOT = 0;
const TUPLE = 1;
const LIST = 2;
const TAIL = 3;
const MAP = 4;
const UNFINISHED = 5;
const KIND = 7;
const WRAP = 8;

/** The largest arity Erlang has. */
const MAX_ARITY = 0xff_ffff;
/** Longer arrays are grown, because V8 makes a hash table of one that is made with more than 32 million places. */
const PREALLOCATED = 1 << 20;

/**
 * Reads terms from bytes, one after the other.
 *
 * Terms may nest without limit. What a term claims about its size is compared with the bytes that are left before anything is allocated.
 */
export class Decoder extends Reader {
  readonly #objects: "atoms" | "binaries" | undefined;
  readonly #wrapAll: boolean;
  readonly #text: boolean;
  /** The containers around the one that is being filled: array, next place, length, kind, extra, bytes owed to those outside. */
  #stack: unknown[] = [];

  constructor(options: DecodeOptions = {}) {
    super(options);
    this.#objects = options.objects;
    this.#wrapAll = this._options.floats === "wrap";
    this.#text = this._options.binaries === "text";
  }

  /**
   * Reads one term, which has no version byte in front.
   *
   * @throws {DecodeError} if the bytes are no term; `position` is where it began then.
   * @throws {AtomLimitError} if it holds a new atom and the table is full.
   */
  term(): Term {
    const start = this.position;
    try {
      return this.#read();
    } catch (error) {
      this.position = start;
      this._splices = null;
      this.#stack = []; // It holds what was read so far.
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

  #read(): Term {
    const bytes = this._bytes;
    const end = this.end;
    const stack = this.#stack;
    const wrapAll = this.#wrapAll;
    let pos = this.position;
    let top = 0;
    let kind = ROOT;
    let target: Term[] = [null];
    let index = 0;
    let count = 1;
    let extra: unknown = undefined;
    // How many terms the containers outside still need, each at least a byte: what they claim in sum never exceeds what is left.
    let owed = 0;
    let value: Term;
    read: for (;;) {
      if (pos >= end) this.#truncated(pos);
      const start = pos;
      const tag = bytes[pos++];
      // What a container will hold, if this is one.
      let size = -1;
      let inner = 0;
      let unfinished: Unfinished | undefined;
      switch (tag) {
        case 97: // SMALL_INTEGER_EXT
          if (pos >= end) this.#truncated(start, tag);
          value = bytes[pos++];
          break;
        case 98: // INTEGER_EXT
          if (pos + 4 > end) this.#truncated(start, tag);
          value = (bytes[pos] << 24) | (bytes[pos + 1] << 16) | (bytes[pos + 2] << 8) |
            bytes[pos + 3];
          pos += 4;
          break;
        case 119: { // SMALL_ATOM_UTF8_EXT
          if (pos >= end) this.#truncated(start, tag);
          const length = bytes[pos++];
          if (pos + length > end) this.#truncated(start, tag);
          let found = cachedAtom(bytes, pos, length);
          if (found === undefined) {
            this.position = pos;
            found = this._atomText(length, tag);
          }
          pos += length;
          value = atomValue(found);
          break;
        }
        case 82: // ATOM_CACHE_REF
          this.position = pos;
          value = atomValue(this._cachedAtom());
          pos = this.position;
          break;
        case 104: // SMALL_TUPLE_EXT
          if (pos >= end) this.#truncated(start, tag);
          size = bytes[pos++];
          if (size === 0) value = new Tuple<Term[]>(0);
          else inner = TUPLE;
          break;
        case 106: // NIL_EXT
          value = [];
          break;
        case 109: // BINARY_EXT
          this.position = pos;
          value = this.#binary();
          pos = this.position;
          break;
        case 107: // STRING_EXT
          this.position = pos;
          value = this.#string([]);
          pos = this.position;
          break;
        case 108: // LIST_EXT
          this.position = pos;
          size = this._u32(tag);
          pos = this.position;
          // Without elements it is what its tail is, for Erlang too.
          if (size === 0) continue;
          inner = LIST;
          break;
        case 116: // MAP_EXT
          this.position = pos;
          size = this._u32(tag) * 2;
          pos = this.position;
          if (size > 0) inner = MAP;
          else {value = this.#map(
              [],
              start,
              (kind & WRAP) !== 0 || (kind === MAP && (index & 1) === 0),
            );}
          break;
        case 88: { // NEW_PID_EXT
          this.position = pos;
          const node = this._atomTerm(tag);
          value = new Pid(node, this._u32(tag), this._u32(tag), this._u32(tag));
          pos = this.position;
          break;
        }
        case 90: // NEWER_REFERENCE_EXT
          this.position = pos;
          value = this.#ref();
          pos = this.position;
          break;
        case 70: // NEW_FLOAT_EXT
        case 99: { // FLOAT_EXT
          this.position = pos;
          const number = tag === 70 ? this.#float() : readOldFloat(this);
          pos = this.position;
          value = wrapAll || (kind & WRAP) !== 0 || (kind === MAP && (index & 1) === 0)
            ? new Float(number)
            : number;
          break;
        }
        case 110: { // SMALL_BIG_EXT
          if (pos + 2 > end) this.#truncated(start, tag);
          const length = bytes[pos];
          const negative = bytes[pos + 1] !== 0;
          pos += 2;
          if (pos + length > end) this.#truncated(start, tag);
          if (length > this._options.maxBignumBytes) {
            this.position = pos;
            readBignum(this, length, 0, tag);
          }
          value = readInteger(bytes, pos, length, negative);
          pos += length;
          break;
        }
        case 105: // LARGE_TUPLE_EXT
          this.position = pos;
          size = this._u32(tag);
          pos = this.position;
          if (size > MAX_ARITY) {
            this._fail(`a tuple of ${size}, at most ${MAX_ARITY} is possible`, tag);
          }
          if (size === 0) value = new Tuple<Term[]>(0);
          else inner = TUPLE;
          break;
        default: {
          this.position = pos;
          const read = readRare(this, tag, top > 0 || kind !== ROOT);
          pos = this.position;
          if (!(read instanceof Unfinished)) {
            value = read;
          } else if (read.count === 0) {
            value = read.finish([]);
            pos = this.position;
          } else {
            size = read.count;
            inner = UNFINISHED;
            unfinished = read;
          }
        }
      }
      if (inner !== 0) {
        const rest = owed + count - index - ((kind & KIND) === LIST ? 0 : 1);
        if (size + rest > end - pos) {
          this.position = start;
          this._fail(`${tagName(tag)} claims ${size} terms, ${end - pos} bytes are left`, tag);
        }
        stack[top] = target;
        stack[top + 1] = index;
        stack[top + 2] = count;
        stack[top + 3] = kind;
        stack[top + 4] = extra;
        stack[top + 5] = owed;
        top += 6;
        owed = rest;
        kind = inner |
          ((kind & WRAP) !== 0 || (kind === MAP && (index & 1) === 0) ? WRAP : 0);
        // Each kind is made and filled in a place of its own: V8 learns for each what its arrays hold.
        if (inner === TUPLE) target = newTuple(size);
        else if (size > PREALLOCATED) target = [];
        else if (inner === LIST) target = new Array(size);
        else target = new Array(size);
        index = 0;
        count = size;
        extra = inner === MAP ? start : unfinished;
        continue;
      }
      for (;;) {
        switch (kind & KIND) {
          case ROOT:
            this.position = pos;
            if (top < stack.length) this.#release();
            return value!;
          case TUPLE:
            target[index++] = value!;
            if (index < count) continue read;
            value = target as Term;
            break;
          case LIST:
            target[index++] = value!;
            if (index < count) continue read;
            if (pos < end && bytes[pos] === 106) {
              pos++;
            } else {
              this.position = pos;
              const more = this.#tail(target, owed);
              pos = this.position;
              if (more !== 0) {
                count += Math.abs(more);
                if (more < 0) kind = TAIL | (kind & WRAP);
                continue read;
              }
            }
            value = target;
            break;
          case TAIL:
            value = new ImproperList(target, value!);
            break;
          case MAP:
            target[index++] = value!;
            if (index < count) continue read;
            value = this.#map(target, extra as number, (kind & WRAP) !== 0);
            break;
          default:
            target[index++] = value!;
            if (index < count) continue read;
            this.position = pos;
            value = (extra as Unfinished).finish(target);
            pos = this.position;
        }
        top -= 6;
        target = stack[top] as Term[];
        index = stack[top + 1] as number;
        count = stack[top + 2] as number;
        kind = stack[top + 3] as number;
        extra = stack[top + 4];
        owed = stack[top + 5] as number;
        stack[top] = stack[top + 4] = undefined;
      }
    }
  }

  /** Forgets what only large terms need. */
  #release(): void {
    if (this.#stack.length > 6 * 1024) this.#stack = [];
    if (this._keys !== null && this._keys.names.size > 0) this._keys = null;
  }

  /** What follows the elements of a list: 0 its end, n as many more elements, -1 a tail that is no list. */
  #tail(elements: Term[], owed: number): number {
    for (;;) {
      const start = this.position;
      const tag = this._u8(Tag.LIST_EXT);
      if (tag === Tag.NIL_EXT) return 0;
      if (tag === Tag.STRING_EXT) {
        this.#string(elements);
        return 0;
      }
      if (tag !== Tag.LIST_EXT) {
        this.position = start;
        return -1;
      }
      const size = this._u32(tag);
      if (size + owed >= this.end - this.position) {
        this._fail(
          `LIST_EXT claims ${size} terms, ${this.end - this.position} bytes are left`,
          tag,
        );
      }
      if (size > 0) return size;
    }
  }

  /** STRING_EXT: its bytes are added to a list. */
  #string(list: number[] | Term[]): Term[] {
    const tag = Tag.STRING_EXT;
    const length = this._u16(tag);
    this._need(length, tag);
    const bytes = this._bytes;
    const from = this.position;
    let at = list.length;
    for (let i = 0; i < length; i++) list[at++] = bytes[from + i];
    this.position = from + length;
    return list;
  }

  #binary(): Term {
    const tag = Tag.BINARY_EXT;
    const length = this._u32(tag);
    if (this.#text) {
      this._need(length, tag);
      const text = readUtf8(this._bytes, this.position, this.position + length);
      if (text !== undefined) {
        this.position += length;
        return text;
      }
    }
    return this._binary(length, tag);
  }

  #float(): number {
    const tag = Tag.NEW_FLOAT_EXT;
    this._need(8, tag);
    const value = readDouble(this._bytes, this.position);
    if (value - value !== 0) this._fail("NEW_FLOAT_EXT is not a finite float", tag);
    this.position += 8;
    return value;
  }

  #ref(): Ref {
    const tag = Tag.NEWER_REFERENCE_EXT;
    const count = this._u16(tag);
    if (count > 5) {
      this._fail(`NEWER_REFERENCE_EXT has ${count} words, at most 5 are possible`, tag);
    }
    const node = this._atomTerm(tag);
    const creation = this._u32(tag);
    const words: number[] = new Array(count);
    for (let i = 0; i < count; i++) words[i] = this._u32(tag);
    return new Ref(node, creation, words);
  }

  #map(flat: Term[], start: number, inKey: boolean): Term {
    if (hasDuplicate(flat, this)) {
      this.position = start;
      this._fail("MAP_EXT has two equal keys", Tag.MAP_EXT);
    }
    // Plain objects are no terms, and a key is one.
    if (this.#objects === undefined || inKey) return TermMap._of(flat);
    return mapObject(flat, this.#objects) ?? TermMap._of(flat);
  }

  #truncated(at: number, tag?: number): never {
    this.position = at;
    this._fail(
      tag === undefined ? "the bytes end before the term" : `${tagName(tag)} is cut off`,
      tag,
    );
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

let shared: Decoder | undefined;
const NONE = new Uint8Array(0);
