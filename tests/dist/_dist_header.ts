import { assert } from "@std/assert";
import type { OutgoingControl } from "../../lib/dist/control.ts";
import { DistHeader } from "../../lib/dist/dist_header.ts";
import { FLAGS } from "../../lib/dist/flags.ts";
import type { PacketOptions } from "../../lib/dist/packets.ts";
import { atom } from "../../lib/etf/atom.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { Encoder } from "../../lib/etf/encoder.ts";
import { Pid } from "../../lib/etf/identifiers.ts";
import type { Encodable } from "../../lib/etf/term.ts";

export const NODE = atom("a@b");
export const from = new Pid(NODE, 1, 2, 3);
export const to = new Pid(NODE, 4, 5, 6);
/** The pids with their node as the first atom of the header, and written out. */
export const FROM = [88, 82, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
export const TO = [88, 82, 0, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
export const PLAIN_FROM = [88, 119, 3, 97, 64, 98, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
export const PLAIN_TO = [88, 119, 3, 97, 64, 98, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
export const LINK = [104, 3, 97, 1, ...FROM, ...TO];
export const PLAIN_LINK = [104, 3, 97, 1, ...PLAIN_FROM, ...PLAIN_TO];
export const SEND_SENDER = [104, 3, 97, 22, ...FROM, ...TO];
export const PLAIN_SEND_SENDER = [104, 3, 97, 22, ...PLAIN_FROM, ...PLAIN_TO];
/** Whether a payload is a binary of these bytes. */
export function isBinary(payload: unknown, bytes: Uint8Array): boolean {
  return payload instanceof Uint8Array && payload.length === bytes.length &&
    payload.every((byte, i) => byte === bytes[i]);
}

/** A header whose only atom is `a@b`, new, at place 7 of segment 2. */
export const NEW = [1, 0x0a, 7, 3, 97, 64, 98];
/** The same where the peer has it. */
export const OLD = [1, 0x02, 7];

export const CACHE = FLAGS.DIST_HDR_ATOM_CACHE.value;
export const FRAGMENTS = FLAGS.FRAGMENTS.value;

export function header(
  flags = CACHE | FRAGMENTS,
  options: Partial<PacketOptions> = {},
): DistHeader {
  return new DistHeader(flags, {
    decoder: new Decoder(),
    limit: 1_000_000,
    decoderFor: () => null,
    maxSequences: 3,
    maxSequenceBytes: 1000,
    ...options,
  });
}

/** Reads a packet that lies in the middle of other bytes. */
export function read(packets: DistHeader, content: number[]): boolean {
  return packets.read(new Uint8Array([9, ...content, 9]), 1, content.length + 1);
}

export function u64(n: number): number[] {
  return [0, 0, 0, 0, n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255];
}

/** The first fragment of a message that sends to `to`, and any other one. */
export function first(sequence: number, number: number, data: number[], atoms = [0]): number[] {
  const control = atoms[0] === 0 ? PLAIN_SEND_SENDER : SEND_SENDER;
  return [131, 69, ...u64(sequence), ...u64(number), ...atoms, ...control, ...data];
}
export function next(sequence: number, number: number, data: number[]): number[] {
  return [131, 70, ...u64(sequence), ...u64(number), ...data];
}

export interface Written {
  readonly packets: DistHeader;
  readonly encoder: Encoder;
  write(control: OutgoingControl, payload?: Encodable): number[];
}

export function writer(flags = CACHE | FRAGMENTS, options: Partial<PacketOptions> = {}): Written {
  const packets = header(flags, options);
  const encoder = new Encoder();
  encoder.atoms = packets.atoms;
  return {
    packets,
    encoder,
    write: (control, payload) => {
      assert(packets.write(encoder, control, payload));
      return [...encoder.take()];
    },
  };
}
