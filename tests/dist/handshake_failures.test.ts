// What ends a handshake: flags that lack, wrong cookies, wrong names, wrong options.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import { FLAGS, MANDATORY_25 } from "../../lib/dist/flags.ts";
import { simultaneous } from "../../lib/dist/handshake.ts";
import { Initiator } from "../../lib/dist/initiator.ts";
import {
  ACK_B,
  ASKS,
  atDecision,
  atStatus,
  B,
  bytes,
  CHALLENGE_B,
  done,
  failure,
  FLAGS_B,
  hex,
  NAME_A,
  NAME_B,
  NAME_ME,
  OURS,
  REPLY_B,
  sent,
  status,
} from "./_handshake.ts";

test("both roles name the flags that a peer lacks; the acceptor tells the peer", () => {
  const lacks = [0x00, 0x00, 0x00, 0x0d, 0x03, 0xdc, 0x7f, 0xbd]; // UTF8_ATOMS, MAP_TAG, the digest
  const acceptor = new Acceptor(OURS);
  const effects = acceptor.frame(bytes([0x4e, ...lacks, 0, 0, 0, 7, 0, ...B]));
  assertEquals(sent(effects), [[...status("not_allowed")]]);
  const error = failure(effects);
  assertEquals([error.reason, error.node], ["missing_flags", "b@h"]);
  assertEquals(error.missing, ["UTF8_ATOMS", "MAP_TAG"]);
  assert(error.message.includes("UTF8_ATOMS, MAP_TAG"), error.message);

  const initiator = atStatus();
  initiator.frame(status("ok"));
  const refused = initiator.frame(
    bytes([0x4e, ...lacks, 0xab, 0xcd, 0xef, 0x01, 0, 0, 0, 7, 0, ...B]),
  );
  assertEquals(sent(refused), []);
  assertEquals(failure(refused).missing, ["UTF8_ATOMS", "MAP_TAG"]);
});

test("the digest bit replaces the flags that it stands for, in both roles", () => {
  const digest = [0, 0, 0, 0, 0x04, 0, 0, 0];
  const acceptor = new Acceptor(OURS);
  const [effect] = acceptor.frame(bytes([0x4e, ...digest, 0, 0, 0, 7, 0, ...B]));
  assert(effect.type === "decide");
  assertEquals(effect.peer.flags, MANDATORY_25 | 0x400_0000n);
  const initiator = atStatus();
  initiator.frame(status("ok"));
  initiator.frame(bytes([0x4e, ...digest, 0xab, 0xcd, 0xef, 0x01, 0, 0, 0, 7, 0, ...B]));
  assertEquals(done(initiator.frame(bytes(ACK_B))).flags, MANDATORY_25 | 0x400_0000n);
});

test("what is required can be more", () => {
  const required = MANDATORY_25 | FLAGS.ALTACT_SIG.value;
  const machine = new Acceptor({ ...OURS, required });
  assertEquals(failure(machine.frame(bytes(NAME_B))).missing, ["ALTACT_SIG"]);
});

test("both roles find a wrong cookie, and never print one", () => {
  const acceptor = atDecision({ ...OURS, cookie: () => "other" });
  acceptor.decide("ok");
  const initiator = atStatus({ ...OURS, cookie: () => "other" });
  initiator.frame(status("ok"));
  initiator.frame(bytes(CHALLENGE_B));
  for (const effects of [acceptor.frame(bytes(REPLY_B)), initiator.frame(bytes(ACK_B))]) {
    const error = failure(effects);
    assertEquals(error.reason, "wrong_cookie");
    assert(error.message.includes("cookie is not ours"), error.message);
    assert(!/secret|other/.test(error.message));
  }
});

test("a peer that hangs up on our digest did not accept our cookie", () => {
  const machine = atStatus();
  machine.frame(status("ok"));
  machine.frame(bytes(CHALLENGE_B));
  const error = machine.fail("closed");
  assertEquals([error.reason, error.phase], ["wrong_cookie", "challenge_ack"]);
  assert(error.message.includes("did not accept our cookie"), error.message);
});

test("each peer may have a cookie of its own; an empty one and one beyond Latin-1 are refused", () => {
  const peers: string[] = [];
  const cookie = (peer: string): string => (peers.push(peer), "secret");
  const machine = atStatus({ ...OURS, cookie });
  machine.frame(status("ok"));
  machine.frame(bytes(CHALLENGE_B));
  assertEquals(peers, ["b@h"]);
  for (const wrong of ["", "€uro"]) {
    const other = atStatus({ ...OURS, cookie: () => wrong });
    other.frame(status("ok"));
    const error = assertThrows(() => other.frame(bytes(CHALLENGE_B)), RangeError);
    assert(!error.message.includes("€"));
  }
});

