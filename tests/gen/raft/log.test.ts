import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Log, sizeOf } from "../../../lib/gen/raft/_log.ts";
import { command, FIRST, membersAt, none, THREE } from "./_played.ts";

const NOTHING = new Uint8Array(0);
const FOUR = { ...THREE, learners: ["d"] };
const SNAPSHOT = { index: 5, term: 2, members: THREE, bytes: NOTHING };

test("an entry counts for limits by its bytes, and a little for itself", () => {
  assertEquals([sizeOf(none(1, 1)), sizeOf({ ...none(1, 1), payload: command(100) })], [32, 132]);
});

test("a slice is as long as it may be, of one entry at least", () => {
  const log = new Log(null, [1, 2, 3, 4].map((index) => none(index, 1)));
  const slice = (from: number, bytes?: number): number[] =>
    log.slice(from, bytes).map(({ index }) => index);
  assertEquals([slice(2), slice(2, 64), slice(2, 63), slice(2, 1), slice(5)], [
    [2, 3, 4],
    [2, 3],
    [2],
    [2],
    [],
  ]);
});

test("terms are known of entries, of what is before them where that is a snapshot or nothing, and of nothing else", () => {
  const fresh = new Log(null, []);
  assertEquals([fresh.term(0), fresh.term(1), fresh.lastIndex, fresh.lastTerm], [
    0,
    undefined,
    0,
    0,
  ]);
  const installed = new Log(SNAPSHOT, []);
  assertEquals([4, 5, 6].map((index) => installed.term(index)), [undefined, 2, undefined]);
  const behind = new Log(SNAPSHOT, [none(6, 3)]);
  assertEquals([4, 5, 6, 7].map((index) => behind.term(index)), [undefined, 2, 3, undefined]);
  // A few entries before the snapshot are there: what was before them is not known.
  const kept = new Log(SNAPSHOT, [none(4, 2), none(5, 2), none(6, 3)]);
  assertEquals([2, 3, 4, 5, 6].map((index) => kept.term(index)), [undefined, undefined, 2, 2, 3]);
  // The snapshot is ahead of all of them.
  const short = new Log(SNAPSHOT, [none(3, 1)]);
  assertEquals([2, 3, 4, 5].map((index) => short.term(index)), [undefined, 1, undefined, 2]);
});

test("a log that begins behind a hole is none", () => {
  assertThrows(() => new Log(SNAPSHOT, [none(7, 3)]), Error, "entries are missing before it");
  assertThrows(() => new Log(null, [none(2, 1)]), Error, "begins at 2");
  assertThrows(() => new Log(null, [none(1, 1), none(3, 1)]), Error, "behind entry 1");
});

test("another entry takes the place of one and of all behind it", () => {
  const log = new Log(null, [FIRST, none(2, 1), membersAt(3, 1, FOUR), none(4, 1), none(5, 1)]);
  log.put(none(4, 2));
  assertEquals([log.lastIndex, log.lastTerm, log.get(5)], [4, 2, undefined]);
  assertStrictEquals(log.members, FOUR); // 3 is still there
  log.put(none(3, 2));
  assertEquals([log.lastIndex, log.members, log.membersIndex], [3, THREE, 1]);
});

test("where two logs may be the same: the last entry whose term is not later", () => {
  const log = new Log(null, [FIRST, none(2, 1), none(3, 3), none(4, 3), none(5, 4)]);
  assertEquals(log.lastWithin(9, 9), 5);
  assertEquals(log.lastWithin(4, 3), 4);
  assertEquals(log.lastWithin(4, 2), 2);
  assertEquals(log.lastWithin(5, 3), 4);
  assertEquals(log.lastWithin(5, 0), 0);
});

test("a snapshot leaves as many entries as are to be kept, with the term before them", () => {
  const log = new Log(null, [
    ...[FIRST, none(2, 1), none(3, 2), membersAt(4, 3, FOUR), none(5, 3)],
    ...[membersAt(6, 4, THREE), none(7, 4)],
  ]);
  const snapshot = log.compact(5, NOTHING, 2);
  assertEquals([snapshot.term, snapshot.members], [3, FOUR]);
  assertEquals([log.firstIndex, log.lastIndex, log.term(3), log.term(2)], [4, 7, 2, undefined]);
  assertEquals([log.members, log.membersIndex], [THREE, 6]);
  assertEquals([log.membersAt(5), log.membersAt(6)], [FOUR, THREE]);
  assertThrows(() => log.compact(5, NOTHING, 0), Error, "Cannot make a snapshot at 5");
  assertThrows(() => log.compact(8, NOTHING, 0), Error, "Cannot make a snapshot at 8");
  assertEquals(log.compact(7, NOTHING, 100).term, 4); // nothing that is gone comes back
  assertEquals([log.firstIndex, log.term(7), log.membersIndex], [4, 4, 7]);
  log.put(none(8, 4));
  assertEquals(log.compact(8, NOTHING, 0).term, 4);
  assertEquals([log.firstIndex, log.lastIndex, log.lastTerm], [9, 8, 4]);
});

test("members before a snapshot are those of the snapshot, also after a restart", () => {
  const log = new Log({ ...SNAPSHOT, members: FOUR }, [membersAt(4, 1, THREE), none(5, 2)]);
  assertEquals([log.members, log.membersIndex], [FOUR, 5]);
});

test("another one's snapshot takes the place of all", () => {
  const log = new Log(null, [FIRST, none(2, 1), membersAt(3, 1, FOUR)]);
  log.install(SNAPSHOT);
  assertEquals([log.firstIndex, log.lastIndex, log.lastTerm, log.membersIndex], [6, 5, 2, 5]);
  assertEquals([log.members, log.slice(6), log.snapshot], [THREE, [], SNAPSHOT]);
});
