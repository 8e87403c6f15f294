// A node without a name asks for one in the handshake.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import type { HandshakeDecision } from "../../lib/dist/handshake.ts";
import { Initiator } from "../../lib/dist/initiator.ts";
import {
  ACK_B,
  ASKS,
  atDecision,
  atStatus,
  bytes,
  CHALLENGE_A,
  CHALLENGE_B,
  done,
  failure,
  NAME_ME,
  NAMED,
  OURS,
  REPLY_B,
  sent,
  status,
} from "./_handshake.ts";

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
