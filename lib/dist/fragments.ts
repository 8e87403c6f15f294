import type { AtomTerm, Control } from "./control.ts";
import { FrameError } from "./frames.ts";

/** Bytes of a fragment that is kept as it came; smaller ones are put together. */
const WORTH_KEEPING = 16 * 1024;
/** How much larger than a fragment the memory may be that it lies in. */
const SPREAD = 4;
const FIRST = 256;
/** Bytes that room is made for on the strength of what is said to follow: for one message at a time. */
const TRUSTED = 2 * 1024 * 1024;
/** By how much the last fragment may be larger than those before it. */
const SLACK = 16 * 1024;
const NONE = new Uint8Array(0);

/** The name of a sequence, 64 bits. */
export type SequenceId = number | bigint;

/**
 * Bytes that come in pieces. What they take in memory is a few times what has come, however small the pieces are and however many
 * are said to follow.
 *
 * Where they come to many megabytes, joining them at the end would hold up everything else: as soon as enough has come to make room
 * for the whole, each piece is copied into it when it comes, and one of those from before with it.
 */
export class Pieces {
  length = 0;
  #kept: Uint8Array[] = [];
  /** Bytes of memory that what is kept as it came lies in, and the last piece of that. */
  #spread = 0;
  #last: ArrayBufferLike | null = null;
  /** Small pieces, which are copied. */
  #tail: Uint8Array = NONE;
  #used = 0;
  /** The room for all of them; how many of those kept are in it, and how many bytes these make. */
  #whole: Uint8Array | null = null;
  #joined = 0;
  #joinedLength = 0;

  /** Whether it has more room than four times what has come. */
  get isAhead(): boolean {
    return this.#whole !== null && SPREAD * this.length < this.#whole.length;
  }

  /**
   * @param most what they may come to in all, as far as is known.
   * @param trusted how much of that room may be made for, however little has come.
   * @returns whether the bytes are referred to from here on; else they were copied.
   */
  add(bytes: Uint8Array, start: number, end: number, most = Infinity, trusted = 0): boolean {
    const length = end - start;
    const at = this.length;
    this.length += length;
    let whole = this.#whole;
    if (whole === null) {
      if (SPREAD * this.length < most && most > trusted) return this.#keep(bytes, start, end);
      this.#keepTail();
      whole = this.#whole = new Uint8Array(Math.max(most, this.length) + SLACK);
    } else if (this.length > whole.length) {
      this.#joinKept(Infinity);
      const grown = new Uint8Array(Math.max(2 * whole.length, this.length));
      grown.set(whole.subarray(0, at));
      whole = this.#whole = grown;
    }
    // What was read into `room` is there.
    if (bytes.buffer !== whole.buffer) whole.set(bytes.subarray(start, end), at);
    this.#joinKept(length);
    return false;
  }

  /** Where the next bytes belong, if that is settled; they are to be added as a view of that. */
  room(most: number): Uint8Array | null {
    const whole = this.#whole;
    if (whole === null || this.length === whole.length) return null;
    return whole.subarray(this.length, this.length + most);
  }

