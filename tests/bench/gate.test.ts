import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { BOUNDS_FILE, readBounds } from "../../bench/gate/bounds.ts";
import { exactFigures } from "../../bench/gate/exact.ts";
import {
  accepted,
  type Bounds,
  checkFigures,
  type Figure,
  unused,
  verdict,
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

test("what has grown, what nothing holds and what nothing measures are faults; what is less is none", () => {
  const bounds: Bounds = { a: { bun: 10 }, b: { bun: 10 }, c: { bun: 10 }, gone: { bun: 1 } };
  const judge = (...figures: Figure[]) =>
    verdict(
      { bun: checkFigures(figures, bounds, "bun") },
      unused(bounds, { bun: figures }),
    );
  assertEquals(judge(figure("a", 11), figure("b", 9), figure("c", 10), figure("new", 1)), {
    faults: [
      "a: grown",
      "new: nothing is accepted yet",
      "gone: accepted, and nothing measures it any more",
    ],
    remarks: ["b: less, which is not held before it is accepted"],
  });
  const all = [figure("a", 10), figure("b", 10), figure("c", 10), figure("gone", 1)];
  assertEquals(judge(...all), { faults: [], remarks: [] });
});

test("without bounds there is nothing to check against, which is said", () => {
  const folder = mkdtempSync(join(tmpdir(), "gate-"));
  const file = join(folder, "gate.json");
  const refused = (text: string, why: string): void => {
    writeFileSync(file, text);
    for (const mayBeMissing of [false, true]) {
      assertThrows(() => readBounds(file, mayBeMissing), Error, why);
    }
  };
  try {
    assertThrows(() => readBounds(file), Error, "it is missing, take the one that is committed");
    assertEquals(readBounds(file, true), {});
    refused("{ half", "it is no JSON");
    refused("[]", "it is no object of bounds");
    refused("null", "it is no object of bounds");
    refused('{ "a": 7 }', '"a" is no object with a number for each runtime');
    refused('{ "a": { "bun": "7" } }', '"a" is no object with a number for each runtime');
    refused('{ "a": { "bun": null } }', '"a" is no object with a number for each runtime');
    writeFileSync(file, '{ "a": { "bun": 7 } }');
    assertEquals(readBounds(file), { a: { bun: 7 } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("turns, writes, bytes and control messages are those that were accepted (see bench/README.md)", async () => {
  const bounds = readBounds(BOUNDS_FILE);
  const checked = checkFigures(await exactFigures(), bounds, runtime);
  // What has grown for a good reason, or is new, is accepted by: deno task bench:gate --accept.
  const changed = checked.filter(({ state }) => state === "grown" || state === "new")
    .map(({ name, value, bound, state }) => `${name}: ${value} (${state}, accepted: ${bound})`);
  assertEquals(changed, []);
});

testNothingIsLeft();
