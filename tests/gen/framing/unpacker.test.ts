import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { Binary } from "../../../lib/etf/binary.ts";
import {
  checkFraming,
  type Framer,
  type Framing,
  FramingError,
} from "../../../lib/gen/framing/framing.ts";
import { bytesOf, pack } from "../../../lib/gen/framing/packing.ts";
import { Unpacker } from "../../../lib/gen/framing/unpacker.ts";
import { joined } from "../../transport/_probe.ts";

const MAX = 1000;

/** Packets that end with a zero byte, which they do not hold themselves. */
const zeroEnded: Framer = {
  decode(bytes) {
    const end = bytes.indexOf(0);
    return end < 0
      ? { await: bytes.length + 1 }
      : { take: end + 1, packet: bytes.subarray(0, end) };
  },
  encode: (packet) => joined([packet, new Uint8Array(1)]),
};

function wire(framing: Framing, packets: readonly Uint8Array[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const packet of packets) pack(framing, packet, (bytes) => pieces.push(bytes) > 0);
  return joined(pieces);
}

/** The bytes in pieces of these sizes, in turn. Each piece is an array of its own, as of a socket. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** What comes of the pieces, asked as the pump does: only where it is worth a look. */
function unpack(unpacker: Unpacker, pieces: readonly Uint8Array[]): number[][] {
  const packets: number[][] = [];
  for (const piece of pieces) {
    unpacker.push(piece);
    while (unpacker.ready) {
      const packet = unpacker.next();
      if (packet === null) break;
      assertInstanceOf(packet, Binary);
      packets.push([...packet]);
    }
  }
  return packets;
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
const anyBytes = fc.uint8Array({ maxLength: 60 });
const noNewline = anyBytes.map((bytes) =>
  bytes.map((byte) => byte === 10 || byte === 13 ? 32 : byte)
);
const noZero = anyBytes.map((bytes) => bytes.map((byte) => byte === 0 ? 1 : byte));

const framings: readonly (readonly [Framing, fc.Arbitrary<Uint8Array>])[] = [
  ["line", noNewline],
  [1, anyBytes],
  [2, anyBytes],
  [4, anyBytes],
  [zeroEnded, noZero],
];

for (const [framing, packet] of framings) {
  const name = typeof framing === "object" ? "of one's own" : framing;
  test(`framing ${name}: any cut of the bytes gives the same packets`, () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 12 }), sizes, (packets, sizes) => {
        const bytes = wire(framing, packets);
        const unpacker = new Unpacker(framing, MAX);
        assertEquals(unpack(unpacker, cut(bytes, sizes)), packets.map((packet) => [...packet]));
        assertEquals(unpacker.buffered, 0);
        assertEquals(unpacker.rest(), null);
      }),
      { seed: 1828 },
    );
  });
}

test("framing raw: all bytes come in their order, however much of them is left and awaited", () => {
  const steps = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), sizes, steps, (bytes, sizes, steps) => {
      const unpacker = new Unpacker("raw", MAX);
      const taken: number[] = [];
      let turn = 0;
      let awaited = 1;
      for (const piece of cut(bytes, sizes)) {
        unpacker.push(piece);
        while (unpacker.ready) {
          const packet = unpacker.next()!;
          assert(packet.length >= awaited, `${packet.length} bytes came, ${awaited} were awaited`);
          const [left, more] = steps[turn++ % steps.length];
          const kept = Math.min(left, packet.length);
          taken.push(...packet.subarray(0, packet.length - kept));
          awaited = Math.max(1, kept + more + (kept === packet.length ? 1 : 0));
          unpacker.leave(kept, awaited);
        }
      }
      taken.push(...unpacker.rest() ?? []);
      assertEquals(taken, [...bytes]);
    }),
    { seed: 1828 },
  );
});

test("a packet of the peer is not written to by what comes later", () => {
  const unpacker = new Unpacker(1, MAX);
  unpacker.push(Uint8Array.of(3, 1));
  unpacker.push(Uint8Array.of(2, 3, 2, 7));
  const first = unpacker.next()!;
  unpacker.push(Uint8Array.of(8, 2, 9, 9));
  assertEquals([...first], [1, 2, 3]);
  assertEquals([...unpacker.next()!], [7, 8]);
  assertEquals([...unpacker.next()!], [9, 9]);
  assertEquals([...first], [1, 2, 3]);
});

test("bytes that come while a raw packet is handled stand behind what it leaves", () => {
  const unpacker = new Unpacker("raw", MAX);
  unpacker.push(Uint8Array.of(1, 2, 3, 4));
  assertEquals([...unpacker.next()!], [1, 2, 3, 4]);
  unpacker.push(Uint8Array.of(5));
  unpacker.leave(2, 3);
  assertEquals([...unpacker.next()!], [3, 4, 5]);
});

test("lines end with either end of a line, and the last one needs none", () => {
  const unpacker = new Unpacker("line", MAX);
  const text = "one\r\n\ntwo\rtwo\nlast";
  const lines = unpack(unpacker, cut(new TextEncoder().encode(text), [1]));
  assertEquals(lines.map((line) => String.fromCharCode(...line)), ["one", "", "two\rtwo"]);
  assertEquals(unpacker.rest()?.text, "last");
  assertEquals(unpacker.rest(), null);
});

