import { test } from "node:test";
import { assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { tagged } from "../../../lib/etf/tuple.ts";
import { is, parse, SchemaError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

test("parse gives what the schema gives, or throws", () => {
  assertStrictEquals(parse(t.text, binaryOf("a")), "a");
  assertThrows(() => parse(t.text, 1), SchemaError);
});

test("is tells whether a value matches", () => {
  const schema = t.tagged("ok", t.integer);
  assertStrictEquals(is(schema, tagged("ok", 1)), true);
  assertStrictEquals(is(schema, tagged("ok", atom("a"))), false);
  assertStrictEquals(is(schema, undefined), false);
});

test("is refuses a schema that converts, for its answer would be untrue", () => {
  const schema = t.list(t.text);
  assertThrows(
    // @ts-expect-error: the compiler refuses it too
    () => is(schema, [binaryOf("a")]),
    TypeError,
    "Cannot tell whether a value is [text]: the schema converts, use parse or match",
  );
});
