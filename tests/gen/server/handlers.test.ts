import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { atom, later, on, SchemaError, t } from "../../../mod.ts";
import { Handler, Later } from "../../../lib/gen/server/handlers.ts";

test("on keeps its schemas and its function", () => {
  const fn = (a: number, b: string): string => `${a}${b}`;
  const handler = on(t.integer, t.text, fn);
  assertInstanceOf(handler, Handler);
  assertStrictEquals(handler.fn, fn as never);
  assertEquals(handler.schemas, [t.integer, t.text]);
  assertStrictEquals(handler.expected, "(integer, text)");
});

test("on without a function says what is missing", () => {
  assertThrows(
    () => (on as (...args: unknown[]) => unknown)(t.integer),
    TypeError,
    "must be the function",
  );
  assertThrows(() => (on as (...args: unknown[]) => unknown)(), TypeError, "must be the function");
});

test("on says which of its schemas is none", () => {
  const make = on as (...args: unknown[]) => unknown;
  assertThrows(
    () => make(t.text, t.atom, () => 1),
    TypeError,
    "argument 2, not a function; call it",
  );
  for (const wrong of [undefined, null, 5, {}]) {
    assertThrows(() => make(wrong, () => 1), TypeError, "a schema is needed for argument 1");
  }
});

test("a handler takes as many arguments as it has schemas, without optional ones at the end", () => {
  const takes = (handler: { takes(count: number): boolean }): number[] =>
    [0, 1, 2, 3, 4].filter((count) => handler.takes(count));
  assertEquals(takes(on(() => 1)), [0]);
  assertEquals(takes(on(t.integer, t.integer, () => 1)), [2]);
  assertEquals(takes(on(t.integer, t.integer.optional(), t.integer.default(1), () => 1)), [
    1,
    2,
    3,
  ]);
  // One in front of a needed one cannot be left out.
  assertEquals(takes(on(t.integer.default(1), t.integer, () => 1)), [2]);
});

test("invoke parses the arguments and calls the function", () => {
  const handler = on(t.text, t.integer.default(5), (name, n) => [name, n]);
  assertEquals(handler.invoke(["x", 1]), ["x", 1]);
  assertEquals(handler.invoke(["x"]), ["x", 5]);
  assertEquals(handler.invoke(["x", undefined]), ["x", 5]);
});

test("the error's path begins with the number of the argument", () => {
  const handler = on(t.text, t.object({ n: t.integer }), () => 1);
  const error = assertThrows(() => handler.parse(["x", new Map([[atom("n"), "y"]])]), SchemaError);
  assertEquals(error.path, [1, "n"]);
  const none = assertThrows(() => handler.parse(["x"]), SchemaError);
  assertEquals([none.path, none.found], [[], "1 arguments"]);
});

test("an error of a schema's own function stays itself", () => {
  const failing = t.lazy(() => {
    throw new RangeError("own");
  });
  assertThrows(() => on(failing, () => 1).parse([1]), RangeError, "own");
});

test("arguments are written as the schemas say, those beyond them as they are", () => {
  const handler = on(t.enum("a", "b"), t.term, () => 1);
  assertEquals(handler.write(["a", "b", "c"]), [atom("a"), "b", "c"]);
  assertEquals(handler.write([]), []);
});

test("later keeps its promise", () => {
  const promise = Promise.resolve(1);
  const made = later(promise);
  assert(made instanceof Later);
  assertStrictEquals(made.promise, promise);
});
