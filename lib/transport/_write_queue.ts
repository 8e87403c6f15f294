import { Queue } from "../_util/queue.ts";

/** Pieces from this size on go to the system as they are: a copy of them costs more than a system call. */
const JOIN_BELOW = 16 * 1024;
/** The most that is joined into one piece. */
const JOINED_MAX = 64 * 1024;

/** What a stream has still to send, given out in pieces that are worth a system call. */
export class WriteQueue {
  #queue: Queue<Uint8Array> = new Queue();
  #first: Uint8Array | undefined;
  /** Grows with need, so that a thousand quiet streams do not hold 64 KiB each. */
  #joined: Uint8Array | undefined;

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The next piece: a large array itself, or small ones joined. A joined piece is overwritten by the next call, so it must be
   * sent by then.
   */
  next(): Uint8Array | undefined {
    const first = this.#first ?? this.#queue.shift();
    this.#first = undefined;
    if (first === undefined || first.length >= JOIN_BELOW) return first;
    const second = this.#queue.shift();
    if (second === undefined) return first;
    if (second.length >= JOIN_BELOW) {
      this.#first = second;
      return first;
    }
    return this.#join(first, second);
  }

  clear(): void {
    this.#queue.clear();
    this.#first = undefined;
    this.#joined = undefined;
  }

  #join(first: Uint8Array, second: Uint8Array): Uint8Array {
    const pieces = [first, second];
    let total = first.length + second.length;
    let next = this.#queue.shift();
    while (next !== undefined && next.length < JOIN_BELOW && total + next.length <= JOINED_MAX) {
      pieces.push(next);
      total += next.length;
      next = this.#queue.shift();
    }
    this.#first = next;
    let joined = this.#joined;
    if (joined === undefined || joined.length < total) {
      joined = this.#joined = new Uint8Array(2 ** Math.ceil(Math.log2(total)));
    }
    let offset = 0;
    for (const piece of pieces) {
      joined.set(piece, offset);
      offset += piece.length;
    }
    return joined.subarray(0, total);
  }
}
