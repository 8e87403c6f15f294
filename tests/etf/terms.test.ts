import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { type Atom, atom, atomCount, existingAtom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { decode } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { Float, float } from "../../lib/etf/float.ts";
import { ExternalFun } from "../../lib/etf/fun.ts";
import { Pid, Port, Ref } from "../../lib/etf/identifiers.ts";
import { charlist, ImproperList, isList } from "../../lib/etf/list.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { isTuple, tagged, Tuple, tuple } from "../../lib/etf/tuple.ts";
import { processorTime } from "../_support/processor.ts";

test("atoms of one name are one object", () => {
  assertStrictEquals(atom("x"), atom("x"));
  assert(atom("x") !== atom("y") as Atom);
  assertEquals(`${atom("x")}`, "x");
  assertEquals(JSON.stringify([atom("x")]), '["x"]');
});

test("the atoms that JavaScript has values for are refused with the way out", () => {
  assertThrows(() => atom("true"), RangeError, "JavaScript's true");
  assertThrows(() => atom("nil"), RangeError, "JavaScript's null");
  assertStrictEquals(existingAtom("false"), undefined);
});

test("names that no atom can have", () => {
  assertThrows(() => atom("a".repeat(256)), RangeError, "255");
  assertThrows(() => atom("\ud800"), RangeError, "surrogate");
  assertThrows(() => atom("x\udc00y"), RangeError, "surrogate");
  assertEquals(atom("\u{1F600}".repeat(255)).name.length, 510);
  const start = processorTime();
  assertThrows(() => atom("a".repeat(50_000_000)), RangeError, "255");
  assert(processorTime() - start < 1000);
});

test("looking for an atom makes none", () => {
  const before = atomCount();
  assertEquals(existingAtom("nobody has made this one"), undefined);
  assertEquals(atomCount(), before);
});

test("a tuple is an Array that is told from a list", () => {
  const pair = tuple(1, "two");
  assert(Array.isArray(pair) && isTuple(pair) && !isList(pair));
  assert(isList([1]) && !isTuple([1]) && !isTuple(undefined) && !isList("x"));
  assertEquals([...pair], [1, "two"]);
  assertEquals(tuple(5).length, 1);
  assertEquals(tuple(...new Array(20).fill(1)).length, 20);
});

test("what array methods make of a tuple is a list", () => {
  const pair = tuple(1, 2);
  for (
    const made of [
      pair.map((x) => x),
      pair.filter(() => true),
      pair.slice(),
      pair.concat([3] as never),
      pair.flat(),
    ]
  ) {
    assert(isList(made), "a list");
  }
});

test("a tagged tuple tells its tag, and narrows by it", () => {
  const result = tagged("ok", 5) as ReturnType<typeof pick>;
  function pick():
    | ReturnType<typeof tagged<"ok", [number]>>
    | ReturnType<typeof tagged<"error", [string]>> {
    return tagged("ok", 5);
  }
  assertEquals(result.tag, "ok");
  if (result.tag === "ok") {
    const value: number = result[1];
    assertEquals(value, 5);
  } else {
    const reason: string = result[1];
    assertEquals(reason, "");
  }
  assertEquals(tuple(1).tag, undefined);
  assertEquals(new Tuple<Term[]>(0).tag, undefined);
});

test("a binary is its bytes, and its text where it has one", () => {
  const binary = Binary.from(new TextEncoder().encode("Zoë")) as Binary;
  assertInstanceOf(binary, Uint8Array);
  assertEquals(binary.text, "Zoë");
  assertEquals(`${binary}`, "Zoë");
  assertThrows(() => (Binary.from([255]) as Binary).text, TypeError, "UTF-8");
  assertEquals((Binary.from([0xef, 0xbb, 0xbf, 97]) as Binary).text, "\uFEFFa");
  assertStrictEquals(binary.slice(0, 2).constructor, Uint8Array);
  assertStrictEquals(binary.subarray(0, 2).constructor, Uint8Array);
  assertStrictEquals(binary.map((x) => x).constructor, Uint8Array);
});

test("a bitstring keeps its own bytes clean, not the caller's", () => {
  const bytes = new Uint8Array([255]);
  assertEquals([...new Bitstring(bytes, 1).bytes], [128]);
  assertEquals([...bytes], [255]);
  for (const bits of [0, 8, 1.5, NaN]) assertThrows(() => new Bitstring(bytes, bits), RangeError);
  assertThrows(() => new Bitstring(new Uint8Array(), 1), RangeError);
});

test("a float is finite", () => {
  assertEquals(float(1).value, 1);
  assertEquals(+float(2.5) + 1, 3.5);
  assertEquals(JSON.stringify(float(1)), "1");
  for (const value of [NaN, Infinity, -Infinity]) assertThrows(() => new Float(value), RangeError);
});

test("an improper list has elements and a tail that is none", () => {
  assertThrows(() => new ImproperList([], 1), RangeError);
  assertThrows(() => new ImproperList([1], []), TypeError);
  assertThrows(() => new ImproperList([1], new ImproperList([1], 2)), TypeError);
  assertEquals(new ImproperList([1], tuple()).elements, [1]);
  assertEquals(charlist("a\u{1F600}"), [97, 0x1F600]);
});

test("identifiers compare by what they name", () => {
  const n = atom("a@b");
  assert(new Pid(n, 1, 2, 3).equals(new Pid(n, 1, 2, 3)));
  assert(!new Pid(n, 1, 2, 3).equals(new Pid(n, 1, 2, 4)));
  assert(!new Pid(n, 1, 2, 3).equals({ ...new Pid(n, 1, 2, 3) }));
  assert(new Port(n, 5n, 1).equals(new Port(n, 5, 1)));
  assertEquals(new Port(n, 5n, 1).key, new Port(n, 5, 1).key);
  assert(new Ref(n, 1, [1, 2]).equals(new Ref(n, 1, [1, 2])));
  assert(!new Ref(n, 1, [1, 2]).equals(new Ref(n, 1, [1])));
  const keys = [
    new Pid(n, 1, 2, 3),
    new Pid(n, 12, 3, 3),
    new Port(n, 1, 3),
    new Ref(n, 3, [1, 2]),
    new Ref(n, 3, [12]),
    new Ref(n, 23, [1]),
  ].map((one) => one.key);
  assertEquals(new Set(keys).size, keys.length);
});

test("an external fun has an arity of 0 to 255", () => {
  for (const arity of [-1, 256, 1.5]) {
    assertThrows(() => new ExternalFun(atom("m"), atom("f"), arity), RangeError);
  }
});

test("an external fun is made of atoms, and what was made of something else is no term", () => {
  const error = assertThrows(() => new ExternalFun("m" as never, atom("f"), 1), TypeError);
  assertEquals(
    error.message,
    'Cannot make an external fun of string m: an atom is needed, atom("...")',
  );
  assertThrows(() => new ExternalFun(atom("m"), "f" as never, 1), TypeError);
  for (
    const make of [
      () => new Pid("a@b" as never, 1, 2, 3),
      () => new Ref(undefined as never, 1, [1]),
    ]
  ) {
    assertThrows(() => encode([1, make()]));
    assertEquals(decode(encode([1, 2])), [1, 2]);
  }
});

test("the compiler takes what has one meaning, and refuses what has several", () => {
  const accepted: Encodable[] = [
    1,
    1n,
    "x",
    true,
    null,
    atom("a"),
    tuple(1),
    tagged("ok", [1]),
    [1, ["x"]],
    new Uint8Array(1),
    new Map([["a", [1]]]),
    float(1),
    new ImproperList([1], 2),
  ];
  for (const value of accepted) assert(encode(value).length > 1);
  // @ts-expect-error undefined is no term
  assertThrows(() => encode(undefined));
  // @ts-expect-error a plain object does not say what its keys are
  assertThrows(() => encode({ a: 1 }));
  // @ts-expect-error a Date has no single form
  assertThrows(() => encode(new Date()));
  // @ts-expect-error a function cannot be sent
  assertThrows(() => encode(() => 1));
  // @ts-expect-error a symbol is no term
  assertThrows(() => encode(Symbol("x")));
  // @ts-expect-error nor deep inside
  assertThrows(() => encode([1, { a: 1 }]));
  // @ts-expect-error nor in a Map
  assertThrows(() => encode(new Map([["a", undefined]])));
});
