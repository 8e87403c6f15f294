import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CONTROL } from "../../lib/dist/control.ts";
import { FrameError, FrameReader } from "../../lib/dist/frames.ts";
import { FRAGMENT, type LargeMessage, LARGEST_BLOCK } from "../../lib/dist/large_message.ts";
import { atom } from "../../lib/etf/atom.ts";
import { Bitstring } from "../../lib/etf/binary.ts";
import { decode } from "../../lib/etf/decoder.ts";
import { encode, Encoder } from "../../lib/etf/encoder.ts";
import { equal } from "../../lib/etf/equal.ts";
import { EncodeError } from "../../lib/etf/errors.ts";
import { type Pid, Ref } from "../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import {
  CACHE,
  first,
  FRAGMENTS,
  from,
  header,
  isBinary,
  NEW,
  next,
  NODE,
  OLD,
  PLAIN_LINK,
  PLAIN_SEND_SENDER,
  read,
  SEND_SENDER,
  to,
  u64,
  writer,
} from "./_dist_header.ts";

test("a message comes in fragments, which are counted down to 1", () => {
  const packets = header();
  assert(!read(packets, first(5, 3, [104, 2, 97], NEW)));
  assertEquals(packets.openSequences, 1);
  assert(!read(packets, next(5, 2, [1])));
  assert(read(packets, next(5, 1, [82, 0])));
  assertEquals(packets.payload, tuple(1, NODE));
  assertEquals((packets.control[2] as Pid).key, to.key);
  assertEquals(packets.openSequences, 0);
  assertEquals(packets.fragmentsIn, 3);
});

test("a sequence may have one fragment, and empty ones", () => {
  const packets = header();
  assert(read(packets, first(1, 1, [97, 7])));
  assertEquals(packets.payload, 7);
  assert(!read(packets, first(1, 3, [])));
  assert(!read(packets, next(1, 2, [97, 8])));
  assert(read(packets, next(1, 1, [])));
  assertEquals(packets.payload, 8);
});

test("sequences, and whole messages among them, act in the order in which they end", () => {
  const packets = header();
  const seen: (Term | undefined)[] = [];
  for (
    const packet of [
      first(1, 3, [104, 2], NEW),
      first(2, 2, [97]),
      [131, 68, ...OLD, ...SEND_SENDER, 97, 1],
      // The place of a@b goes to another atom: the sequence keeps the one of its first fragment.
      [131, 68, 1, 0x0a, 7, 5, 111, 116, 104, 101, 114, ...PLAIN_SEND_SENDER, 82, 0],
      next(1, 2, [82, 0]),
      next(2, 1, [2]),
      next(1, 1, [97, 3]),
    ]
  ) {
    if (read(packets, packet)) seen.push(packets.payload);
  }
  assertEquals(seen, [1, atom("other"), 2, tuple(NODE, 3)]);
});

test("the number of a sequence has 64 bits", () => {
  const packets = header();
  const [a, b] = [[255, 255, 255, 255, 255, 255, 255, 254], [
    255,
    255,
    255,
    255,
    255,
    255,
    255,
    255,
  ]];
  const begin = (id: number[]) => [131, 69, ...id, ...u64(2), 0, ...PLAIN_SEND_SENDER, 97];
  const end = (id: number[], n: number) => [131, 70, ...id, ...u64(1), n];
  assert(!read(packets, begin(a)));
  assert(!read(packets, begin(b)));
  assert(read(packets, end(a, 1)));
  assertEquals(packets.payload, 1);
  assert(read(packets, end(b, 2)));
  assertEquals(packets.payload, 2);
});

test("fragments of any size make the same message", () => {
  const text = new Uint8Array(100_000).map((_, i) => i % 251);
  const payload = [109, 0, 1, 134, 160, ...text];
  for (const size of [1, 7, 300, 16_384, 20_000, 99_999, 100_005]) {
    const packets = header(FRAGMENTS, { maxSequenceBytes: 200_000 });
    const count = Math.ceil(payload.length / size);
    let done = false;
    for (let i = 0; i < count; i++) {
      assert(!done);
      const data = payload.slice(i * size, (i + 1) * size);
      const number = count - i;
      done = read(packets, i === 0 ? first(1, number, data) : next(1, number, data));
    }
    assert(done);
    assert(isBinary(packets.payload, text), `fragments of ${size}`);
  }
});

