import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Atom, atom } from "../../../lib/etf/atom.ts";
import { noMatch, t } from "../../../mod.ts";
import { structOf } from "./_support.ts";

function decimal(sign: number, coef: number | bigint | Atom, exp: number): unknown {
  return structOf("Decimal", { sign, coef, exp });
}

test("a decimal is the text that Decimal itself prints", () => {
  const cases: [number, number | bigint | Atom, number, string][] = [
    [1, 123, 0, "123"],
    [-1, 123, 0, "-123"],
    [1, 123, 1, "1.23E+3"],
    [1, 123, -1, "12.3"],
    [1, 123, -3, "0.123"],
    [1, 123, -5, "0.00123"],
    [1, 123, -10, "1.23E-8"],
    [-1, 123, -12, "-1.23E-10"],
    [1, 0, 0, "0"],
    [1, 0, -2, "0.00"],
    [1, 0, 2, "0E+2"],
    [-1, 0, 0, "-0"],
    [1, 5, -6, "0.000005"],
    [1, 50, -7, "0.0000050"],
    [1, 5, -7, "5E-7"],
    [1, 150, -2, "1.50"],
    [1, 2n ** 64n, -2, "184467440737095516.16"],
    [1, atom("NaN"), 0, "NaN"],
    [1, atom("inf"), 0, "Infinity"],
    [-1, atom("inf"), 0, "-Infinity"],
  ];
  for (const [sign, coef, exp, text] of cases) {
    assertStrictEquals(t.decimal.parse(decimal(sign, coef, exp)), text);
    assertStrictEquals(t.decimal.parse(t.decimal.toTerm(text)), text);
  }
});

test("text is written with its very digits", () => {
  const written = t.decimal.toTerm("-1.50") as Map<unknown, unknown>;
  assertEquals([...written.keys()].map(String), ["__struct__", "sign", "coef", "exp"]);
  assertEquals([...written.values()], [atom("Elixir.Decimal"), -1, 150n, -2]);
  for (const text of ["+1", "1.", ".5", "1e3"]) {
    assertStrictEquals(t.decimal.tryParse(text), text);
  }
  assertEquals((t.decimal.toTerm(".5") as Map<unknown, unknown>).get(atom("exp")), -1);
});

test("what is no decimal is refused", () => {
  for (
    const value of [
      "",
      ".",
      "1,5",
      "x",
      "--1",
      "1e",
      "1e1.5",
      1,
      1.5,
      decimal(0, 1, 0),
      decimal(1, atom("x"), 0),
    ]
  ) {
    assertStrictEquals(t.decimal.tryParse(value), noMatch);
  }
});
