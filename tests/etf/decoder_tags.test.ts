// The decoder reads each tag of the format, under its number.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { decode, Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { DecodeError } from "../../lib/etf/errors.ts";
import { Float, float } from "../../lib/etf/float.ts";
import { format } from "../../lib/etf/format.ts";
import { ExternalFun, type Fun, LocalTerm, NativeRecord } from "../../lib/etf/fun.ts";
import { Pid, type Port, type Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList, isList } from "../../lib/etf/list.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { isTuple } from "../../lib/etf/tuple.ts";
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
