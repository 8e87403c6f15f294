import { createHash } from "node:crypto";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import { announcedFlags, FLAGS, MANDATORY_25 } from "../../lib/dist/flags.ts";
import {
  type Handshake,
  type HandshakeDecision,
  type HandshakeEffect,
  type HandshakeOptions,
  type HandshakeResult,
  simultaneous,
} from "../../lib/dist/handshake.ts";
import { HandshakeError, type HandshakeReason } from "../../lib/dist/handshake_error.ts";
import { Initiator } from "../../lib/dist/initiator.ts";

const md5 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("md5").update(bytes).digest());

/** `a@h` is ours in these tests, `b@h` the peer; both know the cookie "secret". */
const OURS: HandshakeOptions = {
  name: "a@h",
  creation: 0x0a0b0c0d,
  flags: 0xd075f5fbcn,
  cookie: () => "secret",
  md5,
  challenge: 16909060, // 0x01020304
};

const A = [3, 0x61, 0x40, 0x68]; // "a@h" with the lower byte of its length
const B = [3, 0x62, 0x40, 0x68];
const FLAGS_A = [0x00, 0x00, 0x00, 0x0d, 0x07, 0x5f, 0x5f, 0xbc];
const FLAGS_B = [0x00, 0x00, 0x00, 0x0d, 0x07, 0xdf, 0x7f, 0xbd]; // OTP 25's
const DIGEST_OF_OURS = hex("24d92202cd3724fb37808c885f4e2298"); // md5 of "secret16909060"
const DIGEST_OF_THEIRS = hex("3e17e61d4054da43608574cfbda96555"); // md5 of "secret2882400001"

const NAME_A = [0x4e, ...FLAGS_A, 0x0a, 0x0b, 0x0c, 0x0d, 0, ...A];
const NAME_B = [0x4e, ...FLAGS_B, 0, 0, 0, 7, 0, ...B];
const NAME_B_5 = [0x6e, 0, 5, 0x07, 0xdf, 0x7f, 0xbd, 0x62, 0x40, 0x68];
const COMPLEMENT_B = [0x63, 0, 0, 0, 0x0d, 0, 0, 0, 7];
const CHALLENGE_A = [0x4e, ...FLAGS_A, 1, 2, 3, 4, 0x0a, 0x0b, 0x0c, 0x0d, 0, ...A];
const CHALLENGE_B = [0x4e, ...FLAGS_B, 0xab, 0xcd, 0xef, 0x01, 0, 0, 0, 7, 0, ...B];
const REPLY_A = [0x72, 1, 2, 3, 4, ...DIGEST_OF_THEIRS];
const REPLY_B = [0x72, 0xab, 0xcd, 0xef, 0x01, ...DIGEST_OF_OURS];
const ACK_A = [0x61, ...DIGEST_OF_THEIRS];
const ACK_B = [0x61, ...DIGEST_OF_OURS];

