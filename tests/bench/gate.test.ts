import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { BOUNDS_FILE } from "../../bench/gate/bounds.ts";
import { exactFigures } from "../../bench/gate/exact.ts";
import {
  accepted,
  type Bounds,
  checkFigures,
  type Figure,
  unused,
} from "../../bench/gate/figures.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { runtime } from "../_support/runtime.ts";

function figure(name: string, value: number, varies = 0): Figure {
  return { name, unit: "bytes", value, varies };
}

test("what has grown beyond what it varies by is told", () => {
  const bounds: Bounds = { a: { bun: 10 }, b: { bun: 100 }, c: { deno: 1 } };
  const states = (...figures: Figure[]) =>
    checkFigures(figures, bounds, "bun").map(({ state }) => state);
  assertEquals(states(figure("a", 10), figure("a", 11), figure("a", 9)), [
    "as before",
    "grown",
    "less",
  ]);
  assertEquals(states(figure("b", 110, 0.1), figure("b", 111, 0.1), figure("b", 89, 0.1)), [
    "as before",
    "grown",
    "less",
  ]);
  assertEquals(states(figure("c", 1), figure("d", 1)), ["new", "new"]);
});

test("accepting keeps the bounds of runtimes that were not measured, and drops what nothing measures", () => {
  const bounds: Bounds = { a: { bun: 10, deno: 7 }, gone: { bun: 1, deno: 2 }, far: { deno: 1 } };
  const measured = { bun: [figure("a", 12), figure("new", 3)], node: [figure("a", 13)] };
  assertEquals(unused(bounds, measured), ["gone"]);
  assertEquals(accepted(bounds, measured), {
    a: { bun: 12, deno: 7, node: 13 },
    new: { bun: 3 },
    gone: { deno: 2 },
    far: { deno: 1 },
  });
  assertEquals(accepted({ gone: { bun: 1 } }, measured).gone, undefined);
});

test("turns, writes, bytes and control messages are those that were accepted (see bench/README.md)", async () => {
  const bounds: Bounds = JSON.parse(readFileSync(BOUNDS_FILE, "utf8"));
  const checked = checkFigures(await exactFigures(), bounds, runtime);
  // What has grown for a good reason, or is new, is accepted by: deno task bench:gate --accept.
  const changed = checked.filter(({ state }) => state === "grown" || state === "new")
    .map(({ name, value, bound, state }) => `${name}: ${value} (${state}, accepted: ${bound})`);
  assertEquals(changed, []);
});

testNothingIsLeft();
