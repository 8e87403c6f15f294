import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decode } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { DecodeError } from "../../lib/etf/errors.ts";
import { takesMore } from "../../lib/etf/_term_memory.ts";
import { bytes, u32 } from "./_support.ts";

const NODE = bytes(119, 1, "n");
const PID = bytes(88, NODE, u32(1), u32(2), u32(3));

/** A term of each tag, and how many there are in it besides the outer one. */
const TERMS: readonly (readonly [name: string, term: Uint8Array])[] = [
  ["SMALL_INTEGER", bytes(97, 1)],
  ["INTEGER", bytes(98, u32(1))],
  ["NEW_FLOAT", bytes(70, new Uint8Array(8))],
  ["FLOAT", bytes(99, new Uint8Array(31))],
  ["ATOM_CACHE_REF", bytes(82, 0)],
  ["ATOM_UTF8", bytes(118, 0, 1, "a")],
  ["ATOM", bytes(100, 0, 1, "a")],
  ["SMALL_ATOM_UTF8", bytes(119, 2, "aj")],
  ["SMALL_ATOM", bytes(115, 2, "aj")],
  ["SMALL_TUPLE", bytes(104, 2, 97, 1, 97, 2)],
  ["LARGE_TUPLE", bytes(105, u32(1), 97, 1)],
  ["LIST", bytes(108, u32(1), 97, 1, 106)],
  ["MAP", bytes(116, u32(1), 97, 1, 97, 2)],
  ["STRING", bytes(107, 0, 3, "abc")],
  ["BINARY", bytes(109, u32(3), "jjj")],
  ["BIT_BINARY", bytes(77, u32(1), 1, 128)],
  ["SMALL_BIG", bytes(110, 2, 0, 1, 1)],
  ["LARGE_BIG", bytes(111, u32(2), 0, 1, 1)],
  ["NEW_PID", PID],
  ["NEW_PID with a reference", bytes(88, 82, 0, u32(1), u32(2), u32(3))],
  ["PID", bytes(103, NODE, u32(1), u32(2), 3)],
  ["NEW_PORT", bytes(89, NODE, u32(1), u32(3))],
  ["V4_PORT", bytes(120, NODE, u32(1), u32(2), u32(3))],
  ["PORT", bytes(102, NODE, u32(1), 3)],
  ["REFERENCE", bytes(101, NODE, u32(1), 3)],
  ["NEW_REFERENCE", bytes(114, 0, 2, NODE, 3, u32(1), u32(2))],
  ["NEWER_REFERENCE", bytes(90, 0, 2, NODE, u32(3), u32(1), u32(2))],
  ["EXPORT", bytes(113, NODE, NODE, 97, 1)],
  [
    "NEW_FUN",
    bytes(112, u32(0), 1, new Uint8Array(16), u32(0), u32(1), NODE, 97, 1, 97, 1, PID, 97, 1),
  ],
  ["FUN", bytes(117, u32(0), PID, NODE, 97, 1, 97, 1)],
  ["RECORD", bytes(67, u32(1), 0, NODE, NODE, NODE, 97, 1)],
];

for (const [name, term] of TERMS) {
  test(`what follows a term is counted: ${name}`, () => {
    const nils = new Uint8Array(1000).fill(106);
    const all = bytes(term, nils);
    assertEquals(takesMore(term, 0, term.length, 1000), false);
    assertEquals(takesMore(all, 0, all.length, 72_000), true);
    // Not more than that, and nothing of the term is taken for terms of its own.
    assertEquals(takesMore(all, 0, all.length, 73_000), false);
  });
}

test("what is no term ends the count: its decoder says so", () => {
  const nils = new Uint8Array(1000).fill(106);
  for (const tag of [0, 80, 121, 131, 255]) {
    const all = bytes(tag, nils);
    assertEquals(takesMore(all, 0, all.length, 8), false);
  }
  for (const cut of [bytes(109), bytes(109, 0, 0), bytes(88, 119), bytes(90, 0), bytes(104)]) {
    assertEquals(takesMore(cut, 0, cut.length, 1000), false);
  }
});

test("a term that would take too much memory is refused before any of it is made", () => {
  const nils = bytes(131, 108, u32(1000), new Uint8Array(1001).fill(106));
  assertEquals((decode(nils) as unknown[]).length, 1000);
  const error = assertThrows(() => decode(nils, { maxMemory: 10_000 }), DecodeError, "maxMemory");
  assertEquals(error.offset, 1);
  // Also where it comes compressed, which makes it a thousandth on the wire.
  const small = encode(Array.from({ length: 100_000 }, () => []), { compress: 9 });
  assert(small.length < 1000);
  assertThrows(() => decode(small, { maxMemory: 1_000_000 }), DecodeError, "COMPRESSED");
  assertEquals((decode(small, { maxMemory: 10_000_000 }) as unknown[]).length, 100_000);
});

test("64 MiB of empty lists are too many, and a binary of 64 MiB is not", () => {
  const nils = new Uint8Array(1 + 5 + 2 ** 26 + 1).fill(106);
  nils.set([131, 108, ...u32(2 ** 26)]);
  assertThrows(() => decode(nils), DecodeError, "maxMemory");
  nils.set([131, 109, ...u32(2 ** 26 + 1)]);
  assertEquals((decode(nils) as Uint8Array).length, 2 ** 26 + 1);
});
