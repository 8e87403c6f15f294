import type { Decoder } from "../etf/decoder.ts";
import type { Encoder } from "../etf/encoder.ts";
import { VERSION } from "../etf/tags.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { AtomsIn, AtomsOut } from "./atom_cache.ts";
import { type AtomTerm, type Control, hasPayload, type OutgoingControl } from "./control.ts";
import { hasFlag } from "./flags.ts";
import { Sequence, type SequenceId, Sequences } from "./fragments.ts";
import { FrameError } from "./frames.ts";
import { FRAGMENT, FRAGMENT_HEAD, LargeMessage } from "./large_message.ts";
import {
  type PacketOptions,
  type Packets,
  readControlTerm,
  tooLarge,
  writeControl,
} from "./packets.ts";

const WHOLE = 68;
const FIRST_FRAGMENT = 69;
const NEXT_FRAGMENT = 70;
/** In front of the list of atoms: length, version, type. */
const BEFORE_LIST = 6;
/** The same of a first fragment, which has its sequence and number there, too. */
const BEFORE_FIRST_LIST = 22;
/** The most that is left for a header before its size is known. */
const MOST_ROOM = 256;
const OPERATIONS = 64;
const NOTHING = new Uint8Array(0);

/**
 * What is inside the frames where FRAGMENTS or an atom cache was negotiated, or both: `131, 68, Atoms, Control [Message]`, and large
 * messages as `131, 69, Sequence, Number, Atoms, Control, Message...` and `131, 70, Sequence, Number, ...Message`.
 *
 * Terms have no version byte here, and refer to the atoms in front of them.
 */
export class DistHeader implements Packets {
  control!: Control;
  payload: Term | undefined = undefined;
  large: LargeMessage | null = null;
  fragmentsIn = 0;
  readonly atoms: AtomsOut | null;

  readonly #decoder: Decoder;
  readonly #decoderFor: (control: Control) => Decoder | null;
  readonly #limit: number;
  readonly #fragments: boolean;
  readonly #listed: AtomsIn;
  readonly #sequences: Sequences;
  /** How large the header was with the last control message of each kind: the same kind has the same atoms mostly. */
  readonly #heads: Uint16Array = new Uint16Array(OPERATIONS).fill(BEFORE_LIST + 1);
  #lastSequence = 0;

  /** @param flags what both ends announced. */
  constructor(flags: bigint, options: PacketOptions) {
    const cache = hasFlag(flags, "DIST_HDR_ATOM_CACHE");
    this.#decoder = options.decoder;
    this.#decoderFor = options.decoderFor;
    this.#limit = options.limit;
    this.#fragments = hasFlag(flags, "FRAGMENTS");
    this.atoms = cache ? new AtomsOut() : null;
    this.#listed = new AtomsIn(options.decoder, cache);
    this.#sequences = new Sequences(options);
  }

  get openSequences(): number {
    return this.#sequences.size;
  }

  // ---- in

  read(bytes: Uint8Array, start: number, end: number): boolean {
    const type = end - start < 2 ? -1 : bytes[start + 1];
    if (bytes[start] !== VERSION || type < WHOLE || type > NEXT_FRAGMENT) {
      throw new FrameError(
        `Cannot read packet: it begins with ${bytes.subarray(start, Math.min(end, start + 2))}, ` +
          `${VERSION} and ${WHOLE} to ${NEXT_FRAGMENT} (distribution header) are expected`,
      );
    }
    if (type === WHOLE) {
      this.#readControl(bytes, start + 2, end);
      this.#readPayload(bytes, this.#decoder.position, end, this.#listed.table, this.#listed.count);
      return true;
    }
    if (!this.#fragments) {
      throw new FrameError("Cannot read packet: it is a fragment, which was not negotiated");
    }
    if (end - start < 18) throw new FrameError("Cannot read fragment: it ends in its header");
    this.fragmentsIn++;
    const id = readU64(bytes, start + 2);
    const number = readU64(bytes, start + 10);
    return type === FIRST_FRAGMENT
      ? this.#readFirst(id, number, bytes, start + 18, end)
      : this.#readNext(id, number, bytes, start + 18, end);
  }

