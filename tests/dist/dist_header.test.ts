import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { SLOTS } from "../../lib/dist/atom_cache.ts";
import { CONTROL, ControlError } from "../../lib/dist/control.ts";
import { FrameError } from "../../lib/dist/frames.ts";
import { FRAGMENT } from "../../lib/dist/large_message.ts";
import { atom } from "../../lib/etf/atom.ts";
import { atomSlot } from "../../lib/etf/atom_text.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { AtomLimitError, DecodeError, EncodeError } from "../../lib/etf/errors.ts";
import type { ExternalFun } from "../../lib/etf/fun.ts";
import type { Pid } from "../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import {
  CACHE,
  first,
  FRAGMENTS,
  FROM,
  from,
  header,
  LINK,
  NEW,
  next,
  NODE,
  OLD,
  PLAIN_LINK,
  PLAIN_SEND_SENDER,
  read,
  SEND_SENDER,
  TO,
  to,
  u64,
  writer,
} from "./_dist_header.ts";

// ---- in

test("a header without atoms is one byte, and terms have no version", () => {
  for (const flags of [CACHE, FRAGMENTS, CACHE | FRAGMENTS]) {
    const packets = header(flags);
    assert(read(packets, [131, 68, 0, ...PLAIN_LINK]));
    assertEquals(packets.control[0], CONTROL.LINK);
    assertEquals((packets.control[1] as Pid).key, from.key);
    assertEquals(packets.payload, undefined);
    assert(read(packets, [131, 68, 0, ...PLAIN_SEND_SENDER, 97, 7]));
    assertEquals(packets.payload, 7);
    assert(read(packets, [131, 68, 0, ...PLAIN_LINK]));
    assertEquals(packets.payload, undefined);
  }
});

test("an atom is new once, and is known by its place from then on", () => {
  const packets = header();
  assert(read(packets, [131, 68, ...NEW, ...LINK]));
  assertStrictEquals((packets.control[1] as Pid)._node, NODE);
  assert(read(packets, [131, 68, ...OLD, ...SEND_SENDER, 82, 0]));
  assertStrictEquals((packets.control[2] as Pid)._node, NODE);
  assertEquals(packets.payload, NODE);
});

test("half a byte tells of each atom, the low one first, and one more of long texts", () => {
  const packets = header();
  // Two atoms: flags are a byte for both and one of which the low half says whether lengths have two bytes.
  assert(read(packets, [
    ...[131, 68, 2, 0xf8, 0x00],
    ...[1, 2, 111, 107],
    ...[2, 4, 116, 114, 117, 101],
    ...[104, 1, 97, 5],
  ]));
  // Three: the last half byte is the high one of the second byte.
  assert(read(packets, [
    ...[131, 68, 3, 0x70, 0x18],
    ...[1],
    ...[2],
    ...[0, 0, 3, 97, 64, 98],
    ...[104, 3, 97, 22, 88, 82, 2, ...FROM.slice(3), 88, 82, 2, ...TO.slice(3)],
    ...[104, 2, 82, 0, 82, 1],
  ]));
  assertEquals(packets.payload, tuple(atom("ok"), true));
});

test("a long atom has a length of two bytes, which all new ones of the message have then", () => {
  const packets = header();
  const text = "é".repeat(255);
  const bytes = [...new TextEncoder().encode(text)];
  assert(read(packets, [
    ...[131, 68, 2, 0x98, 0x01],
    ...[7, 0, 3, 97, 64, 98],
    ...[8, 1, 254, ...bytes],
    ...SEND_SENDER,
    ...[82, 1],
  ]));
  assertEquals(packets.payload, atom(text));
});

