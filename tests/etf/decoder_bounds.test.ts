// Where a term begins and ends, what an error says, and the limit of atoms.
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Atom, atom, atomCount, existingAtom } from "../../lib/etf/atom.ts";
import { decode, Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { AtomLimitError, DecodeError } from "../../lib/etf/errors.ts";
import { Pid } from "../../lib/etf/identifiers.ts";
import { isList } from "../../lib/etf/list.ts";
import { isTuple, tuple } from "../../lib/etf/tuple.ts";
import { bytes, refused, u32 } from "./_support.ts";

test("bytes behind a term are an error that says where, unless they are to be ignored", () => {
  const error = assertThrows(() => decode(bytes(131, 97, 1, 97, 2)), DecodeError);
  assertEquals(error.offset, 3);
  assertEquals(decode(bytes(131, 97, 1, 97, 2), { trailing: "ignore" }), 1);
});

test("a term begins with its version", () => {
  assertEquals(assertThrows(() => decode(bytes(97, 1)), DecodeError).offset, 0);
  assertThrows(() => decode(new Uint8Array(0)), DecodeError);
  assertThrows(() => decode(bytes(131)), DecodeError);
  refused(131, 97, 1);
});

test("an error has the offset and the tag of the term that could not be read", () => {
  const error = refused(104, 2, 97, 1, 70, 127, 240, 0, 0, 0, 0, 0, 0);
  assertEquals([error.tag, error.offset], [70, 6]);
  const cut = refused(104, 3, 97, 1, 109, u32(9), "abc");
  assertEquals(cut.tag, 109);
  const unknown = refused(104, 1, 200);
  assertEquals([unknown.tag, unknown.offset], [200, 3]);
});

test("a decoder reads one term after the other", () => {
  const decoder = new Decoder();
  const data = bytes(9, 97, 1, 104, 1, 106, 119, 2, "ok", 97);
  decoder.reset(data, 1, 10);
  assertEquals(decoder.term(), 1);
  assertEquals(decoder.position, 3);
  assert(isTuple(decoder.term()));
  assertEquals(decoder.term(), atom("ok"));
  assertEquals(decoder.position, decoder.end);
  assertThrows(() => decoder.term(), DecodeError);
});

test("a decoder goes on after an error, at the position where the term began", () => {
  const decoder = new Decoder();
  decoder.reset(bytes(104, 2, 97, 1, 200));
  assertThrows(() => decoder.term(), DecodeError);
  assertEquals(decoder.position, 0);
  decoder.reset(bytes(97, 1));
  assertEquals(decoder.term(), 1);
});

test("a decoder does not read beyond its end, though there are bytes", () => {
  const data = bytes(109, u32(4), "abcd");
  const decoder = new Decoder();
  for (let end = 0; end < data.length; end++) {
    decoder.reset(data, 0, end);
    assertThrows(() => decoder.term(), DecodeError);
  }
});

test("the atoms of a distribution header are read without a tag", () => {
  const decoder = new Decoder();
  decoder.reset(bytes("truefoo"));
  assertEquals(decoder.atom(4), true);
  assertEquals(decoder.atom(3), atom("foo"));
});

test("existing atoms only: new ones are refused and not made", () => {
  const before = atomCount();
  const data = bytes(131, 119, 14, "never seen 123");
  assertThrows(() => decode(data, { atoms: "existing" }), DecodeError, "new");
  assertThrows(
    () => decode(bytes(131, 100, 0, 14, "never seen 123"), { atoms: "existing" }),
    DecodeError,
  );
  assertEquals(atomCount(), before);
  assertEquals(existingAtom("never seen 123"), undefined);
  assertEquals(decode(bytes(131, 119, 2, "ok"), { atoms: "existing" }), atom("ok"));
  assertEquals(decode(bytes(131, 119, 4, "true"), { atoms: "existing" }), true);
});

test("beyond its limit of atoms a decoder makes none, but knows those there are", () => {
  const error = assertThrows(
    () => decode(bytes(131, 119, 15, "never seen 1234"), { atomLimit: atomCount() }),
    AtomLimitError,
  );
  assertEquals(error.limit, atomCount());
  assertInstanceOf(decode(bytes(131, 119, 2, "ok"), { atomLimit: 0 }), Atom);
});

test("whatever is cut off says so, at each place and depth", () => {
  const whole = encode(
    [
      tuple(atom("a"), 1, 300, 1.5, "text", 2n ** 70n),
      new Map([["k", [new Pid(atom("n"), 1, 2, 3)]]]),
      [],
    ],
  );
  for (const wrap of [0, 70]) {
    let term: Uint8Array = whole.subarray(1);
    for (let i = 0; i < wrap; i++) term = bytes(104, 1, term);
    const all = bytes(131, term);
    assert(isTuple(decode(all)) || isList(decode(all)));
    for (let end = 1; end < all.length; end++) {
      assertThrows(() => decode(all.subarray(0, end)), DecodeError);
    }
  }
});
