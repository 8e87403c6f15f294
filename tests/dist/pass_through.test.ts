import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CONTROL, ControlError, type OutgoingControl } from "../../lib/dist/control.ts";
import { FrameError } from "../../lib/dist/frames.ts";
import { PassThrough } from "../../lib/dist/pass_through.ts";
import { atom } from "../../lib/etf/atom.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { Encoder } from "../../lib/etf/encoder.ts";
import { DecodeError, EncodeError } from "../../lib/etf/errors.ts";
import { Pid } from "../../lib/etf/identifiers.ts";
import type { Encodable } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";

const NODE = atom("a@b");
const from = new Pid(NODE, 1, 2, 3);
const to = new Pid(NODE, 4, 5, 6);
const FROM = [88, 119, 3, 97, 64, 98, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
const TO = [88, 119, 3, 97, 64, 98, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
const LINK = [104, 3, 97, 1, ...FROM, ...TO];
const SEND_SENDER = [104, 3, 97, 22, ...FROM, ...TO];

function passThrough(limit: number): PassThrough {
  return new PassThrough({ decoder: new Decoder(), limit, decoderFor: () => null });
}

function write(control: OutgoingControl, payload?: Encodable): number[] {
  const encoder = new Encoder();
  passThrough(1000).write(encoder, control, payload);
  return [...encoder.take()];
}

function read(content: number[]): PassThrough {
  const packets = passThrough(1000);
  packets.read(new Uint8Array([9, ...content, 9]), 1, content.length + 1);
  return packets;
}

test("a packet is 112, then the control message and what follows it, each with its version", () => {
  assertEquals(write([CONTROL.LINK, from, to]), [0, 0, 0, 42, 112, 131, ...LINK]);
  assertEquals(
    write([CONTROL.SEND_SENDER, from, to], 7),
    [0, 0, 0, 45, 112, 131, ...SEND_SENDER, 131, 97, 7],
  );
  assertEquals(write(tuple(CONTROL.NODE_LINK)), [0, 0, 0, 6, 112, 131, 104, 1, 97, 5]);
});

test("a packet is read wherever it lies", () => {
  const link = read([112, 131, ...LINK]);
  assertEquals(link.control[0], CONTROL.LINK);
  assertEquals((link.control[1] as Pid).key, from.key);
  assertEquals(link.payload, undefined);
  const send = read([112, 131, ...SEND_SENDER, 131, 106]);
  assertEquals(send.control[0], CONTROL.SEND_SENDER);
  assertEquals(send.payload, []);
});

test("what follows one packet does not stay for the next", () => {
  const packets = passThrough(1000);
  const packet = (bytes: number[]) => packets.read(new Uint8Array(bytes), 0, bytes.length);
  packet([112, 131, ...SEND_SENDER, 131, 97, 7]);
  assertEquals(packets.payload, 7);
  packet([112, 131, ...LINK]);
  assertEquals(packets.payload, undefined);
});

const MALFORMED:
  readonly (readonly [what: string, content: number[], error: string, says: string])[] = [
    ["of another type", [113, 131, ...LINK], "FrameError", "type 113"],
    ["with a distribution header", [131, 68, 0, ...LINK], "FrameError", "not negotiated"],
    ["in fragments", [131, 69, 0, 0, 0, 0, 0, 0, 0, 1], "FrameError", "not negotiated"],
    ["that goes on a fragment", [131, 70, 0, 0, 0, 0, 0, 0, 0, 1], "FrameError", "not negotiated"],
    ["of one byte", [112], "FrameError", "ends before its control message"],
    ["without a version", [112, ...LINK], "FrameError", "begins with 104"],
    ["with a version and nothing else", [112, 131], "DecodeError", ""],
    ["that is cut in its control message", [112, 131, ...LINK.slice(0, -1)], "DecodeError", ""],
    ["whose control message is no tuple", [112, 131, 97, 1], "ControlError", "not a tuple"],
    ["of an unknown operation", [112, 131, 104, 1, 97, 99], "ControlError", "no such operation"],
    [
      "with a payload where there is none",
      [112, 131, ...LINK, 131, 97, 7],
      "FrameError",
      "3 bytes follow",
    ],
    ["without its payload", [112, 131, ...SEND_SENDER], "FrameError", "ends before its payload"],
    [
      "whose payload has no version",
      [112, 131, ...SEND_SENDER, 97, 7],
      "FrameError",
      "begins with 97",
    ],
    ["whose payload is cut", [112, 131, ...SEND_SENDER, 131, 97], "DecodeError", ""],
    ["whose payload is of no type", [112, 131, ...SEND_SENDER, 131, 0], "DecodeError", ""],
    [
      "with something behind",
      [112, 131, ...SEND_SENDER, 131, 97, 7, 0],
      "FrameError",
      "1 bytes follow",
    ],
  ];

for (const [what, content, name, says] of MALFORMED) {
  test(`a packet ${what} is an error`, () => {
    const error = assertThrows(() => read(content), Error, says);
    assertEquals(error.name, name);
  });
}

test("each proper beginning of a packet is an error", () => {
  const whole = [112, 131, ...SEND_SENDER, 131, 104, 2, 97, 1, 109, 0, 0, 0, 2, 1, 2];
  read(whole);
  for (let i = 0; i < whole.length; i++) assertThrows(() => read(whole.slice(0, i)), Error);
});

test("bytes at random are a packet or an error of a known kind", () => {
  let seed = 7;
  const next = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const whole = [112, 131, ...SEND_SENDER, 131, 104, 2, 97, 1, 109, 0, 0, 0, 2, 1, 2];
  for (let i = 0; i < 20_000; i++) {
    const bytes = i % 2 === 0
      ? whole.slice()
      : Array.from({ length: 2 + next(40) }, () => next(256));
    if (i % 2 === 0) { for (let k = 0; k <= i % 3; k++) bytes[next(bytes.length)] = next(256); }
    else bytes.splice(0, 2, 112, 131);
    try {
      read(bytes);
    } catch (error) {
      const known = [FrameError, ControlError, DecodeError].some((type) => error instanceof type);
      assert(known, `${bytes}: ${error}`);
    }
  }
});

test("a value that is no term leaves what was written before as it was", () => {
  const encoder = new Encoder();
  const packets = passThrough(1_000_000);
  packets.write(encoder, [CONTROL.LINK, from, to], undefined);
  const { pending } = encoder;
  const bad = [1, ["x".repeat(200_000), new Date() as unknown as Encodable]];
  assertThrows(() => packets.write(encoder, [CONTROL.SEND_SENDER, from, to], bad), EncodeError);
  assertThrows(
    () => packets.write(encoder, [CONTROL.SEND_SENDER, from, to], undefined),
    EncodeError,
  );
  const name = undefined as unknown as null;
  assertThrows(
    () => packets.write(encoder, [CONTROL.REG_SEND, from, atom(""), name], 1),
    EncodeError,
  );
  assertEquals(encoder.pending, pending);
  packets.write(encoder, [CONTROL.SEND_SENDER, from, to], 7);
  assertEquals([...encoder.take()], [
    ...[0, 0, 0, 42, 112, 131, ...LINK],
    ...[0, 0, 0, 45, 112, 131, ...SEND_SENDER, 131, 97, 7],
  ]);
});

test("a frame beyond the limit is not written", () => {
  const encoder = new Encoder();
  const packets = passThrough(100);
  const send = (length: number) =>
    packets.write(encoder, [CONTROL.SEND_SENDER, from, to], new Uint8Array(length));
  send(100 - 43 - 5);
  assertEquals(encoder.pending, 104);
  assertThrows(
    () => send(101 - 43 - 5),
    EncodeError,
    "a message of 101 bytes, at most 100 are allowed",
  );
  assertEquals(encoder.pending, 104);
});