test("255 atoms fit into a header", () => {
  const packets = header();
  const entries: number[] = [];
  for (let i = 0; i < 255; i++) {
    entries.push(i, 4, 116, 48 + i % 10, 48 + (i / 10 | 0) % 10, 48 + (i / 100 | 0));
  }
  const flags = new Array(127).fill(0x88).concat(0x08);
  const refs = Array.from({ length: 255 }, (_, i) => [82, i]).flat();
  assert(read(packets, [
    ...[131, 68, 255, ...flags, ...entries],
    ...[...PLAIN_SEND_SENDER, 108, 0, 0, 0, 255, ...refs, 106],
  ]));
  assertEquals(
    (packets.payload as Term[]).map(String),
    Array.from({ length: 255 }, (_, i) => `t${i % 10}${(i / 10 | 0) % 10}${i / 100 | 0}`),
  );
});

test("what one message lists means nothing to the next", () => {
  const packets = header();
  assert(read(packets, [131, 68, ...NEW, ...SEND_SENDER, 82, 0]));
  assertThrows(
    () => read(packets, [131, 68, 0, ...PLAIN_SEND_SENDER, 82, 0]),
    DecodeError,
    "beyond",
  );
});

test("a fun's atoms are those of its header", () => {
  const packets = header();
  // EXPORT_EXT of a@b:a@b/0
  assert(read(packets, [131, 68, ...NEW, ...SEND_SENDER, 113, 82, 0, 82, 0, 97, 0]));
  assertStrictEquals((packets.payload as ExternalFun).function, NODE);
});

const WRONG: readonly (readonly [what: string, content: number[], says: string])[] = [
  ["of one byte", [131], "begins with 131,"],
  ["that passes through", [112, 131, ...PLAIN_LINK], "begins with 112,131"],
  ["of another type", [131, 71, 0, ...PLAIN_LINK], "begins with 131,71"],
  ["of a term's type", [131, 104, 0, ...PLAIN_LINK], "begins with 131,104"],
  ["without a list of atoms", [131, 68], "ends in its header"],
  ["that ends before its control message", [131, 68, 0], "ends before its control message"],
  ["that ends in its flags", [131, 68, 4, 0, 0], "ends in its header"],
  ["that ends before a place", [131, 68, 1, 0x08], "ends in its header"],
  ["that ends before a length", [131, 68, 1, 0x08, 7], "ends in its header"],
  ["that ends in a length", [131, 68, 1, 0x18, 7, 0], "ends in its header"],
  ["that ends in an atom", [131, 68, 1, 0x08, 7, 3, 97, 64], "ends in its header"],
  ["with a place that is empty", [131, 68, ...OLD, ...LINK], "place 519 of the atom cache"],
  ["with an atom that is no UTF-8", [131, 68, 1, 8, 7, 2, 0xc3, 0x28, ...LINK], "not valid UTF-8"],
  [
    "with an atom that is too long",
    [131, 68, 1, 0x18, 7, 1, 0, ...new Array(256).fill(97), ...LINK],
    "more than 255 characters",
  ],
  ["with more than its payload", [131, 68, ...NEW, ...SEND_SENDER, 97, 7, 0], "1 bytes follow"],
  ["with a payload where none is", [131, 68, ...NEW, ...LINK, 97, 7], "2 bytes follow"],
  ["without its payload", [131, 68, ...NEW, ...SEND_SENDER], "ends before its payload"],
  ["that is a fragment's beginning", [131, 69, ...u64(1), 0, 0, 0], "ends in its header"],
  ["of no fragments", first(1, 0, [97, 7]), "a sequence of 0 fragments"],
  [
    "of more fragments than numbers",
    [131, 69, ...u64(1), 255, 0, 0, 0, 0, 0, 0, 0, 0, ...PLAIN_SEND_SENDER, 97],
    "a sequence of 18374686479671623680 fragments",
  ],
  [
    "in fragments that has no payload",
    [131, 69, ...u64(1), ...u64(2), 0, ...PLAIN_LINK],
    "nothing can follow",
  ],
  ["that goes on what has not begun", next(1, 1, [7]), "sequence 1 has not begun"],
];

for (const [what, content, says] of WRONG) {
  test(`a packet ${what} is an error of its frame`, () => {
    assertThrows(() => read(header(), content), FrameError, says);
  });
}

