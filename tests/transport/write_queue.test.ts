import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { WriteQueue } from "../../lib/transport/_write_queue.ts";
import { joined } from "./_probe.ts";

/** All pieces, copied, for a joined one is overwritten by the next call. */
function pieces(queue: WriteQueue): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let piece = queue.next(); piece !== undefined; piece = queue.next()) {
    all.push(piece.slice());
  }
  return all;
}

test("an empty queue gives nothing", () => {
  assertEquals(new WriteQueue().next(), undefined);
});

test("a single array is given out as it is, without a copy", () => {
  const queue = new WriteQueue();
  const only = new Uint8Array(10);
  queue.push(only);
  assert(queue.next() === only);
});

test("large arrays are never copied", () => {
  const queue = new WriteQueue();
  const large = [new Uint8Array(16 * 1024), new Uint8Array(1_000_000)];
  const small = new Uint8Array(5);
  queue.push(large[0]);
  queue.push(small);
  queue.push(large[1]);
  assert(queue.next() === large[0]);
  assert(queue.next() === small);
  assert(queue.next() === large[1]);
  assertEquals(queue.next(), undefined);
});

test("what comes out is what went in, whatever the sizes, in pieces of at most 64 KiB when joined", () => {
  const sizes = [
    1,
    100,
    16_383,
    16_383,
    16_383,
    16_383,
    16_383,
    3,
    20_000,
    1,
    1,
    16_384,
    7,
    64_000,
  ];
  for (let turn = 0; turn < sizes.length; turn++) {
    const queue = new WriteQueue();
    const arrays = [...sizes.slice(turn), ...sizes.slice(0, turn)]
      .map((size, i) => new Uint8Array(size).fill(i + 1));
    for (const array of arrays) queue.push(array);
    const out = pieces(queue);
    assertEquals(joined(out), joined(arrays));
    assert(out.every((piece) => piece.length <= 65_536));
    assert(out.length < arrays.length);
  }
});

test("a hundred thousand small arrays are joined in linear time", () => {
  const queue = new WriteQueue();
  for (let i = 0; i < 100_000; i++) queue.push(new Uint8Array([i, i >> 8, i >> 16]));
  const all = joined(pieces(queue));
  assertEquals(all.length, 300_000);
  for (let i = 0; i < 100_000; i++) {
    if ((all[3 * i] | all[3 * i + 1] << 8 | all[3 * i + 2] << 16) !== i) throw new Error(`at ${i}`);
  }
});

test("a queue that is cleared is empty and can be used again", () => {
  const queue = new WriteQueue();
  for (const size of [1, 20_000, 2]) queue.push(new Uint8Array(size));
  queue.next();
  queue.clear();
  assertEquals(queue.next(), undefined);
  queue.push(new Uint8Array(4));
  assertEquals(pieces(queue), [new Uint8Array(4)]);
});
