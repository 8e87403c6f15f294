// What a member makes of what its leader sends, and what it keeps: each rule played by hand.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Replica } from "../../../lib/gen/raft/_replica.ts";
import type { Effects, Members, Message } from "../../../lib/gen/raft/_types.ts";
import {
  append,
  FIRST,
  member,
  membersAt,
  none,
  OPTIONS,
  sentTo,
  settled,
  THREE,
} from "./_played.ts";

type Install = Extract<Message, { type: "install" }>;

const PIECES = [[1, 2, 3], [4, 5, 6], [7]];

/** The piece of a snapshot at 9, from an offset on. */
function install(
  replica: Replica,
  offset: number,
  bytes: readonly number[],
  more: Partial<Install> = {},
): Effects {
  replica.receive("b", {
    ...{ type: "install", term: replica.term, round: 7, index: 9, lastTerm: 1, members: THREE },
    ...{ total: 7, offset, bytes: new Uint8Array(bytes) },
    ...more,
  }, 10);
  return replica.take();
}

function offsetIn(effects: Effects): number | string {
  const [message] = sentTo("b", effects);
  if (message.type === "installed") {
    assertEquals([message.round, message.term], [7, 1]);
    return message.offset;
  }
  return message.type === "appended" ? `has ${message.index}` : message.type;
}

function reply(effects: Effects): unknown[] {
  const [message] = sentTo("b", effects);
  assertEquals(effects.messages.length, 1);
  return message.type === "appended" ? [message.ok, message.index, message.hint] : [message.type];
}

test("an answer says to which round it is one, and of which term", () => {
  const follower = member("a", [FIRST]);
  for (const prev of [1, 5]) {
    const [message] = sentTo("b", append(follower, [prev, 1], [], 1, 3));
    assertEquals(message.type === "appended" && [message.round, message.term], [1, 3]);
  }
});

test("entries behind a gap, or behind another entry, are refused, and the place is told where the logs may be the same", () => {
  const follower = member("a", [FIRST, none(2, 1), none(3, 3), none(4, 3)]);
  assertEquals(reply(append(follower, [6, 3], [none(7, 3)], 7, 5)), [false, 6, 4]);
  assertEquals(reply(append(follower, [4, 2], [none(5, 5)], 5, 5)), [false, 4, 2]);
  assertEquals(reply(append(follower, [3, 2], [], 5, 5)), [false, 3, 2]);
  assertEquals([follower.commit, follower.log.lastIndex, follower.log.lastTerm], [0, 4, 3]);
  assertEquals(reply(append(follower, [2, 1], [none(3, 5)], 0, 5)), [true, 3, 0]);
  assertEquals([follower.log.lastIndex, follower.log.lastTerm], [3, 5]);
});

test("what is committed grows with what it is told, never beyond what it was sent, and never back", () => {
  const follower = member("a", [FIRST]);
  append(follower, [1, 1], [none(2, 1), none(3, 1), none(4, 1)], 2);
  assertEquals(follower.commit, 2);
  append(follower, [4, 1], [], 1);
  assertEquals(follower.commit, 2);
  const { committed } = append(follower, [4, 1], [], 99);
  assertEquals(committed.map(({ entry }) => entry.index), [3, 4]);
  assertEquals(append(follower, [4, 1], [], 4).committed, []); // each once
});

test("of what it knows to be committed already it says that much, and no more", () => {
  const follower = member("a", [FIRST, none(2, 1), none(3, 1)]);
  append(follower, [2, 1], [], 2);
  // 3 may be somebody else's, 1 and 2 are everybody's.
  assertEquals(reply(append(follower, [0, 0], [FIRST], 1)), [true, 2, 0]);
  assertEquals(follower.log.lastIndex, 3);
  assertEquals(reply(append(follower, [1, 1], [none(2, 1)], 2)), [true, 2, 0]);
});

test("entries from before its snapshot are skipped, those behind it taken", () => {
  const stored = {
    hard: { term: 1, vote: null },
    snapshot: { index: 5, term: 1, members: THREE, bytes: new Uint8Array(1) },
    entries: [],
  };
  const follower = new Replica("a", stored, OPTIONS, () => 0, 0);
  assertEquals(follower.take().restore, stored.snapshot);
  assertEquals(reply(append(follower, [1, 1], [none(2, 1)], 3)), [true, 5, 0]);
  const effects = append(follower, [3, 1], [none(4, 1), none(5, 1), none(6, 1)], 6);
  assertEquals(reply(effects), [true, 6, 0]);
  assertEquals(effects.save?.entries, [none(6, 1)]);
  assertEquals(effects.committed.map(({ entry }) => entry.index), [6]);
});

