import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Founding } from "../../../lib/gen/raft/_founding.ts";

const NODES = ["c@h", "a@h", "b@h"];

test("the first node by name founds the group, when it has heard of all that they are new", () => {
  const first = new Founding("a@h#1", NODES);
  first.heard("b@h#1", null);
  assertEquals(first.founders, null);
  first.heard("c@h#1", null);
  assertEquals(first.founders, ["a@h#1", "b@h#1", "c@h#1"]);
  const second = new Founding("b@h#1", NODES);
  for (const id of ["a@h#1", "c@h#1"]) second.heard(id, null);
  assertEquals(second.founders, null);
});

test("who has come anew since is there as the later one", () => {
  const first = new Founding("a@h#1", NODES);
  for (const id of ["b@h#1", "b@h#2", "c@h#1"]) first.heard(id, null);
  assertEquals(first.founders, ["a@h#1", "b@h#2", "c@h#1"]);
});

test("a group that is there is not founded again, whoever has lost its storage", () => {
  for (const order of [["b@h#1", "c@h#1"], ["c@h#1", "b@h#1"]]) {
    const first = new Founding("a@h#2", NODES);
    for (const id of order) first.heard(id, id.startsWith("c") ? "group" : null);
    assertEquals(first.founders, null);
    first.heard("c@h#2", null);
    assertEquals(first.founders, null);
  }
});

test("who is alone founds its group at once", () => {
  assertEquals(new Founding("a@h#1", ["a@h"]).founders, ["a@h#1"]);
});
