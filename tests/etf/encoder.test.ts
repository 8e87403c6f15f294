import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { Atom, atom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { atomMap, stringMap } from "../../lib/etf/convert.ts";
import { decode } from "../../lib/etf/decoder.ts";
import { encode, Encoder, encodeToKeep } from "../../lib/etf/encoder.ts";
import { equal } from "../../lib/etf/equal.ts";
import { EncodeError } from "../../lib/etf/errors.ts";
import { float } from "../../lib/etf/float.ts";
import { ExternalFun } from "../../lib/etf/fun.ts";
import { Pid, Port, Ref } from "../../lib/etf/identifiers.ts";
import { charlist, ImproperList } from "../../lib/etf/list.ts";
import { Slab } from "../../lib/etf/_slab.ts";
import type { Encodable } from "../../lib/etf/term.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tagged, tuple } from "../../lib/etf/tuple.ts";
import { bytes, u32 } from "./_support.ts";

function writes(value: Encodable, ...parts: Parameters<typeof bytes>): void {
  assertEquals(encode(value), bytes(131, ...parts));
}

/** The error for a value that the compiler would refuse too. */
function refuses(value: unknown, message: string): EncodeError {
  return assertThrows(() => encode(value as Encodable), EncodeError, message);
}

test("integers go in the shortest form, as numbers and as bigints", () => {
  for (const make of [(n: number) => n, (n: number) => BigInt(n)]) {
    writes(make(0), 97, 0);
    writes(make(255), 97, 255);
    writes(make(256), 98, 0, 0, 1, 0);
    writes(make(-1), 98, 255, 255, 255, 255);
    writes(make(2147483647), 98, 127, 255, 255, 255);
    writes(make(-2147483648), 98, 128, 0, 0, 0);
    writes(make(2147483648), 110, 4, 0, 0, 0, 0, 128);
    writes(make(-2147483649), 110, 4, 1, 1, 0, 0, 128);
    writes(make(2 ** 40), 110, 6, 0, 0, 0, 0, 0, 0, 1);
    writes(make(2 ** 53 - 1), 110, 7, 0, 255, 255, 255, 255, 255, 255, 31);
    writes(make(-(2 ** 53 - 1)), 110, 7, 1, 255, 255, 255, 255, 255, 255, 31);
  }
  writes(2n ** 64n - 1n, 110, 8, 0, new Uint8Array(8).fill(255));
  writes(-(2n ** 64n), 110, 9, 1, new Uint8Array(8), 1);
  writes(2n ** 2040n - 1n, 110, 255, 0, new Uint8Array(255).fill(255));
  writes(2n ** 2040n, 111, u32(256), 0, new Uint8Array(255), 1);
});

test("only safe integers other than -0 are integers, every other number is a float", () => {
  writes(1.5, 70, 63, 248, 0, 0, 0, 0, 0, 0);
  writes(-0, 70, 128, 0, 0, 0, 0, 0, 0, 0);
  writes(2 ** 53, 70, 67, 64, 0, 0, 0, 0, 0, 0);
  writes(float(1), 70, 63, 240, 0, 0, 0, 0, 0, 0);
  writes(float(-0), 70, 128, 0, 0, 0, 0, 0, 0, 0);
});

test("atoms are UTF-8, the long ones with two bytes of length", () => {
  writes(atom("ok"), 119, 2, "ok");
  writes(atom(""), 119, 0);
  writes(atom("é"), 119, 2, 0xc3, 0xa9);
  writes(atom("a".repeat(255)), 119, 255, "a".repeat(255));
  writes(atom("é".repeat(128)), 118, 1, 0, "é".repeat(128));
  writes(true, 119, 4, "true");
  writes(false, 119, 5, "false");
  writes(null, 119, 3, "nil");
});

test("strings are binaries of their UTF-8, short and long", () => {
  writes("", 109, u32(0));
  writes("Zoë \u{1F600}", 109, u32(9), "Zoë \u{1F600}");
  for (const length of [16, 17, 100, 20_000, 70_000]) {
    for (const unit of ["a", "é", "\u20ac", "\u{1F600}"]) {
      const text = unit.repeat(length);
      const utf8 = new TextEncoder().encode(text);
      assertEquals(encode(text), bytes(131, 109, u32(utf8.length), utf8), `${unit} x ${length}`);
    }
  }
});

test("bytes are binaries, whatever class they are of", () => {
  writes(new Uint8Array([1, 2]), 109, u32(2), 1, 2);
  writes(Binary.from([1, 2]) as Binary, 109, u32(2), 1, 2);
  writes(Buffer.from([1, 2]), 109, u32(2), 1, 2);
  writes(new Uint8Array([0, 1, 2, 3]).subarray(1, 3), 109, u32(2), 1, 2);
  writes(new Bitstring(new Uint8Array([255]), 3), 77, u32(1), 3, 224);
});

test("a list of bytes goes as Erlang sends it, up to 65535", () => {
  writes([], 106);
  writes([1, 2, 3], 107, 0, 3, 1, 2, 3);
  writes([1n, 2], 107, 0, 2, 1, 2);
  writes(charlist("é"), 107, 0, 1, 233);
  writes([1, 256], 108, u32(2), 97, 1, 98, 0, 0, 1, 0, 106);
  writes([1, -0], 108, u32(2), 97, 1, 70, 128, 0, 0, 0, 0, 0, 0, 0, 106);
  writes([1, float(2)], 108, u32(2), 97, 1, 70, 64, 0, 0, 0, 0, 0, 0, 0, 106);
  assertEquals(encode(new Array(65535).fill(7)).length, 4 + 65535);
  assertEquals(encode(new Array(65536).fill(7)).length, 7 + 2 * 65536);
  assertEquals(encode(new Array(65535).fill(7))[1], 107);
});

test("tuples, improper lists", () => {
  writes(tuple(), 104, 0);
  writes(tagged("ok", 1), 104, 2, 119, 2, "ok", 97, 1);
  assertEquals(encode(tuple(...new Array(255).fill(1)))[1], 104);
  assertEquals(encode(tuple(...new Array(256).fill(1))).subarray(0, 6), bytes(131, 105, u32(256)));
  writes(new ImproperList([1], 2), 108, u32(1), 97, 1, 97, 2);
  writes(new ImproperList([1], tuple(2)), 108, u32(1), 97, 1, 104, 1, 97, 2);
  // Bytes in front of a tail are no STRING_EXT.
  writes(new ImproperList([97, 98], atom("c")), 108, u32(2), 97, 97, 97, 98, 119, 1, "c");
});

test("maps, of both kinds", () => {
  writes(new TermMap([[atom("a"), 1]]), 116, u32(1), 119, 1, "a", 97, 1);
  writes(new Map([["a", [1]]]), 116, u32(1), 109, u32(1), "a", 107, 0, 1, 1);
  writes(new Map(), 116, u32(0));
});

test("identifiers and external funs", () => {
  const node = atom("a@b");
  writes(new Pid(node, 0xffffffff, 1, 2), 88, 119, 3, "a@b", u32(0xffffffff), u32(1), u32(2));
  writes(new Ref(node, 9, [1, 2, 3]), 90, 0, 3, 119, 3, "a@b", u32(9), u32(1), u32(2), u32(3));
  writes(new Port(node, 0xfffffff, 9), 89, 119, 3, "a@b", u32(0xfffffff), u32(9));
  writes(new Port(node, 0x10000000, 9), 120, 119, 3, "a@b", u32(0), u32(0x10000000), u32(9));
  writes(
    new Port(node, (1n << 64n) - 1n, 9),
    120,
    119,
    3,
    "a@b",
    new Uint8Array(8).fill(255),
    u32(9),
  );
  writes(new ExternalFun(atom("m"), atom("f"), 2), 113, 119, 1, "m", 119, 1, "f", 97, 2);
});

test("what is ambiguous is refused with the way out", () => {
  refuses(undefined, 'atom("undefined")');
  refuses({ a: 1 }, "atomMap(object)");
  refuses({}, "stringMap(object)");
  refuses(Object.create(null), "stringMap(object)");
  refuses(new Date(), "getTime()");
  refuses(() => 1, "ExternalFun");
  refuses(Symbol("a"), "atom(name)");
  refuses(NaN, "finite");
  refuses(-Infinity, "finite");
  refuses("\ud800", "toWellFormed");
  for (const length of [24, 25, 100]) {
    refuses("a".repeat(length) + "\ud83d", "toWellFormed");
    refuses("\udc00" + "ü".repeat(length), "toWellFormed");
  }
  refuses("x".repeat(50) + "\udc00", "toWellFormed");
  refuses(new Set([1]), "[...set]");
  refuses(new ArrayBuffer(1), "new Uint8Array(buffer)");
  refuses(new Float64Array(1), "Float64Array");
  refuses(Promise.resolve(), "await");
  refuses(new Error("x"), "message");
  refuses(new (class Money {})(), "Money");
  // deno-lint-ignore no-sparse-arrays
  refuses([1, , 3], "undefined");
});

test("an error tells where in the value, and nothing of its contents", () => {
  const path = (value: unknown) => refuses(value, "Cannot encode").path;
  assertEquals(path(undefined), "");
  assertEquals(path([1, [undefined]]), "[1][0]");
  assertEquals(path(tuple(1, new Map([["user", { secret: 1 }]]))), "[1].user");
  assertEquals(path(new TermMap([[atom("a b"), undefined as never]])), "['a b']");
  assertEquals(path(new TermMap([[tuple(1), NaN]])), "[{1}]");
  assertEquals(path(new Map([[{}, 1]])), "{key 0}");
  assertEquals(path(new ImproperList([1], undefined as never)), ".tail");
  assertEquals(path(new ImproperList([1, NaN], 1)), "[1]");
  assert(!refuses(tuple({ password: "hunter2" }), "").message.includes("hunter2"));
});

test("keys of a Map that are one term are refused", () => {
  refuses(new Map<unknown, unknown>([[1, 1], [1n, 2]]), "same term");
  refuses(new Map<unknown, unknown>([["a", 1], [new Uint8Array([97]), 2]]), "same term");
  refuses(new Map<unknown, unknown>([[[1], 1], [[1], 2]]), "same term");
  assertEquals(
    encode(new Map<Encodable, Encodable>([[1, 1], [float(1), 2]])).length,
    6 + 4 + 9 + 2,
  );
});

test("a value that holds itself is an error, not a hang", () => {
  const list: unknown[] = [1];
  list.push(list);
  refuses(list, "holds itself");
  const map = new Map<unknown, unknown>();
  map.set("self", tuple(1, [map]));
  refuses(map, "holds itself");
  const through: unknown[] = [];
  through.push(new ImproperList([1], tuple(through) as never));
  refuses(through, "holds itself");
});

test("a value that would be too large is an error", () => {
  let wide: Encodable = 1;
  for (let i = 0; i < 60; i++) wide = [wide, wide];
  const error = assertThrows(() => encode(wide, { maxSize: 1 << 20 }), EncodeError);
  assert(error.message.includes("maxSize"));
  assertThrows(() => encode(new Uint8Array(1000), { maxSize: 1000 }), EncodeError);
  assertEquals(encode(new Uint8Array(1000), { maxSize: 1005 }).length, 1006);
  assertThrows(() => encode("a".repeat(100), { maxSize: 50 }), EncodeError);
  // Wherever in a slab a text stands, and whatever room it might need.
  for (const [before, length] of [[60_000, 5000], [0, 300], [65_500, 25], [65_400, 20_001]]) {
    const texts = ["f".repeat(before), "x".repeat(length)];
    const { length: size } = encode(texts);
    assertEquals(encode(texts, { maxSize: size - 1 }).length, size);
    assertThrows(() => encode(texts, { maxSize: size - 2 }), EncodeError);
  }
});

test("what is to be kept has a buffer of its own", () => {
  const one = encodeToKeep("one");
  const two = encodeToKeep("two");
  for (const it of [one, two]) assertEquals(it.buffer.byteLength, it.length);
  assertEquals(one, bytes(131, 109, u32(3), "one"));
  assertEquals(two, bytes(131, 109, u32(3), "two"));
});

test("results are written over neither by each other nor by what is kept", () => {
  const sizes = Array.from({ length: 2000 }, (_, i) => i * 7919 % 5000);
  const results = sizes.map((size, i) => {
    const value = new Uint8Array(size).fill(i);
    return i % 3 === 0 ? encodeToKeep(value) : encode(value);
  });
  for (const [i, size] of sizes.entries()) {
    assertEquals(results[i].length, size + 6);
    assertEquals(results[i].subarray(0, 6), bytes(131, 109, u32(size)));
    assert(results[i].subarray(6).every((byte) => byte === (i & 255)), `result ${i}`);
  }
});

test("after the buffer of a result has been transferred, the next results are whole", () => {
  const gone = encode("gone");
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  assertEquals(gone.length, 0);
  assertEquals(encode("next"), bytes(131, 109, u32(4), "next"));
  assertEquals(encode("last"), bytes(131, 109, u32(4), "last"));
});

test("a large slab is not kept for small results, wherever these are made", () => {
  for (const common of [null, new Slab()]) {
    const encoder = new Encoder();
    encoder.term("x".repeat(200_000));
    assertEquals(encoder._copy(common).length, 200_005);
    encoder._reuse();
    encoder.term("small");
    assertEquals(encoder._copy(common), bytes(109, u32(5), "small"));
    assert(encoder.bytes.length <= 65_536);
  }
});

test("a result that is not small shares its buffer with no other", () => {
  for (const size of [5000, 20_000, 300_000]) {
    const one = encode(new Uint8Array(size));
    assertEquals(one.buffer.byteLength, one.length);
  }
});

test("encode may be called while it is at work", () => {
  class Odd extends Map<Encodable, Encodable> {
    override *[Symbol.iterator](): MapIterator<[Encodable, Encodable]> {
      yield ["inner", encode("nested")];
    }
  }
  const map = decode(encode([new Odd()])) as TermMap[];
  assertEquals(decode(map[0].get("inner") as Binary), Binary.from(bytes("nested")) as Binary);
});

test("compressed only where that is smaller", () => {
  assertEquals(encode([1, 2, 3], { compress: 9 }), encode([1, 2, 3]));
  assertEquals(encode("a".repeat(1000), { compress: 0 }), encode("a".repeat(1000)));
  assertEquals(encode("a".repeat(1000), { compress: false }), encode("a".repeat(1000)));
  const data = encode("a".repeat(1000), { compress: 6 });
  assert(data.length < 100);
  assertEquals(data.subarray(0, 6), bytes(131, 80, u32(1005)));
  assertEquals((decode(data) as Binary).text, "a".repeat(1000));
});

test("an encoder writes terms and what is around them, and gives them away", () => {
  const encoder = new Encoder();
  const at = encoder.pending;
  encoder.u32(0);
  encoder.u8(112);
  encoder.u16(0x0102);
  encoder.u64(2 ** 40 + 1);
  encoder.u64((1n << 64n) - 2n);
  encoder.raw(bytes("raw"));
  encoder.term(atom("ok"));
  encoder.patchU32(at, encoder.pending - 4);
  const first = encoder.take();
  assertEquals(
    first,
    bytes(...[
      u32(26),
      112,
      1,
      2,
      u32(256),
      u32(1),
      u32(0xffffffff),
      u32(0xfffffffe),
      "raw",
      119,
      2,
      "ok",
    ]),
  );
  assertEquals(encoder.pending, 0);
  encoder.term(1);
  const second = encoder.take();
  assertEquals(second, bytes(97, 1));
  assertStrictEquals(second.buffer, first.buffer);
  assertEquals(first[4], 112, "what was taken is not written again");
});

test("positions survive the growth of the slab, and taken bytes stay as they are", () => {
  const encoder = new Encoder();
  encoder.raw(new Uint8Array(60_000).fill(1));
  const taken = encoder.take();
  const at = encoder.pending;
  encoder.u32(0);
  encoder.term(new Uint8Array(100_000).fill(2));
  encoder.term("x".repeat(200_000));
  encoder.patchU32(at, 0x01020304);
  const frame = encoder.take();
  assertEquals(frame.subarray(0, 5), bytes(1, 2, 3, 4, 109));
  assertEquals(frame.length, 4 + 5 + 100_000 + 5 + 200_000);
  assert(taken.every((byte) => byte === 1));
  encoder.term(1);
  assert(encoder.take().buffer.byteLength <= 65_536, "a large slab is not kept for small terms");
});

test("all sizes around the end of a slab come out right", () => {
  for (let free = 0; free < 80; free++) {
    const encoder = new Encoder();
    encoder.raw(new Uint8Array(65_536 - free));
    const value = [
      [atom("an_atom_of_some_length"), 1.5, 2 ** 40, "text", [[[[]]]]],
      new Map([["k", true]]),
      2n ** 200n,
    ];
    encoder.term(value);
    assertEquals(encoder.take().subarray(65_536 - free), encode(value).subarray(1), `${free} free`);
  }
});

test("after an error nothing has been written", () => {
  const encoder = new Encoder();
  encoder.term(atom("kept"));
  assertThrows(() => encoder.term(["a".repeat(100_000), undefined as never]), EncodeError);
  assertEquals(encoder.pending, 6);
  encoder.term(2);
  assertEquals(encoder.take(), bytes(119, 4, "kept", 97, 2));
});

test("an atom is encoded from what was kept the first time", () => {
  const name = atom("encoded_once");
  assertInstanceOf(name, Atom);
  assertEquals(encode(name), encode(name));
  assertEquals(encode([name, name]).length, 2 + 4 + 2 * 14 + 1);
});

test("terms of any depth, of each kind of container, and where what is no term stands in them", () => {
  const kinds: ((inner: Encodable) => Encodable)[] = [
    (inner) => [inner, 1],
    (inner) => tuple(1, inner),
    (inner) => new Map([["k", inner]]),
    (inner) => new TermMap([[1, inner as never]]),
    (inner) => new ImproperList([inner as never], atom("t")),
  ];
  for (const wrap of kinds) {
    for (const depth of [1, 63, 64, 65, 66, 130]) {
      let value: Encodable = "x";
      let bad: Encodable = undefined as never;
      for (let i = 0; i < depth; i++) {
        value = wrap(value);
        bad = wrap(bad);
      }
      assert(equal(decode(encode(value)), value as never), `${depth}`);
      const path = refuses(bad, "undefined is no term").path;
      const { path: step } = refuses(wrap(undefined as never), "undefined is no term");
      assertEquals(path, step.repeat(depth));
    }
  }
});

test("a value that holds itself is found, however large the circle", () => {
  for (const round of [1, 2, 63, 64, 65, 200]) {
    const first: unknown[] = [1];
    let last = first;
    for (let i = 1; i < round; i++) last.push(last = [i]);
    last.push(first);
    refuses(first, "the value holds itself");
    refuses([[[first]]], "the value holds itself");
  }
});

test("integers around each border, as bigints of both signs", () => {
  for (const bits of [7n, 8n, 31n, 32n, 52n, 53n, 63n, 64n, 111n, 112n, 126n, 127n, 128n, 129n]) {
    for (const by of [-1n, 0n, 1n]) {
      for (const sign of [1n, -1n]) {
        const value = sign * (2n ** bits + by);
        assertEquals(BigInt(decode(encode(value)) as bigint), value, `${value}`);
        const pair = decode(encode([value, value + 1n])) as bigint[];
        assertEquals(pair.map(BigInt), [value, value + 1n]);
        const length = encode(value).length;
        if (bits > 54n) assertEquals(length, 4 + Math.ceil(abs(value).toString(16).length / 2));
      }
    }
  }
});

test("integers that are hard to tell from their neighbours as floating point", () => {
  for (let bits = 60n; bits <= 130n; bits++) {
    for (let low = 50n; low < bits; low++) {
      for (const value of [2n ** bits - 2n ** low, 2n ** bits + 2n ** low, 2n ** bits - 1n]) {
        for (const integer of [value, value - 1n, -value, 1n - value]) {
          const digits = abs(integer).toString(16);
          const even = digits.padStart(digits.length + digits.length % 2, "0");
          const little = even.match(/../g)!.reverse().map((digit) => parseInt(digit, 16));
          writes(integer, 110, little.length, integer < 0n ? 1 : 0, ...little);
        }
      }
    }
  }
});

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

test("plain objects are maps where that was asked for", () => {
  const value = { name: "Zoë", nil: 1, list: [{ true: false }], at: tuple({ x: null }), none: {} };
  assertEquals(encode(value, { objects: "atoms" }), encode(atomMap(value)));
  assertEquals(encode(value, { objects: "binaries" }), encode(stringMap(value)));
  const bare = Object.assign(Object.create(null), { a: 1 }) as { a: number };
  assertEquals(encode(bare, { objects: "binaries" }), encode(stringMap(bare)));
  refuses(value, "a plain object does not say what its keys are");
  let deep: Record<string, unknown> = { leaf: 1 };
  for (let i = 0; i < 200; i++) deep = { deep };
  assertEquals(
    encode(deep as never, { objects: "binaries" }),
    encode(stringMap(deep as never)),
  );
  const fields = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`field ${i}`, i]));
  assertEquals(encode(fields, { objects: "binaries" }), encode(stringMap(fields)));
});

