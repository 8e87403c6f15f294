import { type Atom, MAX_ATOMS } from "./atom.ts";
import {
  atomObject,
  type AtomValue,
  cachedAtom,
  encodedSize,
  findAtom,
  namedAtom,
} from "./_atom_bytes.ts";
import { Binary } from "./binary.ts";
import { DecodeError } from "./errors.ts";
import type { DecodeOptions } from "./options.ts";
import { Slab } from "./_slab.ts";
import { Tag, tagName } from "./tags.ts";
import { MEMORY_PER_BYTE, takesMore } from "./_term_memory.ts";
import type { KeySession } from "./term_key.ts";
import { TextWindow } from "./_text_window.ts";
import { readLatin1 } from "./_utf8.ts";
import { MAX_BIGNUM_BYTES } from "./_bignum.ts";

const NONE = new Uint8Array(0);
const slab = new Slab();
/** Larger copies get a buffer of their own. */
const CARVED = 1024;

/** Bytes that the funs of one message may take, written out anew for each fun that holds them. */
const MAX_FUNS = 2 ** 28;
/** What a reference in a fun to the atom cache counts for besides. */
const SPLICE = 512;

/** Bytes that stand for others. */
export interface Splice {
  readonly at: number;
  readonly length: number;
  readonly by: Uint8Array;
}

/** Bytes with a position: what the decoder and its rare tags share. */
export class Reader {
  /** @internal */
  _bytes: Uint8Array = NONE;
  /** Where the next byte is read. */
  position = 0;
  /** Where reading must stop. */
  end = 0;
  /** The atoms that ATOM_CACHE_REF means, by their index in the distribution header; `null` where there is none. */
  cache: readonly AtomValue[] | null = null;
  /** How many of those in front count: an array may serve several messages. */
  cached = Infinity;
  /** Set where a binary that was read is a view of the bytes. */
  viewed = false;
  /** @internal What must be replaced in the bytes of a fun, in order; `null` while none is being read. */
  _splices: Splice[] | null = null;
  /** What has been written out for funs. */
  #funBytes = 0;
  /** @internal As many bytes cannot make a term that takes too much memory. */
  readonly _safe: number;
  /** @internal What has been spelled out to compare the keys of maps, while a term is read. */
  _keys: KeySession | null = null;
  /** @internal */
  readonly _texts: TextWindow = new TextWindow();
  /** @internal */
  readonly _options: Required<Omit<DecodeOptions, "objects" | "trailing">>;

  constructor(options: DecodeOptions = {}) {
    this._options = {
      atoms: options.atoms ?? "create",
      atomLimit: options.atomLimit ?? MAX_ATOMS,
      binaries: options.binaries ?? "bytes",
      floats: options.floats ?? "number",
      maxInflated: options.maxInflated ?? 67_108_864,
      maxBignumBytes: Math.min(options.maxBignumBytes ?? MAX_BIGNUM_BYTES, MAX_BIGNUM_BYTES),
      maxMemory: options.maxMemory ?? 2_147_483_648,
      viewFrom: options.viewFrom ?? 256,
    };
    this._safe = this._options.maxMemory / MEMORY_PER_BYTE;
  }

  /** Goes on with other bytes. Large binaries will be views of them. */
  reset(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this._bytes = bytes;
    this.position = start;
    this.end = end;
    this.#funBytes = 0;
    this._texts.forget();
  }

  /**
   * @internal Counts what is written out for a fun. Each in another is written out in both, so that a message of some kilobytes can ask
   * for gigabytes.
   */
  _chargeFun(bytes: number, splices: number, tag: number): void {
    this.#funBytes += bytes + SPLICE * splices;
    if (this.#funBytes > MAX_FUNS) {
      this._fail("funs with too much in them: they hold each other, or too many atoms", tag);
    }
  }

  /** @internal Throws where what is left would take too much memory. */
  _checkMemory(): void {
    const { maxMemory } = this._options;
    if (!takesMore(this._bytes, this.position, this.end, maxMemory)) return;
    this._fail(`it would take more than ${maxMemory} bytes of memory, see maxMemory`);
  }

