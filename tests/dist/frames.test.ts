import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FrameError, FrameReader } from "../../lib/dist/frames.ts";

/** Bytes of frames with these contents. */
function framed(...contents: number[][]): Uint8Array {
  const bytes: number[] = [];
  for (const content of contents) {
    const n = content.length;
    bytes.push(n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255, ...content);
  }
  return new Uint8Array(bytes);
}

function frames(reader: FrameReader, chunk: Uint8Array): number[][] {
  const found: number[][] = [];
  reader.push(chunk);
  while (reader.next()) found.push([...reader.bytes.subarray(reader.start, reader.end)]);
  return found;
}

const CONTENTS = [
  [1],
  [],
  [2, 3, 4, 5, 6, 7, 8, 9],
  [],
  [],
  [10, 11],
  Array.from({ length: 300 }, (_, i) => i & 255),
];

test("frames of one chunk are found in it, without a copy", () => {
  const chunk = framed(...CONTENTS);
  const reader = new FrameReader(1000);
  reader.push(chunk);
  let at = 0;
  for (const content of CONTENTS) {
    assert(reader.next());
    assertStrictEquals(reader.bytes, chunk);
    assertEquals([reader.start, reader.end], [at + 4, at + 4 + content.length]);
    at = reader.end;
  }
  assert(!reader.next());
  assert(!reader.next());
});

test("frames are found in bytes that come one at a time", () => {
  const reader = new FrameReader(1000);
  const found = [...framed(...CONTENTS)].flatMap((byte) => frames(reader, new Uint8Array([byte])));
  assertEquals(found, CONTENTS);
});

test("frames are found wherever a chunk ends", () => {
  const bytes = framed(...CONTENTS.slice(0, 6));
  for (let i = 0; i <= bytes.length; i++) {
    for (let j = i; j <= bytes.length; j++) {
      const reader = new FrameReader(1000);
      const found = [bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)]
        .flatMap((chunk) => frames(reader, chunk));
      assertEquals(found, CONTENTS.slice(0, 6), `chunks end at ${i} and ${j}`);
    }
  }
});

test("a frame of many megabytes is put together from chunks of any size", () => {
  const size = 9_000_001;
  const bytes = new Uint8Array(size + 4 + 5);
  for (let i = 0; i < size; i++) bytes[i + 4] = i % 251;
  new DataView(bytes.buffer).setUint32(0, size);
  bytes.set([0, 0, 0, 1, 42], size + 4);
  for (const step of [1000, 65_536, 1_048_577, size + 3]) {
    const reader = new FrameReader(size);
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      reader.push(bytes.subarray(at, at + step));
      while (reader.next()) {
        const { start, end } = reader;
        found.push(end - start);
        if (end - start === 1) continue;
        assert(reader.bytes.subarray(start, end).every((byte, i) => byte === i % 251));
      }
    }
    assertEquals(found, [size, 1]);
  }
});

test("the rest of a large frame may be read to where it belongs", () => {
  const size = 3_000_001;
  const bytes = new Uint8Array(size + 4).map((_, i) => (i - 4) % 251);
  new DataView(bytes.buffer).setUint32(0, size);
  for (const step of [1000, 100_000, size]) {
    const reader = new FrameReader(size);
    let found = false;
    let direct = 0;
    for (let at = 0; at < bytes.length;) {
      assert(!found);
      const room = reader.room();
      const next = bytes.subarray(at, at + Math.min(step, at === 0 ? 1000 : room?.length ?? step));
      if (room !== null) {
        room.set(next);
        direct += next.length;
      }
      reader.push(room === null ? next : room.subarray(0, next.length));
      at += next.length;
      found = reader.next();
    }
    assert(found && direct > 200_000, `${direct} of ${size}`);
    assertEquals(reader.room(), null);
    const frame = reader.bytes.subarray(reader.start, reader.end);
    assertEquals(frame.length, size);
    assert(frame.every((byte, i) => byte === i % 251));
  }
});

test("a frame that was put together is not written to by the next one", () => {
  const reader = new FrameReader(1000);
  const kept: Uint8Array[] = [];
  for (const byte of framed([1, 1, 1], [2, 2, 2])) {
    reader.push(new Uint8Array([byte]));
    while (reader.next()) kept.push(reader.bytes.subarray(reader.start, reader.end));
  }
  assertEquals(kept.map((bytes) => [...bytes]), [[1, 1, 1], [2, 2, 2]]);
});

test("a length that claims much takes memory only for what comes", () => {
  // 100 times the 128 MiB that are claimed would not fit.
  const readers = Array.from({ length: 100 }, () => new FrameReader(128 * 1024 * 1024));
  for (const reader of readers) assertEquals(frames(reader, new Uint8Array([8, 0, 0, 0, 1])), []);
});

test("a frame beyond the limit is refused by its length alone", () => {
  assertEquals(frames(new FrameReader(3), framed([1, 2, 3])), [[1, 2, 3]]);
  const says = "Cannot read message: 4 bytes, at most 3 are allowed";
  assertThrows(() => frames(new FrameReader(3), new Uint8Array([0, 0, 0, 4])), FrameError, says);
  const reader = new FrameReader(3);
  assertEquals(frames(reader, new Uint8Array([0, 0, 0])), []);
  assertThrows(() => frames(reader, new Uint8Array([4])), FrameError, says);
  assertThrows(
    () => frames(new FrameReader(0x7fffffff), new Uint8Array([255, 255, 255, 255])),
    FrameError,
    "4294967295 bytes",
  );
});

test("a frame that may come in parts is given as it comes, any other one as a whole", () => {
  const bytes = framed([7, 1, 2, 3, 4, 5], [], [8, 1, 2, 3, 4, 5], [7, 6], [7]);
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new FrameReader(1000, (chunk, start, end) => end > start && chunk[start] === 7);
    const found: number[][] = [];
    let open = false;
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      while (reader.next()) {
        const part = [...reader.bytes.subarray(reader.start, reader.end)];
        if (open) found[found.length - 1].push(...part);
        else found.push(part);
        open = reader.left > 0;
        assert(part[0] !== 8 || !open);
      }
    }
    assertEquals(found, [[7, 1, 2, 3, 4, 5], [], [8, 1, 2, 3, 4, 5], [7, 6], [7]], `${size}`);
  }
});
