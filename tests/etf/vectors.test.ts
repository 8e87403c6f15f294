import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { decode } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { equal } from "../../lib/etf/equal.ts";
import { DecodeError } from "../../lib/etf/errors.ts";
import { format } from "../../lib/etf/format.ts";
import { termKey } from "../../lib/etf/term_key.ts";
import { hex, vectors } from "./_support.ts";

const all = vectors();

test("there are some thousand vectors of each kind", () => {
  for (const kind of ["canonical", "read", "refused"]) {
    assert(all.filter((vector) => vector.kind === kind).length > 2000, kind);
  }
});

test("canonical bytes come back bit for bit", () => {
  for (const { bytes, canonical, kind } of all) {
    if (kind === "refused") continue;
    const again = encode(decode(canonical, { floats: "wrap" }));
    if (!same(again, canonical)) {
      assertEquals(hex(again), hex(canonical), `read from ${hex(bytes)}`);
    }
  }
});

test("what Erlang reads is read as the same term", () => {
  for (const { bytes, canonical, kind } of all) {
    if (kind !== "read") continue;
    const term = decode(bytes, { floats: "wrap" });
    const expected = decode(canonical, { floats: "wrap" });
    assert(equal(term, expected), hex(bytes));
    assert(equal(expected, term), hex(bytes));
    assertEquals(termKey(term), termKey(expected), hex(bytes));
    // Erlang sorts the keys of a map, here they keep the order they came in.
    if (!canonical.includes(116)) assert(same(encode(term), canonical), hex(bytes));
  }
});

test("what Erlang refuses is refused with a typed error", () => {
  for (const { bytes, kind } of all) {
    if (kind !== "refused") continue;
    try {
      decode(bytes);
    } catch (error) {
      assert(error instanceof DecodeError, hex(bytes));
      assert(error.offset >= 0 && error.offset <= bytes.length, hex(bytes));
      continue;
    }
    throw new Error(`accepted ${hex(bytes)}`);
  }
});

test("terms are printed as Erlang prints them", () => {
  let printed = 0;
  for (const { bytes, text } of all) {
    if (text === undefined) continue;
    assertEquals(format(decode(bytes, { floats: "wrap" })), text, hex(bytes));
    printed++;
  }
  assert(printed > 2000, `${printed}`);
});

test("no prefix of a term is a term, one byte after the other", () => {
  for (const { bytes, kind } of all) {
    if (kind !== "canonical" || bytes.length > 120) continue;
    for (let length = 0; length < bytes.length; length++) {
      try {
        decode(bytes.subarray(0, length));
      } catch (error) {
        if (error instanceof DecodeError) continue;
        throw error;
      }
      throw new Error(`accepted ${length} bytes of ${hex(bytes)}`);
    }
  }
});

test("text, plain objects and copies are other views of the same vectors", () => {
  for (const { bytes, kind } of all) {
    if (kind === "refused") continue;
    const term = decode(bytes, { floats: "wrap" });
    const text = decode(bytes, { floats: "wrap", binaries: "text", viewFrom: Infinity });
    assert(equal(term, text), hex(bytes));
    assertEquals(format(text), format(term), hex(bytes));
    decode(bytes, { objects: "atoms" });
    decode(bytes, { objects: "binaries", binaries: "text" });
  }
});

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
