import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { SlabReader } from "../../lib/transport/_slab_reader.ts";

/** What a runtime does: fills the room, up to `count` bytes. */
function read(slab: SlabReader, count: number, value: number): Uint8Array {
  const room = slab.room();
  const length = Math.min(count, room.length);
  room.fill(value, 0, length);
  return slab.take(length);
}

test("small reads share a slab, one behind the other", () => {
  const slab = new SlabReader();
  const first = read(slab, 100, 1);
  const second = read(slab, 100, 2);
  assert(first.buffer === second.buffer);
  assertEquals(second.byteOffset, first.byteOffset + 100);
});

test("what was handed over is never written to again", () => {
  const slab = new SlabReader();
  const taken = Array.from({ length: 2000 }, (_, i) => read(slab, 1 + (i * 37) % 900, i & 255));
  taken.forEach((bytes, i) => assert(bytes.every((byte) => byte === (i & 255))));
});

test("nobody takes what is still to come along to another thread", () => {
  const slab = new SlabReader();
  const first = read(slab, 5000, 1);
  const buffer = first.buffer as ArrayBuffer;
  let taken: ArrayBuffer | null = null;
  try {
    taken = structuredClone(buffer, { transfer: [buffer] });
  } catch {
    // Whoever tries hears of it.
  }
  const second = read(slab, 5000, 2);
  assertEquals([first[4999], second[4999]], [1, 2]);
  // Node 20 gives a copy instead.
  if (taken !== null) assertEquals(new Uint8Array(taken)[5000], 0);
});

test("there is always room for a sensible read", () => {
  const slab = new SlabReader();
  for (let i = 0; i < 1000; i++) {
    assert(slab.room().length >= 4096);
    read(slab, 3000, 0);
  }
  assert(slab.room().length >= 16 * 1024);
});

test("reads that fill the room make it larger, and small ones smaller again", () => {
  const slab = new SlabReader();
  for (let i = 0; i < 20; i++) read(slab, Infinity, 0);
  assertEquals(slab.room().length, 256 * 1024);
  for (let i = 0; i < 1000; i++) read(slab, 1000, 0);
  assert(slab.room().length <= 64 * 1024);
});

test("what was given back is written to again, and nothing else", () => {
  const slab = new SlabReader();
  const kept = read(slab, 100, 1);
  const first = read(slab, 200, 2);
  slab.back();
  const second = read(slab, 200, 3);
  assert(second.buffer === first.buffer && second.byteOffset === first.byteOffset);
  assert(kept.every((byte) => byte === 1));
  for (let i = 0; i < 20; i++) {
    read(slab, Infinity, 4);
    slab.back();
  }
  const full = slab.room();
  assertEquals(full.length, 256 * 1024);
  read(slab, Infinity, 5);
  slab.back();
  assert(slab.room().buffer === full.buffer);
  assert(kept.every((byte) => byte === 1));
});
