import type { Decoder } from "../etf/decoder.ts";
import type { Encoder } from "../etf/encoder.ts";
import { VERSION } from "../etf/tags.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { AtomsIn, AtomsOut } from "./atom_cache.ts";
import { type AtomTerm, type Control, hasPayload, type OutgoingControl } from "./control.ts";
import { hasFlag } from "./flags.ts";
import { Sequence, type SequenceId, Sequences } from "./fragments.ts";
import { FrameError } from "./frames.ts";
import { LargeBinaries } from "./large_binaries.ts";
import { FRAGMENT, LargeMessage } from "./large_message.ts";
import { type PacketOptions, type Packets, readControlTerm, tooLarge } from "./packets.ts";
import { QuickReader } from "./_quick_read.ts";
import { writeControl, writePayload } from "./_quick_write.ts";

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
/** In front of the payload in a fragment that is not the first: version, type, sequence, number. */
const FRAGMENT_FRONT = 18;
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
  kept = false;
  fragmentsIn = 0;
  readonly atoms: AtomsOut | null;
  readonly apart: LargeBinaries | null;

  readonly #decoder: Decoder;
  readonly #decoderFor: (control: Control) => Decoder | null;
  readonly #limit: number;
  readonly #fragments: boolean;
  readonly #listed: AtomsIn;
  readonly #sequences: Sequences;
  readonly #quick: QuickReader = new QuickReader();
  /** What the fragment belongs to of which a part has come. */
  #open: Sequence | null = null;
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
    this.apart = this.#fragments ? new LargeBinaries() : null;
    this.#listed = new AtomsIn(options.decoder, cache);
    this.#sequences = new Sequences(options);
  }

  get openSequences(): number {
    return this.#sequences.size;
  }

  // ---- in

  mayBeginInParts(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#fragments && end - start >= FRAGMENT_FRONT && bytes[start] === VERSION &&
      bytes[start + 1] === NEXT_FRAGMENT;
  }

  room(left: number): Uint8Array | null {
    return this.#open === null ? null : this.#open.payload.room(left);
  }

  read(bytes: Uint8Array, start: number, end: number, left = 0): boolean {
    this.kept = false;
    if (this.#open !== null) return this.#readMore(this.#open, bytes, start, end, left);
    const type = end - start < 2 ? -1 : bytes[start + 1];
    if (bytes[start] !== VERSION || type < WHOLE || type > NEXT_FRAGMENT) {
      throw new FrameError(
        `Cannot read packet: it begins with ${bytes.subarray(start, Math.min(end, start + 2))}, ` +
          `${VERSION} and ${WHOLE} to ${NEXT_FRAGMENT} (distribution header) are expected`,
      );
    }
    if (type === WHOLE) {
      const listed = this.#listed;
      const payload = this.#readControl(bytes, start + 2, end);
      if (this.#readPayload(bytes, payload, end, listed.table, listed.count)) this.kept = true;
      return true;
    }
    if (!this.#fragments) {
      throw new FrameError("Cannot read packet: it is a fragment, which was not negotiated");
    }
    if (end - start < FRAGMENT_FRONT) {
      throw new FrameError("Cannot read fragment: it ends in its header");
    }
    this.fragmentsIn++;
    const id = readU64(bytes, start + 2);
    const number = readU64(bytes, start + 10);
    return type === FIRST_FRAGMENT
      ? this.#readFirst(id, number, bytes, start + FRAGMENT_FRONT, end)
      : this.#readMore(this.#sequences.at(id, number), bytes, start + FRAGMENT_FRONT, end, left);
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
    const payload = this.#readControl(bytes, at, end);
    const { control } = this;
    const { table, count } = this.#listed;
    if (number === 1) {
      if (this.#readPayload(bytes, payload, end, table, count)) this.kept = true;
      return true;
    }
    if (!hasPayload(control[0])) {
      throw new FrameError("Cannot read fragment: nothing can follow its control message");
    }
    const sequence = new Sequence(control, table.slice(0, count), number - 1);
    if (this.#sequences.open(id, sequence, bytes, payload, end)) this.kept = true;
    return false;
  }

  #readMore(
    sequence: Sequence,
    bytes: Uint8Array,
    at: number,
    end: number,
    left: number,
  ): boolean {
    this.kept = this.#sequences.add(sequence, bytes, at, end, left);
    this.#open = left > 0 ? sequence : null;
    if (sequence.next > 0) return false;
    const { control, atoms, payload } = sequence;
    this.control = control;
    this.#readPayload(payload.join(), 0, payload.length, atoms, atoms.length);
    return true;
  }

  /** @returns where it ends. */
  #readControl(bytes: Uint8Array, at: number, end: number): number {
    const listed = this.#listed;
    at = listed.read(bytes, at, end);
    if (at === end) throw new FrameError("Cannot read packet: it ends before its control message");
    const quick = this.#quick;
    const usual = quick.control(bytes, at, end, listed.table, listed.count);
    if (usual !== null) {
      this.control = usual;
      return quick.position;
    }
    const decoder = this.#decoder;
    decoder.cache = listed.table;
    decoder.cached = listed.count;
    decoder.viewed = false;
    decoder.reset(bytes, at, end);
    this.control = readControlTerm(decoder);
    this.kept = decoder.viewed;
    return decoder.position;
  }

  /** @returns whether the payload refers to the bytes. */
  #readPayload(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): boolean {
    const { control } = this;
    let viewed = false;
    this.payload = undefined;
    if (hasPayload(control[0])) {
      if (at === end) throw new FrameError("Cannot read packet: it ends before its payload");
      const decoder = this.#decoderFor(control) ?? this.#decoder;
      decoder.cache = atoms;
      decoder.cached = count;
      decoder.viewed = false;
      decoder.reset(bytes, at, end);
      const usual = this.#quick.payload(decoder, bytes, at, end, atoms, count);
      this.payload = usual === undefined ? decoder.term() : usual;
      at = decoder.position;
      viewed = decoder.viewed;
      // What a large message lies in is not to be kept for the next one to come.
      if (bytes.length > FRAGMENT) decoder.reset(NOTHING);
    }
    if (at !== end) {
      throw new FrameError(`Cannot read packet: ${end - at} bytes follow what it should hold`);
    }
    return viewed;
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
    const at = before + left;
    const { apart } = this;
    this.large = null;
    try {
      encoder.skip(left);
      writeControl(encoder, control);
      const controlLength = encoder.pending - at;
      if (hasPayload(op)) {
        apart?.begin(encoder.pending);
        writePayload(encoder, payload as Encodable);
      }
      const list = atoms === null ? 1 : atoms.measure();
      const head = BEFORE_LIST + list;
      const body = encoder.pending - at + (apart === null ? 0 : apart.length);
      const length = head - 4 + body;
      if (length > this.#limit) throw tooLarge(length, this.#limit);
      if (apart !== null && body - controlLength > FRAGMENT) {
        const large = this.#cut(encoder, before, at, controlLength, list);
        if (large.left > room) return this.#drop(encoder, before);
        atoms?.write(large.head, BEFORE_FIRST_LIST);
        encoder.take();
        apart.clear();
        this.large = large;
        return true;
      }
      apart?.clear();
      if (head + body > room) return this.#drop(encoder, before);
      if (head !== left) {
        move(encoder, body, head - left);
        this.#heads[op] = Math.min(head, MOST_ROOM);
      }
      const { bytes } = encoder;
      const start = encoder.position - length;
      bytes[start - 4] = length >>> 24;
      bytes[start - 3] = length >>> 16;
      bytes[start - 2] = length >>> 8;
      bytes[start - 1] = length;
      bytes[start] = VERSION;
      bytes[start + 1] = WHOLE;
      if (atoms === null) bytes[start + 2] = 0;
      else atoms.write(bytes, start + 2);
    } catch (error) {
      this.#drop(encoder, before);
      throw error;
    }
    return true;
  }

  /** Takes back what was written, down to so many pending bytes. */
  #drop(encoder: Encoder, before: number): false {
    encoder.position -= encoder.pending - before;
    if (encoder.atoms !== null) this.atoms?.forget();
    this.apart?.clear();
    return false;
  }

  /**
   * What goes out in pieces of what the encoder holds, which is in its last bytes and has no header yet. The list of atoms is still
   * to be written.
   */
  #cut(
    encoder: Encoder,
    before: number,
    at: number,
    controlLength: number,
    list: number,
  ): LargeMessage {
    const { bytes, position, pending } = encoder;
    const slab = bytes.subarray(position - pending, position);
    const pieces = this.apart!.cut(slab.subarray(at), controlLength, at);
    const sequence = ++this.#lastSequence;
    const head = new Uint8Array(BEFORE_FIRST_LIST + list);
    const view = new DataView(head.buffer);
    view.setUint32(0, head.length - 4 + pieces[pieces.length - 1].size);
    head[4] = VERSION;
    head[5] = FIRST_FRAGMENT;
    view.setUint32(6, Math.floor(sequence / 0x1_0000_0000));
    view.setUint32(10, sequence);
    view.setUint32(18, pieces.length);
    return new LargeMessage(slab.subarray(0, before), head, pieces, sequence);
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