const WRONG_FRAGMENTS: readonly (readonly [what: string, packets: number[][], says: string])[] = [
  ["that is left out", [first(1, 3, [97]), next(1, 1, [7])], "number 1 of sequence 1, 2 is"],
  ["that comes twice", [first(1, 4, [97]), next(1, 3, []), next(1, 3, [])], "number 3 of"],
  ["that counts up", [first(1, 2, [97]), next(1, 3, [7])], "number 3 of sequence 1, 1 is"],
  ["after the last one", [first(1, 2, [97]), next(1, 1, [7]), next(1, 0, [])], "has not begun"],
  ["number 0", [first(1, 2, [97]), next(1, 0, [7])], "number 0 of sequence 1, 1 is"],
  ["of another sequence", [first(1, 2, [97]), next(2, 1, [7])], "sequence 2 has not begun"],
  ["that begins anew", [first(1, 2, [97]), first(1, 2, [97])], "sequence 1 has begun already"],
  [
    "of one sequence too many",
    [first(1, 2, []), first(2, 2, []), first(3, 2, []), first(4, 2, [])],
    "3 sequences have begun",
  ],
  [
    "that makes open sequences too large",
    [450, 450, 101].map((size, i) => first(i, 2, new Array(size).fill(0))),
    "open sequences have 1001 bytes, at most 1000",
  ],
  [
    "that makes its message too large",
    [first(1, 3, new Array(300).fill(0)), next(1, 2, new Array(201).fill(0))],
    "its fragments have 501 bytes, at most 500",
  ],
  [
    "that ends a message with bytes left",
    [first(1, 2, [97]), next(1, 1, [7, 7])],
    "1 bytes follow",
  ],
];

for (const [what, packets, says] of WRONG_FRAGMENTS) {
  test(`a fragment ${what} is an error of its frame`, () => {
    const reader = header(FRAGMENTS, { limit: 500 });
    for (const packet of packets.slice(0, -1)) read(reader, packet);
    assertThrows(() => read(reader, packets.at(-1)!), FrameError, says);
  });
}

test("what a finished sequence had counts no more", () => {
  const packets = header();
  for (let i = 0; i < 10; i++) {
    assert(!read(packets, first(i, 2, [109, 0, 0, 3, 132])));
    assert(read(packets, next(i, 1, new Array(900).fill(1))));
  }
});

test("a claim of many fragments takes memory only for what comes", () => {
  const packets = header(FRAGMENTS, { maxSequences: 100_000 });
  for (let i = 0; i < 20_000; i++) {
    const begun = [
      131,
      69,
      ...u64(i),
      0,
      31,
      255,
      255,
      255,
      255,
      255,
      255,
      0,
      ...PLAIN_SEND_SENDER,
    ];
    assert(!read(packets, begun));
  }
  assertEquals(packets.openSequences, 20_000);
});

test("packets are read from frames whose bytes come one at a time", () => {
  const { packets: writes, encoder } = writer();
  const reads = header(CACHE | FRAGMENTS, { maxSequenceBytes: 1e7 });
  const frames = new FrameReader(1e7, (...begin) => reads.mayBeginInParts(...begin));
  const seen: string[] = [];
  const chunks: Uint8Array[] = [];
  const payloads = [atom("one"), [atom("two"), atom("one")], "x".repeat(FRAGMENT + 9), 4];
  for (const payload of payloads) {
    assert(writes.write(encoder, [CONTROL.SEND_SENDER, from, to], payload));
    const { large } = writes;
    if (large === null) continue;
    chunks.push(large.before, large.head, ...large.takeFirst());
    const parts = large.take(encoder);
    chunks.push(encoder.take(), ...parts);
    assert(large.done);
  }
  chunks.push(encoder.take());
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++) {
      frames.push(chunk.subarray(i, i + 1));
      while (frames.next()) {
        if (reads.read(frames.bytes, frames.start, frames.end, frames.left)) {
          seen.push(String(reads.payload));
        }
      }
    }
  }
  assertEquals(seen, payloads.map(String));
});

