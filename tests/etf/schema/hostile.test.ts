import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { tagged, tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, type Schema, SchemaError, t } from "../../../mod.ts";
import { atomKeys, binaryOf, structOf } from "./_support.ts";
import { processorTime } from "../../_support/processor.ts";

const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "__defineGetter__"];

test("fields that a term does not have are not found on Object.prototype", () => {
  for (const name of names) {
    const schema = t.options({ [name]: t.term.optional() });
    for (const value of [{}, [], new TermMap(), new Map()]) {
      assertStrictEquals(Object.hasOwn(schema.parse(value), name), false);
    }
    assertThrows(() => t.object({ [name]: t.term }).parse({}), SchemaError);
  }
});

test("names of Object.prototype are ordinary keys, and nothing gets a new prototype", () => {
  const evil = atomKeys({ polluted: true });
  for (const name of names) {
    for (
      const read of [
        t.options({ [name]: t.term }).parse([tuple(atom(name), evil)]),
        t.object({ [name]: t.term }).parse(new TermMap([[atom(name), evil]])),
        t.record("r", { [name]: t.term }).parse(tagged("r", evil)),
        t.textMap(t.term).parse(new TermMap([[binaryOf(name), evil]])),
      ]
    ) {
      assert(Object.hasOwn(read, name));
      assertStrictEquals(Object.getPrototypeOf(read), Object.prototype);
      assertStrictEquals(Object.getOwnPropertyDescriptor(read, name)?.value, evil);
    }
    const plain = t.plain.parse(new TermMap([[binaryOf(name), evil]])) as object;
    assert(Object.hasOwn(plain, name));
    assertStrictEquals(Object.getPrototypeOf(plain), Object.prototype);
  }
  assertStrictEquals(({} as { polluted?: unknown }).polluted, undefined);
});

test("such names are written too", () => {
  const input = JSON.parse('{"__proto__": 1, "constructor": 2}');
  assertEquals(t.textMap(t.integer).toTerm(input), new Map([["__proto__", 1], ["constructor", 2]]));
  const fields = t.object({ ["__proto__"]: t.integer, constructor: t.integer });
  assertEquals(
    fields.toTerm(input),
    new Map([[atom<string>("__proto__"), 1], [atom("constructor"), 2]]) as never,
  );
});

test("unknown keys of a caller's object make no atoms", () => {
  const schema = t.options({ a: t.integer.optional() });
  assertStrictEquals(schema.tryParse({ true: 1 }), noMatch);
  assertStrictEquals(schema.tryParse({ ["x".repeat(300)]: 1 }), noMatch); // too long for an atom
});

function nest(wrap: (inner: unknown) => unknown, times: number, inner: unknown): unknown {
  for (let i = 0; i < times; i++) inner = wrap(inner);
  return inner;
}

const Lists: Schema<unknown> = t.lazy(() => t.union(t.integer, t.list(Lists)));
const Objects: Schema<unknown> = t.lazy(() => t.nilable(t.object({ next: Objects })));
const Maps: Schema<unknown> = t.lazy(() => t.union(t.integer, t.map(t.text, Maps)));
const Records: Schema<unknown> = t.lazy(() => t.union(t.nil, t.record("r", { next: Records })));

test("a term a million deep is refused, not followed until the stack is full", () => {
  const deep = 1_000_000;
  const cases: [Schema<unknown>, (inner: never) => unknown, unknown][] = [
    [Lists, (inner) => [inner], 1],
    [Objects, (inner) => atomKeys({ next: inner }), null],
    [Maps, (inner) => new TermMap([["a", inner]]), 1],
    [Records, (inner) => tagged("r", inner), null],
    [t.plain, (inner) => [inner], 1],
    [t.plain, (inner) => tuple(inner), 1],
  ];
  for (const [schema, wrap, inner] of cases) {
    const value = nest(wrap as (inner: unknown) => unknown, deep, inner);
    assertStrictEquals(schema.tryParse(value), noMatch);
    const error = assertThrows(() => schema.parse(value), SchemaError);
    assertEquals(error.expected, "a term that is less deeply nested");
    const shallow = nest(wrap as (inner: unknown) => unknown, 150, inner);
    assert(schema.tryParse(shallow) !== noMatch);
  }
});

test("nested text is joined however deep it is nested", () => {
  const value = nest((inner) => [97, inner], 1_000_000, [98]);
  assertEquals((t.chardata.parse(value) as string).length, 1_000_001);
  assertEquals((t.iodata.parse(value) as Uint8Array).length, 1_000_001);
});

test("a value that refers to itself is refused", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  assertStrictEquals(Lists.tryParse(circle), noMatch);
  assertStrictEquals(t.plain.tryParse(circle), noMatch);
});

test("choices that begin alike do not cost 2 to the power of the depth", () => {
  const Ambiguous: Schema<unknown> = t.lazy(() =>
    t.union(
      t.tuple(Ambiguous, t.atom("a")),
      t.tuple(Ambiguous, t.atom("b")),
      t.tuple(Ambiguous, t.atom("c"), t.integer.optional()),
      t.integer,
    )
  );
  const right = nest((inner) => tuple(inner, atom("c")), 200, 1);
  const wrong = nest((inner) => tuple(inner, atom("c")), 200, atom("x"));
  const started = processorTime();
  assertStrictEquals(Ambiguous.parse(right), right);
  assertThrows(() => Ambiguous.parse(wrong), SchemaError);
  assert(processorTime() - started < 5_000);
});

test("a decimal with a huge exponent is short text, and a coefficient beyond reason is refused", () => {
  const decimal = (coef: bigint | number, exp: number) =>
    structOf("Decimal", { sign: 1, coef, exp });
  assertEquals(t.decimal.parse(decimal(15, 2 ** 40)), "1.5E+1099511627777");
  assertEquals(t.decimal.parse(decimal(15, -(2 ** 40))), "1.5E-1099511627775");
  assertStrictEquals(t.decimal.tryParse(decimal(1n << 100_000n, 0)), noMatch);
  assertStrictEquals(t.decimal.tryParse(decimal(-1, 0)), noMatch);
});
