import { test } from "node:test";
import { assertStrictEquals } from "@std/assert";
import { isThenable } from "../../lib/_util/thenable.ts";

test("promises and what acts like one are thenable", () => {
  assertStrictEquals(isThenable(Promise.resolve(1)), true);
  assertStrictEquals(isThenable({ then() {} }), true);
});

test("everything else is not", () => {
  const others = [
    undefined,
    null,
    0,
    "then",
    { then: 1 },
    {},
    [],
    () => {},
    Symbol("then"),
    new Map(),
  ];
  for (const value of others) assertStrictEquals(isThenable(value), false);
});