const RESULT: HandshakeResult = {
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

test("initiator: name, status, challenge, reply, ack, to the byte", () => {
  const machine = new Initiator("b@h", OURS);
  assertEquals(sent(machine.start()), [NAME_A]);
  assertEquals(machine.frame(status("ok")), []);
  assertEquals(sent(machine.frame(bytes(CHALLENGE_B))), [REPLY_A]);
  assertEquals(machine.frame(bytes(ACK_B)), [{ type: "done", result: RESULT }]);
});

test("acceptor: name, status, challenge, reply, ack, to the byte", () => {
  const machine = new Acceptor(OURS);
  assertEquals(machine.start(), []);
  const peer = { name: "b@h", flags: 0xd07df7fbdn, creation: 7, dynamic: false };
  assertEquals(machine.frame(bytes(NAME_B)), [{ type: "decide", peer }]);
  assertEquals(sent(machine.decide("ok")), [[...status("ok")], CHALLENGE_A]);
  const effects = machine.frame(bytes(REPLY_B));
  assertEquals(sent(effects), [ACK_A]);
  assertEquals(done(effects), { ...RESULT, role: "acceptor" });
});

test("acceptor: version 5 is let in, with its complement behind our challenge of version 6", () => {
  const machine = new Acceptor(OURS);
  const peer = { name: "b@h", flags: 0x7df7fbdn, creation: 0, dynamic: false };
  assertEquals(machine.frame(bytes(NAME_B_5)), [{ type: "decide", peer }]);
  assertEquals(sent(machine.decide("ok")), [[...status("ok")], CHALLENGE_A]);
  assertEquals(machine.frame(bytes(COMPLEMENT_B)), []);
  assertEquals(done(machine.frame(bytes(REPLY_B))), { ...RESULT, role: "acceptor" });
});

test("acceptor: version 5 without HANDSHAKE_23 is refused, whatever is required", () => {
  for (const required of [undefined, 0n]) {
    const frame = [...NAME_B_5];
    frame[3] = 0x02; // neither HANDSHAKE_23 nor the digest
    const effects = new Acceptor({ ...OURS, required }).frame(bytes(frame));
    assertEquals(sent(effects), [[...status("not_allowed")]]);
    assertEquals(failure(effects).missing, ["HANDSHAKE_23"]);
  }
});

test("acceptor: of version 5, the upper half of the flags is checked with the complement", () => {
  const required = FLAGS.SPAWN.value | FLAGS.NATIVE_RECORDS.value;
  const machine = atDecision({ ...OURS, required }, NAME_B_5);
  machine.decide("ok");
  const effects = machine.frame(bytes(COMPLEMENT_B));
  assertEquals(sent(effects), []); // the status has been sent
  assertEquals(failure(effects).missing, ["NATIVE_RECORDS"]);
});

test("what follows a message is ignored", () => {
  const initiator = new Initiator("b@h", OURS);
  initiator.start();
  initiator.frame(status("ok"));
  assertEquals(sent(initiator.frame(bytes([...CHALLENGE_B, 1, 2, 3]))), [REPLY_A]);
  assertEquals(done(initiator.frame(bytes([...ACK_B, 9]))), RESULT);

  const acceptor = new Acceptor(OURS);
  assertEquals(acceptor.frame(bytes([...NAME_B, 1, 2, 3]))[0].type, "decide");
  acceptor.decide("ok");
  assertEquals(done(acceptor.frame(bytes([...REPLY_B, 9]))).peer, "b@h");
});

test("a frame may be a view into a larger buffer", () => {
  const buffer = new Uint8Array([9, 9, 9, ...NAME_B, 8, 8]);
  const machine = new Acceptor(OURS);
  const [effect] = machine.frame(buffer.subarray(3, 3 + NAME_B.length));
  assert(effect.type === "decide");
  assertEquals([effect.peer.name, effect.peer.creation], ["b@h", 7]);
});

// Statuses

test("initiator: ok_simultaneous goes on like ok", () => {
  const machine = atStatus();
  assertEquals(machine.frame(status("ok_simultaneous")), []);
  assertEquals(sent(machine.frame(bytes(CHALLENGE_B))), [REPLY_A]);
});

test("initiator: nok and not_allowed are the end", () => {
  assertEquals(failure(atStatus().frame(status("nok"))).reason, "nok");
  assertEquals(failure(atStatus().frame(status("not_allowed"))).reason, "not_allowed");
});

test("initiator: alive asks the owner; insisting goes on, giving up is the end", () => {
  const machine = atStatus();
  assertEquals(machine.frame(status("alive")), [{ type: "alive" }]);
  assertEquals(sent(machine.insist(true)), [[...status("true")]]);
  assertEquals(sent(machine.frame(bytes(CHALLENGE_B))), [REPLY_A]);

  const other = atStatus();
  other.frame(status("alive"));
  const effects = other.insist(false);
  assertEquals(sent(effects), [[...status("false")]]);
  assertEquals(failure(effects).reason, "alive");
});

test("initiator: a status that nobody knows is garbage", () => {
  for (const text of ["", "OK", "ok ", "named", "true", "é"]) {
    assertEquals(failure(atStatus().frame(status(text))).reason, "garbage");
  }
});

test("acceptor: ok_simultaneous is told and goes on", () => {
  const machine = atDecision();
  assertEquals(sent(machine.decide("ok_simultaneous")), [
    [...status("ok_simultaneous")],
    CHALLENGE_A,
  ]);
});

test("acceptor: nok and not_allowed are told and are the end", () => {
  for (const decision of ["nok", "not_allowed"] as const) {
    const effects = atDecision().decide(decision);
    assertEquals(sent(effects), [[...status(decision)]]);
    assertEquals(failure(effects).reason, decision);
  }
});

test("acceptor: alive, and the initiator insists: the old connection is replaced once the cookie is proven", () => {
  const machine = atDecision();
  assertEquals(sent(machine.decide("alive")), [[...status("alive")]]);
  assertEquals(sent(machine.frame(status("true"))), [CHALLENGE_A]);
  assertEquals(done(machine.frame(bytes(REPLY_B))).replaces, true);
});

test("acceptor: alive, and the initiator insists with a wrong cookie: nothing is replaced", () => {
  const machine = atDecision();
  machine.decide("alive");
  machine.frame(status("true"));
  const effects = machine.frame(bytes([...REPLY_B.slice(0, 20), REPLY_B[20] ^ 1]));
  assertEquals(effects.length, 1);
  assertEquals(failure(effects).reason, "wrong_cookie");
});

test("acceptor: alive, and the initiator gives up or says something else", () => {
  for (const [text, reason] of [["false", "alive"], ["ok", "garbage"]] as const) {
    const machine = atDecision();
    machine.decide("alive");
    assertEquals(failure(machine.frame(status(text))).reason, reason);
  }
});

// Dynamic names

const NAME_ME = announcedFlags({ nameMe: true });
/** "named:", "x@h", creation 9 */
const NAMED = [0x73, 0x6e, 0x61, 0x6d, 0x65, 0x64, 0x3a, 0, 3, 0x78, 0x40, 0x68, 0, 0, 0, 9];

test("initiator: asks for a name at its host, and is what it is named", () => {
  const machine = new Initiator("b@h", { ...OURS, name: "h", creation: 0, flags: NAME_ME });
  assertEquals(sent(machine.start()), [
    [0x4e, 0, 0, 0, 0x2f, 0x07, 0x5f, 0x5f, 0xbc, 0, 0, 0, 0, 0, 1, 0x68],
  ]);
  assertEquals(machine.frame(bytes([...NAMED, 1, 2])), []); // what follows is ignored
  machine.frame(bytes(CHALLENGE_B));
  const { name, creation } = done(machine.frame(bytes(ACK_B)));
  assertEquals([name, creation], ["x@h", 9]);
});

test("initiator: takes no name at another host, and none that it has not asked for", () => {
  const elsewhere = new Initiator("b@h", { ...OURS, name: "i", creation: 0, flags: NAME_ME });
  elsewhere.start();
  assertEquals(failure(elsewhere.frame(bytes(NAMED))).reason, "garbage");
  assertEquals(failure(atStatus().frame(bytes(NAMED))).reason, "garbage");
});

test("initiator: one that asks for a name and gets another status is not let in", () => {
  for (const text of ["ok", "alive", "nok", "not_allowed"]) {
    const machine = new Initiator("b@h", { ...OURS, name: "h", creation: 0, flags: NAME_ME });
    machine.start();
    assertEquals(failure(machine.frame(status(text))).reason, "not_allowed");
  }
});

const ASKS = [0x4e, 0, 0, 0, 0x0f, 0x07, 0xdf, 0x7f, 0xbc, 0, 0, 0, 0, 0, 1, 0x68];

test("acceptor: names a peer that asks, and answers NAME_ME in the place of PUBLISHED", () => {
  const cookies: string[] = [];
  const machine = new Acceptor({
    ...OURS,
    flags: OURS.flags | 1n,
    cookie: (peer) => {
      cookies.push(peer);
      return "secret";
    },
  });
  const [effect] = machine.frame(bytes(ASKS));
  assert(effect.type === "decide");
  assertEquals([effect.peer.name, effect.peer.dynamic], ["h", true]);
  const challenge = [...CHALLENGE_A];
  challenge[4] |= 0x02; // NAME_ME is bit 33
  assertEquals(sent(machine.decide({ named: "x@h", creation: 9 })), [NAMED, challenge]);
  const result = done(machine.frame(bytes(REPLY_B)));
  assertEquals([result.peer, result.peerCreation, result.hidden], ["x@h", 9, true]);
  assertEquals(cookies, ["x@h"]);
});

test("acceptor: a peer that asks for a name can be refused", () => {
  const machine = new Acceptor(OURS);
  machine.frame(bytes(ASKS));
  assertEquals(failure(machine.decide("not_allowed")).reason, "not_allowed");
});

test("acceptor: an answer that does not fit the question is the owner's mistake", () => {
  for (const decision of ["ok", "alive", { named: "x@i", creation: 9 }] as HandshakeDecision[]) {
    const machine = new Acceptor(OURS);
    machine.frame(bytes(ASKS));
    assertThrows(() => machine.decide(decision), TypeError);
  }
  assertThrows(() => atDecision().decide({ named: "x@h", creation: 9 }), TypeError, "asked for it");
});

// Failures

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

// Wrong, short and random frames, in every phase of both roles

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

function atStatus(options = OURS): Initiator {
  const machine = new Initiator("b@h", options);
  machine.start();
  return machine;
}

function atChallenge(): Initiator {
  const machine = atStatus();
  machine.frame(status("ok"));
  return machine;
}

function atDecision(options = OURS, name: readonly number[] = NAME_B): Acceptor {
  const machine = new Acceptor(options);
  machine.frame(bytes(name));
  return machine;
}

function decided(decision: HandshakeDecision, name: readonly number[] = NAME_B): Acceptor {
  const machine = atDecision(OURS, name);
  machine.decide(decision);
  return machine;
}

function sent(effects: readonly HandshakeEffect[]): number[][] {
  return effects.filter((effect) => effect.type === "send").map(({ frame }) => [...frame]);
}

function done(effects: readonly HandshakeEffect[]): HandshakeResult {
  const effect = effects.find((effect) => effect.type === "done");
  assert(effect !== undefined, JSON.stringify(effects.map(({ type }) => type)));
  return effect.result;
}

function failure(effects: readonly HandshakeEffect[]): HandshakeError {
  const effect = effects[effects.length - 1];
  assert(effect?.type === "failed", effect?.type);
  return effect.error;
}

function status(text: string): Uint8Array {
  return new Uint8Array([0x73, ...[...text].map((character) => character.charCodeAt(0))]);
}

function bytes(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(numbers);
}

function hex(text: string): number[] {
  return (text.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}

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