test("faults of terms are those of the terms", () => {
  assertThrows(() => read(header(), [131, 68, ...NEW, ...LINK.slice(0, -1)]), DecodeError);
  assertThrows(() => read(header(), [131, 68, 0, 97, 1]), ControlError, "not a tuple");
  assertThrows(() => read(header(), [131, 68, ...NEW, ...SEND_SENDER, 0]), DecodeError);
  const few = header(CACHE, { decoder: new Decoder({ atomLimit: 0 }) });
  const fresh = [131, 68, 1, 8, 7, 13, ...new TextEncoder().encode("never_seen_14"), ...LINK];
  assertThrows(() => read(few, fresh), AtomLimitError);
});

test("each proper beginning of a packet is an error", () => {
  const whole = [131, 68, ...NEW, ...SEND_SENDER, 104, 2, 97, 1, 109, 0, 0, 0, 2, 1, 2];
  assert(read(header(), whole));
  for (let i = 0; i < whole.length; i++) {
    assertThrows(() => read(header(), whole.slice(0, i)), Error, "", `${i}`);
  }
});

test("without an atom cache a header has no atoms, and without fragments there are none", () => {
  assertThrows(() => read(header(FRAGMENTS), [131, 68, ...NEW, ...LINK]), FrameError, "1 atoms");
  for (const packet of [first(1, 1, [97, 7]), first(1, 2, [97]), next(1, 1, [7])]) {
    assertThrows(() => read(header(CACHE), packet), FrameError, "not negotiated");
  }
});

test("bytes at random are a packet or an error of a known kind", () => {
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const valid = [
    [131, 68, ...NEW, ...SEND_SENDER, 104, 2, 97, 1, 109, 0, 0, 0, 2, 1, 2],
    first(1, 2, [97], NEW),
    next(1, 1, [7]),
  ];
  for (let i = 0; i < 20_000; i++) {
    const packets = header();
    try {
      for (let k = 0; k < 3; k++) {
        const bytes = valid[random(3)].slice();
        for (let changes = random(3); changes > 0; changes--) {
          bytes[random(bytes.length)] = random(256);
        }
        read(packets, bytes);
      }
    } catch (error) {
      const known = [FrameError, ControlError, DecodeError].some((type) => error instanceof type);
      assert(known, `${i}: ${error}`);
    }
  }
});

// ---- out

const SLOT = atomSlot(NODE, SLOTS);

test("without an atom cache a message has the header without atoms", () => {
  const { write } = writer(FRAGMENTS);
  assertEquals(write([CONTROL.LINK, from, to]), [0, 0, 0, 43, 131, 68, 0, ...PLAIN_LINK]);
  const sent = write([CONTROL.SEND_SENDER, from, to], 7);
  assertEquals(sent, [0, 0, 0, 45, 131, 68, 0, ...PLAIN_SEND_SENDER, 97, 7]);
});

test("an atom is written into the first header that needs it", () => {
  const { write } = writer();
  const [low, high] = [SLOT & 255, SLOT >> 8];
  assertEquals(write([CONTROL.LINK, from, to]), [
    ...[0, 0, 0, 43, 131, 68, 1, 8 | high, low, 3, 97, 64, 98],
    ...LINK,
  ]);
  assertEquals(write([CONTROL.LINK, from, to]), [0, 0, 0, 39, 131, 68, 1, high, low, ...LINK]);
});

test("messages stand behind each other, however large their headers are", () => {
  const { encoder, packets } = writer();
  const reader = header();
  const payloads = [
    1,
    atom("one"),
    [atom("two"), atom("three")],
    4,
    atom("one"),
    "x".repeat(70_00),
  ];
  for (const payload of payloads) {
    assert(packets.write(encoder, [CONTROL.SEND_SENDER, from, to], payload));
  }
  const bytes = encoder.take();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const seen: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + view.getUint32(at);
    assert(reader.read(bytes, at + 4, end));
    seen.push(String(reader.payload));
    at = end;
  }
  assertEquals(seen, payloads.map(String));
});

