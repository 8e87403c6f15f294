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

test("arrays of others are not taken for blocks", () => {
  const other = new Uint8Array(takeBlock(200_000).buffer.byteLength);
  giveBack(other);
  for (let i = 0; i < 20; i++) assert(takeBlock(100_000).buffer !== other.buffer);
});