  /** All of them as one array. */
  join(): Uint8Array {
    this.#keepTail();
    if (this.#whole === null) {
      if (this.#kept.length === 1) return this.#kept[0];
      this.#whole = new Uint8Array(this.length);
    }
    this.#joinKept(Infinity);
    return this.#whole.subarray(0, this.length);
  }

  #keep(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const { buffer } = bytes;
    const spread = this.#spread + (buffer === this.#last ? 0 : buffer.byteLength);
    if (length >= WORTH_KEEPING && spread <= SPREAD * this.length) {
      this.#keepTail();
      this.#kept.push(bytes.subarray(start, end));
      this.#spread = spread;
      this.#last = buffer;
      return true;
    }
    const used = this.#used;
    if (used + length > this.#tail.length) {
      const grown = new Uint8Array(Math.max(FIRST, used + length, 2 * used));
      grown.set(this.#tail.subarray(0, used));
      this.#tail = grown;
    }
    this.#tail.set(bytes.subarray(start, end), used);
    this.#used = used + length;
    if (this.#used >= WORTH_KEEPING) this.#keepTail();
    return false;
  }

  #keepTail(): void {
    if (this.#used === 0) return;
    this.#kept.push(this.#tail.subarray(0, this.#used));
    this.#tail = NONE;
    this.#used = 0;
  }

  /** Copies pieces that were kept to where they belong: so many bytes, and no more than a piece beyond. */
  #joinKept(bytes: number): void {
    const kept = this.#kept;
    for (let done = 0; done < bytes && this.#joined < kept.length; this.#joined++) {
      const piece = kept[this.#joined];
      kept[this.#joined] = NONE;
      this.#whole!.set(piece, this.#joinedLength);
      this.#joinedLength += piece.length;
      done += piece.length;
    }
  }
}

/** A message of which not all fragments have come. */
export class Sequence {
  readonly control: Control;
  /** The atoms of the first fragment's header, to which all of the message refers. */
  readonly atoms: readonly AtomTerm[];
  readonly payload: Pieces = new Pieces();
  /** Its name, while it is open. */
  id: SequenceId = 0;
  /** The number of the fragment that must come next. */
  next: number;
  /** Bytes of the largest fragment, and of the one that is coming. */
  #largest = 0;
  #coming = 0;

  constructor(control: Control, atoms: readonly AtomTerm[], next: number) {
    this.control = control;
    this.atoms = atoms;
    this.next = next;
  }

  /**
   * @param left bytes of the same fragment that are still to come.
   * @param limit bytes that a message may have.
   * @param trusted as for {@linkcode Pieces.add}, whose result this has.
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    left: number,
    limit: number,
    trusted: number,
  ): boolean {
    const length = end - start;
    this.#coming += length;
    this.#largest = Math.max(this.#largest, this.#coming + left);
    if (left === 0) {
      this.#coming = 0;
      this.next--;
    }
    // Fragments are alike, but for the first and the last: from the second on their size is known.
    const follow = left === 0 ? this.next : this.next - 1;
    const most = this.payload.length + length + left + follow * this.#largest;
    return this.payload.add(bytes, start, end, Math.min(most, limit), trusted);
  }
}

/** What bounds the messages that have come in part. */
export interface SequenceLimits {
  /** Bytes of one. */
  readonly limit: number;
  readonly maxSequences: number;
  readonly maxSequenceBytes: number;
}

/** The messages that a peer sends in pieces, mixed with each other and with whole ones. */
export class Sequences {
  readonly #open: Map<SequenceId, Sequence> = new Map();
  readonly #limits: SequenceLimits;
  #bytes = 0;
  /** What has got room for more than has come. */
  #trusted: Sequence | null = null;

  constructor(limits: SequenceLimits) {
    this.#limits = limits;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * @returns as {@linkcode Sequences.add}.
   * @throws {FrameError} where it cannot be opened.
   */
  open(
    id: SequenceId,
    sequence: Sequence,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (this.#open.has(id)) {
      throw new FrameError(`Cannot read fragment: sequence ${id} has begun already`);
    }
    if (this.#open.size >= this.#limits.maxSequences) {
      throw new FrameError(
        `Cannot read fragment: ${this.#open.size} sequences have begun, which is the limit`,
      );
    }
    this.#open.set(id, sequence);
    sequence.id = id;
    this.#count(sequence, end - start);
    return sequence.payload.add(bytes, start, end);
  }

  /**
   * The sequence that a fragment belongs to, which is not its first.
   *
   * @throws {FrameError} where it does not follow what has come.
   */
  at(id: SequenceId, number: SequenceId): Sequence {
    const sequence = this.#open.get(id);
    if (sequence === undefined) {
      throw new FrameError(`Cannot read fragment: sequence ${id} has not begun`);
    }
    if (number !== sequence.next) {
      throw new FrameError(
        `Cannot read fragment: number ${number} of sequence ${id}, ${sequence.next} is expected`,
      );
    }
    return sequence;
  }

  /**
   * Adds a fragment that is not the first, or a part of it. Where it was the last one, the sequence is open no more and its `next` 0.
   *
   * @param left bytes of the fragment that are still to come.
   * @returns whether the bytes are referred to from here on; else they were copied.
   * @throws {FrameError} where it is more than is allowed.
   */
  add(sequence: Sequence, bytes: Uint8Array, start: number, end: number, left: number): boolean {
    this.#count(sequence, end - start);
    const { payload } = sequence;
    const trusted = this.#trusted === null ? TRUSTED : 0;
    const kept = sequence.add(bytes, start, end, left, this.#limits.limit, trusted);
    if (payload.isAhead) this.#trusted = sequence;
    else if (this.#trusted === sequence) this.#trusted = null;
    if (sequence.next > 0) return kept;
    if (this.#trusted === sequence) this.#trusted = null;
    this.#open.delete(sequence.id);
    this.#bytes -= payload.length;
    return kept;
  }

  #count(sequence: Sequence, more: number): void {
    const { limit, maxSequenceBytes } = this.#limits;
    const length = sequence.payload.length + more;
    this.#bytes += more;
    if (length > limit) {
      throw new FrameError(
        `Cannot read message: its fragments have ${length} bytes, at most ${limit} are allowed`,
      );
    }
    if (this.#bytes > maxSequenceBytes) {
      throw new FrameError(
        `Cannot read fragment: open sequences have ${this.#bytes} bytes, at most ${maxSequenceBytes} are allowed`,
      );
    }
  }
}
