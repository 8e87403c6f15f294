import { markAsUntransferable } from "node:worker_threads";

/** A quiet connection costs no more than this. */
const FIRST = 16 * 1024;
/** Small reads share slabs of this size. */
const USUAL = 64 * 1024;
/** The largest slab for a stream that fills every read. */
const LARGEST = 256 * 1024;

/**
 * Room to read into, for a runtime that reads into an array it is given. What was read is handed over as a view, and the next
 * read goes behind it: small reads allocate no memory, and nothing that was handed over is written to again, unless it was given back.
 */
export class SlabReader {
  #slab: Uint8Array<ArrayBuffer> = makeSlab(FIRST);
  /** What was read last. */
  #from = 0;
  #at = 0;

  /** Where the next read goes. */
  room(): Uint8Array<ArrayBuffer> {
    const slab = this.#slab;
    const left = slab.length - this.#at;
    if (left < slab.length / 4) {
      // A read that filled the room has more behind it.
      const size = left === 0
        ? Math.min(slab.length * 4, LARGEST)
        : Math.max(slab.length / 2, USUAL);
      this.#at = 0;
      return this.#slab = makeSlab(size);
    }
    return this.#at === 0 ? slab : slab.subarray(this.#at);
  }

  /** The `count` bytes that were read into `room`. */
  take(count: number): Uint8Array<ArrayBuffer> {
    this.#from = this.#at;
    this.#at += count;
    return this.#slab.subarray(this.#from, this.#at);
  }

  /** Nobody has kept what was taken last. */
  back(): void {
    // A slab that was filled is to be replaced by a larger one.
    if (this.#at < this.#slab.length || this.#slab.length === LARGEST) this.#at = this.#from;
  }
}

/** What was handed over shares the memory of what is still to come: whoever transferred it to another thread would take that along. */
function makeSlab(size: number): Uint8Array<ArrayBuffer> {
  const slab = new Uint8Array(size);
  markAsUntransferable(slab.buffer);
  return slab;
}
