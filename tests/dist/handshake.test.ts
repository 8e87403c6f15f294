// The handshake of both roles to the byte, and its statuses.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import { FLAGS } from "../../lib/dist/flags.ts";
import { Initiator } from "../../lib/dist/initiator.ts";
import {
  ACK_A,
  ACK_B,
  atDecision,
  atStatus,
  bytes,
  CHALLENGE_A,
  CHALLENGE_B,
  COMPLEMENT_B,
  done,
  failure,
  NAME_A,
  NAME_B,
  NAME_B_5,
  OURS,
  REPLY_A,
  REPLY_B,
  RESULT,
  sent,
  status,
} from "./_handshake.ts";

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
