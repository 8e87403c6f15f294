import { concat, decodeLatin1, decodeUtf8, encodeLatin1, viewOf } from "./_octets.ts";

/**
 * The first byte of a handshake message:
 * https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#the-handshake-in-detail
 */
// deno-fmt-ignore
export const MESSAGE = {
  NAME_5:          0x6e, // 'n' version u16, flags u32, name          initiator, until OTP 24
  NAME:            0x4e, // 'N' flags u64, creation u32, name          initiator
  CHALLENGE:       0x4e, // 'N' flags u64, challenge u32, creation u32, name          acceptor
  STATUS:          0x73, // 's' text                                   both
  COMPLEMENT:      0x63, // 'c' flags' upper u32, creation u32         initiator that began with 'n'
  CHALLENGE_REPLY: 0x72, // 'r' challenge u32, digest                  initiator
  CHALLENGE_ACK:   0x61, // 'a' digest                                 acceptor
} as const;

/** Bytes of an MD5 digest. */
export const DIGEST_LENGTH = 16;

const NAMED = "named:";

export interface NameMessage {
  readonly version: 5 | 6;
  readonly flags: bigint;
  /** 0 in version 5, where the complement has it. */
  readonly creation: number;
  readonly name: string;
}

export interface ChallengeMessage {
  readonly flags: bigint;
  readonly challenge: number;
  readonly creation: number;
  readonly name: string;
}

export type StatusMessage =
  | { readonly status: string }
  | { readonly status: "named"; readonly name: string; readonly creation: number };

export interface ComplementMessage {
  /** Only the upper 32 bits. */
  readonly flags: bigint;
  readonly creation: number;
}

export interface ReplyMessage {
  readonly challenge: number;
  readonly digest: Uint8Array;
}

export function encodeName(flags: bigint, creation: number, name: string): Uint8Array {
  const text = nameBytes(name);
  const bytes = new Uint8Array(15 + text.length);
  const view = viewOf(bytes);
  view.setUint8(0, MESSAGE.NAME);
  view.setBigUint64(1, flags);
  view.setUint32(9, creation);
  view.setUint16(13, text.length);
  bytes.set(text, 15);
  return bytes;
}

/** What follows the name is for later releases and is ignored, as in all of these; `null` for bytes that are no such message. */
export function decodeName(frame: Uint8Array): NameMessage | null {
  const view = viewOf(frame);
  if (frame[0] === MESSAGE.NAME_5 && frame.length >= 7) {
    const name = decodeLatin1(frame.subarray(7)); // runs to the end of the frame
    return { version: 5, flags: BigInt(view.getUint32(3)), creation: 0, name };
  }
  if (frame[0] !== MESSAGE.NAME || frame.length < 15) return null;
  const name = readName(frame, 13);
  if (name === null) return null;
  return { version: 6, flags: view.getBigUint64(1), creation: view.getUint32(9), name };
}

export function encodeChallenge(message: ChallengeMessage): Uint8Array {
  const text = nameBytes(message.name);
  const bytes = new Uint8Array(19 + text.length);
  const view = viewOf(bytes);
  view.setUint8(0, MESSAGE.CHALLENGE);
  view.setBigUint64(1, message.flags);
  view.setUint32(9, message.challenge);
  view.setUint32(13, message.creation);
  view.setUint16(17, text.length);
  bytes.set(text, 19);
  return bytes;
}

export function decodeChallenge(frame: Uint8Array): ChallengeMessage | null {
  if (frame[0] !== MESSAGE.CHALLENGE || frame.length < 19) return null;
  const view = viewOf(frame);
  const name = readName(frame, 17);
  if (name === null) return null;
  const [flags, challenge, creation] = [
    view.getBigUint64(1),
    view.getUint32(9),
    view.getUint32(13),
  ];
  return { flags, challenge, creation, name };
}

export function encodeStatus(status: string): Uint8Array {
  return concat([Uint8Array.of(MESSAGE.STATUS), nameBytes(status)]);
}

/** The one name that travels as UTF-8 (dist_util of OTP 23 to 29): all others are Latin-1. */
export function encodeNamed(name: string, creation: number): Uint8Array {
  const text = new TextEncoder().encode(name);
  const numbers = new Uint8Array(6);
  viewOf(numbers).setUint16(0, text.length);
  viewOf(numbers).setUint32(2, creation);
  return concat([encodeStatus(NAMED), numbers.subarray(0, 2), text, numbers.subarray(2)]);
}

export function decodeStatus(frame: Uint8Array): StatusMessage | null {
  if (frame[0] !== MESSAGE.STATUS) return null;
  const text = decodeLatin1(frame.subarray(1));
  if (!text.startsWith(NAMED)) return { status: text };
  const view = viewOf(frame);
  const start = 1 + NAMED.length + 2;
  if (frame.length < start) return null;
  const end = start + view.getUint16(start - 2);
  if (frame.length < end + 4) return null;
  const name = decodeUtf8(frame.subarray(start, end));
  return name === null ? null : { status: "named", name, creation: view.getUint32(end) };
}

export function decodeComplement(frame: Uint8Array): ComplementMessage | null {
  if (frame[0] !== MESSAGE.COMPLEMENT || frame.length < 9) return null;
  const view = viewOf(frame);
  return { flags: BigInt(view.getUint32(1)) << 32n, creation: view.getUint32(5) };
}

export function encodeReply(challenge: number, digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + DIGEST_LENGTH);
  bytes[0] = MESSAGE.CHALLENGE_REPLY;
  viewOf(bytes).setUint32(1, challenge);
  bytes.set(digest, 5);
  return bytes;
}

export function decodeReply(frame: Uint8Array): ReplyMessage | null {
  if (frame[0] !== MESSAGE.CHALLENGE_REPLY || frame.length < 5 + DIGEST_LENGTH) return null;
  return {
    challenge: viewOf(frame).getUint32(1),
    digest: frame.subarray(5, 5 + DIGEST_LENGTH),
  };
}

export function encodeAck(digest: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(MESSAGE.CHALLENGE_ACK), digest]);
}

export function decodeAck(frame: Uint8Array): Uint8Array | null {
  if (frame[0] !== MESSAGE.CHALLENGE_ACK || frame.length < 1 + DIGEST_LENGTH) return null;
  return frame.subarray(1, 1 + DIGEST_LENGTH);
}

function readName(frame: Uint8Array, lengthAt: number): string | null {
  const start = lengthAt + 2;
  const end = start + viewOf(frame).getUint16(lengthAt);
  return end > frame.length ? null : decodeLatin1(frame.subarray(start, end));
}

function nameBytes(name: string): Uint8Array {
  const bytes = encodeLatin1(name);
  if (bytes === null) {
    throw new RangeError(`Cannot send node name ${name}: only Latin-1 characters are allowed`);
  }
  return bytes;
}
