import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { checkFields, namesInstead, nearestOf } from "../../lib/_util/fields.ts";

const KNOWN = ["cookie", "listen", "tickTime", "maxQueue", "maxMessage", "tls", "epmd"];

test("a misspelt name is like one that there is, and other words are like none", () => {
  const likes: readonly (readonly [name: string, nearest: string | null])[] = [
    ["coookie", "cookie"],
    ["cokie", "cookie"],
    ["cookei", "cookie"],
    ["COOKIE", "cookie"],
    ["ticktime", "tickTime"],
    ["max_queue", "maxQueue"],
    ["maxMesage", "maxMessage"],
    ["tsl", "tls"],
    ["somethingElse", null],
    ["", null],
    ["x".repeat(100_000), null],
  ];
  for (const [name, nearest] of likes) assertEquals(nearestOf(name, KNOWN), nearest, name);
  assertEquals(
    namesInstead("lsiten", ["listen", "tls"]),
    "there are listen, tls; listen may be meant",
  );
  assertEquals(namesInstead("other", ["listen", "tls"]), "there are listen, tls");
});

test("options must be an object that has only fields which there are", () => {
  const check = (options: unknown): void => checkFields("do that", options, { a: true, bcd: true });
  check({});
  check({ a: undefined, bcd: 1 });
  for (const [options, came] of [[null, "null"], [5, "number"], [undefined, "undefined"]]) {
    assertThrows(
      () => check(options),
      TypeError,
      `Cannot do that: its options must be an object, ${came} came`,
    );
  }
  assertThrows(
    () => check({ a: 1, bdc: 1 }),
    TypeError,
    "Cannot do that with option bdc: there is no such option, there are a, bcd; bcd may be meant",
  );
  assertThrows(() => check({ toString: 1 }), TypeError, "toString: there is no such option");
});