test("all that is new is saved with what is said of it, once", () => {
  const follower = member("a", [FIRST]);
  const [prevIndex, prevTerm, commit, round] = [1, 1, 1, 1];
  for (const entries of [[none(2, 1), none(3, 1)], [none(2, 1), none(3, 1), none(4, 1)]]) {
    const message = { type: "append", term: 1, prevIndex, prevTerm, commit, round, entries };
    follower.receive("b", message as Message, 10);
  }
  const { save, messages } = follower.take();
  assertEquals(save?.entries.map(({ index }) => index), [2, 3, 4]);
  assertEquals(messages.length, 2);
  const again = follower.take();
  assertEquals([again.save, again.messages, again.refused, again.reads], [null, [], [], []]);
});

test("a snapshot comes in pieces, in their order; what is doubled, or has no place yet, does no harm", () => {
  const follower = member("a", [FIRST]);
  assertEquals(offsetIn(install(follower, 0, [])), 0); // a heartbeat
  assertEquals(offsetIn(install(follower, 3, PIECES[1])), 0);
  assertEquals(offsetIn(install(follower, 0, PIECES[0])), 3);
  assertEquals(offsetIn(install(follower, 0, PIECES[0])), 3);
  assertEquals(offsetIn(install(follower, 6, PIECES[2])), 3);
  const half = install(follower, 3, PIECES[1]);
  assertEquals([offsetIn(half), half.restore, follower.commit], [6, null, 0]);
  const members: Members = { ...THREE, learners: ["l"] };
  const whole = install(follower, 6, PIECES[2], { members });
  assertEquals(offsetIn(whole), "has 9");
  const snapshot = { index: 9, term: 1, members, bytes: new Uint8Array(PIECES.flat()) };
  assertEquals(whole.restore, snapshot);
  assertEquals(whole.save, { hard: { term: 1, vote: null }, snapshot, entries: [] });
  assertEquals([whole.committed, follower.commit, follower.members], [[], 9, members]);
  const next = append(follower, [9, 1], [none(10, 1)], 10);
  assertEquals(next.committed.map(({ entry }) => entry.index), [10]);
  assertEquals(next.save?.entries, [none(10, 1)]);
  // All of that again: it is known.
  const late = install(follower, 0, PIECES.flat());
  assertEquals([offsetIn(late), late.restore, late.save], ["has 10", null, null]);
});

test("pieces of two snapshots are not put together", () => {
  const follower = member("a", [FIRST]);
  assertEquals(offsetIn(install(follower, 0, PIECES[0])), 3);
  assertEquals(offsetIn(install(follower, 3, PIECES[1], { index: 12 })), 0);
  assertEquals(offsetIn(install(follower, 0, PIECES[0])), 3);
  assertEquals(offsetIn(install(follower, 3, PIECES[1], { lastTerm: 2 })), 0);
});

test("an empty state is a snapshot as well", () => {
  const follower = member("a", [FIRST, none(2, 2)]);
  follower.receive("b", {
    ...{ type: "install", term: 2, round: 1, index: 9, lastTerm: 2, members: THREE },
    ...{ total: 0, offset: 0, bytes: new Uint8Array(0) },
  }, 10);
  assertEquals([follower.take().restore?.index, follower.log.lastIndex], [9, 9]);
});

test("a snapshot that it makes itself is saved with the term, the vote, and all entries that it leaves", () => {
  const follower = settled("a", THREE, { keep: 2 });
  follower.receive(
    "b",
    { type: "vote", term: 2, lastIndex: 9, lastTerm: 1, pre: false, forced: false },
    1,
  );
  append(follower, [1, 1], [2, 3, 4, 5, 6].map((index) => none(index, 1)), 5);
  follower.compact(5, new Uint8Array(3));
  const { save } = follower.take();
  assertEquals(save?.hard, { term: 2, vote: "b" });
  assertEquals([save?.snapshot?.index, save?.snapshot?.bytes.length], [5, 3]);
  assertEquals(save?.entries.map(({ index }) => index), [4, 5, 6]);
  assertEquals(follower.take().save, null);
});

test("a snapshot of another log takes the place of entries that go further", () => {
  const follower = member("a", [FIRST, ...[2, 3, 4].map((index) => none(index, 1))]);
  follower.receive("b", {
    ...{ type: "install", term: 2, round: 1, index: 3, lastTerm: 2, members: THREE },
    ...{ total: 0, offset: 0, bytes: new Uint8Array(0) },
  }, 10);
  const { restore, save } = follower.take();
  assertEquals([restore?.index, save?.entries, follower.log.lastIndex], [3, [], 3]);
});

test("who was removed knows yet who leads", () => {
  const follower = member("a", [membersAt(1, 1, { ...THREE, voters: ["b", "c"] })]);
  append(follower, [1, 1], [], 1);
  assertEquals([follower.commit, follower.leader], [1, "b"]);
});