  /** @internal Throws unless that many bytes are left. */
  _need(size: number, tag: number): void {
    if (size > this.end - this.position) {
      this._fail(
        `${tagName(tag)} needs ${size} more bytes, ${this.end - this.position} are left`,
        tag,
      );
    }
  }

  /** @internal */
  _fail(message: string, tag?: number): never {
    throw new DecodeError(message, this.position, tag);
  }

  /** @internal */
  _u8(tag: number): number {
    this._need(1, tag);
    return this._bytes[this.position++];
  }

  /** @internal */
  _u16(tag: number): number {
    this._need(2, tag);
    const at = this.position;
    this.position = at + 2;
    return (this._bytes[at] << 8) | this._bytes[at + 1];
  }

  /** @internal */
  _u32(tag: number): number {
    this._need(4, tag);
    const b = this._bytes;
    const at = this.position;
    this.position = at + 4;
    return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
  }

  /** @internal A number where it is a safe integer. */
  _u64(tag: number): number | bigint {
    const high = this._u32(tag);
    const low = this._u32(tag);
    return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  /** @internal An atom with its tag, as an object even where JavaScript has a value for it. */
  _atomTerm(of: number): Atom {
    const at = this.position;
    const tag = this._u8(of);
    switch (tag) {
      case Tag.SMALL_ATOM_UTF8_EXT:
        return this._atomText(this._u8(tag), tag);
      case Tag.ATOM_UTF8_EXT:
        return this._atomText(this._u16(tag), tag);
      case Tag.SMALL_ATOM_EXT:
        return this._latin1Atom(this._u8(tag), tag);
      case Tag.ATOM_EXT:
        return this._latin1Atom(this._u16(tag), tag);
      case Tag.ATOM_CACHE_REF:
        return this._cachedAtom();
    }
    this.position = at;
    this._fail(`${tagName(of)} needs an atom, not ${tagName(tag)}`, of);
  }

  /** @internal An atom of so many bytes of UTF-8. */
  _atomText(length: number, tag: number): Atom {
    this._need(length, tag);
    const at = this.position;
    if (length <= 255) {
      const known = cachedAtom(this._bytes, at, length);
      if (known !== undefined) {
        this.position = at + length;
        return known;
      }
    }
    const { atoms, atomLimit } = this._options;
    return this.#checked(
      findAtom(this._bytes, at, length, atoms === "create", atomLimit),
      length,
      tag,
    );
  }

  /** @internal An atom of so many bytes of ISO 8859-1. */
  _latin1Atom(length: number, tag: number): Atom {
    this._need(length, tag);
    const name = readLatin1(this._bytes, this.position, this.position + length);
    const { atoms, atomLimit } = this._options;
    return this.#checked(namedAtom(name, atoms === "create", atomLimit), length, tag);
  }

  #checked(found: Atom | string, length: number, tag: number): Atom {
    if (typeof found === "string") this._fail(found, tag);
    this.position += length;
    return found;
  }

  /** @internal */
  _cachedAtom(): Atom {
    const tag = Tag.ATOM_CACHE_REF;
    const at = this.position - 1;
    const index = this._u8(tag);
    const value = index < this.cached ? this.cache?.[index] : undefined;
    if (value === undefined) {
      this._fail(
        this.cache === null
          ? "ATOM_CACHE_REF without a distribution header"
          : "ATOM_CACHE_REF beyond the atoms of the distribution header",
        tag,
      );
    }
    const atom = atomObject(value);
    if (this._splices !== null) {
      const size = encodedSize(atom);
      this._chargeFun(size, 1, tag);
      this._splices.push({
        at,
        length: 2,
        by: atom._slab.bytes.subarray(atom._at, atom._at + size),
      });
    }
    return atom;
  }

  /** @internal So many bytes as a binary: a view of large ones, a copy of small ones. */
  _binary(length: number, tag: number): Binary {
    this._need(length, tag);
    const at = this.position;
    this.position = at + length;
    const bytes = this._bytes;
    if (length >= this._options.viewFrom) {
      this.viewed = true;
      return new Binary(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length);
    }
    if (length > CARVED) {
      const own = new Binary(new ArrayBuffer(length));
      own.set(bytes.subarray(at, at + length));
      return own;
    }
    const to = slab.copy(bytes, at, at + length);
    return new Binary(slab.buffer, to, length);
  }
}