// ---- out

/** All frames of a large message, with the lengths in front cut off. */
function frames(large: LargeMessage): Uint8Array[] {
  const encoder = new Encoder();
  const all: Uint8Array[] = [];
  let { left } = large;
  const take = (parts: readonly Uint8Array[]): void => {
    const frame = Uint8Array.from(parts.flatMap((part) => [...part]));
    assertEquals(large.left, left -= frame.length);
    assertEquals(new DataView(frame.buffer).getUint32(0), frame.length - 4);
    all.push(frame.subarray(4));
  };
  take([large.head, ...large.takeFirst()]);
  while (!large.done) {
    const parts = large.take(encoder);
    take([encoder.take(), ...parts]);
  }
  assertEquals(left, 0);
  return all;
}

test("a payload of more than a fragment is cut", () => {
  for (const flags of [FRAGMENTS, CACHE | FRAGMENTS]) {
    const { encoder, packets } = writer(flags);
    const reader = header(flags, { maxSequenceBytes: 1e7 });
    const send = [CONTROL.SEND_SENDER, from, to] as const;
    assert(packets.write(encoder, send, new Uint8Array(FRAGMENT - 5)));
    assertEquals(packets.large, null);
    const whole = encoder.take();
    assert(reader.read(whole, 4, whole.length));
    encoder.u8(42);
    const data = new Uint8Array(3.1 * FRAGMENT | 0).map((_, i) => i % 253);
    assert(packets.write(encoder, send, tuple(atom("in_pieces"), data)));
    const large = packets.large!;
    assertEquals([...large.before], [42]);
    assertEquals(encoder.pending, 0);
    const all = frames(large);
    assertEquals(all.length, 4);
    assertEquals([...all[0].subarray(0, 18)], [131, 69, ...u64(1), ...u64(4)]);
    assertEquals([...all[1].subarray(0, 18)], [131, 70, ...u64(1), ...u64(3)]);
    assertEquals(all[2].length, FRAGMENT + 18);
    assertEquals([...all[3].subarray(0, 18)], [131, 70, ...u64(1), ...u64(1)]);
    const done = all.map((frame) => reader.read(frame, 0, frame.length));
    assertEquals(done, [false, false, false, true]);
    assertEquals(String((reader.payload as Term[])[0]), "in_pieces");
    assert(isBinary((reader.payload as unknown[])[1], data));
    const ref = new Ref(NODE, 1, [1, 2, 3]);
    assert(packets.write(encoder, [CONTROL.PAYLOAD_MONITOR_P_EXIT, from, to, ref], NODE));
    const small = encoder.take();
    assert(reader.read(small, 4, small.length));
  }
});

// ---- large binaries

/** Bytes none of whose pieces is like another. */
function bytes(size: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => i * 7 + (i >> 8) + (i >> 16));
}

/** What a writer that keeps large binaries apart makes of a payload, and what is read from it. */
function apart(payload: Encodable, change: () => void = () => {}): [Uint8Array[], Term] {
  const flags = CACHE | FRAGMENTS;
  const { encoder, packets } = writer(flags, { limit: 1e8 });
  encoder.apart = packets.apart;
  const reader = header(flags, { limit: 1e8, maxSequenceBytes: 1e8 });
  encoder.u8(42);
  assert(packets.write(encoder, [CONTROL.SEND_SENDER, from, to], payload));
  const large = packets.large!;
  assertEquals([...large.before], [42]);
  assertEquals([encoder.pending, packets.apart!.length], [0, 0]);
  change();
  const all = frames(large);
  all.forEach((frame, i) => {
    assertEquals([...frame.subarray(0, 2)], [131, i === 0 ? 69 : 70]);
    assert(frame.length < LARGEST_BLOCK + 17 * 1024 + 200, `${frame.length} bytes`);
    assertEquals(reader.read(frame, 0, frame.length), i === all.length - 1);
  });
  return [all, reader.payload!];
}

