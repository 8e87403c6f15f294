import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { ImproperList } from "../../../lib/etf/list.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { tagged, tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, Schema, SchemaError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

test("an error says where, what is needed and what sort of value came", () => {
  const schema = t.tuple(t.atom(), t.list(t.tuple(t.text, t.integer)));
  const error = assertThrows(
    () => schema.parse(tuple(atom("x"), [tuple("a", 1), tuple("b", binaryOf("secret"))])),
    SchemaError,
  );
  assertEquals(error.path, [1, 1, 1]);
  assertEquals(error.pathText, "[1][1][1]");
  assertEquals(error.expected, "integer");
  assertEquals(error.found, "a binary of 6 bytes");
  assertEquals(
    error.message,
    "Cannot parse value at [1][1][1]: a binary of 6 bytes came, integer is needed",
  );
  assertEquals(error.name, "SchemaError");
  assert(error instanceof TypeError);
});

test("what came is told by its sort, never by its content", () => {
  const kinds: [unknown, string][] = [
    [undefined, "nothing"],
    [null, "nil"],
    [true, "a boolean"],
    [1, "an integer"],
    [1.5, "a float"],
    [-0, "a float"],
    [NaN, "NaN"],
    [2n ** 64n, "a big integer"],
    ["secret", "a string of 6 characters"],
    [binaryOf("s"), "a binary of 1 byte"],
    [atom("secret"), "an atom"],
    [tagged("secret"), "a tuple of 1 element"],
    [[], "an empty list"],
    [["secret", 1], "a list of 2 elements"],
    [new ImproperList([1], 2), "an improper list"],
    [new TermMap([[1, 2]]), "a map of 1 key"],
    [new Map(), "a map of 0 keys"],
    [new Date(), "a Date"],
    [{}, "an object"],
    [() => 1, "a function"],
    [Symbol("secret"), "a symbol"],
  ];
  for (const [value, kind] of kinds) {
    const error = assertThrows(() => t.pid.parse(value), SchemaError);
    assertEquals(error.message, `Cannot parse value: ${kind} came, pid is needed`);
  }
});

test("an error can be put under a key of what holds the value", () => {
  const error = assertThrows(() => t.list(t.integer).parse([1, "x"]), SchemaError);
  assertEquals(error.under("arguments").pathText, "arguments[1]");
});

test("a value that does not match is no error for tryParse", () => {
  assertStrictEquals(t.integer.tryParse("x"), noMatch);
  assertStrictEquals(t.integer.tryParse(1), 1);
});

test("where takes only what its predicate likes", () => {
  const port = t.integer.where((value) => value > 0 && value < 65_536, "a port from 1 to 65535");
  assertStrictEquals(port.parse(80), 80);
  assertStrictEquals(port.converts, false);
  assertEquals(port.expected, "a port from 1 to 65535");
  const high = assertThrows(() => port.parse(70_000), SchemaError);
  assertEquals(high.expected, "a port from 1 to 65535");
  assertEquals(assertThrows(() => port.parse("x"), SchemaError).expected, "integer");
});

test("a predicate sees the parsed value and may throw", () => {
  const seen: unknown[] = [];
  t.text.where((value) => seen.push(value) > 0, "text").parse(binaryOf("a"));
  assertEquals(seen, ["a"]);
  const failing = t.text.where(() => {
    throw new Error("no");
  }, "something else");
  const error = assertThrows(() => failing.parse("a"), SchemaError);
  assertEquals((error.cause as Error).message, "no");
});

test("transform changes what was parsed, and what it throws does not match", () => {
  const schema = t.text.transform((value) => JSON.parse(value) as unknown);
  assertEquals(schema.parse(binaryOf("[1]")), [1]);
  assertStrictEquals(schema.tryParse("["), noMatch);
  const error = assertThrows(() => schema.parse("["), SchemaError);
  assert(error.cause instanceof SyntaxError);
  assertStrictEquals(schema.toTerm("[1]"), "[1]");
});

test("convert carries values of another type both ways", () => {
  const url = t.text.convert({
    expected: "URL",
    is: (value): value is URL => value instanceof URL,
    from: (text) => new URL(text),
    to: (value) => value.href,
  });
  const home = new URL("https://example.com/");
  assertEquals(url.parse(binaryOf(home.href)).href, home.href);
  assertStrictEquals(url.parse(home), home);
  assertStrictEquals(url.toTerm(home), home.href);
  assertEquals(t.list(url).toTerm([home]), [home.href]);
  const error = assertThrows(() => t.list(url).parse(["not a url"]), SchemaError);
  assertEquals(error.path, [0]);
  assertEquals(error.expected, "URL");
  assertEquals(assertThrows(() => url.parse(1), SchemaError).expected, "URL");
});

test("default gives its value, or calls its function, each time nothing came", () => {
  assertStrictEquals(t.integer.default(3).parse(undefined), 3);
  assertStrictEquals(t.integer.default(3).parse(4), 4);
  assertStrictEquals(t.integer.default(3).tryParse(null), noMatch);
  const lists = t.list(t.integer).default(() => []);
  const first = lists.parse(undefined);
  first.push(1);
  assertEquals(lists.parse(undefined), []);
});

test("optional takes nothing", () => {
  assertStrictEquals(t.text.optional().parse(undefined), undefined);
  assertStrictEquals(t.text.optional().parse("a"), "a");
  assertStrictEquals(t.text.optional().tryParse(null), noMatch);
  assertStrictEquals(t.text.presence, "required");
  assertStrictEquals(t.text.optional().presence, "optional");
  assertStrictEquals(t.text.default("").presence, "default");
});

test("an object may have fields of every sort within each other", () => {
  const schema = t.object({
    list: t.list(t.object({ x: t.float.default(0) })).optional(),
    either: t.union(t.object({ a: t.text }), t.nil),
  });
  const term = schema.toTerm({ list: [{}, { x: 2 }], either: { a: "b" } });
  assertEquals(schema.parse(term), { list: [{ x: 0 }, { x: 2 }], either: { a: "b" } });
});

test("making and using a schema changes no other", () => {
  const text = t.text;
  text.where(() => false, "nothing");
  text.optional();
  assertStrictEquals(text.parse("a"), "a");
  assert(text instanceof Schema);
});
