import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { Bitstring } from "../../../lib/etf/binary.ts";
import { Float, float } from "../../../lib/etf/float.ts";
import { ExternalFun } from "../../../lib/etf/fun.ts";
import { Pid, Port, Ref } from "../../../lib/etf/identifiers.ts";
import { ImproperList } from "../../../lib/etf/list.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { type AnySchema, noMatch, SchemaError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

const node = atom("a@b");
const terms = {
  atom: atom("ok"),
  true: true,
  false: false,
  nil: null,
  integer: 7,
  big: 2n ** 64n,
  float: 1.5,
  wrapped: float(1),
  binary: binaryOf("Zoë"),
  bytes: binaryOf([0xff]),
  bitstring: new Bitstring(Uint8Array.of(0x80), 1),
  tuple: tuple(1),
  list: [1],
  improper: new ImproperList([1], 2),
  map: new TermMap(),
  pid: new Pid(node, 1, 2, 3),
  port: new Port(node, 1, 2),
  ref: new Ref(node, 1, [1, 2, 3]),
  fun: new ExternalFun(atom("lists"), atom("map"), 2),
};

type Name = keyof typeof terms;

function takesOnly(schema: AnySchema, ...names: Name[]): void {
  const taken = Object.entries(terms).filter(([, term]) => schema.tryParse(term) !== noMatch);
  assertEquals(taken.map(([name]) => name), names);
}

test("each leaf takes its own sort of term and no other", () => {
  takesOnly(t.text, "binary");
  takesOnly(t.bytes, "binary", "bytes");
  takesOnly(t.binary, "binary", "bytes");
  takesOnly(t.bitstring, "bitstring");
  takesOnly(t.integer, "integer");
  takesOnly(t.bigint, "integer", "big");
  takesOnly(t.float, "integer", "float", "wrapped");
  takesOnly(t.number, "integer", "float", "wrapped");
  takesOnly(t.boolean, "true", "false");
  takesOnly(t.nil, "nil");
  takesOnly(t.pid, "pid");
  takesOnly(t.port, "port");
  takesOnly(t.ref, "ref");
  takesOnly(t.fun, "fun");
  takesOnly(t.atom(), "atom");
  takesOnly(t.atom("ok", "error"), "atom");
  takesOnly(t.atom("error"));
  takesOnly(t.enum("ok"), "atom");
  takesOnly(t.anyTuple, "tuple");
  takesOnly(t.list(), "list");
  takesOnly(t.termMap, "map");
  takesOnly(t.charlist, "list");
  takesOnly(t.iodata, "binary", "bytes", "list");
  takesOnly(t.chardata, "binary", "list");
  takesOnly(t.literal(7), "integer");
  takesOnly(t.literal("Zoë"), "binary");
  takesOnly(t.term, ...Object.keys(terms) as Name[]);
});

test("what converts nothing gives the very same object", () => {
  for (const name of ["pid", "port", "ref", "fun", "tuple", "map", "list"] as const) {
    assertStrictEquals(t.term.parse(terms[name]), terms[name]);
  }
  assertStrictEquals(t.pid.parse(terms.pid), terms.pid);
  assertStrictEquals(t.binary.parse(terms.binary), terms.binary);
  assertStrictEquals(t.bytes.parse(terms.bytes), terms.bytes);
});

test("text is the string of a binary, or the string that a local caller wrote", () => {
  assertEquals(t.text.parse(binaryOf("Zoë")), "Zoë");
  assertEquals(t.text.parse(new TextEncoder().encode("Zoë")), "Zoë");
  assertEquals(t.text.parse("Zoë"), "Zoë");
  assertEquals(t.text.parse(binaryOf("\uFEFFx")), "\uFEFFx");
  assertEquals(t.text.parse(binaryOf("")), "");
  assertEquals(t.text.toTerm("Zoë"), "Zoë");
});