test("what is wrong in a plain object has its path; fields that it inherits are not its own", () => {
  const error = assertThrows(
    () => encode({ a: [{ b: undefined as never }] }, { objects: "binaries" }),
    EncodeError,
    "undefined is no term",
  );
  assertEquals(error.path, ".a[0].b");
  class User {
    name = "x";
  }
  assertThrows(() => encode(new User() as never, { objects: "atoms" }), EncodeError, "class User");
  const keys = new Map([[{ a: 1 }, 1], [{ a: 1 }, 2]]) as never;
  assertThrows(() => encode(keys, { objects: "atoms" }), EncodeError, "are the same term");
  Object.defineProperty(Object.prototype, "inherited", {
    value: 1,
    enumerable: true,
    configurable: true,
  });
  try {
    assertEquals(encode({ a: 1 }, { objects: "binaries" }), encode(new Map([["a", 1]])));
  } finally {
    delete (Object.prototype as { inherited?: number }).inherited;
  }
});

test("what was encoded keeps its bytes, whatever is encoded after it", () => {
  const large = encode("a".repeat(300_000));
  const small = encode([1, 2, 300]);
  const next = encode("b".repeat(200_000));
  assertEquals(small, bytes(131, 108, u32(3), 97, 1, 97, 2, 98, u32(300), 106));
  assertEquals(large.buffer.byteLength, large.length);
  assert(large.subarray(6).every((byte) => byte === 97));
  assert(next.subarray(6).every((byte) => byte === 98));
});
