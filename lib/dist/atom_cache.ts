import type { Atom } from "../etf/atom.ts";
import { atomSlot, atomTextLength, writeAtomText } from "../etf/atom_text.ts";
import type { Decoder } from "../etf/decoder.ts";
import { DecodeError } from "../etf/errors.ts";
import type { AtomTerm } from "./control.ts";
import { FrameError } from "./frames.ts";

// Hot: one pass over a few atoms for each message, both ways. Measured by the remote rows of the benchmark.

/** Places of a cache that the wire has: 8 segments of 256. */
const PLACES = 2048;
/** Places that are used for what we send: a peer of Erlang's own has no more. */
export const SLOTS = 2039;
/** The most atoms that a message may have in its header. */
const MOST = 255;
const NEW_ENTRY = 8;
const SEGMENT = 7;

/**
 * The atoms that a peer refers to by number, and the list of them in front of each message:
 * `N, Flags (half a byte for each and one more), (Place [, Length, Text]) * N`.
 */
export class AtomsIn {
  /** The atoms of the message that was read last, up to `count`. */
  table: AtomTerm[] = [];
  count = 0;
  readonly #decoder: Decoder;
  readonly #cache: (AtomTerm | undefined)[] | null;

  /**
   * @param decoder makes the atoms; what it reads is another thing afterwards.
   * @param negotiated whether the peer may refer to atoms at all.
   */
  constructor(decoder: Decoder, negotiated: boolean) {
    this.#decoder = decoder;
    this.#cache = negotiated ? new Array(PLACES).fill(undefined) : null;
  }

  /**
   * Reads a list, which begins at `at`.
   *
   * @returns where it ends.
   * @throws {FrameError} where it is malformed.
   * @throws {AtomLimitError} where it has a new atom and the table is full.
   */
  read(bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) throw cut();
    const count = this.count = bytes[at++];
    if (count === 0) return at;
    const cache = this.#cache;
    if (cache === null) {
      throw new FrameError(
        `Cannot read packet: its header has ${count} atoms, and no atom cache was negotiated`,
      );
    }
    const flags = at;
    at += (count >> 1) + 1;
    if (at > end) throw cut();
    const table = this.table;
    const long = (bytes[flags + (count >> 1)] >> ((count & 1) << 2)) & 1;
    for (let i = 0; i < count; i++) {
      if (at >= end) throw cut();
      const flag = bytes[flags + (i >> 1)] >> ((i & 1) << 2);
      const place = ((flag & SEGMENT) << 8) | bytes[at++];
      if ((flag & NEW_ENTRY) !== 0) {
        if (at + long >= end) throw cut();
        let length = bytes[at++];
        if (long !== 0) length = (length << 8) | bytes[at++];
        if (at + length > end) throw cut();
        table[i] = cache[place] = this.#atom(bytes, at, length);
        at += length;
      } else {
        const known = cache[place];
        if (known === undefined) {
          throw new FrameError(
            `Cannot read packet: its header refers to place ${place} of the atom cache, which is empty`,
          );
        }
        table[i] = known;
      }
    }
    return at;
  }

  #atom(bytes: Uint8Array, at: number, length: number): AtomTerm {
    const decoder = this.#decoder;
    decoder.reset(bytes, at, at + length);
    try {
      return decoder.atom(length);
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      const why = cause.message.replace(/^.*?: /, "");
      throw new FrameError(`Cannot read packet: in its header, ${why}`, { cause });
    }
  }
}

function cut(): FrameError {
  return new FrameError("Cannot read packet: it ends in its header");
}

/**
 * The atoms that we refer to by number, and the list of them in front of each message. Each atom has its place, which it takes
 * from the one that was there; two atoms of one place in a message are one too many, and one is written out.
 *
 * Nothing counts before `write`: a message that is not sent after all leaves no trace but by `forget`.
 */
export class AtomsOut {
  /** What the peer has at each place. */
  readonly #sent: (Atom | undefined)[] = new Array(SLOTS).fill(undefined);
  /** The number in this message of the atom at a place; `MOST` for none. */
  readonly #numbers: Uint8Array = new Uint8Array(SLOTS).fill(MOST);
  readonly #used: Atom[] = [];
  #count = 0;
  #long = false;

  /** The number of an atom in the message that is being written, 0 to 254; -1 where it has to be written out. */
  refer(atom: Atom): number {
    const slot = atom._slot < 0 ? atomSlot(atom, SLOTS) : atom._slot;
    const number = this.#numbers[slot];
    if (number !== MOST) return this.#used[number] === atom ? number : -1;
    const next = this.#count;
    if (next === MOST) return -1;
    this.#numbers[slot] = next;
    this.#used[next] = atom;
    this.#count = next + 1;
    return next;
  }

  /** How many bytes the list of this message takes. */
  measure(): number {
    const count = this.#count;
    if (count === 0) return 1;
    const used = this.#used;
    const sent = this.#sent;
    let size = 2 + (count >> 1) + count;
    let fresh = 0;
    let long = false;
    for (let i = 0; i < count; i++) {
      const atom = used[i];
      if (sent[atom._slot] === atom) continue;
      const length = atomTextLength(atom);
      if (length > 255) long = true;
      size += length;
      fresh++;
    }
    this.#long = long;
    return size + (long ? 2 * fresh : fresh);
  }

  /** Writes the list that was measured, for which there must be room, and makes it count. */
  write(bytes: Uint8Array, at: number): void {
    const count = this.#count;
    bytes[at++] = count;
    if (count === 0) return;
    const used = this.#used;
    const sent = this.#sent;
    const numbers = this.#numbers;
    const flags = at;
    at += (count >> 1) + 1;
    for (let i = flags; i < at; i++) bytes[i] = 0;
    for (let i = 0; i < count; i++) {
      const atom = used[i];
      const slot = atom._slot;
      let flag = slot >> 8;
      bytes[at++] = slot;
      if (sent[slot] !== atom) {
        sent[slot] = atom;
        flag |= NEW_ENTRY;
        const length = atomTextLength(atom);
        if (this.#long) bytes[at++] = length >> 8;
        bytes[at++] = length;
        at = writeAtomText(atom, bytes, at);
      }
      bytes[flags + (i >> 1)] |= flag << ((i & 1) << 2);
      numbers[slot] = MOST;
    }
    if (this.#long) bytes[flags + (count >> 1)] |= 1 << ((count & 1) << 2);
    this.#count = 0;
  }

  /** Drops what was referred to since the last list. */
  forget(): void {
    for (let i = 0; i < this.#count; i++) this.#numbers[this.#used[i]._slot] = MOST;
    this.#count = 0;
  }
}
