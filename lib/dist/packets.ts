import type { Decoder } from "../etf/decoder.ts";
import type { Apart, AtomRefs, Encoder } from "../etf/encoder.ts";
import { EncodeError } from "../etf/errors.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Control, ControlError, type OutgoingControl, readControl } from "./control.ts";
import { hasFlag } from "./flags.ts";
import type { LargeMessage } from "./large_message.ts";

/**
 * What is inside the frames of a connection. Which of the two ways it is, was settled in the handshake: {@linkcode usesHeader}.
 *
 * A connection has one and knows no more of what its frames hold.
 */
export interface Packets {
  /** The control message that `read` has found. */
  readonly control: Control;
  /** What follows the control message: a message, a reason, arguments; `undefined` where nothing does. */
  readonly payload: Term | undefined;
  /** What `write` has left in place of a frame, because the message is to go out in pieces; `null` after any other. */
  large: LargeMessage | null;
  /** What the encoder is to refer to atoms by; `null` where the peer takes no such references. */
  readonly atoms: AtomRefs | null;
  /** Where the encoder is to put large binaries; `null` where they are written as all else. */
  readonly apart: Apart | null;
  /** Whether the bytes that `read` got last are referred to from here on; else they may be written to. */
  kept: boolean;
  /** Fragments that have come. */
  readonly fragmentsIn: number;
  /** Messages of which the first fragment has come and the last has not. */
  readonly openSequences: number;

  /** Whether a frame that begins so may be read in parts: a fragment, of which nothing else need be known than where it belongs. */
  mayBeginInParts(bytes: Uint8Array, start: number, end: number): boolean;

  /** Where the next bytes of a frame belong that `read` has got a part of, of which so many are still to come; `null` if anywhere. */
  room(left: number): Uint8Array | null;

  /**
   * Reads a frame that is no tick, or a part of one.
   *
   * @param left how many bytes of the frame come in the next calls.
   * @returns whether a message is complete, which is in `control` and `payload` then.
   * @throws {FrameError} where it is no packet of this connection, or longer or shorter than what it holds.
   * @throws {ControlError} where the control message is malformed.
   * @throws {DecodeError | AtomLimitError} where a term is.
   */
  read(bytes: Uint8Array, start: number, end: number, left?: number): boolean;

  /**
   * Writes a message behind what the encoder holds: a frame, or a large one into `large`, together with what the encoder held. Where
   * it throws or does not fit, all is as it was.
   *
   * @param encoder one whose `atoms` are those of the packets; or one that has none, for what is not sent at once.
   * @param payload written exactly where the control message is followed by something.
   * @param room how many bytes it may take.
   * @returns whether it fits into `room`.
   * @throws {EncodeError} where a value is no term (`undefined` is none), or the message is beyond the limit.
   */
  write(
    encoder: Encoder,
    control: OutgoingControl,
    payload: Encodable | undefined,
    room?: number,
  ): boolean;
}

/** What both kinds of packets are made with. */
export interface PacketOptions {
  readonly decoder: Decoder;
  /** Largest message both ways, in bytes without its length. */
  readonly limit: number;
  /** What reads the payload behind a control message; `null` for the same as reads control messages. */
  readonly decoderFor: (control: Control) => Decoder | null;
  /** Messages of which a part may have come, and how many bytes of them. */
  readonly maxSequences: number;
  readonly maxSequenceBytes: number;
}

/** Whether each message has a distribution header: FRAGMENTS alone means it too, with an empty list of atoms. */
export function usesHeader(flags: bigint): boolean {
  return hasFlag(flags, "DIST_HDR_ATOM_CACHE") || hasFlag(flags, "FRAGMENTS");
}

/** Reads the control message at the decoder's position. */
export function readControlTerm(decoder: Decoder): Control {
  const control = readControl(decoder.term());
  if (control instanceof ControlError) throw control;
  return control;
}

export function tooLarge(length: number, limit: number): EncodeError {
  return new EncodeError(`it makes a message of ${length} bytes, at most ${limit} are allowed`, "");
}
