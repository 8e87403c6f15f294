import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Frame,
  FrameError,
  FrameReader,
  OPCODE,
  textOf,
} from "../../lib/platform/_web_socket_frames.ts";

const LAST = 0x80;

/** A frame of a client, whose mask is zero. */
function frame(first: number, payload: readonly number[] = []): number[] {
  return [first, LAST | payload.length, 0, 0, 0, 0, ...payload];
}

function read(reader: FrameReader, ...frames: readonly number[][]): Frame[] {
  return [...reader.read(Uint8Array.from(frames.flat()))];
}

test("a message in parts, with pings between them", () => {
  const reader = new FrameReader(10);
  for (let i = 0; i < 3; i++) {
    const found = read(
      reader,
      frame(OPCODE.text, [104, 101]),
      frame(LAST | OPCODE.ping, [7]),
      frame(OPCODE.continuation),
      frame(OPCODE.continuation, [108, 108]),
      frame(LAST | OPCODE.continuation, [111]),
      frame(LAST | OPCODE.binary, [1]),
      frame(OPCODE.binary),
      frame(LAST | OPCODE.continuation),
    );
    assertEquals(found.map(({ opcode }) => opcode), [9, 1, 2, 2]);
    assertEquals(textOf(found[1].payload), "hello");
    assertEquals([found[2], found[3]].map(({ payload }) => [...payload]), [[1], []]);
  }
});

test("the parts of a message are no larger together than a message may be", () => {
  const reader = new FrameReader(3);
  const parts = [frame(OPCODE.binary, [1, 2]), frame(OPCODE.continuation, [3])];
  assertEquals(read(reader, ...parts), []);
  assertEquals(read(reader, frame(OPCODE.continuation)), []);
  assertThrows(() => read(reader, frame(OPCODE.continuation, [4])), FrameError, "too large");
});

test("a message takes as much memory as it has bytes, however many parts it comes in", () => {
  const reader = new FrameReader(1 << 20);
  const parts = 2_000;
  const empty = Uint8Array.from(Array.from({ length: parts }, () => frame(0)).flat());
  const small = Uint8Array.from(Array.from({ length: parts }, () => frame(0, [65])).flat());
  read(reader, frame(OPCODE.text));
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 500; i++) {
    assertEquals([...reader.read(empty)], []);
    assertEquals([...reader.read(small)], []);
  }
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  const [message] = read(reader, frame(LAST));
  assertEquals(message.payload.length, 500 * parts);
  assert(grown < 150, `a megabyte took ${Math.round(grown)} MiB`);
});
