import type { Decoder } from "../etf/decoder.ts";
import type { Encoder } from "../etf/encoder.ts";
import { VERSION } from "../etf/tags.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Control, hasPayload, type OutgoingControl } from "./control.ts";
import { FrameError } from "./frames.ts";
import { type PacketOptions, type Packets, readControlTerm, tooLarge } from "./packets.ts";
import { writeControl } from "./_quick_write.ts";

/** Type of a packet without distribution header: the terms pass through as they are. */
const PASS_THROUGH = 112;

/**
 * What is inside the frames where neither FRAGMENTS nor an atom cache was negotiated: `112, 131 Control [131 Message]`. A large
 * message holds up all that follow it.
 */
export class PassThrough implements Packets {
  control!: Control;
  payload: Term | undefined = undefined;
  kept = false;
  readonly large = null;
  readonly atoms = null;
  readonly apart = null;
  readonly fragmentsIn = 0;
  readonly openSequences = 0;

  readonly #decoder: Decoder;
  readonly #decoderFor: (control: Control) => Decoder | null;
  readonly #limit: number;

  constructor(
    { decoder, limit, decoderFor }: Pick<PacketOptions, "decoder" | "limit" | "decoderFor">,
  ) {
    this.#decoder = decoder;
    this.#decoderFor = decoderFor;
    this.#limit = limit;
  }

  mayBeginInParts(): boolean {
    return false;
  }

  room(): null {
    return null;
  }

  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes[start] !== PASS_THROUGH) throw unexpectedType(bytes[start]);
    let decoder = this.#decoder;
    decoder.viewed = false;
    begin(decoder, bytes, start + 1, end, "control message");
    const control = this.control = readControlTerm(decoder);
    this.kept = decoder.viewed;
    this.payload = undefined;
    if (hasPayload(control[0])) {
      const at = decoder.position;
      decoder = this.#decoderFor(control) ?? decoder;
      decoder.viewed = false;
      begin(decoder, bytes, at, end, "payload");
      this.payload = decoder.term();
      if (decoder.viewed) this.kept = true;
    }
    const left = end - decoder.position;
    if (left !== 0) {
      throw new FrameError(`Cannot read packet: ${left} bytes follow what it should hold`);
    }
    return true;
  }

  write(
    encoder: Encoder,
    control: OutgoingControl,
    payload: Encodable | undefined,
    room = Infinity,
  ): boolean {
    const before = encoder.pending;
    try {
      encoder.u32(0);
      encoder.u8(PASS_THROUGH);
      encoder.u8(VERSION);
      writeControl(encoder, control);
      if (hasPayload(control[0])) {
        encoder.u8(VERSION);
        encoder.term(payload as Encodable);
      }
      const length = encoder.pending - before - 4;
      if (length > this.#limit) throw tooLarge(length, this.#limit);
      if (length + 4 > room) {
        encoder.position -= length + 4;
        return false;
      }
      encoder.patchU32(before, length);
    } catch (error) {
      encoder.position -= encoder.pending - before;
      throw error;
    }
    return true;
  }
}

function unexpectedType(type: number): FrameError {
  return new FrameError(
    type === VERSION
      ? "Cannot read packet: it has a distribution header, which was not negotiated"
      : `Cannot read packet: type ${type}, ${PASS_THROUGH} (pass through) is expected`,
  );
}

function begin(decoder: Decoder, bytes: Uint8Array, at: number, end: number, what: string): void {
  if (at === end) throw new FrameError(`Cannot read packet: it ends before its ${what}`);
  if (bytes[at] !== VERSION) {
    throw new FrameError(
      `Cannot read packet: its ${what} begins with ${bytes[at]}, not with version ${VERSION}`,
    );
  }
  decoder.reset(bytes, at + 1, end);
}
