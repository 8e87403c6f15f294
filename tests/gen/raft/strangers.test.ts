// Of whom a member hears what: every message, from members and from those that are none.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Replica } from "../../../lib/gen/raft/_replica.ts";
import { isStranger } from "../../../lib/gen/raft/_strangers.ts";
import type { Message } from "../../../lib/gen/raft/_types.ts";
import { ack, append, FIRST, leading, member, none, OPTIONS, THREE } from "./_played.ts";

const AHEAD = 2 ** 32;

/** A message of each kind, in a term, that reaches up to an index. */
function messages(term: number, index: number): readonly Message[] {
  const round = 1;
  return [
    { type: "vote", term, lastIndex: index, lastTerm: 9, pre: false, forced: true },
    { type: "vote", term, lastIndex: index, lastTerm: 9, pre: true, forced: false },
    { type: "append", term, prevIndex: index, prevTerm: 1, commit: 0, round, entries: [] },
    {
      ...{ type: "append", term, prevIndex: index - 1, prevTerm: 1, commit: 0, round },
      entries: [none(index, 1)],
    },
    {
      ...{ type: "install", term, round, index, lastTerm: 1, members: THREE },
      ...{ total: 0, offset: 0, bytes: new Uint8Array(0) },
    },
    { type: "voted", term, pre: false, granted: true },
    { type: "elect", term },
    { type: "appended", term, round, ok: true, index, hint: 0 },
    { type: "installed", term, round, index, offset: 0 },
  ];
}

const KINDS = "vote pre heartbeat append install voted elect appended installed".split(" ");

/** What is heard of somebody in a term, up to an index. */
function heard(replica: Replica, from: string, term: number, index: number): string {
  const all = messages(term, index);
  return KINDS.filter((_, i) => !isStranger(replica, from, all[i])).join(" ");
}

/** It has committed up to 3, follows b, and has an entry more. */
function follower(): Replica {
  const replica = member("a", [FIRST, none(2, 1), none(3, 1), none(4, 1)]);
  append(replica, [3, 1], [], 3, 5);
  assertEquals([replica.commit, replica.leader], [3, "b"]);
  return replica;
}

test("members are heard, whatever they say", () => {
  for (const term of [4, 5, 6]) {
    for (const index of [1, 3, 4]) {
      assertEquals(heard(follower(), "c", term, index), KINDS.join(" "));
    }
  }
});

test("who is no member is heard as a leader or candidate only with more than what is committed", () => {
  for (const term of [5, 6]) {
    for (const index of [1, 2, 3]) assertEquals(heard(follower(), "x", term, index), "");
    assertEquals(heard(follower(), "x", term, 4), "vote pre heartbeat append install");
  }
});

test("whom it follows is heard as a leader, though it does not know it for a member", () => {
  const replica = follower();
  replica.receive("x", messages(6, 4)[2], 20);
  assertEquals(replica.leader, "x");
  for (const index of [1, 3]) {
    assertEquals(heard(replica, "x", 6, index), "heartbeat append install voted elect");
  }
  assertEquals(heard(replica, "y", 6, 3), "");
});

test("a leader hears nobody who leads its own term, and answers of those that it has let go until they know", () => {
  const leader = leading({}, { ...THREE, learners: ["l"] });
  assertEquals(heard(leader, "x", 2, 9), "vote pre");
  assertEquals(heard(leader, "x", 3, 9), "vote pre heartbeat append install");
  assertEquals(heard(leader, "x", 3, 2), "");
  leader.change(1, { type: "remove", id: "l" }, 5_000);
  leader.take();
  assertEquals(heard(leader, "l", 2, 3), "vote pre appended installed");
  ack(leader, "b", 3);
  ack(leader, "l", 3);
  assertEquals(heard(leader, "l", 2, 3), "");
});

test("a term that nobody reaches by elections is nobody's, also not a member's", () => {
  for (const from of ["c", "x"]) {
    assertEquals(heard(follower(), from, 5 + AHEAD + 1, 9), "");
    assertEquals(heard(follower(), from, 5 + AHEAD, 9).startsWith("vote pre"), true);
  }
});

test("who knows nobody hears everybody", () => {
  const empty = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };
  const replica = new Replica("a", empty, OPTIONS, () => 0, 0);
  for (const term of [1, 2 ** 40]) assertEquals(heard(replica, "x", term, 1), KINDS.join(" "));
});
