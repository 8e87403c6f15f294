/** Up to this many bytes of a frame are made room for on the strength of its length alone. */
const TRUSTED = 256 * 1024;
const NOTHING = new Uint8Array(0);

/** Bytes that are no packet of the distribution, or one beyond the limit. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/**
 * Cuts a stream of bytes into frames: a length of 32 bits, and so many bytes. A frame of length 0 is a tick.
 *
 * `push` a chunk, then call `next` until it gives `false`. A frame that lies within one chunk is not copied; one that
 * spans chunks is put together in memory that grows with what has arrived, never with what is claimed, unless it is one of those
 * that are given in parts.
 */
export class FrameReader {
  /** The frame that `next` has found: `bytes` from `start` to `end`, which is the chunk itself, or memory of its own. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** How many bytes of the frame come later: `next` gives them as they come. */
  left = 0;

  readonly #limit: number;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** Bytes of a length that is cut by the end of a chunk, and what they make so far. */
  #lengthBytes = 0;
  #length = 0;
  /** The frame that is being put together, and how much of it is there. */
  #body: Uint8Array | null = null;
  #filled = 0;

  readonly #inParts: (bytes: Uint8Array, start: number, end: number) => boolean;

  /**
   * @param limit the largest frame, in bytes without its length.
   * @param inParts whether a frame that begins so, and does not end in its chunk, is given in parts. Default: none is.
   */
  constructor(
    limit: number,
    inParts: (bytes: Uint8Array, start: number, end: number) => boolean = () => false,
  ) {
    this.#limit = limit;
    this.#inParts = inParts;
  }

  /**
   * Gives the next bytes of the stream; those before must be used up. The array must not be written to before they are, nor as long as
   * anybody refers to a frame that lies in it.
   */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * Looks for the next frame, or the next part of one.
   *
   * @returns whether there is one; it stays in `bytes`, `start`, `end` until the next call.
   * @throws {FrameError} for a frame beyond the limit, before any of it is kept. The stream is of no use afterwards.
   */
  next(): boolean {
    if (this.#body === null) {
      if (this.left > 0) return this.#part();
      if (!this.#readLength()) return this.#usedUp();
      const start = this.#at;
      const end = start + this.#length;
      if (end <= this.#chunk.length) {
        this.bytes = this.#chunk;
        this.start = start;
        this.end = end;
        this.#at = end;
        return true;
      }
      if (this.#inParts(this.#chunk, start, this.#chunk.length)) {
        this.left = this.#length;
        return this.#part();
      }
      this.#body = new Uint8Array(Math.min(this.#length, TRUSTED));
      this.#filled = 0;
    }
    return this.#assemble() || this.#usedUp();
  }

  /** Where the next bytes of a frame belong that is being put together; they are to be pushed as a view of that. */
  room(): Uint8Array | null {
    const body = this.#body;
    return body === null || this.#filled === body.length ? null : body.subarray(this.#filled);
  }

  #readLength(): boolean {
    const chunk = this.#chunk;
    let at = this.#at;
    if (this.#lengthBytes === 0 && chunk.length - at >= 4) {
      this.#length =
        ((chunk[at] << 24) | (chunk[at + 1] << 16) | (chunk[at + 2] << 8) | chunk[at + 3]) >>> 0;
      this.#at = at + 4;
    } else {
      if (this.#lengthBytes === 0) this.#length = 0;
      while (this.#lengthBytes < 4) {
        if (at === chunk.length) {
          this.#at = at;
          return false;
        }
        this.#length = ((this.#length << 8) | chunk[at++]) >>> 0;
        this.#lengthBytes++;
      }
      this.#at = at;
      this.#lengthBytes = 0;
    }
    if (this.#length > this.#limit) {
      throw new FrameError(
        `Cannot read message: ${this.#length} bytes, at most ${this.#limit} are allowed`,
      );
    }
    return true;
  }

  #part(): boolean {
    const start = this.#at;
    const end = Math.min(this.#chunk.length, start + this.left);
    if (start === end) return this.#usedUp();
    this.bytes = this.#chunk;
    this.start = start;
    this.#at = this.end = end;
    this.left -= end - start;
    return true;
  }

  #assemble(): boolean {
    let body = this.#body!;
    const filled = this.#filled;
    const end = Math.min(this.#chunk.length, this.#at + this.#length - filled);
    const total = filled + end - this.#at;
    if (total > body.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(total, 4 * body.length)));
      grown.set(body.subarray(0, filled));
      this.#body = body = grown;
    }
    // What was read into `room` is there.
    if (this.#chunk.buffer !== body.buffer) body.set(this.#chunk.subarray(this.#at, end), filled);
    this.#at = end;
    this.#filled = total;
    if (total < this.#length) return false;
    this.bytes = body;
    this.start = 0;
    this.end = total;
    this.#body = null;
    return true;
  }

  /** Lets go of the chunk, which an idle connection would keep alive otherwise. */
  #usedUp(): false {
    this.#chunk = this.bytes = NOTHING;
    this.#at = this.start = this.end = 0;
    return false;
  }
}
