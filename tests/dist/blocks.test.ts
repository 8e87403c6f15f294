import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { giveBack, takeBlock } from "../../lib/dist/_blocks.ts";

test("a block is used again once it was given back, and not before", () => {
  const first = takeBlock(100_000);
  const second = takeBlock(100_000);
  assert(first.buffer !== second.buffer);
  // The stream may tell of the end of it only.
  giveBack(first.subarray(99_000));
  const third = takeBlock(50_000);
  assert(third.buffer === first.buffer);
  assertEquals(third.length, 50_000);
});

test("what is given back twice is handed out once", () => {
  const block = takeBlock(100_000);
  giveBack(block);
  giveBack(block);
  assert(takeBlock(100_000).buffer !== takeBlock(100_000).buffer);
});

test("a small message does not take a large block", () => {
  const large = takeBlock(1_000_000);
  giveBack(large);
  assert(takeBlock(200_000).buffer !== large.buffer);
  assert(takeBlock(900_000).buffer === large.buffer);
});

test("of blocks that wait only some megabytes are kept", () => {
  const blocks = Array.from({ length: 5 }, () => takeBlock(1_000_000));
  blocks.forEach((block) => giveBack(block));
  const again = Array.from({ length: 5 }, () => takeBlock(1_000_000));
  const kept = again.filter(({ buffer }) => blocks.some((block) => block.buffer === buffer));
  assertEquals(kept.length, 2);
  const huge = takeBlock(10_000_000);
  giveBack(huge);
  assert(takeBlock(10_000_000).buffer !== huge.buffer);
});

test("arrays of others are not taken for blocks", () => {
  const other = new Uint8Array(takeBlock(200_000).buffer.byteLength);
  giveBack(other);
  for (let i = 0; i < 20; i++) assert(takeBlock(100_000).buffer !== other.buffer);
});
