import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { Atom, atom, atomCount, existingAtom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { decode, Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { AtomLimitError, DecodeError } from "../../lib/etf/errors.ts";
import { Float, float } from "../../lib/etf/float.ts";
import { format } from "../../lib/etf/format.ts";
import { ExternalFun, type Fun, LocalTerm, NativeRecord } from "../../lib/etf/fun.ts";
import { Pid, type Port, type Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList, isList } from "../../lib/etf/list.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { isTuple, tuple } from "../../lib/etf/tuple.ts";
import { bytes, read, refused, u32 } from "./_support.ts";

const NODE = bytes(119, 3, "a@b");

test("97 and 98: small integers", () => {
  assertEquals(read({}, 97, 0), 0);
  assertEquals(read({}, 97, 255), 255);
  assertEquals(read({}, 98, 0, 0, 1, 0), 256);
  assertEquals(read({}, 98, 255, 255, 255, 255), -1);
  assertEquals(read({}, 98, 128, 0, 0, 0), -2147483648);
});

test("110 and 111: a number as far as it is safe, a bigint beyond", () => {
  const of = (...digits: number[]) => read({}, 110, digits.length, 0, digits);
  assertEquals(of(), 0);
  assertEquals(of(5), 5);
  assertEquals(of(255, 255, 255, 255, 255, 255, 31), 9007199254740991);
  assertEquals(of(0, 0, 0, 0, 0, 0, 32), 9007199254740992n);
  assertEquals(of(0, 0, 0, 0, 0, 0, 0, 128), 1n << 63n);
  assertEquals(of(0, 0, 0, 0, 0, 0, 0, 0, 1), 1n << 64n);
  assertEquals(of(7, 0, 0, 0, 0, 0, 0, 0, 0, 0), 7);
  assertEquals(read({}, 110, 1, 1, 5), -5);
  assertEquals(read({}, 110, 1, 2, 5), -5);
  assert(Object.is(read({}, 110, 1, 1, 0), 0), "the negative zero is 0");
  assertEquals(read({}, 111, u32(9), 1, 0, 0, 0, 0, 0, 0, 0, 0, 1), -(1n << 64n));
});

test("70 and 99: a float is a number, or says that it is one when asked", () => {
  assertEquals(read({}, 70, 63, 240, 0, 0, 0, 0, 0, 0), 1);
  assertEquals(read({ floats: "wrap" }, 70, 63, 240, 0, 0, 0, 0, 0, 0), float(1));
  assert(Object.is(read({}, 70, 128, 0, 0, 0, 0, 0, 0, 0), -0));
  assertEquals(read({}, 99, "1.50000000000000000000e+00", 0, 0, 0, 0, 0), 1.5);
  assertEquals(read({ floats: "wrap" }, 99, "-2.0", new Uint8Array(27)), float(-2));
});

test("118, 119, 100, 115: atoms are interned, whatever spelling they come in", () => {
  assertStrictEquals(read({}, 119, 2, "ok"), atom("ok"));
  assertStrictEquals(read({}, 118, 0, 2, "ok"), atom("ok"));
  assertStrictEquals(read({}, 100, 0, 2, "ok"), atom("ok"));
  assertStrictEquals(read({}, 115, 2, "ok"), atom("ok"));
  assertStrictEquals(read({}, 119, 2, "é"), atom("é"));
  assertStrictEquals(read({}, 115, 1, 0xe9), atom("é"));
  assertStrictEquals(read({}, 119, 0), atom(""));
  // These two bytes are one letter in one spelling and two in the other.
  assertStrictEquals(read({}, 115, 2, 0xc3, 0xa9), atom("Ã©"));
});

test("true, false and nil are JavaScript's, undefined and null stay atoms", () => {
  assertStrictEquals(read({}, 119, 4, "true"), true);
  assertStrictEquals(read({}, 100, 0, 5, "false"), false);
  assertStrictEquals(read({}, 119, 3, "nil"), null);
  assertStrictEquals(read({}, 119, 9, "undefined"), atom("undefined"));
  assertStrictEquals(read({}, 119, 4, "null"), atom("null"));
});

test("an atom may have 255 characters, even of four bytes", () => {
  const name = "\u{1F600}".repeat(255);
  assertStrictEquals(read({}, 118, 1020 >> 8, 1020 & 255, name), atom(name));
  refused(118, 1024 >> 8, 1024 & 255, name, "\u{1F600}");
  refused(118, 1, 0, "a".repeat(256));
  refused(100, 1, 0, "a".repeat(256));
});

test("104 and 105: tuples are no lists", () => {
  const tuple = read({}, 104, 2, 97, 1, 106) as unknown[];
  assertEquals([isTuple(tuple), isList(tuple)], [true, false]);
  assertEquals(tuple.length, 2);
  assertEquals(tuple[0], 1);
  assert(isTuple(read({}, 104, 0)));
  assert(isTuple(read({}, 105, u32(1), 97, 1)));
});

test("106, 107, 108: lists are arrays of numbers, never text", () => {
  assertEquals(read({}, 106), []);
  assertEquals(read({}, 107, 0, 3, "abc"), [97, 98, 99]);
  assertEquals(read({}, 107, 0, 0), []);
  assertEquals(read({}, 108, u32(2), 97, 1, 97, 2, 106), [1, 2]);
  assert(isList(read({}, 106)));
});

test("108: a tail that is a list makes one list, another tail an improper one", () => {
  assertEquals(read({}, 108, u32(1), 97, 1, 108, u32(1), 97, 2, 107, 0, 2, 3, 4), [1, 2, 3, 4]);
  const improper = read({}, 108, u32(1), 97, 1, 108, u32(1), 97, 2, 97, 3);
  assertEquals(improper, new ImproperList([1, 2], 3));
  // Without elements the list is its tail.
  assertEquals(read({}, 108, u32(0), 97, 3), 3);
  assertEquals(read({}, 108, u32(1), 97, 1, 108, u32(0), 106), [1]);
});

test("109: small binaries are copies, large ones views of what was given", () => {
  const small = bytes(131, 109, u32(3), "abc");
  const copied = decode(small) as Binary;
  assertInstanceOf(copied, Binary);
  small[6] = 0;
  assertEquals(copied.text, "abc");

  const large = bytes(131, 109, u32(1000), new Uint8Array(1000));
  const view = decode(large) as Binary;
  large[6] = 9;
  assertEquals(view[0], 9);
  assertStrictEquals(view.buffer, large.buffer);

  const safe = decode(large, { viewFrom: Infinity }) as Binary;
  large[6] = 7;
  assertEquals(safe[0], 9);
  assertEquals(safe.length, 1000);
});

test("109: copies that are carved from one slab do not overlap", () => {
  const list = Array.from({ length: 3000 }, (_, i) => new Uint8Array(1 + (i % 200)).fill(i));
  const read = decode(encode(list)) as Binary[];
  for (const [i, binary] of read.entries()) {
    assert(binary.every((byte) => byte === (i & 255)) && binary.length === 1 + (i % 200), `${i}`);
  }
});

test("109 as text: strings where it is UTF-8, bytes where not", () => {
  assertEquals(read({ binaries: "text" }, 109, u32(5), "Zoë!"), "Zoë!");
  assertEquals(read({ binaries: "text" }, 109, u32(0)), "");
  assertInstanceOf(read({ binaries: "text" }, 109, u32(1), 200), Binary);
  const long = "é".repeat(500);
  assertEquals(decode(encode(long), { binaries: "text" }), long);
  assertEquals(decode(encode("\uFEFFbom"), { binaries: "text" }), "\uFEFFbom");
});

test("77: bitstrings", () => {
  const bits = read({}, 77, u32(1), 3, 0b1011_1111) as Bitstring;
  assertInstanceOf(bits, Bitstring);
  assertEquals([...bits.bytes], [0b1010_0000]);
  assertEquals(bits.bits, 3);
  assertInstanceOf(read({}, 77, u32(1), 8, 7), Binary);
});

test("116: maps keep the order of their entries", () => {
  const map = read({}, 116, u32(2), 119, 1, "b", 97, 1, 119, 1, "a", 97, 2) as TermMap;
  assertInstanceOf(map, TermMap);
  assertEquals([...map], [[atom("b"), 1], [atom("a"), 2]]);
  assertEquals((read({}, 116, u32(0)) as TermMap).size, 0);
});

test("116: float keys are wrapped, wherever they stand in the key, values are not", () => {
  const one = bytes(70, 63, 240, 0, 0, 0, 0, 0, 0);
  const map = read({}, 116, u32(3), 97, 1, one, one, 97, 2, 104, 1, one, 104, 1, one) as TermMap;
  assertEquals(map.get(1), 1);
  assertEquals(map.get(float(1)), 2);
  const [key, value] = [...map][2] as [unknown[], unknown[]];
  assertInstanceOf(key[0], Float);
  assertEquals(value[0], 1);
});

test("116: 0.0 and -0.0 are two keys, as from OTP 27 on", () => {
  const zero = bytes(70, new Uint8Array(8));
  const minus = bytes(70, 128, new Uint8Array(7));
  assertEquals((read({}, 116, u32(2), zero, 97, 1, minus, 97, 2) as TermMap).get(float(-0)), 2);
});

test("116 as objects: where all keys are of the kind that was asked for", () => {
  const atoms = encode(new TermMap([[atom("a"), 1], [true, new TermMap([[atom("b"), 2]])]]));
  assertEquals(decode(atoms, { objects: "atoms" }), { a: 1, true: { b: 2 } } as never);
  assertInstanceOf(decode(atoms, { objects: "binaries" }), TermMap);
  const texts = encode(new Map([["a", 1], ["é", 2]]));
  assertEquals(decode(texts, { objects: "binaries" }), { a: 1, "é": 2 } as never);
  assertInstanceOf(decode(texts, { objects: "atoms" }), TermMap);
  const key = encode(new TermMap([[new TermMap([[atom("a"), 1]]), 1]]));
  const inKey = decode(key, { objects: "atoms" }) as TermMap;
  assertInstanceOf([...inKey.keys()][0], TermMap);
});

test("116 as objects: a key __proto__ is a property, not the prototype", () => {
  const object = decode(encode(new Map([["__proto__", new Map([["admin", true]])]])), {
    objects: "binaries",
  }) as unknown as Record<string, unknown>;
  assertEquals(Object.keys(object), ["__proto__"]);
  assertEquals(object.admin, undefined);
  assertStrictEquals(Object.getPrototypeOf(object), Object.prototype);
});

test("88 and 103: pids", () => {
  const pid = read({}, 88, NODE, u32(0xffffffff), u32(2), u32(3)) as Pid;
  assertEquals([pid.node, pid.id, pid.serial, pid.creation], ["a@b", 0xffffffff, 2, 3]);
  assert((read({}, 103, NODE, u32(1), u32(2), 3) as Pid).equals(new Pid(atom("a@b"), 1, 2, 3)));
  refused(103, NODE, u32(1), u32(2), 4);
  refused(88, 97, 1, u32(1), u32(2), u32(3));
});

test("89, 102, 120: ports", () => {
  const of = (...parts: Parameters<typeof bytes>) => {
    const port = read({}, ...parts) as Port;
    return [port.node, port.id, port.creation];
  };
  assertEquals(of(102, NODE, u32(7), 3), ["a@b", 7, 3]);
  assertEquals(of(89, NODE, u32(7), u32(9)), ["a@b", 7, 9]);
  assertEquals(of(120, NODE, u32(0), u32(7), u32(9)), ["a@b", 7, 9]);
  assertEquals(of(120, NODE, u32(0x1fffff), u32(0xffffffff), u32(9))[1], 2 ** 53 - 1);
  assertEquals(of(120, NODE, u32(0xffffffff), u32(0xffffffff), u32(9))[1], (1n << 64n) - 1n);
});

test("90, 101, 114: references of none to five words", () => {
  const words = (...parts: Parameters<typeof bytes>) => (read({}, ...parts) as Ref).words;
  assertEquals(words(90, 0, 3, NODE, u32(9), u32(1), u32(2), u32(0xffffffff)), [1, 2, 0xffffffff]);
  assertEquals(words(90, 0, 0, NODE, u32(9)), []);
  assertEquals(words(90, 0, 5, NODE, u32(9), u32(1), u32(2), u32(3), u32(4), u32(5)).length, 5);
  refused(90, 0, 6, NODE, u32(9), u32(1), u32(2), u32(3), u32(4), u32(5), u32(6));
  assertEquals(words(101, NODE, u32(5), 3), [5]);
  assertEquals(words(114, 0, 2, NODE, 3, u32(5), u32(6)), [5, 6]);
  refused(101, NODE, u32(1 << 18), 3);
});

test("113: external funs, of arity 0 to 255", () => {
  assertEquals(
    read({}, 113, 119, 5, "lists", 119, 3, "map", 97, 2),
    new ExternalFun(atom("lists"), atom("map"), 2),
  );
  refused(113, 119, 1, "m", 119, 1, "f", 98, u32(256));
  refused(113, 119, 1, "m", 119, 1, "f", 98, u32(-1));
  // A function may be named like one of the atoms that JavaScript has values for.
  assertEquals(
    (read({}, 113, 119, 1, "m", 119, 4, "true", 97, 0) as ExternalFun).function.name,
    "true",
  );
});

const FUN = bytes(
  ...[1, new Uint8Array(16).fill(7), u32(42), u32(2), 119, 1, "m", 97, 41, 98, u32(123456)],
  ...[
    88,
    NODE,
    u32(1),
    u32(2),
    u32(3),
    97,
    5,
    108,
    u32(1),
    119,
    2,
    "ok",
    70,
    63,
    240,
    0,
    0,
    0,
    0,
    0,
    0,
  ],
);

test("112: a fun has its fields, and goes back byte for byte", () => {
  const data = bytes(131, 104, 2, 112, u32(FUN.length + 4), FUN, 97, 9);
  const fun = (decode(data) as unknown[])[0] as Fun;
  assertEquals([fun.module.name, fun.arity, fun.index, fun.oldUniq], ["m", 1, 42, 123456]);
  assertEquals(fun.pid.id, 1);
  assertEquals(format(fun.free as never), "[5,[ok|1]]");
  assertEquals(encode(decode(data) as never), data);
});

test("112: atom cache references in a fun are replaced, nested funs included", () => {
  const cached = bytes(
    ...[1, new Uint8Array(16).fill(7), u32(42), u32(1), 82, 0, 97, 41, 97, 3],
    ...[88, 82, 1, u32(1), u32(2), u32(3)],
  );
  const plain = bytes(
    ...[1, new Uint8Array(16).fill(7), u32(42), u32(1), 119, 6, "module", 97, 41, 97, 3],
    ...[88, NODE, u32(1), u32(2), u32(3)],
  );
  const inner = bytes(112, u32(cached.length + 6), cached, 82, 2);
  const outer = bytes(104, 2, 112, u32(cached.length + inner.length + 4), cached, inner, 82, 2);
  const innerPlain = bytes(112, u32(plain.length + 10), plain, 119, 4, "true");
  const expected = bytes(
    ...[104, 2, 112, u32(plain.length + innerPlain.length + 4), plain, innerPlain, 119, 4, "true"],
  );
  const decoder = new Decoder();
  decoder.cache = [atom("module"), atom("a@b"), true];
  decoder.reset(outer);
  assertEquals(encode(decoder.term()), bytes(131, expected));
});

test("117: a fun of an old release goes back as it came", () => {
  const data = bytes(
    131,
    117,
    u32(1),
    103,
    NODE,
    u32(1),
    u32(2),
    3,
    119,
    1,
    "m",
    97,
    1,
    97,
    2,
    97,
    9,
  );
  const fun = decode(data) as Fun;
  assertEquals([fun.module.name, fun.index, fun.oldUniq, fun.free], ["m", 1, 2, [9]]);
  assertEquals(encode(fun), data);
});

test("121: a local term is everything there is, and nothing else's part", () => {
  const data = bytes(131, 121, 1, 2, 3);
  assertInstanceOf(decode(data), LocalTerm);
  assertEquals(encode(decode(data)), data);
  refused(104, 1, 121, 1, 2, 3);
  refused(108, u32(1), 97, 1, 121, 1);
});

test("67: native records", () => {
  const data = bytes(
    131,
    67,
    u32(2),
    0,
    119,
    1,
    "m",
    119,
    1,
    "r",
    119,
    1,
    "a",
    119,
    1,
    "b",
    97,
    1,
    106,
  );
  const record = decode(data) as NativeRecord;
  assertEquals(
    record,
    new NativeRecord(atom("m"), atom("r"), 0, [[atom("a"), 1], [atom("b"), []]]),
  );
  assertEquals(encode(record), data);
  assertEquals(encode(decode(bytes(131, 67, u32(0), 0, 119, 1, "m", 119, 1, "r"))).length, 13);
});

test("82: atoms of the distribution header", () => {
  const decoder = new Decoder();
  decoder.cache = [atom("first"), null];
  decoder.reset(bytes(104, 3, 82, 0, 82, 1, 88, 82, 0, u32(1), u32(2), u32(3)));
  const tuple = decoder.term() as unknown[];
  assertStrictEquals(tuple[0], atom("first"));
  assertStrictEquals(tuple[1], null);
  assertEquals((tuple[2] as Pid).node, "first");
  decoder.reset(bytes(82, 2));
  assertThrows(() => decoder.term(), DecodeError, "beyond the atoms");
  assertEquals(refused(82, 0).message.includes("without a distribution header"), true);
});

test("80: a compressed term, only directly behind the version", () => {
  const list = Array.from({ length: 100 }, () => atom("hello"));
  const data = encode(list, { compress: 9 });
  assertEquals(data[1], 80);
  assertEquals(decode(data), list);
  const decoder = new Decoder();
  decoder.reset(data, 1);
  assertThrows(() => decoder.term(), DecodeError, "COMPRESSED");
  refused(104, 1, data.subarray(1));
});

test("80: junk behind the stream is an error, unless it is to be ignored", () => {
  const data = encode(Array.from({ length: 100 }, () => 1000), { compress: 1 });
  const junk = bytes(data, 1, 2, 3);
  const error = assertThrows(() => decode(junk), DecodeError);
  assertEquals(error.offset, data.length);
  assertEquals((decode(junk, { trailing: "ignore" }) as unknown[]).length, 100);
});

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
