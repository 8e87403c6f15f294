// Wrong, short and random frames, in every phase of both roles.
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import type { Handshake } from "../../lib/dist/handshake.ts";
import { HandshakeError, type HandshakeReason } from "../../lib/dist/handshake_error.ts";
import { Initiator } from "../../lib/dist/initiator.ts";
import {
  ACK_B,
  atChallenge,
  atStatus,
  bytes,
  CHALLENGE_B,
  COMPLEMENT_B,
  decided,
  failure,
  NAME_B,
  NAME_B_5,
  NAME_ME,
  NAMED,
  OURS,
  REPLY_B,
  status,
} from "./_handshake.ts";

const PHASES: readonly [title: string, right: readonly number[], machine: () => Handshake][] = [
  ["acceptor, name", NAME_B, () => new Acceptor(OURS)],
  ["acceptor, name of version 5", NAME_B_5, () => new Acceptor(OURS)],
  ["acceptor, status_reply", [...status("true")], () => decided("alive")],
  ["acceptor, complement", COMPLEMENT_B, () => decided("ok", NAME_B_5)],
  ["acceptor, challenge_reply", REPLY_B, () => decided("ok")],
  ["initiator, status", [...status("ok")], () => atStatus()],
  ["initiator, named", NAMED, () => {
    const machine = new Initiator("b@h", { ...OURS, name: "h", flags: NAME_ME });
    machine.start();
    return machine;
  }],
  ["initiator, challenge", CHALLENGE_B, () => atChallenge()],
  ["initiator, challenge_ack", ACK_B, () => {
    const machine = atChallenge();
    machine.frame(bytes(CHALLENGE_B));
    return machine;
  }],
];

for (const [title, right, machine] of PHASES) {
  test(`${title}: the right frame goes on, each truncated one is the end`, () => {
    assert(machine().frame(bytes(right)).every((effect) => effect.type !== "failed"));
    for (let length = 0; length < right.length; length++) {
      const effects = machine().frame(bytes(right.slice(0, length)));
      if (title.includes("version 5") && length > 9) continue; // the name runs to the end of the frame
      assertEquals(effects.filter((effect) => effect.type === "failed").length, 1, `${length}`);
    }
  });

  test(`${title}: a frame of another phase is the end, with an error that says so`, () => {
    const others: readonly (readonly number[])[] = [
      NAME_B.slice(0, 15),
      [...status("maybe")],
      COMPLEMENT_B.slice(0, 5),
      REPLY_B.slice(0, 20),
      ACK_B.slice(0, 3),
      [0],
      [0x47, 0x45, 0x54, 0x20, 0x2f], // "GET /"
      [22, 3, 1, 2, 0], // a TLS client's hello
    ];
    for (const other of others) {
      const effects = machine().frame(bytes(other));
      const error = failure(effects);
      const reasons: HandshakeReason[] = ["garbage", "bad_name", "not_allowed"];
      assert(reasons.includes(error.reason), `${other} ${error.message}`);
      assert(error.message.startsWith("Cannot "), error.message);
    }
  });
}

test("random frames: every phase of both roles goes on or fails, and never throws", () => {
  const random = generator(7);
  for (let round = 0; round < 20_000; round++) {
    const [, right, machine] = PHASES[random(PHASES.length)];
    const frame = random(2) === 0
      ? Uint8Array.from({ length: random(60) }, () => random(256))
      : mutate(right, random);
    for (const effect of machine().frame(frame)) {
      if (effect.type === "failed") assertInstanceOf(effect.error, HandshakeError);
    }
  }
});

/** Whole numbers below a limit, the same in every run. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
}

function mutate(right: readonly number[], random: (limit: number) => number): Uint8Array {
  const frame = [...right];
  for (let i = random(4); i >= 0; i--) {
    const at = random(frame.length + 1);
    frame.splice(at, random(2), ...random(2) === 0 ? [random(256)] : []);
  }
  return new Uint8Array(frame);
}