test("a cookie goes into the digest as Latin-1", () => {
  const machine = atDecision({ ...OURS, cookie: () => "sécret", challenge: 1 });
  machine.decide("ok");
  const digest = hex("6321db7db70c5ae2d71ecd81d965c3fa"); // of OTP: erlang:md5([115,233,99,114,101,116,49])
  assertEquals(done(machine.frame(bytes([0x72, 0, 0, 0, 1, ...digest]))).peer, "b@h");
});

test("challenges are unsigned", () => {
  const machine = atDecision({ ...OURS, challenge: 0xffffffff });
  const [, challenge] = sent(machine.decide("ok"));
  assertEquals(challenge.slice(9, 13), [255, 255, 255, 255]);
  const digest = hex("5dfd181e69aa587cc812eb333e6536b6"); // md5 of "secret4294967295"
  assertEquals(done(machine.frame(bytes([0x72, 0, 0, 0, 1, ...digest]))).peer, "b@h");
});

test("initiator: another node answers than the one that was asked for", () => {
  const machine = atStatus();
  machine.frame(status("ok"));
  const other = [...CHALLENGE_B.slice(0, -3), 0x63, 0x40, 0x68];
  assertEquals(failure(machine.frame(bytes(other))).reason, "wrong_name");
});

test("initiator: a challenge of version 5 comes from a node that is too old", () => {
  const machine = atStatus();
  machine.frame(status("ok"));
  const old = [0x6e, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4, 0x62, 0x40, 0x68];
  assertEquals(failure(machine.frame(bytes(old))).reason, "version");
});

test("acceptor: a peer that bears our own name gets nok, as OTP answers, and the owner is not asked", () => {
  const effects = new Acceptor(OURS).frame(bytes(NAME_A));
  assertEquals(sent(effects), [[...status("nok")]]);
  assertEquals(failure(effects).reason, "wrong_name");
});

test("acceptor: what is no node name is refused without a word", () => {
  const long = "x".repeat(254) + "@h";
  for (const name of ["b", "@h", "b@", "b@h@h", "", "b c@h", "b\n@h", "b\0@h", long]) {
    const text = [...name].map((character) => character.charCodeAt(0));
    const frame = [0x4e, ...FLAGS_B, 0, 0, 0, 7, text.length >> 8, text.length & 255, ...text];
    const effects = new Acceptor(OURS).frame(bytes(frame));
    assertEquals([effects.length, failure(effects).reason], [1, "bad_name"]);
  }
  const host = new Acceptor(OURS).frame(bytes([...ASKS.slice(0, -2), 3, 0x62, 0x40, 0x68]));
  assertEquals(failure(host).reason, "bad_name"); // it asks for a name and has one
});

test("names are Latin-1, byte by byte", () => {
  const [effect] = new Acceptor(OURS).frame(bytes([...NAME_B.slice(0, -1), 0xe9]));
  assert(effect.type === "decide");
  assertEquals(effect.peer.name, "b@é");
  const machine = new Initiator("b@h", { ...OURS, name: "a@é" });
  assertEquals(sent(machine.start())[0].slice(-4), [3, 0x61, 0x40, 0xe9]);
});

test("wrong options are refused at once", () => {
  for (
    const options of [
      { name: "a" },
      { name: "a@€" },
      { name: "a@h", flags: NAME_ME },
      { creation: -1 },
      { creation: 2 ** 32 },
      { challenge: 0.5 },
      { flags: 1n << 64n },
    ]
  ) {
    assertThrows(() => new Initiator("b@h", { ...OURS, ...options }), RangeError, "Cannot ");
  }
  assertThrows(() => new Initiator("b", OURS), RangeError, "name@host");
  assertThrows(() => new Initiator("a@h", OURS), RangeError, "that is this node");
  assertThrows(() => new Acceptor({ ...OURS, name: "h", flags: NAME_ME }), RangeError, "NAME_ME");
});

test("simultaneous connects: the greater name goes on, whoever of the two decides", () => {
  assertEquals(simultaneous("b@h", "a@h"), "nok");
  assertEquals(simultaneous("a@h", "b@h"), "ok_simultaneous");
  assertEquals(simultaneous("a@h", "B@h"), "nok"); // bytes, not letters
});
