import type { Encoder } from "../etf/encoder.ts";

/**
 * Bytes of a payload in a piece. OTP takes 64 KiB; this is four times as much, because each piece is a write of its own: a binary of
 * 1 MiB there and back takes about as long as in one piece then (Bun: a fifth longer), and with 64 KiB half as long again in Bun and
 * Node and twice as long in Deno. It is a quarter of what the stream takes at once, so that others do not wait longer for it.
 */
export const FRAGMENT: number = 255 * 1024;

const VERSION = 131;
const NEXT_FRAGMENT = 70;
/** What stands in front of a piece, in bytes: length, version, type, sequence, number. */
export const FRAGMENT_HEAD = 22;

/** A message that goes out in pieces: the first with its header and the whole control message, the others when there is time. */
export class LargeMessage {
  /** What the encoder held in front of it, which is to be sent first. */
  readonly before: Uint8Array;
  /** The beginning of the first frame, its length and header. */
  readonly head: Uint8Array;
  readonly #sequence: number;
  readonly #body: Uint8Array;
  /** Where in the body the next piece begins. */
  #at = 0;
  /** The number of the next piece; the last is 1. */
  #number: number;
  #first: number;

  /**
   * @param body control message and payload.
   * @param first how much of it the first frame holds.
   * @param count how many pieces it makes.
   */
  constructor(
    before: Uint8Array,
    head: Uint8Array,
    body: Uint8Array,
    sequence: number,
    first: number,
    count: number,
  ) {
    this.before = before;
    this.head = head;
    this.#body = body;
    this.#sequence = sequence;
    this.#first = first;
    this.#number = count;
  }

  /** Bytes that are still to be sent, heads included; those before it not. */
  get left(): number {
    const heads = this.#at === 0
      ? this.head.length + (this.#number - 1) * FRAGMENT_HEAD
      : this.#number * FRAGMENT_HEAD;
    return this.#body.length - this.#at + heads;
  }

  /** Whether all pieces have been taken. */
  get done(): boolean {
    return this.#at === this.#body.length;
  }

  /** Takes the piece behind `head`. */
  takeFirst(): Uint8Array {
    this.#number--;
    return this.#body.subarray(0, this.#at = this.#first);
  }

  /** Takes the next piece, and writes into the encoder what must be sent in front of it. */
  take(encoder: Encoder): Uint8Array {
    const from = this.#at;
    const to = Math.min(from + FRAGMENT, this.#body.length);
    encoder.u32(FRAGMENT_HEAD - 4 + to - from);
    encoder.u8(VERSION);
    encoder.u8(NEXT_FRAGMENT);
    encoder.u64(this.#sequence);
    encoder.u64(this.#number--);
    return this.#body.subarray(from, this.#at = to);
  }
}
