// The frames of a handshake between `a@h` and `b@h`, and both roles at each of its steps.
import { createHash } from "node:crypto";
import { assert } from "@std/assert";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import { announcedFlags } from "../../lib/dist/flags.ts";
import type {
  HandshakeDecision,
  HandshakeEffect,
  HandshakeOptions,
  HandshakeResult,
} from "../../lib/dist/handshake.ts";
import type { HandshakeError } from "../../lib/dist/handshake_error.ts";
import { Initiator } from "../../lib/dist/initiator.ts";

const md5 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("md5").update(bytes).digest());

/** `a@h` is ours in these tests, `b@h` the peer; both know the cookie "secret". */
export const OURS: HandshakeOptions = {
  name: "a@h",
  creation: 0x0a0b0c0d,
  flags: 0xd075f5fbcn,
  cookie: () => "secret",
  md5,
  challenge: 16909060, // 0x01020304
};

const A = [3, 0x61, 0x40, 0x68]; // "a@h" with the lower byte of its length
export const B = [3, 0x62, 0x40, 0x68];
const FLAGS_A = [0x00, 0x00, 0x00, 0x0d, 0x07, 0x5f, 0x5f, 0xbc];
export const FLAGS_B = [0x00, 0x00, 0x00, 0x0d, 0x07, 0xdf, 0x7f, 0xbd]; // OTP 25's
const DIGEST_OF_OURS = hex("24d92202cd3724fb37808c885f4e2298"); // md5 of "secret16909060"
const DIGEST_OF_THEIRS = hex("3e17e61d4054da43608574cfbda96555"); // md5 of "secret2882400001"

export const NAME_A = [0x4e, ...FLAGS_A, 0x0a, 0x0b, 0x0c, 0x0d, 0, ...A];
export const NAME_B = [0x4e, ...FLAGS_B, 0, 0, 0, 7, 0, ...B];
export const NAME_B_5 = [0x6e, 0, 5, 0x07, 0xdf, 0x7f, 0xbd, 0x62, 0x40, 0x68];
export const COMPLEMENT_B = [0x63, 0, 0, 0, 0x0d, 0, 0, 0, 7];
export const CHALLENGE_A = [0x4e, ...FLAGS_A, 1, 2, 3, 4, 0x0a, 0x0b, 0x0c, 0x0d, 0, ...A];
export const CHALLENGE_B = [0x4e, ...FLAGS_B, 0xab, 0xcd, 0xef, 0x01, 0, 0, 0, 7, 0, ...B];
export const REPLY_A = [0x72, 1, 2, 3, 4, ...DIGEST_OF_THEIRS];
export const REPLY_B = [0x72, 0xab, 0xcd, 0xef, 0x01, ...DIGEST_OF_OURS];
export const ACK_A = [0x61, ...DIGEST_OF_THEIRS];
export const ACK_B = [0x61, ...DIGEST_OF_OURS];

export const RESULT: HandshakeResult = {
  role: "initiator",
  peer: "b@h",
  peerCreation: 7,
  peerFlags: 0xd07df7fbdn,
  flags: 0xd075f5fbcn,
  hidden: true,
  name: "a@h",
  creation: 0x0a0b0c0d,
  replaces: false,
};

export const NAME_ME = announcedFlags({ nameMe: true });
/** "named:", "x@h", creation 9 */
export const NAMED = [0x73, 0x6e, 0x61, 0x6d, 0x65, 0x64, 0x3a, 0, 3, 0x78, 0x40, 0x68, 0, 0, 0, 9];

export const ASKS = [0x4e, 0, 0, 0, 0x0f, 0x07, 0xdf, 0x7f, 0xbc, 0, 0, 0, 0, 0, 1, 0x68];

export function atStatus(options = OURS): Initiator {
  const machine = new Initiator("b@h", options);
  machine.start();
  return machine;
}

export function atChallenge(): Initiator {
  const machine = atStatus();
  machine.frame(status("ok"));
  return machine;
}

export function atDecision(options = OURS, name: readonly number[] = NAME_B): Acceptor {
  const machine = new Acceptor(options);
  machine.frame(bytes(name));
  return machine;
}

export function decided(decision: HandshakeDecision, name: readonly number[] = NAME_B): Acceptor {
  const machine = atDecision(OURS, name);
  machine.decide(decision);
  return machine;
}

export function sent(effects: readonly HandshakeEffect[]): number[][] {
  return effects.filter((effect) => effect.type === "send").map(({ frame }) => [...frame]);
}

export function done(effects: readonly HandshakeEffect[]): HandshakeResult {
  const effect = effects.find((effect) => effect.type === "done");
  assert(effect !== undefined, JSON.stringify(effects.map(({ type }) => type)));
  return effect.result;
}

export function failure(effects: readonly HandshakeEffect[]): HandshakeError {
  const effect = effects[effects.length - 1];
  assert(effect?.type === "failed", effect?.type);
  return effect.error;
}

export function status(text: string): Uint8Array {
  return new Uint8Array([0x73, ...[...text].map((character) => character.charCodeAt(0))]);
}

export function bytes(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(numbers);
}

export function hex(text: string): number[] {
  return (text.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}
