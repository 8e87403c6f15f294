import type { Encoder } from "../etf/encoder.ts";

/**
 * Bytes of a payload in a piece. OTP takes 64 KiB; this is four times as much, because each piece is a write of its own. It is a
 * quarter of what the stream takes at once, so that others do not wait longer for it.
 */
export const FRAGMENT: number = 255 * 1024;
/** By how much a piece may be larger, so that a binary need not be cut elsewhere for the few bytes in front of it. */
export const SURPLUS: number = 16 * 1024;

/** Bytes of a large binary in a piece at most: as much as the stream takes at once. */
export const LARGEST_BLOCK: number = 1024 * 1024;

const VERSION = 131;
const NEXT_FRAGMENT = 70;
/** What stands in front of a piece, in bytes: length, version, type, sequence, number. */
export const FRAGMENT_HEAD = 22;

/** A piece: its parts in their order. */
export class Piece {
  size = 0;
  readonly parts: Uint8Array[] = [];
  /** Whether the first part has room for the head in front of it, which does not count as yet. */
  room = false;

  add(part: Uint8Array): void {
    this.parts.push(part);
    this.size += part.length;
  }

  /** Adds a block: bytes with room for a head in front of them. */
  addBlock(block: Uint8Array): void {
    if (this.size > 0) return this.add(block.subarray(FRAGMENT_HEAD));
    this.room = true;
    this.parts.push(block);
    this.size = block.length - FRAGMENT_HEAD;
  }
}

/** A message that goes out in pieces: the first with its header and the whole control message, the others when there is time. */
export class LargeMessage {
  /** What the encoder held in front of it, which is to be sent first. */
  readonly before: Uint8Array;
  /** The beginning of the first frame, its length and header. */
  readonly head: Uint8Array;
  /** Bytes that are still to be sent, heads included; those before it not. */
  left: number;
  readonly #sequence: number;
  /** Those that are to be sent; the last comes first, and has the number 1. */
  readonly #pieces: Piece[];

  /** @param pieces control message and payload, the last piece first. */
  constructor(before: Uint8Array, head: Uint8Array, pieces: Piece[], sequence: number) {
    this.before = before;
    this.head = head;
    this.#pieces = pieces;
    this.#sequence = sequence;
    this.left = head.length + (pieces.length - 1) * FRAGMENT_HEAD;
    for (const { size } of pieces) this.left += size;
  }

  /** Whether all pieces have been taken. */
  get done(): boolean {
    return this.#pieces.length === 0;
  }

  /** Takes the piece behind `head`. */
  takeFirst(): readonly Uint8Array[] {
    const { parts, size } = this.#pieces.pop()!;
    this.left -= this.head.length + size;
    return parts;
  }

  /** Takes the next piece: gives what is to be sent behind what it writes into the encoder. */
  take(encoder: Encoder): readonly Uint8Array[] {
    const number = this.#pieces.length;
    const { size, parts, room } = this.#pieces.pop()!;
    this.left -= FRAGMENT_HEAD + size;
    const sequence = this.#sequence;
    if (room) {
      const bytes = parts[0];
      writeU32(bytes, 0, FRAGMENT_HEAD - 4 + size);
      bytes[4] = VERSION;
      bytes[5] = NEXT_FRAGMENT;
      writeU32(bytes, 6, Math.floor(sequence / 0x1_0000_0000));
      writeU32(bytes, 10, sequence);
      writeU32(bytes, 14, 0);
      writeU32(bytes, 18, number);
    } else {
      encoder.u32(FRAGMENT_HEAD - 4 + size);
      encoder.u8(VERSION);
      encoder.u8(NEXT_FRAGMENT);
      encoder.u64(sequence);
      encoder.u64(number);
    }
    return parts;
  }
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
