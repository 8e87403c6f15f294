import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { CONTROL, type Control } from "../../lib/dist/control.ts";
import { Pieces, Sequence, Sequences } from "../../lib/dist/fragments.ts";
import { FrameError } from "../../lib/dist/frames.ts";

const NONE = new Uint8Array(0);
const control = [CONTROL.NODE_LINK] as unknown as Control;

test("pieces are joined in their order, whatever their sizes", () => {
  let seed = 1;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 50; round++) {
    const source = new Uint8Array(random(300_000)).map((_, i) => i * 7 + round);
    const pieces = new Pieces();
    for (let at = 0; at < source.length;) {
      const end = Math.min(source.length, at + random([10, 1000, 50_000][random(3)]));
      // Some lie in large arrays, some in small ones, and what they lie in is used again.
      if (random(2) === 0) pieces.add(source, at, end);
      else pieces.add(source.slice(at, end), 0, end - at);
      at = end;
    }
    assertEquals(pieces.length, source.length);
    const joined = pieces.join();
    assertEquals(joined.length, source.length);
    assert(joined.every((byte, i) => byte === source[i]));
  }
});

test("a large piece is kept as it came, one that lies in much more memory is copied", () => {
  const own = new Uint8Array(20_000);
  const kept = new Pieces();
  kept.add(own, 0, 20_000);
  assertStrictEquals(kept.join().buffer, own.buffer);
  const slab = new Uint8Array(100_000);
  for (const size of [1, 100, 20_000]) {
    const copied = new Pieces();
    copied.add(slab, 0, size);
    const joined = copied.join();
    assertEquals(joined.length, size);
    assert(joined.buffer.byteLength < 4 * size + 300, `${joined.buffer.byteLength} for ${size}`);
  }
});

test("a limit counts what is open, and no more what is complete or was refused to begin", () => {
  const sequences = new Sequences({ limit: 1000, maxSequences: 2, maxSequenceBytes: 100 });
  const bytes = new Uint8Array(60);
  for (let i = 0; i < 20; i++) {
    sequences.open(i, new Sequence(control, [], 1), bytes, 0, 60);
    assertEquals(sequences.size, 1);
    const sequence = sequences.next(i, 1, bytes, 0, 40);
    assertEquals(sequence?.payload.length, 100);
    assertEquals(sequences.size, 0);
  }
  sequences.open(1, new Sequence(control, [], 1), NONE, 0, 0);
  sequences.open(2n ** 63n, new Sequence(control, [], 1), NONE, 0, 0);
  assertThrows(
    () => sequences.open(3, new Sequence(control, [], 1), NONE, 0, 0),
    FrameError,
    "2 sequences have begun, which is the limit",
  );
});
