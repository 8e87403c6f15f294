import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { sizeOf } from "../../lib/etf/term_size.ts";
import { atom, ImproperList, TermMap, tuple } from "../../mod.ts";

test("a term is about as large as its parts", () => {
  assertEquals(sizeOf(atom("a"), 1_000), 16);
  assertEquals(sizeOf(new Uint8Array(100), 1_000), 116);
  assertEquals(sizeOf(tuple("ab", [1, 2]), 1_000), 16 * 5 + 2);
  assertEquals(sizeOf(new TermMap([[1, "abc"]]), 1_000), 16 * 3 + 3);
  assertEquals(sizeOf(new ImproperList([1], 2), 1_000), 16 * 3);
  assert(sizeOf(new Array(1_000_000).fill(1), 1_000) < 1_100);
});
