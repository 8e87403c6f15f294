import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { tagged, tuple } from "../../../lib/etf/tuple.ts";
import { match, NoMatchError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

function describe(term: unknown): string {
  return match(term)
    .with(t.tagged("ok", t.text), ([, name]) => name)
    .with(t.tagged("error", t.atom("not_found")), ([, reason]) => reason.name)
    .with(t.integer.where((value) => value < 0, "a negative integer"), () => "negative")
    .with(t.integer, (value) => `${value}`)
    .otherwise(() => "?");
}

test("the first clause that takes the value answers, with the parsed value", () => {
  assertStrictEquals(describe(tagged("ok", binaryOf("Zoë"))), "Zoë");
  assertStrictEquals(describe(tagged("error", atom("not_found"))), "not_found");
  assertStrictEquals(describe(-1), "negative");
  assertStrictEquals(describe(1), "1");
  assertStrictEquals(describe(tuple()), "?");
});

test("no handler but the one that answers is called", () => {
  let calls = 0;
  const count = () => ++calls;
  const answer = match(1).with(t.text, count).with(t.integer, count).with(t.term, count)
    .otherwise(count);
  assertStrictEquals(answer, 1);
});

test("a handler may answer undefined", () => {
  assertStrictEquals(
    match(1).with(t.integer, () => undefined).otherwise(() => "other"),
    undefined,
  );
});

test("otherwise gets the value as it came", () => {
  const value = binaryOf("x");
  assertStrictEquals(match(value).with(t.integer, () => null).otherwise((it) => it), value);
});

test("the end without an answer is an error that says what was tried", () => {
  const error = assertThrows(
    () =>
      match(atom("secret")).with(t.integer, () => 1).with(t.tagged("ok", t.text), () => 2).end(),
    NoMatchError,
    "Cannot match value: an atom came, integer | {:ok, text} is needed",
  );
  assertEquals(error.expected, ["integer", "{:ok, text}"]);
  assertEquals(error.found, "an atom");
  assertStrictEquals(match(1).with(t.integer, (value) => value + 1).end(), 2);
});
