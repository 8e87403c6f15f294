import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { atom } from "../../../lib/etf/atom.ts";
import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import { Float } from "../../../lib/etf/float.ts";
import { Pid } from "../../../lib/etf/identifiers.ts";
import type { DecodeOptions } from "../../../lib/etf/options.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { type AnySchema, noMatch, type Schema, SchemaError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

/** A schema, and inputs that a caller may write for it. */
interface Case {
  schema: AnySchema;
  input: fc.Arbitrary<unknown>;
}

const leaves: Case[] = [
  { schema: t.text, input: fc.string({ unit: "grapheme" }) },
  { schema: t.integer, input: fc.maxSafeInteger().map((value) => value + 0) },
  { schema: t.bigint, input: fc.bigInt() },
  { schema: t.float, input: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { schema: t.boolean, input: fc.boolean() },
  { schema: t.nil, input: fc.constant(null) },
  { schema: t.atom("a", "b"), input: fc.constantFrom(atom("a"), atom("b")) },
  { schema: t.enum("a", "b"), input: fc.constantFrom("a", "b") },
  { schema: t.charlist, input: fc.string({ unit: "grapheme" }) },
  {
    schema: t.dateTime,
    input: fc.date({
      min: new Date("0001-01-01"),
      max: new Date("9999-01-01"),
      noInvalidDate: true,
    }),
  },
];

const cases: fc.Arbitrary<Case> = fc.letrec<{ case: Case }>((tie) => ({
  case: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...leaves),
    tie("case").map(({ schema, input }): Case => ({
      schema: t.list(schema),
      input: fc.array(input, { maxLength: 4 }),
    })),
    fc.array(tie("case"), { maxLength: 3 }).map((parts): Case => ({
      schema: t.tuple(...parts.map(({ schema }) => schema)),
      input: fc.tuple(...parts.map(({ input }) => input)).map((items) => tuple(...items)),
    })),
    fc.tuple(tie("case"), tie("case")).map(([a, b]): Case => ({
      schema: t.options({ a: a.schema, b: b.schema.optional(), __proto__x: t.integer.default(1) }),
      input: fc.record({ a: a.input, b: b.input, __proto__x: fc.constant(2) }),
    })),
    tie("case").map(({ schema, input }): Case => ({
      schema: t.textMap(schema),
      input: fc.dictionary(fc.string(), input, { maxKeys: 3, noNullPrototype: true }),
    })),
    tie("case").map(({ schema, input }): Case => ({
      schema: t.nilable(schema),
      input: fc.option(input),
    })),
  ),
})).case;

/** The same cases in every run. */
const SEED = { seed: 1828 };

const written: fc.Arbitrary<[AnySchema, unknown]> = cases.chain(({ schema, input }) =>
  input.map((value) => [schema, value] as [AnySchema, unknown])
);

test("what is written for an input parses to what the input itself parses to", () => {
  fc.assert(
    fc.property(written, ([schema, input]) => {
      const local = schema.parse(input);
      assertEquals(schema.parse(schema.toTerm(input)), local);
      assertEquals(schema.parse(local), local);
      if (!schema.converts) assertStrictEquals(local, input);
    }),
    SEED,
  );
});

test("what is written crosses the wire and parses to what the input itself parses to", () => {
  const choices: DecodeOptions[] = [
    {},
    { binaries: "text" },
    { floats: "wrap" },
    { objects: "atoms" },
    { objects: "binaries", binaries: "text" },
  ];
  fc.assert(
    fc.property(written, fc.constantFrom(...choices), ([schema, input], options) => {
      const sent = decode(encode(schema.toTerm(input)), options);
      assertEquals(schema.parse(sent), schema.parse(input));
    }),
    SEED,
  );
});

test("bytes cross the wire, also where text arrives as strings", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      for (const binaries of ["bytes", "text"] as const) {
        const sent = decode(encode(t.bytes.toTerm(bytes)), { binaries });
        assertEquals([...t.bytes.parse(sent)], [...bytes]);
      }
    }),
    SEED,
  );
});

const anything: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  term: fc.oneof(
    { maxDepth: 4 },
    fc.anything({ withDate: true, withMap: true, withBigInt: true, withTypedArray: true }),
    fc.constantFrom(atom("a"), atom("__struct__"), atom("Elixir.User"), new Float(1)),
    fc.constant(new Pid(atom("a@b"), 1, 2, 3)),
    fc.string().map(binaryOf),
    fc.uint8Array().map((bytes) => binaryOf([...bytes])),
    fc.array(tie("term"), { maxLength: 4 }),
    fc.array(tie("term"), { maxLength: 4 }).map((items) => tuple(...items)),
    fc.array(fc.tuple(fc.constantFrom("a", atom("b"), 1), tie("term")), { maxLength: 3 })
      .map((entries) => new TermMap(entries as never)),
  ),
})).term;

const Tree: Schema<unknown> = t.lazy(() =>
  t.union(t.text, t.list(Tree), t.tuple(Tree, Tree), t.options({ a: Tree }), t.map(t.term, Tree))
);
const everything: AnySchema[] = [
  ...Object.values(t).filter((member) => typeof member === "object"),
  Tree,
  t.struct("User", { a: t.text.optional() }),
  t.options({ a: t.integer.default(1), b: t.text.optional() }, { unknown: "ignore" }),
  t.record("a", { a: t.term }),
  t.enum("a", "b"),
];

test("whatever comes is parsed or refused with a SchemaError, by both ways of asking alike", () => {
  fc.assert(
    fc.property(anything, fc.constantFrom(...everything), (value, schema) => {
      const read = schema.tryParse(value);
      try {
        schema.parse(value);
        assert(read !== noMatch);
      } catch (error) {
        assert(error instanceof SchemaError);
        assertStrictEquals(read, noMatch);
        assert(error.expected !== "" && error.found !== "");
      }
    }),
    { numRuns: 2_000, ...SEED },
  );
});
