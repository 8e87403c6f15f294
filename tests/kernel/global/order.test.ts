import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { bossOf, compareNodes, comparePids } from "../../../lib/kernel/global/_order.ts";
import { atom, Pid } from "../../../mod.ts";

test("nodes are in the order of Erlang's atoms", () => {
  // As lists:sort/1 of OTP 25 has them: by code points.
  const sorted = ["Z@h", "a@h", "a@h2", "z@h", "é@h", "\u{FFFD}@h", "\u{1F600}@h"];
  assertEquals(sorted.toReversed().sort(compareNodes), sorted);
  assertEquals(bossOf(sorted), "\u{1F600}@h");
  assertEquals(bossOf(["a@h"]), "a@h");
});

test("pids are in the order of Erlang's", () => {
  // As lists:sort/1 of OTP 25 has them: by serial, id, node and creation, in this order.
  const sorted: Pid[] = [];
  for (const serial of [0, 1, 2]) {
    for (const id of [1, 2, 70_000]) {
      for (const node of ["B@h", "a@h", "aa@h", "b@h"]) {
        for (const creation of [5, 6]) sorted.push(new Pid(atom(node), id, serial, creation));
      }
    }
  }
  assertEquals(sorted.toReversed().sort(comparePids), sorted);
});
