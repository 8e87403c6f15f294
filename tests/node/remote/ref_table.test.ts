import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { Ref } from "../../../lib/etf/identifiers.ts";
import { RefTable } from "../../../lib/node/remote/_ref_table.ts";

const NODE = atom("a@b");
/** All of them make the same number. */
const alike = Array.from({ length: 100 }, (_, i) => new Ref(NODE, i, [1, 2, 3]));
const others = Array.from({ length: 100 }, (_, i) => new Ref(NODE, 1, [i, i * 7, 4_000_000_000]));

test("references are told apart, also those that a peer has made to look alike", () => {
  const table = new RefTable<{ readonly ref: Ref; readonly value: number }>();
  const refs = [...alike, ...others];
  refs.forEach((ref, value) => table.add({ ref, value }));
  assertEquals(table.size, 200);
  const copy = ({ _node, creation, words }: Ref) => new Ref(_node, creation, [...words]);
  refs.forEach((ref, value) => assertEquals(table.get(copy(ref))?.value, value));
  assertEquals(table.values().map(({ value }) => value).sort((a, b) => a - b), [...refs.keys()]);
  // The first of those that look alike goes, the others are found all the same.
  assertEquals(table.delete(copy(alike[0]))?.value, 0);
  assertEquals(table.delete(alike[0]), undefined);
  alike.slice(1).forEach((ref, i) => assertEquals(table.get(ref)?.value, i + 1));
  table.add({ ref: alike[0], value: 0 });
  refs.forEach((ref, value) => assertEquals(table.delete(copy(ref))?.value, value));
  assertEquals(table.size, 0);
  assertEquals(table.get(alike[1]), undefined);
});

test("those that come and go one after another are found, also when more are there than have places", () => {
  const table = new RefTable<{ readonly ref: Ref; readonly value: number }>();
  const ref = (value: number) =>
    new Ref(NODE, 1, [value % 262_144, Math.floor(value / 262_144), 7]);
  assertEquals([table.get(ref(0)), table.delete(ref(0)), table.values()], [
    undefined,
    undefined,
    [],
  ]);
  const first = 262_000; // the first word begins anew meanwhile
  for (let value = first; value < first + 3_000; value++) {
    table.add({ ref: ref(value), value });
    if (value >= first + 700) assertEquals(table.delete(ref(value - 700))?.value, value - 700);
  }
  assertEquals(table.size, 700);
  for (let value = first; value < first + 3_000; value++) {
    assertEquals(table.get(ref(value))?.value, value < first + 2_300 ? undefined : value);
  }
  const left = table.values().map(({ value }) => value).sort((a, b) => a - b);
  assertEquals(left, Array.from({ length: 700 }, (_, i) => first + 2_300 + i));
});
