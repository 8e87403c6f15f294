import { type Apart, APART_FROM } from "../etf/encoder.ts";
import { takeBlock } from "./_blocks.ts";
import { FRAGMENT, FRAGMENT_HEAD, LARGEST_BLOCK, Piece, SURPLUS } from "./large_message.ts";

/** A binary, and how many bytes of the slab stand in front of it. */
interface Kept {
  readonly pending: number;
  /** Its bytes, each part of them behind room for the head of a piece. */
  readonly blocks: readonly Uint8Array[];
}

/**
 * The large binaries of a payload, which are copied into blocks that can be sent as they are: a message is what it was when it was
 * sent, whatever becomes of the sender's bytes.
 *
 * It takes none of a message that would go out in one piece.
 */
export class LargeBinaries implements Apart {
  length = 0;
  #kept: Kept[] = [];
  /** What was pending in front of the payload; -1 outside of one. */
  #begin = -1;

  /** A payload begins behind so many pending bytes. */
  begin(pending: number): void {
    this.#begin = pending;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#begin = -1;
    if (this.length === 0) return;
    this.length = 0;
    this.#kept = [];
  }

  take(bytes: Uint8Array, pending: number): boolean {
    const { length } = bytes;
    if (this.#begin < 0 || length < APART_FROM) return false;
    if (pending - this.#begin + this.length + length <= FRAGMENT + SURPLUS) return false;
    const blocks: Uint8Array[] = [];
    // Alike, so that the receiver knows from the first one how much there is to come.
    const size = Math.ceil(length / Math.ceil(length / LARGEST_BLOCK));
    for (let from = 0; from < length; from += size) {
      const to = Math.min(length, from + size);
      const block = takeBlock(FRAGMENT_HEAD + to - from);
      block.set(bytes.subarray(from, to), FRAGMENT_HEAD);
      blocks.push(block);
    }
    this.#kept.push({ pending, blocks });
    this.length += length;
    return true;
  }

  /**
   * Cuts a message of more than a piece, the binaries that have been taken in their places.
   *
   * @param slab control message and payload.
   * @param control how long the control message is, which has to be in the first piece.
   * @param before what was pending in front of it.
   * @returns the pieces, the last one first.
   */
  cut(slab: Uint8Array, control: number, before: number): Piece[] {
    const cutter = new Cutter(slab, control + FRAGMENT);
    for (const { pending, blocks } of this.#kept) {
      cutter.slab(pending - before);
      for (const block of blocks) cutter.block(block);
    }
    cutter.slab(slab.length);
    return cutter.pieces.reverse();
  }
}

class Cutter {
  readonly pieces: Piece[] = [];
  readonly #slab: Uint8Array;
  #at = 0;
  #piece!: Piece;
  /** How large the piece may be. */
  #room = 0;

  constructor(slab: Uint8Array, first: number) {
    this.#slab = slab;
    this.#next(first);
  }

  /** Goes on with the slab up to here. */
  slab(end: number): void {
    const length = end - this.#at;
    if (length > 0 && length <= SURPLUS && this.#piece.size + length <= this.#room + SURPLUS) {
      // Not worth a piece.
      this.#piece.add(this.#slab.subarray(this.#at, end));
      this.#at = end;
      return;
    }
    while (this.#at < end) {
      if (this.#piece.size >= this.#room) this.#next();
      const to = Math.min(end, this.#at + this.#room - this.#piece.size);
      this.#piece.add(this.#slab.subarray(this.#at, to));
      this.#at = to;
    }
  }

  block(block: Uint8Array): void {
    const size = block.length - FRAGMENT_HEAD;
    // The receiver knows no more of the first piece than where it ends, and has to keep it for itself.
    if (this.pieces.length === 1 || this.#piece.size + size > this.#room + SURPLUS) this.#next();
    this.#piece.addBlock(block);
    this.#room = Math.max(this.#room, this.#piece.size);
  }

  #next(room = FRAGMENT): void {
    this.#room = room;
    this.pieces.push(this.#piece = new Piece());
  }
}
