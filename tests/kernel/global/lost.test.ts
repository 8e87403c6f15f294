import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { LostConnections } from "../../../lib/kernel/global/_lost.ts";

test("what is said again is not news, unless it is of a later loss or another life", () => {
  const lost = new LostConnections(() => 0);
  const said: [string, string, number, number | bigint, boolean][] = [
    ["a", "b", 1, 5, true],
    ["a", "b", 1, 5, false],
    ["a", "b", 1, 4, false],
    ["a", "b", 1, 6, true],
    ["b", "a", 1, 6, true],
    ["a", "c", 1, 6, true],
    ["a", "b", 2, 1, true],
    ["a", "b", 2, 2n ** 60n, true],
    ["a", "b", 2, 2n ** 60n, false],
    ["a", "b", 2, 7, false],
  ];
  for (const [from, to, creation, operation, isNew] of said) {
    assertEquals(lost.add(from, to, creation, operation), isNew, `${from} ${to} ${operation}`);
  }
});

test("what was said is forgotten after an hour, and the oldest where there is too much of it", () => {
  let now = 0;
  const lost = new LostConnections(() => now);
  assertEquals(lost.add("a", "b", 1, 1), true);
  now += 60 * 60 * 1_000 - 1;
  assertEquals(lost.add("c", "d", 1, 1), true);
  assertEquals(lost.add("a", "b", 1, 1), false);
  now += 1;
  assertEquals(lost.add("e", "f", 1, 1), true);
  assertEquals(lost.add("a", "b", 1, 1), true);
  assertEquals(lost.add("c", "d", 1, 1), false);
  for (let i = 0; i < 9_999; i++) lost.add("many", `n${i}`, 1, 1);
  assertEquals(lost.add("c", "d", 1, 1), true);
  assertEquals(lost.add("many", "n9998", 1, 1), false);
});
