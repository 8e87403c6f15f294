// What the decoder remembers to be quick: atoms, the keys of maps; and its ways to read texts.
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type Atom, atom } from "../../lib/etf/atom.ts";
import { Binary } from "../../lib/etf/binary.ts";
import { decode } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { DecodeError } from "../../lib/etf/errors.ts";
import type { TermMap } from "../../lib/etf/term_map.ts";
import { bytes, u32 } from "./_support.ts";

test("the cache of atoms forgets without losing any", () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `cached_${i}`);
  const data = encode(names.map((name) => atom(name)));
  for (let round = 0; round < 2; round++) {
    const atoms = decode(data) as Atom[];
    for (const [i, one] of atoms.entries()) assertStrictEquals(one, atom(names[i]));
  }
});

test("maps of the same keys again and again, as texts and as objects", () => {
  const options = { binaries: "text", objects: "binaries" } as const;
  const key = (text: string) => [109, u32(text.length), text] as const;
  const map = (...keys: string[]) =>
    bytes(131, 116, u32(keys.length), ...keys.flatMap((name, i) => [...key(name), 97, i]));
  for (let round = 0; round < 3; round++) {
    assertEquals(decode(map("a", "b", "c"), options) as unknown, { a: 0, b: 1, c: 2 });
    assertEquals(decode(map("c", "b", "a"), options) as unknown, { c: 0, b: 1, a: 2 });
    assertThrows(() => decode(map("a", "b", "a"), options), DecodeError, "two equal keys");
    assertThrows(() => decode(map("c", "c", "c"), { binaries: "text" }), DecodeError, "equal keys");
    assertEquals((decode(map("a", "b"), { binaries: "text" }) as TermMap).get("b"), 1);
    const odd = decode(map("__proto__", "x", "12"), options) as object;
    assertEquals(Object.keys(odd).sort(), ["12", "__proto__", "x"]);
    assertEquals(Object.getPrototypeOf(odd), Object.prototype);
    const long = "k".repeat(33);
    assertEquals(decode(map(long, "", "x"), options) as unknown, { [long]: 0, "": 1, x: 2 });
    const wide = decode(
      bytes(131, 116, u32(2), 109, u32(2), 0xc3, 0xa9, 97, 1, ...key("e"), 97, 2),
      options,
    );
    assertEquals(wide as unknown, { "é": 1, e: 2 });
    const mixed = decode(bytes(131, 116, u32(2), ...key("a"), 97, 1, 97, 5, 97, 2), options);
    assertEquals((mixed as TermMap).get(5), 2);
  }
});

test("maps that begin with the keys of the one before, and go on with others", () => {
  const options = { binaries: "text", objects: "binaries" } as const;
  const key = (text: string) => {
    const utf8 = new TextEncoder().encode(text);
    return bytes(109, u32(utf8.length), utf8);
  };
  const map = (...entries: Uint8Array[]) => bytes(116, u32(entries.length / 2), ...entries);
  const value = (i: number) => bytes(97, i);
  const usual = map(key("a"), value(1), key("b"), value(2), key("c"), value(3));
  const read = (term: Uint8Array) => decode(bytes(131, term), options) as unknown;
  const first = { a: 1, b: 2, c: 3 };
  for (let known = 0; known < 3; known++) {
    const begin = [key("a"), value(1), key("b"), value(2), key("c"), value(3)].slice(0, 2 * known);
    const rest = (...names: string[]) => {
      return map(...begin, ...names.slice(known).flatMap((name, i) => [key(name), value(i + 7)]));
    };
    const expected = (...names: string[]) => {
      const object: Record<string, number> = {
        ...Object.fromEntries(Object.entries(first).slice(0, known)),
      };
      names.slice(known).forEach((name, i) => object[name] = i + 7);
      return object;
    };
    for (const names of [["x", "y", "z"], ["é", "ü", "c2"], ["k".repeat(40), "", "1"]]) {
      assertEquals(read(usual), first);
      assertEquals(read(rest(...names)), expected(...names));
    }
    assertEquals(read(usual), first);
    const odd = read(map(...begin, key("__proto__"), value(9))) as object;
    assertEquals(Object.keys(odd), [...["a", "b", "c"].slice(0, known), "__proto__"]);
    assertEquals(read(usual), first);
    // A key that is no text makes it no object.
    const mixed = [...begin, value(5), value(6), key("d"), value(1), key("e"), value(1)];
    const other = read(map(...mixed.slice(0, 6))) as TermMap;
    assertEquals(other.get(5), 6);
    assertEquals(other.size, 3);
    if (known === 0) continue;
    assertEquals(read(usual), first);
    const between = known === 1 ? [key("x"), value(0)] : [];
    const twice = map(...begin, ...between, key("a"), value(1));
    assertThrows(() => read(twice), DecodeError, "equal keys");
    // What is inside has the same number of keys, and other ones.
    assertEquals(read(usual), first);
    const inner = map(key("b"), value(1), key("a"), value(2), key("x"), value(3));
    const outer = map(key("a"), inner, key("b"), usual, key("c"), inner);
    const other3 = { b: 1, a: 2, x: 3 };
    assertEquals(read(outer), { a: other3, b: first, c: other3 });
    assertEquals(read(map(key("a"), usual, key("b"), inner, key("y"), usual)), {
      a: first,
      b: other3,
      y: first,
    });
  }
  let deep = usual;
  for (let i = 0; i < 100; i++) deep = map(key("a"), value(1), key("b"), deep, key("c"), value(3));
  let at = read(deep) as typeof first;
  for (let i = 0; i < 100; i++) at = at.b as unknown as typeof first;
  assertEquals(at, first);
  for (let end = 0; end < usual.length; end++) {
    assertEquals(read(usual), first);
    assertThrows(() => read(usual.subarray(0, end)), DecodeError);
  }
});

test("texts of every length, ASCII and not", () => {
  for (let length = 0; length < 140; length++) {
    for (const end of ["", "z", "é", "\u20ac", "\u{1f600}"]) {
      const text = "abcdefghij".repeat(14).slice(0, length) + end;
      assertEquals(decode(encode(text), { binaries: "text" }), text);
      assertEquals((decode(encode(text)) as Binary).text, text);
    }
  }
  assert(decode(bytes(131, 109, u32(3), "ab", 0xff), { binaries: "text" }) instanceof Binary);
});
