import { test } from "node:test";
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { SeededRandom } from "../../lib/testing/random.ts";

const EXPECTED = [889343953, 3260249183, 2634470133];

test("the numbers of a seed are the same everywhere", () => {
  const random = new SeededRandom("number 1");
  assertEquals([random.bits(), random.bits(), random.bits()], EXPECTED);
  assertEquals(random.fork("a").bits(), new SeededRandom("number 1").fork("a").bits());
  assertNotEquals(new SeededRandom("number 1").bits(), new SeededRandom("number 2").bits());
  assertNotEquals(random.fork("a").bits(), random.fork("b").bits());
});

test("draws keep to their bounds, and reach them", () => {
  const random = new SeededRandom("x");
  const drawn = Array.from({ length: 1000 }, () => random.between(-1, 2));
  assertEquals([...new Set(drawn)].sort((a, b) => a - b), [-1, 0, 1, 2]);
  assertEquals(new Set(Array.from({ length: 1000 }, () => random.int(3))), new Set([0, 1, 2]));
  const many = Array.from({ length: 1000 }, () => random.next());
  assert(many.every((number) => number >= 0 && number < 1));
  const mean = many.reduce((a, b) => a + b) / many.length;
  assert(mean > 0.45 && mean < 0.55);
  assert(!random.chance(0) && random.chance(1));
  const list = [1, 2, 3, 4, 5];
  assertEquals(random.shuffle(list).sort(), list);
  assert(list.includes(random.pick(list)));
  assertEquals(random.bytes(5).length, 5);
});

test("draws from nothing are refused", () => {
  const random = new SeededRandom("x");
  assertThrows(() => random.pick([]), RangeError, "Cannot pick one of an empty list");
  assertThrows(() => random.int(0), RangeError, "1 to 2 ** 32 is needed");
  assertThrows(() => random.between(2, 1), RangeError, "the second must not be less");
});