test("what is announced takes no memory before it comes", () => {
  const unpacker = new Unpacker(4, 2 ** 31);
  unpacker.push(Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
  assertEquals(unpacker.next(), null);
  unpacker.push(Uint8Array.of(1));
  assertEquals(unpacker.ready, false);
  assertEquals(unpacker.buffered, 5);
});

test("a megabyte that comes byte by byte is put together in linear time", () => {
  const unpacker = new Unpacker(4, 2 ** 20);
  const bytes = wire(4, [new Uint8Array(2 ** 20).fill(7)]);
  for (let i = 0; i < bytes.length - 1; i++) {
    unpacker.push(bytes.subarray(i, i + 1));
    if (unpacker.ready) assertEquals(unpacker.next(), null);
  }
  unpacker.push(bytes.subarray(bytes.length - 1));
  assertEquals(unpacker.next()?.length, 2 ** 20);
});

function fault(fn: () => unknown): FramingError {
  return assertThrows(fn, FramingError) as FramingError;
}

test("a packet that is too large is a fault as soon as that is known", () => {
  const announced = new Unpacker(4, MAX);
  announced.push(Uint8Array.of(0, 0, 0x03, 0xe9));
  assert(announced.ready);
  assertEquals(fault(() => announced.next()).code, "EMSGSIZE");

  const line = new Unpacker("line", MAX);
  line.push(new Uint8Array(MAX + 1).fill(65));
  assertEquals(line.ready, false);
  line.push(new Uint8Array(1).fill(65));
  assert(line.ready);
  assertEquals(fault(() => line.next()).code, "EMSGSIZE");

  const own = new Unpacker(zeroEnded, MAX);
  own.push(new Uint8Array(MAX).fill(65));
  assertEquals(fault(() => own.next()).code, "EMSGSIZE");

  const raw = new Unpacker("raw", MAX);
  raw.push(new Uint8Array(3 * MAX));
  assertEquals(raw.next()?.length, MAX);
  assertEquals(fault(() => raw.leave(0, MAX + 1)).code, "EMSGSIZE");
});

test("a packet of just the size that it may have is none", () => {
  for (const framing of ["line", 2, 4, "raw"] as const) {
    const unpacker = new Unpacker(framing, MAX);
    assertEquals(unpack(unpacker, [wire(framing, [new Uint8Array(MAX).fill(65)])])[0].length, MAX);
  }
});

test("a packet of which a part never comes is a fault at the end", () => {
  const unpacker = new Unpacker(2, MAX);
  unpacker.push(Uint8Array.of(0, 3, 1));
  assertEquals(unpacker.next(), null);
  assertEquals(fault(() => unpacker.rest()).code, "EBADMSG");
  assertEquals(unpacker.rest(), null);
});

test("what a framer does wrong is a fault of the packet", () => {
  const wrong: readonly Framer[] = [
    { decode: () => ({ take: 0 }) },
    { decode: (bytes) => ({ take: bytes.length + 1 }) },
    { decode: (bytes) => ({ await: bytes.length }) },
    { decode: () => ({ take: 1.5 }) },
    {
      decode: () => {
        throw new Error("no magic");
      },
    },
  ];
  for (const framer of wrong) {
    const unpacker = new Unpacker(framer, MAX);
    unpacker.push(Uint8Array.of(1, 2));
    assertEquals(fault(() => unpacker.next()).code, "EBADMSG");
  }
});

test("a framer may skip bytes, and find packets of no bytes", () => {
  const skipping: Framer = {
    decode: (bytes) => bytes[0] === 35 ? { take: 1 } : { take: 1, packet: bytes.subarray(1, 1) },
  };
  const unpacker = new Unpacker(skipping, MAX);
  assertEquals(unpack(unpacker, [new TextEncoder().encode("##a#b#")]), [[], []]);
});

test("what a raw handler leaves must be of its packet, and must change something", () => {
  for (const [left, awaited] of [[-1, 1], [5, 6], [1.5, 2], [0, -1], [0, 0.5], [4, 4], [4, 0]]) {
    const unpacker = new Unpacker("raw", MAX);
    unpacker.push(Uint8Array.of(1, 2, 3, 4));
    unpacker.next();
    assertThrows(() => unpacker.leave(left, awaited), RangeError);
  }
});

test("a packet longer than its length can tell is refused where it is written", () => {
  const written: Uint8Array[] = [];
  const write = (bytes: Uint8Array): boolean => written.push(bytes) > 0;
  assertThrows(() => pack(1, new Uint8Array(256), write), RangeError, "255 at most");
  assertThrows(() => pack(2, new Uint8Array(65_536), write), RangeError, "65535 at most");
  assertEquals(written, []);
  pack(2, new Uint8Array(65_535), write);
  assertEquals(joined(written).subarray(0, 3), Uint8Array.of(255, 255, 0));
});

test("texts are written as UTF-8, and nothing else but bytes is", () => {
  assertEquals(bytesOf("write", "Zoë"), new TextEncoder().encode("Zoë"));
  assertThrows(() => bytesOf("write", 5 as never), TypeError, "Cannot write: bytes or a text");
});

test("there are these framings and no others", () => {
  for (const framing of ["raw", "line", 1, 2, 4, zeroEnded]) checkFraming("listen", framing);
  for (const framing of ["lines", 3, 0, null, undefined, {}, "4"]) {
    assertThrows(
      () => checkFraming("listen", framing),
      TypeError,
      "Cannot listen: there is no framing",
    );
  }
});