  #readFirst(
    id: SequenceId,
    number: SequenceId,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): boolean {
    if (number === 0 || typeof number === "bigint") {
      throw new FrameError(`Cannot read fragment: a sequence of ${number} fragments`);
    }
    this.#readControl(bytes, at, end);
    const { control } = this;
    const payload = this.#decoder.position;
    const { table, count } = this.#listed;
    if (number === 1) {
      this.#readPayload(bytes, payload, end, table, count);
      return true;
    }
    if (!hasPayload(control[0])) {
      throw new FrameError("Cannot read fragment: nothing can follow its control message");
    }
    const sequence = new Sequence(control, table.slice(0, count), number - 1);
    this.#sequences.open(id, sequence, bytes, payload, end);
    return false;
  }

  #readNext(
    id: SequenceId,
    number: SequenceId,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): boolean {
    const sequence = this.#sequences.next(id, number, bytes, at, end);
    if (sequence === null) return false;
    const { control, atoms, payload } = sequence;
    this.control = control;
    this.#readPayload(payload.join(), 0, payload.length, atoms, atoms.length);
    return true;
  }

  #readControl(bytes: Uint8Array, at: number, end: number): void {
    const decoder = this.#decoder;
    const listed = this.#listed;
    at = listed.read(bytes, at, end);
    if (at === end) throw new FrameError("Cannot read packet: it ends before its control message");
    decoder.cache = listed.table;
    decoder.cached = listed.count;
    decoder.reset(bytes, at, end);
    this.control = readControlTerm(decoder);
  }

  #readPayload(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): void {
    const { control } = this;
    this.payload = undefined;
    if (hasPayload(control[0])) {
      if (at === end) throw new FrameError("Cannot read packet: it ends before its payload");
      const decoder = this.#decoderFor(control) ?? this.#decoder;
      decoder.cache = atoms;
      decoder.cached = count;
      decoder.reset(bytes, at, end);
      this.payload = decoder.term();
      at = decoder.position;
      // What a large message lies in is not to be kept for the next one to come.
      if (bytes.length > FRAGMENT) decoder.reset(NOTHING);
    }
    if (at !== end) {
      throw new FrameError(`Cannot read packet: ${end - at} bytes follow what it should hold`);
    }
  }

  // ---- out

  write(
    encoder: Encoder,
    control: OutgoingControl,
    payload: Encodable | undefined,
    room = Infinity,
  ): boolean {
    const op = control[0];
    const before = encoder.pending;
    const atoms = encoder.atoms === null ? null : this.atoms;
    // The header can be measured behind the terms only: it gets as much room as it took the last time.
    const left = atoms === null ? BEFORE_LIST + 1 : this.#heads[op];
    this.large = null;
    try {
      encoder.skip(left);
      writeControl(encoder, control);
      const controlEnd = encoder.pending;
      if (hasPayload(op)) encoder.term(payload as Encodable);
      const list = atoms === null ? 1 : atoms.measure();
      const head = BEFORE_LIST + list;
      const body = encoder.pending - before - left;
      const length = head - 4 + body;
      if (length > this.#limit) throw tooLarge(length, this.#limit);
      const payloadLength = encoder.pending - controlEnd;
      const pieces = this.#fragments ? Math.ceil(payloadLength / FRAGMENT) : 1;
      if (head + body + (pieces > 1 ? (pieces - 1) * FRAGMENT_HEAD + 16 : 0) > room) {
        encoder.position -= encoder.pending - before;
        atoms?.forget();
        return false;
      }
      if (pieces > 1) {
        const at = before + left;
        this.#cut(encoder, before, at, controlEnd - at + FRAGMENT, pieces, list);
        return true;
      }
      if (head !== left) {
        move(encoder, body, head - left);
        this.#heads[op] = Math.min(head, MOST_ROOM);
      }
      const { bytes } = encoder;
      const at = encoder.position - length;
      bytes[at - 4] = length >>> 24;
      bytes[at - 3] = length >>> 16;
      bytes[at - 2] = length >>> 8;
      bytes[at - 1] = length;
      bytes[at] = VERSION;
      bytes[at + 1] = WHOLE;
      if (atoms === null) bytes[at + 2] = 0;
      else atoms.write(bytes, at + 2);
    } catch (error) {
      encoder.position -= encoder.pending - before;
      atoms?.forget();
      throw error;
    }
    return true;
  }

  /** Takes everything out of the encoder, whose last bytes are a large message without a header. */
  #cut(
    encoder: Encoder,
    before: number,
    at: number,
    first: number,
    pieces: number,
    list: number,
  ): void {
    const sequence = ++this.#lastSequence;
    const head = new Uint8Array(BEFORE_FIRST_LIST + list);
    const view = new DataView(head.buffer);
    view.setUint32(0, head.length - 4 + first);
    head[4] = VERSION;
    head[5] = FIRST_FRAGMENT;
    view.setUint32(6, Math.floor(sequence / 0x1_0000_0000));
    view.setUint32(10, sequence);
    view.setUint32(18, pieces);
    if (encoder.atoms !== null) this.atoms?.write(head, BEFORE_FIRST_LIST);
    const taken = encoder.take();
    this.large = new LargeMessage(
      taken.subarray(0, before),
      head,
      taken.subarray(at),
      sequence,
      first,
      pieces,
    );
  }
}

/** Moves the last `length` bytes of what the encoder holds by so many bytes, back or forth. */
function move(encoder: Encoder, length: number, by: number): void {
  if (by > 0) encoder.reserve(by);
  const { bytes, position } = encoder;
  const from = position - length;
  bytes.copyWithin(from + by, from, position);
  encoder.position = position + by;
}

function readU64(bytes: Uint8Array, at: number): SequenceId {
  const high =
    ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>>
    0;
  const low =
    ((bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7]) >>> 0;
  return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
}
