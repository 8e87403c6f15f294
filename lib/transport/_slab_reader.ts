/** A quiet connection costs no more than this. */
const FIRST = 16 * 1024;
/** Small reads share slabs of this size. */
const USUAL = 64 * 1024;
/** The largest slab for a stream that fills every read. */
const LARGEST = 256 * 1024;

/**
 * Room to read into, for a runtime that reads into an array it is given. What was read is handed over as a view, and the next
 * read goes behind it: small reads allocate no memory, and nothing that was handed over is written to again.
 */
export class SlabReader {
  #slab: Uint8Array = new Uint8Array(FIRST);
  #at = 0;

  /** Where the next read goes. */
  room(): Uint8Array {
    return this.#at === 0 ? this.#slab : this.#slab.subarray(this.#at);
  }

  /** The `count` bytes that were read into `room`. */
  take(count: number): Uint8Array {
    const from = this.#at;
    const to = from + count;
    const slab = this.#slab;
    const left = slab.length - to;
    if (left >= slab.length / 4) {
      this.#at = to;
    } else {
      // A read that filled the room has more behind it.
      const size = left === 0
        ? Math.min(slab.length * 4, LARGEST)
        : Math.max(slab.length / 2, USUAL);
      this.#slab = new Uint8Array(size);
      this.#at = 0;
    }
    return slab.subarray(from, to);
  }
}
