import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import {
  ProvidedFunctions,
  undefinedFunction,
  withSelf,
} from "../../../lib/node/provided/provide.ts";
import { AccessPolicy } from "../../../lib/node/remote/access.ts";
import type { Self } from "../../../lib/node/process/self.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

const self = {} as Self;

test("a function is found by module, name and the number of its arguments", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  provided.add("math", { sum: (a, b) => (a as number) + (b as number), one: () => 1 });
  assertStrictEquals(provided.find("math", "sum", [1, 2])!(self), 3);
  assertStrictEquals(provided.find("math", "one", [])!(self), 1);
  for (
    const [module, name, args] of [["math", "sum", [1]], ["math", "sum", [1, 2, 3]], [
      "math",
      "none",
      [],
    ], ["none", "one", []]] as const
  ) {
    assertStrictEquals(provided.find(module, name, [...args]), null);
  }
});

test("members that every object has are provided by nobody", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  provided.add("m", { f: () => 1 });
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
    assertStrictEquals(provided.find("m", name, []), null);
    assertStrictEquals(provided.find(name, "f", []), null);
  }
});

test("a handler with schemas takes as many as they allow, and parses them", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  provided.add("m", { add: on(t.integer, t.integer.default(10), (a, b) => a + b) });
  assertStrictEquals(provided.find("m", "add", [1])!(self), 11);
  assertStrictEquals(provided.find("m", "add", [1, 2])!(self), 3);
  assertStrictEquals(provided.find("m", "add", []), null);
  assertStrictEquals(provided.find("m", "add", [1, 2, 3]), null);
});

test("a function that wants its process gets it in front", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  provided.add("m", { who: withSelf((self, arg) => [self, arg]) });
  assertEquals(provided.find("m", "who", [5])!(self), [self, 5]);
  assertStrictEquals(provided.find("m", "who", []), null);
});

test("what is disposed is provided no more, and a module may be provided in parts", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  const first = provided.add("m", { a: () => 1, b: () => 2 });
  const second = provided.add("m", { b: () => 3 });
  assertStrictEquals(provided.find("m", "b", [])!(self), 3);
  first[Symbol.dispose]();
  assertStrictEquals(provided.find("m", "a", []), null);
  assertStrictEquals(provided.find("m", "b", [])!(self), 3);
  second[Symbol.dispose]();
  assertStrictEquals(provided.find("m", "b", []), null);
});

test("to dispose twice does not take what was provided in between", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  const first = provided.add("m", { a: () => 1 });
  first[Symbol.dispose]();
  provided.add("m", { b: () => 2 });
  first[Symbol.dispose]();
  assertStrictEquals(provided.find("m", "b", [])!(self), 2);
});

test("an undefined function is Erlang's undef", () => {
  assertEquals(
    undefinedFunction("m", "f", [1]),
    tuple(atom("undef"), [tuple(atom("m"), atom("f"), [1], [])]) as never,
  );
});

test("an undefined function may have a name that is a JavaScript value", () => {
  assertEquals(
    format(undefinedFunction("nil", "true", [1])),
    format(tuple(atom("undef"), [tuple(null, true, [1], [])]) as Term),
  );
  assertEquals(format(undefinedFunction("m", "false", [])), "{undef,[{m,false,[],[]}]}");
});

test("what nobody could call is refused with what is needed", () => {
  const provided = new ProvidedFunctions(new AccessPolicy(new FakePlatform()));
  const wrong: unknown[] = [5, "f", null, undefined, {}, { takes: () => true }];
  for (const fn of wrong) {
    assertThrows(
      () => provided.add("m", { good: () => 1, fn: fn as never }),
      TypeError,
      "Cannot provide m:fn: a function, on(...) or withSelf(...) is needed",
    );
  }
  assertThrows(() => provided.add("m", undefined as never), TypeError, "an object with them");
  assertThrows(() => provided.add(undefined as never, {}), TypeError, "the name of their module");
  assertStrictEquals(provided.has("m"), false);
});