test("a value that is no term leaves encoder and cache as they were", () => {
  const { write, encoder, packets } = writer();
  const reader = header();
  const through = (payload: Encodable): Term | undefined => {
    const bytes = new Uint8Array(write([CONTROL.SEND_SENDER, from, to], payload));
    assert(reader.read(bytes, 4, bytes.length));
    return reader.payload;
  };
  assertEquals(through(atom("before")), atom("before"));
  const bad = [atom("lost"), atom("before"), new Date() as unknown as Encodable];
  for (const payload of [bad, undefined as unknown as null, ["x".repeat(200_000), ...bad]]) {
    encoder.u8(1);
    assertThrows(
      () => packets.write(encoder, [CONTROL.SEND_SENDER, from, to], payload),
      EncodeError,
    );
    assertEquals([...encoder.take()], [1]);
  }
  assertEquals(through([atom("lost"), atom("before")]), [atom("lost"), atom("before")]);
  assertEquals(through(atom("lost")), atom("lost"));
});

test("a message that does not fit leaves encoder and cache as they were", () => {
  const { write, encoder, packets } = writer();
  const send = [CONTROL.SEND_SENDER, from, to] as const;
  assert(!packets.write(encoder, send, atom("fits_not"), 20));
  assertEquals(encoder.pending, 0);
  const bytes = new Uint8Array(write(send, atom("fits_not")));
  const reader = header();
  assert(reader.read(bytes, 4, bytes.length));
  assertEquals(reader.payload, atom("fits_not"));
  const { length } = write(send, atom("fits_not"));
  assert(!packets.write(encoder, send, atom("fits_not"), length - 1));
  assert(packets.write(encoder, send, atom("fits_not"), length));
  assertEquals(encoder.take().length, length);
  const large = new Uint8Array(2 * FRAGMENT);
  assert(!packets.write(encoder, send, large, 2 * FRAGMENT));
  assertEquals(encoder.pending, 0);
  assertEquals(packets.large, null);
});

test("a message beyond the limit is not written", () => {
  const { encoder, packets } = writer(FRAGMENTS, { limit: 100 });
  const send = (length: number) =>
    packets.write(encoder, [CONTROL.SEND_SENDER, from, to], new Uint8Array(length));
  send(100 - 43 - 5);
  assertEquals(encoder.pending, 104);
  assertThrows(() => send(101 - 43 - 5), EncodeError, "a message of 101 bytes, at most 100");
  assertEquals(encoder.pending, 104);
});

test("atoms that share a place: one is in the header, the other one written out", () => {
  const names = new Map<number, string>();
  let pair: [string, string] | undefined;
  for (let i = 0; pair === undefined; i++) {
    const name = `collides_${i}`;
    const slot = atomSlot(atom(name), SLOTS);
    const other = names.get(slot);
    if (other !== undefined) pair = [other, name];
    names.set(slot, name);
  }
  const [one, two] = pair.map((name) => atom(name));
  const { write } = writer();
  const reader = header();
  for (const payload of [[one, two, one], two, [two, one], one, [one], two]) {
    const bytes = new Uint8Array(write([CONTROL.SEND_SENDER, from, to], payload));
    assert(reader.read(bytes, 4, bytes.length));
    assertEquals(reader.payload, payload);
  }
});

test("a message of 300 atoms, of long ones, and of thousands goes through", () => {
  const { write } = writer();
  const reader = header();
  const through = (payload: Encodable): void => {
    const bytes = new Uint8Array(write([CONTROL.SEND_SENDER, from, to], payload));
    assert(reader.read(bytes, 4, bytes.length));
    assertEquals(reader.payload, payload as Term);
  };
  const many = Array.from({ length: 3000 }, (_, i) => atom(`many_${i}`));
  const long = Array.from({ length: 40 }, (_, i) => atom(`${i}${"ü".repeat(i < 20 ? 250 : 100)}`));
  through(many.slice(0, 300));
  through(long);
  for (let i = 0; i < many.length; i += 7) through([many[i], many[(i * 31) % 3000], long[i % 40]]);
  through(many.slice(0, 2000));
  through([true, false, null, atom("undefined"), atom("")]);
});
