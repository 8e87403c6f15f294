// Small copies are carved from a common buffer: in Node and Deno a typed array with a buffer of its own costs 350 to 500 ns, part of it when it is
// collected, a view 20.
const SLAB = 8192;
/** Up to so many bytes a loop is quicker than a call into the runtime. */
const FEW = 32;

/** A buffer and the next free place in it; what is carved is never given out twice. */
export class Slab {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The buffer of `bytes`: asking for it takes as long as making a view. */
  buffer: ArrayBuffer = this.bytes.buffer;
  readonly #size: number;
  #used = 0;

  constructor(size: number = SLAB) {
    this.#size = size;
  }

  /** Where `size` bytes, at most a quarter of a slab, may be written in {@linkcode bytes}. */
  carve(size: number): number {
    // Of a buffer that somebody has transferred, nothing is left.
    if (this.#used + size > this.bytes.length) {
      this.bytes = new Uint8Array(this.#size);
      this.buffer = this.bytes.buffer;
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += size;
    return at;
  }

  /** Carves a copy of the bytes from `start` to `end`, and gives where it is. */
  copy(from: Uint8Array, start: number, end: number): number {
    const size = end - start;
    const at = this.carve(size);
    const { bytes } = this;
    if (size <= FEW) {
      for (let i = 0; i < size; i++) bytes[at + i] = from[start + i];
    } else {
      bytes.set(from.subarray(start, end), at);
    }
    return at;
  }
}
