import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  allMembers,
  changed,
  majority,
  type MemberChange,
  nodeOfMember,
  twinOf,
} from "../../../lib/gen/raft/_members.ts";
import { highestOfMajority } from "../../../lib/gen/raft/_leading.ts";
import type { Members } from "../../../lib/gen/raft/_types.ts";

const SOME: Members = { voters: ["a", "b"], learners: ["l"], rising: ["r"] };

function after(change: MemberChange, members: Members = SOME): string | null {
  const next = changed(members, change);
  if (next === null) return null;
  return [next.voters, next.learners, next.rising].map((ids) => ids.join("")).join(" ");
}

const add = (id: string, as: "voter" | "learner" = "voter"): MemberChange => ({
  ...{ type: "add", id },
  as,
});
const remove = (id: string): MemberChange => ({ type: "remove", id });
const promote = (id: string): MemberChange => ({ type: "promote", id });

test("two majorities have a member in common", () => {
  assertEquals([1, 2, 3, 4, 5, 10, 11].map(majority), [1, 2, 2, 3, 3, 6, 6]);
  assertEquals(highestOfMajority([7]), 7);
  assertEquals(highestOfMajority([1, 9]), 1);
  assertEquals(highestOfMajority([10, 9, 2]), 9);
  assertEquals(highestOfMajority([1, 20, 3, 4]), 3);
  assertEquals(highestOfMajority([5, 1, 2, 3, 4]), 3);
  assertEquals(highestOfMajority([]), 0);
});

test("a change of the members is one of one member", () => {
  assertEquals(after(add("c")), "ab l rc"); // follows before it votes
  assertEquals(after(add("c", "learner")), "ab lc r");
  assertEquals(after(promote("l")), "abl  r");
  assertEquals(after(promote("r")), "abr l ");
  assertEquals([after(remove("a")), after(remove("l")), after(remove("r"))], [
    "b l r",
    "ab  r",
    "ab l ",
  ]);
  assertEquals(allMembers(SOME), ["a", "b", "r", "l"]);
});

test("what is no change, or leaves nobody, is none", () => {
  for (const id of ["a", "l", "r"]) {
    assertEquals([after(add(id)), after(add(id, "learner"))], [null, null]);
  }
  assertEquals([after(remove("z")), after(promote("z")), after(promote("a"))], [null, null, null]);
  const one: Members = { voters: ["a"], learners: ["l"], rising: ["r"] };
  assertEquals([after(remove("a"), one), after(remove("l"), one)], [null, "a  r"]);
});

test("there are eleven voters at most, but for one that takes the place of another", () => {
  const voters = Array.from({ length: 11 }, (_, i) => `n${i}@h#1`);
  const ten = { voters: voters.slice(0, 10), learners: ["l"], rising: [] };
  assertEquals(changed(ten, add("x@h#1"))?.rising, ["x@h#1"]);
  assertEquals(changed({ ...ten, rising: ["y@h#1"] }, add("x@h#1")), null);
  const full = { voters, learners: ["l"], rising: [] };
  assertEquals(changed(full, add("x@h#1")), null);
  assertEquals(changed(full, promote("l")), null);
  assertEquals(changed(full, add("x@h#1", "learner"))?.learners, ["l", "x@h#1"]);
  assertEquals(changed(full, add("n3@h#2"))?.rising, ["n3@h#2"]);
  assertEquals(changed({ ...full, rising: ["n3@h#2"] }, add("n4@h#2")), null);
});

test("the same node as another member", () => {
  assertEquals(nodeOfMember("a@h#1#2"), "a@h#1");
  const members = { voters: ["a@h#1", "b@h#1"], learners: ["l@h#1"], rising: ["a@h#2"] };
  assertEquals(twinOf(members, "a@h#2"), "a@h#1");
  assertEquals(twinOf(members, "a@h#1"), "a@h#2");
  assertEquals(twinOf(members, "l@h#9"), "l@h#1");
  assertEquals(twinOf(members, "b@h#1"), undefined);
});
