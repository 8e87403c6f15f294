import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { float } from "../../../lib/etf/float.ts";
import { isList } from "../../../lib/etf/list.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { isTuple, tagged, tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, type Schema, SchemaError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

test("a tuple that converts nothing is given as it came", () => {
  const schema = t.tuple(t.atom("point"), t.integer, t.list(t.integer), t.tuple());
  const value = tuple(atom("point"), 1, [1, 2], tuple());
  assertStrictEquals(schema.parse(value), value);
  assertStrictEquals(schema.toTerm(value as never), value);
  assertStrictEquals(schema.converts, false);
});

test("a tuple of which one element converts is a new tuple, and what came is untouched", () => {
  const schema = t.tuple(t.integer, t.text, t.integer);
  const value = tuple(1, binaryOf("a"), 3);
  const read = schema.parse(value);
  assert(isTuple(read));
  assertEquals([...read], [1, "a", 3]);
  assertEquals(value[1], binaryOf("a"));
  assertStrictEquals(schema.converts, true);
});

test("a tuple is no list and no longer or shorter tuple", () => {
  const schema = t.tuple(t.integer, t.integer);
  for (const value of [[1, 2], tuple(1), tuple(1, 2, 3), tuple(1, atom("x")), null]) {
    assertStrictEquals(schema.tryParse(value), noMatch);
  }
});

test("elements at the end of a tuple may be left out if their schemas say so", () => {
  const schema = t.tagged("render", t.text, t.integer.default(2), t.atom().optional());
  assertEquals([...schema.parse(tagged("render", "a", 1, atom("x")))], [
    atom("render"),
    "a",
    1,
    atom("x"),
  ]);
  assertEquals([...schema.parse(tagged("render", "a"))], [atom("render"), "a", 2, undefined]);
  assertStrictEquals(schema.tryParse(tagged("render")), noMatch);
  assertEquals(schema.expected, "{:render, text, integer?, atom?}");
  assertEquals([...schema.toTerm(tagged("render", "a", undefined, undefined)) as unknown[]], [
    atom("render"),
    "a",
  ]);
});

test("a tuple that is short by optional elements only is given as it came", () => {
  const value = tuple(1);
  assertStrictEquals(t.tuple(t.integer, t.integer.optional()).parse(value), value);
});

test("a list gives the same list, or a new one where an item converts", () => {
  const integers = [1, 2, 3];
  assertStrictEquals(t.list(t.integer).parse(integers), integers);
  const texts = ["a", binaryOf("b"), "c"];
  const read = t.list(t.text).parse(texts);
  assertEquals(read, ["a", "b", "c"]);
  assert(isList(read));
  assertEquals(texts[1], binaryOf("b"));
  assertStrictEquals(t.list(t.integer).tryParse(tuple(1)), noMatch);
});

test("a list of what is written differently is written so", () => {
  assertEquals(t.list(t.float).toTerm([1, 1.5]), [float(1), 1.5]);
  const same = [1.5, 2.5];
  assertStrictEquals(t.list(t.float).toTerm(same), same);
});

test("a map becomes a Map, both ways", () => {
  const schema = t.map(t.text, t.float);
  const read = schema.parse(new TermMap([[binaryOf("a"), 1.5], [binaryOf("b"), float(2)]]));
  assertEquals(read, new Map([["a", 1.5], ["b", 2]]));
  assertEquals(schema.parse(read), read);
  assertEquals(schema.toTerm(read), new Map([["a", 1.5], ["b", float(2)]] as never) as never);
  assertStrictEquals(t.map(t.text, t.term).toTerm(read), read);
});

test("keys of a map that become one do not match", () => {
  const error = assertThrows(
    () => t.map(t.float, t.atom()).parse(new TermMap([[1, atom("a")], [float(1), atom("b")]])),
    SchemaError,
  );
  assertEquals(error.path, [1]);
});

