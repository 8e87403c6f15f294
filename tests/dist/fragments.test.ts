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

test("bytes may be read to where they belong, in turns with others", () => {
  const source = new Uint8Array(1_000_000).map((_, i) => i * 7 + (i >> 8));
  const pieces = new Pieces();
  let direct = 0;
  for (let at = 0; at < source.length;) {
    const most = Math.min(source.length - at, 70_000);
    const room = at % 3 === 0 ? pieces.room(most) : null;
    assert(room === null || room.length === most);
    const end = at + (at % 2 === 0 ? most : Math.min(most, 333));
    const next = source.subarray(at, end);
    if (room !== null) {
      room.set(next);
      direct += next.length;
    }
    const kept = pieces.add(room ?? next.slice(), 0, next.length, source.length);
    assert(room === null || !kept);
    at = end;
  }
  assert(direct > 100_000, String(direct));
  assertEquals(pieces.length, source.length);
  assert(pieces.join().every((byte, i) => byte === source[i]));
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

test("pieces of many megabytes are joined as they come, whatever they were expected to be", () => {
  const MIB = 1024 * 1024;
  const piece = (i: number): Uint8Array => new Uint8Array(MIB / 4).fill(i + 1);
  for (const [expected, count] of [[24, 96], [24, 95], [24, 13], [8, 96], [1000, 96]]) {
    const pieces = new Pieces();
    for (let i = 0; i < count; i++) {
      const bytes = piece(i);
      // Half of them come in two parts.
      const cut = i % 2 === 0 ? 0 : 1000 * i;
      if (cut > 0) pieces.add(bytes, 0, cut, expected * MIB);
      pieces.add(bytes, cut, bytes.length, expected * MIB);
    }
    const joined = pieces.join();
    assertEquals(joined.length, count * MIB / 4);
    for (let i = 0; i < count; i++) {
      const part = joined.subarray(i * MIB / 4, (i + 1) * MIB / 4);
      assert(part.every((byte) => byte === i + 1), `${expected} MiB, piece ${i} of ${count}`);
    }
    assert(joined.buffer.byteLength <= 4 * joined.length);
  }
});

test("what a peer claims takes no memory before a quarter of it has come", () => {
  const limits = { limit: 1e9, maxSequences: 2, maxSequenceBytes: 1e9 };
  const sequences = new Sequences(limits);
  const bytes = new Uint8Array(100_000);
  sequences.open(1, new Sequence(control, [], 999), bytes, 0, 100_000);
  const sequence = sequences.at(1, 999);
  for (let i = 0; i < 100; i++) sequences.add(sequence, bytes, 0, 100_000, 0);
  assertEquals(sequence.next, 899);
  const joined = sequence.payload.join();
  assertEquals([joined.length, joined.buffer.byteLength], [10_100_000, 10_100_000]);
});

test("a limit counts what is open, and no more what is complete or was refused to begin", () => {
  const sequences = new Sequences({ limit: 1000, maxSequences: 2, maxSequenceBytes: 100 });
  const bytes = new Uint8Array(60);
  for (let i = 0; i < 20; i++) {
    sequences.open(i, new Sequence(control, [], 1), bytes, 0, 60);
    assertEquals(sequences.size, 1);
    const sequence = sequences.at(i, 1);
    sequences.add(sequence, bytes, 0, 40, 0);
    assertEquals([sequence.next, sequence.payload.length], [0, 100]);
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
