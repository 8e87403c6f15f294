/** A short run of each target with a seed of its own, and that the fuzzer finds what it is to find: `deno task fuzz` runs longer. */
import { before, test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { processorTime } from "../_support/processor.ts";
import { fuzz, FuzzFailure, type Target } from "./fuzz.ts";
import { mutated } from "./mutate.ts";
import { nodeTarget, prepare } from "./node_target.ts";
import { caseSeed, Random } from "./random.ts";
import { PARSERS } from "./targets.ts";

const SEED = 2026;

before(prepare);

for (const target of PARSERS) {
  test(`2,000 cases for ${target.name}`, async () => {
    const { cases, bytes } = await fuzz(target, { seed: SEED, cases: 2_000 });
    assertEquals(cases, 2_000);
    assert(bytes > 2_000);
  });
}

for (const header of [false, true]) {
  test(`500 connections with a node, ${header ? "with" : "without"} headers`, async () => {
    const target = nodeTarget(header ? "node_headers" : "node", header);
    assertEquals((await fuzz(target, { seed: SEED, cases: 500 })).cases, 500);
  });
}

test("the same seed makes the same case, another one another", () => {
  const others = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(131, 106)];
  const made = (seed: number): string => {
    const random = new Random(caseSeed(seed, "terms", 7));
    return Array.from({ length: 50 }, () => mutated(random, others).join()).join(";");
  };
  assertEquals(made(1), made(1));
  assert(made(1) !== made(2));
  assertEquals(new Set(Array.from({ length: 1000 }, (_, i) => caseSeed(1, "terms", i))).size, 1000);
});

test("mutations never touch what they are made from, and make something of nothing", () => {
  const others = [Uint8Array.of(1, 2, 3), new Uint8Array(0)];
  const random = new Random(5);
  const lengths = new Set(Array.from({ length: 2_000 }, () => mutated(random, others).length));
  assertEquals([...others[0]], [1, 2, 3]);
  assert(lengths.has(0) && [...lengths].some((length) => length > 10));
});

/** Fails for some inputs. */
function broken(read: (byte: number) => void): Target {
  return {
    name: "broken",
    make: (random) => [random.bytes(4)],
    read: ([bytes]) => read(bytes[0]),
  };
}

test("an error that is not ours is told with all that is needed to have it again", async () => {
  const target = broken((byte) => {
    if (byte === 77) throw new TypeError("undefined is not a function");
  });
  const failure = await assertRejects(() => fuzz(target, { seed: 9, cases: 10_000 }));
  assertInstanceOf(failure, FuzzFailure);
  assertStringIncludes(failure.message, "undefined is not a function");
  assertStringIncludes(failure.message, "input: 4d");
  const index = Number(/--target broken --seed 9 --case (\d+)/.exec(failure.message)?.[1]);
  const again = await assertRejects(() => fuzz(target, { seed: 9, only: index }));
  assertStringIncludes((again as Error).message, `case ${index}: TypeError`);
  await fuzz(target, { seed: 9, only: index + 1 });
});

test("an input that takes long each time is told", async () => {
  const target = broken((byte) => {
    const end = processorTime() + (byte < 128 ? 60 : 0);
    while (processorTime() < end) { /* busy */ }
  });
  await assertRejects(() => fuzz(target, { seed: 1, cases: 100 }), FuzzFailure, "ms, at most 50");
});

testNothingIsLeft();
