import type { AtomTerm, Control } from "./control.ts";
import { FrameError } from "./frames.ts";

/** Bytes of a fragment that is kept as it came; smaller ones are put together. */
const WORTH_KEEPING = 16 * 1024;
/** How much larger than a fragment the memory may be that it lies in. */
const SPREAD = 4;
const FIRST = 256;
const NONE = new Uint8Array(0);

/** The name of a sequence, 64 bits. */
export type SequenceId = number | bigint;

/** Bytes that come in pieces. What they take in memory is a few times what has come, however small the pieces are. */
export class Pieces {
  length = 0;
  #kept: Uint8Array[] = [];
  /** Small pieces, which are copied. */
  #tail: Uint8Array = NONE;
  #used = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.length += length;
    if (length >= WORTH_KEEPING && bytes.buffer.byteLength <= SPREAD * length) {
      this.#keepTail();
      this.#kept.push(bytes.subarray(start, end));
      return;
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
  }

  /** All of them as one array. */
  join(): Uint8Array {
    this.#keepTail();
    const kept = this.#kept;
    if (kept.length === 1) return kept[0];
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of kept) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #keepTail(): void {
    if (this.#used === 0) return;
    this.#kept.push(this.#tail.subarray(0, this.#used));
    this.#tail = NONE;
    this.#used = 0;
  }
}

/** A message of which not all fragments have come. */
export class Sequence {
  readonly control: Control;
  /** The atoms of the first fragment's header, to which all of the message refers. */
  readonly atoms: readonly AtomTerm[];
  readonly payload: Pieces = new Pieces();
  /** The number of the fragment that must come next. */
  next: number;

  constructor(control: Control, atoms: readonly AtomTerm[], next: number) {
    this.control = control;
    this.atoms = atoms;
    this.next = next;
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

  constructor(limits: SequenceLimits) {
    this.#limits = limits;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** @throws {FrameError} where it cannot be opened. */
  open(
    id: SequenceId,
    sequence: Sequence,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#open.has(id)) {
      throw new FrameError(`Cannot read fragment: sequence ${id} has begun already`);
    }
    if (this.#open.size >= this.#limits.maxSequences) {
      throw new FrameError(
        `Cannot read fragment: ${this.#open.size} sequences have begun, which is the limit`,
      );
    }
    this.#open.set(id, sequence);
    this.#add(sequence, bytes, start, end);
  }

  /**
   * Takes a fragment that is not the first.
   *
   * @returns the message where it was the last one, which is open no more.
   * @throws {FrameError} where it does not follow what has come.
   */
  next(
    id: SequenceId,
    number: SequenceId,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Sequence | null {
    const sequence = this.#open.get(id);
    if (sequence === undefined) {
      throw new FrameError(`Cannot read fragment: sequence ${id} has not begun`);
    }
    if (number !== sequence.next) {
      throw new FrameError(
        `Cannot read fragment: number ${number} of sequence ${id}, ${sequence.next} is expected`,
      );
    }
    this.#add(sequence, bytes, start, end);
    if (--sequence.next > 0) return null;
    this.#open.delete(id);
    this.#bytes -= sequence.payload.length;
    return sequence;
  }

  #add(sequence: Sequence, bytes: Uint8Array, start: number, end: number): void {
    const { limit, maxSequenceBytes } = this.#limits;
    sequence.payload.add(bytes, start, end);
    this.#bytes += end - start;
    if (sequence.payload.length > limit) {
      throw new FrameError(
        `Cannot read message: its fragments have ${sequence.payload.length} bytes, at most ${limit} are allowed`,
      );
    }
    if (this.#bytes > maxSequenceBytes) {
      throw new FrameError(
        `Cannot read fragment: open sequences have ${this.#bytes} bytes, at most ${maxSequenceBytes} are allowed`,
      );
    }
  }
}