const [SOME, MORE] = [bytes(2.5 * FRAGMENT | 0), bytes(FRAGMENT)];
const PAYLOADS: readonly (readonly [what: string, payload: Encodable])[] = [
  ["alone", SOME],
  ["behind others and before others", tuple(atom("one"), 2, SOME, [3, atom("four")])],
  ["beside others", [SOME, MORE, bytes(70_000), bytes(66_000), SOME]],
  ["of just one piece", tuple(1, MORE, "x".repeat(20_000))],
  ["among many smaller ones", Array.from({ length: 30 }, (_, i) => bytes(60_000 + 1000 * i))],
  ["behind a long text", ["x".repeat(FRAGMENT * 2 - 100), SOME, "y".repeat(FRAGMENT)]],
  ["with a part of a byte", new Bitstring(bytes(2 * FRAGMENT), 3)],
  ["in a map", new Map<Encodable, Encodable>([[SOME, 1], [2, MORE], [atom("x"), SOME]])],
];
for (const [what, payload] of PAYLOADS) {
  test(`a large binary ${what} goes out as it is`, () => {
    const [, read] = apart(payload);
    assert(equal(read, decode(encode(payload))));
  });
}

test("a message is what it was when it was sent", () => {
  const sent = bytes(3 * FRAGMENT);
  const [all, read] = apart(tuple(1, sent), () => sent.fill(0));
  assert(isBinary((read as Term[])[1], bytes(3 * FRAGMENT)));
  // The first piece holds what stands in front of the binary.
  assertEquals(all.length, 2);
});

test("a large binary goes out in pieces that are alike, the last one with what follows", () => {
  const sent = bytes(2.1 * LARGEST_BLOCK | 0);
  const [all, read] = apart(tuple(1, sent, atom("last")));
  assert(isBinary((read as Term[])[1], sent));
  const sizes = all.slice(1).map((frame) => frame.length);
  assertEquals(sizes.length, 3);
  assert(Math.max(...sizes) - Math.min(...sizes) < 20, String(sizes));
});

test("with large binaries a message that cannot be sent leaves encoder and cache as they were", () => {
  const { encoder, packets, write } = writer(CACHE | FRAGMENTS, { limit: 4 * FRAGMENT });
  const own = packets.apart!;
  encoder.apart = own;
  const send = [CONTROL.SEND_SENDER, from, to] as const;
  const unchanged = (): void => {
    assertEquals([encoder.pending, own.length, packets.large], [0, 0, null]);
  };
  const bad = tuple(SOME, undefined as unknown as Encodable);
  assertThrows(() => packets.write(encoder, send, bad), EncodeError, "at [1]");
  unchanged();
  assertThrows(() => packets.write(encoder, send, [SOME, SOME]), EncodeError, "at most");
  unchanged();
  assert(!packets.write(encoder, send, SOME, SOME.length));
  unchanged();
  encoder.apart = null;
  assertEquals(write([CONTROL.LINK, from, to])[7] & 8, 8); // the atom is still new
  const small = new Encoder({ maxSize: SOME.length });
  small.apart = own;
  own.begin(0);
  assertThrows(() => small.term(tuple(SOME)), EncodeError, "maxSize");
});

test("a large reason in a control message is one frame", () => {
  const { write } = writer();
  const sent = write([CONTROL.EXIT2, from, to, "x".repeat(2 * FRAGMENT)]);
  assertEquals(sent.slice(4, 6), [131, 68]);
});

test("without fragments a large message is one frame", () => {
  const { write } = writer(CACHE);
  const sent = write([CONTROL.SEND_SENDER, from, to], new Uint8Array(2 * FRAGMENT));
  assertEquals(sent.slice(4, 6), [131, 68]);
});

test("what is written aside refers to no atoms, and changes nothing of the cache", () => {
  const { packets, write } = writer();
  const aside = new Encoder();
  assert(packets.write(aside, [CONTROL.LINK, from, to], undefined));
  assertEquals([...aside.take()], [0, 0, 0, 43, 131, 68, 0, ...PLAIN_LINK]);
  assert(packets.write(aside, [CONTROL.SEND_SENDER, from, to], new Uint8Array(2 * FRAGMENT)));
  assertEquals([...packets.large!.head.subarray(22)], [0]);
  assertEquals(packets.large!.before.length, 0);
  assertEquals(write([CONTROL.LINK, from, to])[7] & 8, 8);
});