test("a binary that is no UTF-8 is no text", () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    assertStrictEquals(t.text.tryParse(binaryOf(bytes)), noMatch);
  }
});

test("bytes that arrived as a string are bytes again", () => {
  assertEquals(t.bytes.parse("Zoë"), new TextEncoder().encode("Zoë"));
});

test("integers are safe and never -0; bigint takes any", () => {
  assertEquals(t.integer.parse(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  for (const value of [-0, 0.5, NaN, Infinity, 2 ** 53, float(1), 1n, "1"]) {
    assertStrictEquals(t.integer.tryParse(value), noMatch);
  }
  assertStrictEquals(t.bigint.parse(3), 3n);
  assertStrictEquals(t.bigint.parse(2n ** 70n), 2n ** 70n);
  assertStrictEquals(t.bigint.tryParse(2 ** 53), noMatch);
});

test("a float is a number here and a float on the wire", () => {
  assertStrictEquals(t.float.parse(float(1)), 1);
  assertStrictEquals(t.float.parse(1), 1);
  assertStrictEquals(t.float.parse(1.5), 1.5);
  assertEquals(t.float.toTerm(1), float(1));
  assertStrictEquals(t.float.toTerm(1.5), 1.5);
  assert(Object.is(t.float.toTerm(-0), -0)); // is written as a float already
  assertStrictEquals(t.number.toTerm(1), 1);
  for (const value of [NaN, Infinity, -Infinity]) {
    assertStrictEquals(t.float.tryParse(value), noMatch);
    assertStrictEquals(t.number.tryParse(value), noMatch);
  }
  assert(!(t.float.parse(float(1)) as unknown instanceof Float));
});

test("an enum is a name here and an atom on the wire", () => {
  const format = t.enum("png", "pdf");
  assertStrictEquals(format.parse(atom("png")), "png");
  assertStrictEquals(format.parse("pdf"), "pdf");
  assertStrictEquals(format.toTerm("png"), atom("png"));
  assertStrictEquals(format.tryParse(atom("gif")), noMatch);
  assertStrictEquals(format.tryParse("constructor"), noMatch);
  assertStrictEquals(format.tryParse(binaryOf("png")), noMatch);
  assertEquals(format.expected, ":png | :pdf");
});

test("literals are one value each", () => {
  assertStrictEquals(t.literal(1).parse(1), 1);
  assertStrictEquals(t.literal(1).tryParse(2), noMatch);
  assertStrictEquals(t.literal(2n ** 64n).parse(2n ** 64n), 2n ** 64n);
  assertStrictEquals(t.literal(true).parse(true), true);
  assertStrictEquals(t.literal(null).parse(null), null);
  assertStrictEquals(t.literal(null).tryParse(undefined), noMatch);
  assertStrictEquals(t.literal("a").parse(binaryOf("a")), "a");
  assertStrictEquals(t.literal("a").tryParse(binaryOf("b")), noMatch);
  assertStrictEquals(t.literal("a").tryParse(binaryOf("ab")), noMatch);
});

test("the atoms true, false and nil are no atoms here either", () => {
  assertThrows(() => t.atom("true"), RangeError, "JavaScript's true");
  assertThrows(() => t.enum("nil"), RangeError, "JavaScript's null");
});

test("no schema takes undefined, a function, a symbol or a Date for a term", () => {
  for (const value of [undefined, () => 1, Symbol("x"), new Date()]) {
    assertThrows(() => t.term.parse(value), SchemaError);
  }
});

test("they print as Elixir does", () => {
  assertEquals(
    t.atom("ok", "not found", "Elixir.Foo", "a@b", "ok?").expected,
    [
      ":ok",
      ':"not found"',
      ':"Elixir.Foo"',
      ":a@b",
      ":ok?",
    ].join(" | "),
  );
  assertEquals(t.literal("x").expected, '"x"');
  assertEquals(t.literal(null).expected, "nil");
  assertEquals(t.literal(-3).expected, "-3");
});
