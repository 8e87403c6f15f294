// One loop with a stack of its own, for terms that nest deeper than the fast way goes, for tags that are rare, and for what is malformed: it alone says what is wrong.
// Tags as literals (a test holds them to tags.ts).
import { atomValue, cachedAtom } from "./_atom_bytes.ts";
import { readInteger } from "./_bignum.ts";
import { readDouble } from "./_double.ts";
import { Float } from "./float.ts";
import { Pid, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import { hasDuplicate } from "./_map_keys.ts";
import { mapObject } from "./_map_object.ts";
import type { DecodeOptions } from "./options.ts";
import { readBignum, readOldFloat, readRare, Unfinished } from "./_rare_tags.ts";
import { Reader } from "./_reader.ts";
import { Tag, tagName } from "./tags.ts";
import type { Term } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { newTuple, Tuple } from "./tuple.ts";

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

/** Reads terms with a stack of its own. */
export class DeepDecoder extends Reader {
  /** @internal */
  readonly _objects: "atoms" | "binaries" | undefined;
  /** @internal Whether every float is an object. */
  readonly _wrapAll: boolean;
  /** @internal Whether binaries are texts where they can be. */
  readonly _text: boolean;
  /** The containers around the one that is being filled: array, next place, length, kind, extra, bytes owed to those outside. */
  #stack: unknown[] = [];

  constructor(options: DecodeOptions = {}) {
    super(options);
    this._objects = options.objects;
    this._wrapAll = this._options.floats === "wrap";
    this._text = this._options.binaries === "text";
  }

  /** @internal Forgets what was being read. */
  _forget(): void {
    this._splices = null;
    this.#stack = [];
  }

  /**
   * @internal Reads one term.
   *
   * @param owed how many terms the containers outside still need, each at least a byte.
   * @param nested whether the term is part of another.
   * @param inKey whether it is part of a key, where floats are wrapped and maps stay maps.
   */
  _deep(owed: number, nested: boolean, inKey: boolean): Term {
    const bytes = this._bytes;
    const end = this.end;
    const stack = this.#stack;
    const wrapAll = this._wrapAll;
    let pos = this.position;
    let top = 0;
    let kind = inKey ? ROOT | WRAP : ROOT;
    let target: Term[] = [null];
    let index = 0;
    let count = 1;
    let extra: unknown = undefined;
    // What the containers claim in sum never exceeds what is left.
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
          value = this._binaryTerm();
          pos = this.position;
          break;
        case 107: // STRING_EXT
          this.position = pos;
          value = this._byteList([]);
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
          else {value = this._mapTerm(
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
          value = this._ref();
          pos = this.position;
          break;
        case 70: // NEW_FLOAT_EXT
        case 99: { // FLOAT_EXT
          this.position = pos;
          const number = tag === 70 ? this._double() : readOldFloat(this);
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
          const read = readRare(this, tag, nested || top > 0);
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
            if (stack.length > 6 * 1024) this.#stack = [];
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
              const more = this._tail(target, owed);
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
            value = this._mapTerm(target, extra as number, (kind & WRAP) !== 0);
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

  /** @internal What follows the elements of a list: 0 its end, n as many more elements, -1 a tail that is no list. */
  _tail(elements: Term[], owed: number): number {
    for (;;) {
      const start = this.position;
      const tag = this._u8(Tag.LIST_EXT);
      if (tag === Tag.NIL_EXT) return 0;
      if (tag === Tag.STRING_EXT) {
        this._byteList(elements);
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

  /** @internal STRING_EXT: its bytes are added to a list. */
  _byteList(list: number[] | Term[]): Term[] {
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

  /** @internal */
  _binaryTerm(): Term {
    const tag = Tag.BINARY_EXT;
    const length = this._u32(tag);
    if (this._text) {
      this._need(length, tag);
      const { position } = this;
      const text = this._texts.read(this._bytes, position, position + length, this.end);
      if (text !== undefined) {
        this.position += length;
        return text;
      }
    }
    return this._binary(length, tag);
  }

  /** @internal */
  _double(): number {
    const tag = Tag.NEW_FLOAT_EXT;
    this._need(8, tag);
    const value = readDouble(this._bytes, this.position);
    if (value - value !== 0) this._fail("NEW_FLOAT_EXT is not a finite float", tag);
    this.position += 8;
    return value;
  }

  /** @internal */
  _ref(): Ref {
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

  /** @internal */
  _mapTerm(flat: Term[], start: number, inKey: boolean): Term {
    if (hasDuplicate(flat, this)) {
      this.position = start;
      this._fail("MAP_EXT has two equal keys", Tag.MAP_EXT);
    }
    // Plain objects are no terms, and a key is one.
    if (this._objects === undefined || inKey) return TermMap._of(flat);
    return mapObject(flat, this._objects) ?? TermMap._of(flat);
  }

  #truncated(at: number, tag?: number): never {
    this.position = at;
    this._fail(
      tag === undefined ? "the bytes end before the term" : `${tagName(tag)} is cut off`,
      tag,
    );
  }
}
