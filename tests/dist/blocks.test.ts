import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { giveBack, joinBlocks, leaveBlocks, shed, takeBlock } from "../../lib/dist/_blocks.ts";
import { setup } from "./_connection.ts";

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

/** How many of these blocks are handed out again. */
function free(blocks: readonly Uint8Array[], length: number): number {
  const again = blocks.map(() => takeBlock(length));
  again.forEach((block) => giveBack(block));
  return again.filter(({ buffer }) => blocks.some((block) => block.buffer === buffer)).length;
}

/** What a large message takes and gives back. */
function useBlocks(count: number, length: number): Uint8Array[] {
  const blocks = Array.from({ length: count }, () => takeBlock(length));
  blocks.forEach((block) => giveBack(block));
  return blocks;
}

const MB = 1_000_000;

let time = 1e9;
/** What a connection does with its checks, when there was time enough. */
function later(): void {
  shed(time += 10_000);
}

/** The last who has used blocks is gone. */
function last(): void {
  joinBlocks();
  leaveBlocks();
}

test("of blocks that wait 64 MiB are kept, and none that is larger", () => {
  last();
  assertEquals(free(useBlocks(80, MB), MB), 64);
  const huge = takeBlock(70 * MB);
  giveBack(huge);
  assert(takeBlock(70 * MB).buffer !== huge.buffer);
});

test("blocks that nobody has needed for ten seconds are let go, but for some megabytes", () => {
  last();
  later();
  const blocks = useBlocks(40, MB);
  later();
  assertEquals(free(blocks, MB), 40);
  later(); // all of them were needed meanwhile
  assertEquals(free(blocks.slice(0, 10), MB), 10);
  later(); // ten of them
  assertEquals(free(blocks, MB), 10);
  const others = useBlocks(40, MB);
  later();
  shed(time + 9_999); // another connection
  assertEquals(free(others, MB), 40);
  later();
  later();
  assertEquals(free(others, MB), 2);
});

test("all blocks but for some megabytes are let go when nobody sends any more", () => {
  joinBlocks();
  joinBlocks();
  const blocks = useBlocks(40, MB);
  leaveBlocks();
  assertEquals(free(blocks, MB), 40);
  leaveBlocks();
  assertEquals(free(blocks, MB), 2);
});

test("a connection lets go of blocks with its checks, and when its stream is closed", () => {
  last();
  const { connection, platform, stream } = setup({ tickTime: 80_000 });
  platform.advance(20_000);
  const first = useBlocks(40, MB);
  platform.advance(20_000);
  assertEquals(free(first, MB), 40);
  const second = useBlocks(40, MB);
  stream.handler.data(new Uint8Array(4));
  platform.advance(40_000);
  assertEquals(free(second, MB), 2);
  const third = useBlocks(40, MB);
  connection.close();
  assertEquals(free(third, MB), 40); // some may still be on their way
  stream.handler.close();
  assertEquals(free(third, MB), 2);
});

test("arrays of others are not taken for blocks", () => {
  const other = new Uint8Array(takeBlock(200_000).buffer.byteLength);
  giveBack(other);
  for (let i = 0; i < 20; i++) assert(takeBlock(100_000).buffer !== other.buffer);
});