test("a map of text becomes a plain object, both ways", () => {
  const schema = t.textMap(t.integer);
  assertEquals(schema.parse(new TermMap([["a", 1], [binaryOf("b"), 2]])), { a: 1, b: 2 });
  assertEquals(schema.parse({ a: 1 }), { a: 1 });
  assertEquals(schema.parse(new Map([["a", 1]])), { a: 1 });
  assertStrictEquals(schema.tryParse(new TermMap([[atom("a"), 1]])), noMatch);
  assertEquals(schema.toTerm({ a: 1 }), new Map([["a", 1]]));
});

test("a union gives what the first schema that takes the value gives", () => {
  const schema = t.union(t.integer, t.text, t.list(t.text));
  assertStrictEquals(schema.parse(1), 1);
  assertStrictEquals(schema.parse(binaryOf("a")), "a");
  assertEquals(schema.parse([binaryOf("a")]), ["a"]);
  assertStrictEquals(schema.tryParse(atom("a")), noMatch);
  assertEquals(schema.expected, "integer | text | [text]");
});

test("a union writes as the schema does that takes the input", () => {
  const schema = t.union(t.tagged("f", t.float), t.struct("Point", { x: t.integer }), t.float);
  assertEquals([...schema.toTerm(tagged("f", 1)) as unknown[]], [atom("f"), float(1)]);
  assertEquals(
    schema.toTerm({ x: 1 }),
    new Map<unknown, unknown>([[atom("__struct__"), atom("Elixir.Point")], [
      atom("x"),
      1,
    ]]) as never,
  );
  assertEquals(schema.toTerm(2), float(2));
});

test("a result is ok or an error and can be told by its tag", () => {
  const schema = t.result(t.text, t.atom("not_found"));
  const good = schema.parse(tagged("ok", binaryOf("a")));
  assertStrictEquals(good.tag === "ok" ? good[1] : undefined, "a");
  const bad = schema.parse(tagged("error", atom("not_found")));
  assertStrictEquals(bad.tag === "error" ? bad[1].name : undefined, "not_found");
  assertEquals(schema.expected, "{:ok, text} | {:error, :not_found}");
});

test("nilable takes nil and not nothing", () => {
  const schema = t.nilable(t.text);
  assertStrictEquals(schema.parse(null), null);
  assertStrictEquals(schema.parse(binaryOf("a")), "a");
  assertStrictEquals(schema.tryParse(undefined), noMatch);
  assertStrictEquals(schema.toTerm(null), null);
  const error = assertThrows(() => schema.parse(atom("undefined")), SchemaError);
  assertEquals(error.expected, "text | nil");
});

type Tree = number | readonly Tree[];
const Tree: Schema<Tree, Tree, false> = t.lazy(() => t.union(t.integer, t.list(Tree)), "tree");

test("a lazy schema may hold itself", () => {
  const value = [1, [2, [3]], []];
  assertStrictEquals(Tree.parse(value), value);
  assertStrictEquals(Tree.converts, false);
  const error = assertThrows(() => Tree.parse([1, [2, [atom("x")]]]), SchemaError);
  assertEquals(error.path, [1, 1, 0]);
  assertEquals(t.list(Tree).expected, "[tree]");
});

test("whether a recursive schema converts is asked of all its parts", () => {
  const Inner: Schema<unknown> = t.lazy(() => t.tuple(t.list(Inner), t.text));
  const Outer: Schema<unknown> = t.list(Inner);
  assertStrictEquals(Inner.converts, true);
  assertStrictEquals(Outer.converts, true);
});

test("errors of a union name the choice that got furthest", () => {
  const schema = t.union(t.tagged("ok", t.tuple(t.integer, t.text)), t.tagged("error", t.atom()));
  const deep = assertThrows(() => schema.parse(tagged("ok", tuple(1, 2))), SchemaError);
  assertEquals(deep.path, [1, 1]);
  assertEquals(deep.expected, "text");
  const flat = assertThrows(() => schema.parse(7), SchemaError);
  assertEquals(flat.path, []);
  assertEquals(flat.expected, "{:ok, {integer, text}} | {:error, atom}");
});
