import type { Atom } from "./atom.ts";
import { EncodeError } from "./errors.ts";
import type { EncodeOptions } from "./options.ts";
import type { Slab } from "./_slab.ts";

const SLAB = 65_536;
/** Room for every term of fixed size, and for the head of every other. */
export const MARGIN = 160;
const NONE = new Uint8Array(0);
const NO_VIEW = new DataView(NONE.buffer);

/** The atoms that a message has written in front of its terms, which hold only their numbers. */
export interface AtomRefs {
  /** The number of an atom, 0 to 254; -1 where it has to be written out. */
  refer(atom: Atom): number;
}

/** Takes large binaries out of a message, so that their bytes are copied but once and not into a slab that has to grow for them. */
export interface Apart {
  /** Bytes that it holds. */
  readonly length: number;
  /**
   * Takes a copy of the bytes, which stand behind so many pending ones, unless they had better be written.
   *
   * @returns whether it has.
   */
  take(bytes: Uint8Array, pending: number): boolean;
}

/** Up to so many bytes are carved from a slab of four times the size. */
export const CARVED = 4096;

/** Smaller binaries are always written. */
export const APART_FROM: number = 64 * 1024;

/**
 * Writes bytes behind each other into slabs of 64 KiB.
 *
 * What has been written is `pending` until it is taken; positions are counted from the first pending byte, and stay right when the slab has to grow.
 */
export class Writer {
  /** The slab that is being filled; another one after `reserve`, and after whatever writes. */
  bytes: Uint8Array<ArrayBuffer> = NONE;
  /** @internal The same slab, for numbers of more than a byte. */
  view: DataView = NO_VIEW;
  /** Where in the slab the next byte goes. */
  position = 0;
  /** Writes atoms as ATOM_CACHE_REF, as far as this has numbers for them; `null`, the default, writes all of them out. */
  atoms: AtomRefs | null = null;
  /** Where large binaries go; `null`, the default, writes them as all else. What they take is not `pending`. */
  apart: Apart | null = null;
  /** @internal Where in the slab the first pending byte is. */
  _start = 0;
  /** @internal How many bytes may be pending while a term is written. */
  _limit = Infinity;
  /** @internal */
  readonly _maxSize: number;
  #large: WeakRef<Uint8Array<ArrayBuffer>> | undefined = undefined;

  constructor(options: EncodeOptions = {}) {
    this._maxSize = options.maxSize ?? 268_435_456;
  }

  /** How many bytes have been written since the last `take`. */
  get pending(): number {
    return this.position - this._start;
  }

  /** Makes sure that `bytes` has room for so many more bytes at `position`. */
  reserve(size: number): void {
    if (this.position + size > this.bytes.length) this._grow(size);
  }

  /** Leaves room for so many bytes, to be filled in later. */
  skip(size: number): void {
    this.reserve(size);
    this.position += size;
  }

  /** @internal */
  _grow(size: number): void {
    const pending = this.pending;
    const needed = pending + size;
    if (needed - MARGIN + this._apart > this._limit) throw this._tooLarge();
    // Doubled when it grows little by little, but not for one large binary.
    const length = needed <= SLAB ? SLAB : Math.max(needed + 4096, pending * 2);
    const grown = new Uint8Array(length);
    grown.set(this.bytes.subarray(this._start, this.position));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    this._start = 0;
    this.position = pending;
  }

  /** @internal Bytes that are kept apart. */
  get _apart(): number {
    return this.apart === null ? 0 : this.apart.length;
  }

  /** @internal */
  _tooLarge(): EncodeError {
    return new EncodeError(
      `it has more than ${this._maxSize} bytes as a term, which is the limit (maxSize)`,
      "",
    );
  }

  /** Writes a byte. */
  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** Writes two bytes, high one first. */
  u16(value: number): void {
    this.reserve(2);
    this.bytes[this.position++] = value >>> 8;
    this.bytes[this.position++] = value;
  }

  /** Writes four bytes, highest first. */
  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.position, value);
    this.position += 4;
  }

  /** Writes eight bytes, highest first. */
  u64(value: number | bigint): void {
    this.reserve(8);
    writeU64(this.bytes, this.position, value);
    this.position += 8;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** @internal The bytes of a binary. */
  _binary(bytes: Uint8Array): void {
    const { apart, pending } = this;
    if (apart !== null && bytes.length >= APART_FROM) {
      if (pending + apart.length + bytes.length > this._limit) throw this._tooLarge();
      if (apart.take(bytes, pending)) return;
    }
    this.raw(bytes);
  }

  /** Overwrites four bytes that are pending, at what `pending` was before them. */
  patchU32(at: number, value: number): void {
    writeU32(this.bytes, this._start + at, value);
  }

  /** The pending bytes, which belong to the caller from now on. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.subarray(this._start, this.position);
    // A slab that grew for a large term goes with it: it would keep too much alive for the small ones that follow.
    if (this.bytes.length > SLAB) {
      this.bytes = NONE;
      this.view = NO_VIEW;
      this.position = 0;
    }
    this._start = this.position;
    return taken;
  }

  /**
   * @internal A copy of the pending bytes, which may be written over from now on. A large slab is remembered as long as memory is not needed.
   *
   * @param common where small copies are carved; with `null` all have a buffer of their own.
   */
  _copy(common: Slab | null): Uint8Array<ArrayBuffer> {
    const { bytes, position, _start: start } = this;
    this.position = start;
    let copy: Uint8Array<ArrayBuffer>;
    if (common !== null && position - start <= CARVED) {
      const at = common.copy(bytes, start, position);
      copy = new Uint8Array(common.buffer, at, position - start);
    } else {
      copy = bytes.slice(start, position);
    }
    if (bytes.length > SLAB) {
      this.#large = new WeakRef(bytes);
      this.bytes = NONE;
      this.view = NO_VIEW;
      this._start = this.position = 0;
    }
    return copy;
  }

  /** @internal Begins in the large slab of the last time if that was a large one. */
  _reuse(): void {
    const large = this.#large?.deref();
    this.#large = undefined;
    if (large === undefined) return;
    this.bytes = large;
    this.view = new DataView(large.buffer);
    this._start = this.position = 0;
  }
}

/** Writes four bytes, for which there must be room. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes eight bytes, for which there must be room. */
function writeU64(bytes: Uint8Array, at: number, value: number | bigint): void {
  const big = typeof value === "bigint";
  writeU32(bytes, at, big ? Number(value >> 32n) : Math.floor(value / 0x1_0000_0000));
  writeU32(bytes, at + 4, big ? Number(value & 0xffff_ffffn) : value);
}
