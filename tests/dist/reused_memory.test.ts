/** What came is read into memory that is used again, unless a message refers to it: nothing else may change when that is overwritten. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { FLAGS } from "../../lib/dist/flags.ts";
import type { Packets } from "../../lib/dist/packets.ts";
import { PassThrough } from "../../lib/dist/pass_through.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { vectors } from "../etf/_support.ts";
import { setup } from "./_connection.ts";
import {
  first,
  header,
  NEW,
  next,
  PLAIN_FROM,
  PLAIN_SEND_SENDER,
  PLAIN_TO,
  SEND_SENDER,
} from "./_dist_header.ts";

/** All kinds of terms, as Erlang writes them, without the version. */
const terms = vectors().filter(({ kind }) => kind === "canonical").map(({ canonical }) =>
  canonical.subarray(1)
);

/** Reads a packet, and overwrites it where it may be. */
function readAndOverwrite(packets: Packets, packet: Iterable<number>): boolean {
  const chunk = Uint8Array.from(packet);
  packets.read(chunk, 0, chunk.length);
  const before = packets.payload === undefined ? null : encode(packets.payload);
  if (!packets.kept) chunk.fill(0xee);
  if (before !== null) assertEquals(encode(packets.payload!), before);
  return packets.kept;
}

function large(size: number): number[] {
  return [109, 0, 0, size >> 8, size & 255, ...new Array(size).fill(7)];
}

test("with a header, a message is what it was after its memory is overwritten", () => {
  const packets = header();
  let kept = 0;
  for (const term of terms) {
    if (readAndOverwrite(packets, [131, 68, ...NEW, ...SEND_SENDER, ...term])) kept++;
  }
  // Those with a large binary.
  assert(kept > 0 && kept < terms.length / 10, `${kept} of ${terms.length}`);
});

test("without one, too", () => {
  const packets = new PassThrough({
    decoder: new Decoder(),
    limit: 100_000,
    decoderFor: () => null,
  });
  let kept = 0;
  for (const term of terms) {
    if (readAndOverwrite(packets, [112, 131, ...PLAIN_SEND_SENDER, 131, ...term])) kept++;
  }
  assert(kept > 0 && kept < terms.length / 10, `${kept} of ${terms.length}`);
});

test("only a large binary refers to what it came in, also as the reason in a control message", () => {
  const exit = (reason: number[]) => [104, 4, 97, 3, ...PLAIN_FROM, ...PLAIN_TO, ...reason];
  const plain = new PassThrough({ decoder: new Decoder(), limit: 9000, decoderFor: () => null });
  for (const [size, kept] of [[10, false], [255, false], [256, true], [5000, true]] as const) {
    const term = [104, 2, 97, 1, ...large(size)];
    const control = exit(term);
    assertEquals(readAndOverwrite(header(), [131, 68, 0, ...control]), kept);
    assertEquals(readAndOverwrite(plain, [112, 131, ...control]), kept);
    const sent = [...PLAIN_SEND_SENDER, 131, ...term];
    assertEquals(readAndOverwrite(plain, [112, 131, ...sent]), kept);
    const whole = [131, 68, ...NEW, ...SEND_SENDER, ...term];
    assertEquals(readAndOverwrite(header(), whole), kept);
    assertEquals(readAndOverwrite(header(), first(1, 1, term)), kept);
  }
});

test("the fragments of a message may be overwritten but for those that are kept as they came", () => {
  const options = { maxSequenceBytes: 1_000_000 };
  for (const size of [10, 300, 20_000]) {
    const data = large(size);
    const packets = header(undefined, options);
    const cut = size / 2;
    const kept = readAndOverwrite(packets, first(1, 2, data.slice(0, cut)));
    assertEquals(kept, cut >= 16 * 1024);
    readAndOverwrite(packets, next(1, 1, data.slice(cut)));
    assertEquals(encode(packets.payload!), Uint8Array.from([131, ...data]));
  }
  const data = large(60_000);
  const packets = header(undefined, options);
  assert(readAndOverwrite(packets, first(1, 3, data.slice(0, 17_000))));
  readAndOverwrite(packets, next(1, 2, data.slice(17_000, 40_000)));
  readAndOverwrite(packets, next(1, 1, data.slice(40_000)));
  assertEquals(encode(packets.payload!), Uint8Array.from([131, ...data]));
});

test("a connection tells whether what came may be overwritten, for all the messages in it", () => {
  const { stream, numbers } = setup({}, FLAGS.HANDSHAKE_23.value);
  const frame = (term: readonly number[]) => {
    const packet = [112, 131, ...PLAIN_SEND_SENDER, 131, ...term];
    return [0, 0, packet.length >> 8, packet.length & 255, ...packet];
  };
  const data = (...bytes: number[][]) => stream.handler.data(Uint8Array.from(bytes.flat()));
  const small = frame([97, 7]);
  assertEquals(data(frame(large(1023))), true);
  const binary = frame(large(1024));
  assertEquals(data(small), true);
  assertEquals(data(small, small), true);
  assertEquals(data(binary), false);
  assertEquals(data(binary, small), false);
  assertEquals(data(small, binary), false);
  assertEquals(data(small, [0, 0, 0, 0]), true);
  // What is cut by the end of a chunk is put together elsewhere.
  assertEquals(data(small, binary.slice(0, 500)), true);
  assertEquals(data(binary.slice(500), small), true);
  assertEquals(data(binary.slice(0, 500)), true);
  assertEquals(data(binary.slice(500), binary), false);
  assertEquals(numbers().filter((payload) => payload === 7).length, 8);
  assertEquals(numbers().length, 15);
});
