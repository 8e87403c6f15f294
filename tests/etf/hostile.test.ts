import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { decode, Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { equal } from "../../lib/etf/equal.ts";
import { AtomLimitError, DecodeError } from "../../lib/etf/errors.ts";
import { format } from "../../lib/etf/format.ts";
import type { ImproperList } from "../../lib/etf/list.ts";
import type { Term } from "../../lib/etf/term.ts";
import { hash, termKey } from "../../lib/etf/term_key.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { bytes, read, refused, u32, vectors } from "./_support.ts";
import { processorTime } from "../_support/processor.ts";

const HUGE = u32(0xffffffff);

/** Runs, and fails if that took longer than it may on a slow machine that is busy. */
function within(milliseconds: number, run: () => void): void {
  const start = processorTime();
  run();
  const took = processorTime() - start;
  assert(took < milliseconds, `took ${took} ms`);
}

test("claimed sizes fail at once, before anything is allocated", () => {
  within(5_000, () => {
    for (let i = 0; i < 100; i++) {
      refused(109, HUGE, 1);
      refused(108, HUGE, 97, 1);
      refused(105, HUGE, 97, 1);
      refused(105, u32(0xffffff), 97, 1);
      refused(116, HUGE, 97, 1);
      refused(111, HUGE, 0, 1);
      refused(77, HUGE, 1, 1);
      refused(67, HUGE, 0, 119, 1, "m", 119, 1, "r");
      refused(117, HUGE, 103, 119, 1, "n", u32(1), u32(1), 1, 119, 1, "m", 97, 1, 97, 1);
      refused(118, 255, 255, 1);
      refused(107, 255, 255, 1);
    }
  });
});

test("claims that only add up to too much are refused too", () => {
  // Each list claims all the bytes that are left: without the sum, memory would grow with the square of the message.
  const data = new Uint8Array(1_000_001);
  data[0] = 131;
  for (let at = 1; at + 5 < data.length; at += 5) data.set([108, ...u32(data.length - at - 6)], at);
  within(10_000, () => assertThrows(() => decode(data), DecodeError, "claims"));
  // A list needs its tail besides its elements, and so do the lists around it.
  refused(108, u32(2), 97, 1, 106);
  assertEquals(read({}, 104, 2, 108, u32(1), 106, 106, 106), tuple([[]], []) as Term);
});

test("a bignum beyond the limit is refused, on every runtime the same", () => {
  const largest = bytes(111, u32(131_072), 0, new Uint8Array(131_072).fill(255));
  assertEquals(read({}, largest), (1n << 1_048_576n) - 1n);
  assertThrows(
    () => read({}, 111, u32(131_073), 0, new Uint8Array(131_073).fill(255)),
    DecodeError,
    "allowed",
  );
  assertThrows(
    () => read({ maxBignumBytes: 8 }, 110, 9, 0, new Uint8Array(9)),
    DecodeError,
    "allowed",
  );
  assertEquals(read({ maxBignumBytes: 8 }, 110, 8, 0, new Uint8Array(8)), 0);
});

test("a compressed term may not inflate to more than it claims, nor claim more than is allowed", () => {
  const data = encode("a".repeat(10_000), { compress: 9 });
  const claim = (size: number) => bytes(131, 80, u32(size), data.subarray(6));
  assertEquals((decode(data) as Uint8Array).length, 10_000);
  for (const size of [0, 1, 10_004, 10_006, 20_000, 0xffffffff]) {
    assertThrows(() => decode(claim(size)), DecodeError, "COMPRESSED");
  }
  assertThrows(() => decode(data, { maxInflated: 10_004 }), DecodeError, "10005");
  assertEquals((decode(data, { maxInflated: 10_005 }) as Uint8Array).length, 10_000);
  for (let length = 2; length < data.length; length++) {
    assertThrows(() => decode(data.subarray(0, length)), DecodeError);
  }
});

test("a bomb does not get to inflate", () => {
  const zeros = encode(new Uint8Array(60_000_000), { compress: 9 });
  assert(zeros.length < 100_000);
  const bomb = bytes(131, 80, u32(1000), zeros.subarray(6));
  within(10_000, () => assertThrows(() => decode(bomb), DecodeError));
});

test("funs in funs, each of which is written out anew, are refused where they are too many", () => {
  const fun = bytes(
    ...[112, u32(0), 0, new Uint8Array(16), u32(0), u32(1), 82, 0, 97, 0, 97, 0],
    ...[88, 82, 0, u32(1), u32(0), u32(1)],
  );
  const nested = (levels: number): Uint8Array => {
    const all = new Uint8Array(levels * fun.length + 1).fill(106);
    for (let i = 0; i < levels; i++) all.set(fun, i * fun.length);
    return all;
  };
  const decoder = new Decoder();
  decoder.cache = [atom("m")];
  const term = (levels: number): Term => {
    decoder.reset(nested(levels));
    return decoder.term();
  };
  for (let i = 0; i < 20; i++) term(100); // each for itself is little
  within(20_000, () => assertThrows(() => term(10_000), DecodeError, "funs with too much"));
  term(100);
});

test("an error inside a compressed term keeps the inner one as its cause", () => {
  const error = assertThrows(() => decode(bytes(131, 80, u32(1), deflated(200))), DecodeError);
  assertEquals([error.tag, error.offset], [80, 1]);
  assert(error.cause instanceof DecodeError);
  assertThrows(() => decode(bytes(131, 80, u32(3), deflated(97, 1, 0))), DecodeError);
  // Compressed in compressed.
  const inner = bytes(80, u32(2), deflated(97, 1));
  assertThrows(() => decode(bytes(131, 80, u32(inner.length), deflated(...inner))), DecodeError);
});

test("invalid UTF-8 is no atom", () => {
  for (
    const wrong of [
      [0xff],
      [0x80],
      [0xc3],
      [0xc0, 0x80],
      [0xc1, 0xbf],
      [0xe0, 0x80, 0x80],
      [0xe0, 0x9f, 0xbf],
      [0xed, 0xa0, 0x80],
      [0xed, 0xbf, 0xbf],
      [0xf0, 0x80, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [97, 0xe2, 0x82],
    ]
  ) {
    refused(119, wrong.length, wrong);
    refused(118, 0, wrong.length, wrong);
    const long = [...new Array(200).fill(97), ...wrong];
    refused(119, long.length, long);
    assert(read({ binaries: "text" }, 109, u32(long.length), long) instanceof Uint8Array);
  }
  assertEquals(read({}, 119, 3, 0xef, 0xbf, 0xbf), atom("\uffff"));
});

test("a flood of new atoms ends at the limit, with the memory it has", () => {
  const limit = 100_000;
  const decoder = new Decoder({ atomLimit: limit });
  const error = assertThrows(() => {
    for (let i = 0; i < limit + 1; i++) {
      const name = `flood_${i}`;
      decoder.reset(bytes(119, name.length, name));
      decoder.term();
    }
  }, AtomLimitError);
  assertEquals(error.limit, limit);
});

test("duplicate keys are found in whatever spelling, in small and in large maps", () => {
  const one: Parameters<typeof bytes>[] = [[97, 1], [98, u32(1)], [110, 1, 0, 1], [
    111,
    u32(1),
    0,
    1,
  ]];
  const text: Parameters<typeof bytes>[] = [[107, 0, 1, 97], [108, u32(1), 97, 97, 106], [
    108,
    u32(1),
    98,
    u32(97),
    106,
  ]];
  const map: Parameters<typeof bytes>[] = [
    [116, u32(2), 97, 1, 106, 97, 2, 106],
    [116, u32(2), 97, 2, 106, 98, u32(1), 106],
  ];
  const nested = (parts: Parameters<typeof bytes>[]) =>
    parts.map((part) => [104, 1, bytes(...part)] as const);
  const filler = Array.from({ length: 50 }, (_, i) => bytes(98, u32(1000 + i), 106));
  for (
    const same of [one, text, map, nested(map), nested(one), [[119, 1, "a"], [100, 0, 1, "a"]]]
  ) {
    for (const a of same) {
      for (const b of same) {
        refused(116, u32(2), ...(a as never[]), 106, ...(b as never[]), 106);
        refused(116, u32(52), ...(a as never[]), 106, ...filler, ...(b as never[]), 106);
      }
    }
  }
});

test("many keys that are hard to tell apart are told apart in linear time", () => {
  // Long tuples that differ in the last element only, and maps nested in keys: each once compared with all others would take hours.
  const similar = new TermMap(
    Array.from({ length: 20_000 }, (_, i) => [tuple("x".repeat(30), 1, 2, 3, i), 1]),
  );
  const data = encode(similar);
  within(20_000, () => assertEquals((decode(data) as TermMap).size, 20_000));

  let deep = bytes(116, u32(2), 97, 1, 97, 1, 97, 2, 97, 2);
  for (let i = 0; i < 4; i++) deep = bytes(116, u32(2), deep, 97, 1, 97, 2, 97, 2);
  read({}, deep);
});

test("maps in keys of maps, a hundred thousand deep", () => {
  // Eleven keys a level, so that they are compared by name, two of them containers.
  const head = bytes(116, u32(11));
  const tail = bytes(
    97,
    0,
    ...Array.from({ length: 9 }, (_, i) => [97, i + 1, 97, 0]),
    104,
    1,
    97,
    1,
    97,
    0,
  );
  const depth = 100_000;
  const data = new Uint8Array(1 + (head.length + tail.length) * depth + 2);
  data[0] = 131;
  for (let i = 0; i < depth; i++) data.set(head, 1 + i * head.length);
  data.set([97, 77], 1 + depth * head.length);
  for (let i = 0; i < depth; i++) data.set(tail, 3 + depth * head.length + i * tail.length);
  within(20_000, () => {
    const term = decode(data);
    assert(term instanceof TermMap);
  });
});

test("a million levels of lists, and many of tuples, maps and improper lists, there and back", () => {
  const wrappers: [depth: number, head: Uint8Array, tail: Uint8Array][] = [
    [1_000_000, bytes(108, u32(1)), bytes(106)],
    [200_000, bytes(104, 1), bytes()],
    [200_000, bytes(116, u32(1), 119, 1, "k"), bytes()],
    [100_000, bytes(116, u32(1)), bytes(97, 1)],
    [100_000, bytes(108, u32(1), 97, 1, 104, 1), bytes()],
    [100_000, bytes(108, u32(1)), bytes(97, 1)],
  ];
  for (const [depth, head, tail] of wrappers) {
    const data = new Uint8Array(1 + (head.length + tail.length) * depth + 1);
    data[0] = 131;
    for (let i = 0; i < depth; i++) data.set(head, 1 + i * head.length);
    data[1 + depth * head.length] = 106;
    for (let i = 0; i < depth; i++) data.set(tail, 2 + depth * head.length + i * tail.length);
    const term = decode(data);
    const again = encode(term);
    assert(again.length === data.length && again.every((byte, i) => byte === data[i]), "bytes");
    assert(equal(term, decode(data)), "equal");
    assert(format(term).length > depth);
    assert(format(term, { style: "elixir", maxLength: 1000 }).length < 3000);
  }
});

test("keys and hashes of deep terms", () => {
  let list: Term = [];
  let map: Term = [];
  for (let i = 0; i < 100_000; i++) {
    list = [list];
    map = new TermMap([[atom("k"), map]]);
  }
  assertEquals(termKey(list), termKey([...list as Term[]]));
  assertEquals(hash(map), hash(new TermMap([...map as TermMap])));
});

test("keys that share one place in a table of numbers are found as fast as others", () => {
  // V8 hashes a bigint by its lowest 64 bits, which are the same in all of these: each would be compared with each.
  const count = 100_000;
  const size = 3 + 12 + 2;
  const data = new Uint8Array(6 + size * count);
  const view = new DataView(data.buffer);
  data.set(bytes(131, 116, u32(count)));
  for (let i = 0; i < count; i++) {
    const at = 6 + size * i;
    data.set([110, 12, 0], at);
    data.fill(255, at + 3, at + 11);
    view.setUint32(at + 11, count - i, true);
    data.set([97, 1], at + 15);
  }
  const key = (i: number): bigint => BigInt(i) * 2n ** 64n + 2n ** 64n - 1n;
  within(20_000, () => {
    const map = decode(data) as TermMap;
    assertEquals([map.get(key(count)), map.get(key(1)), map.get(key(count + 1))], [
      1,
      1,
      undefined,
    ]);
  });
  // Floats and integers beyond 32 bits could be chosen so, too.
  for (const value of [2 ** 52 + 1, -(2 ** 52), 0.1, 2 ** 64, 2n ** 70n]) {
    assertEquals(typeof termKey(value), "string");
  }
});

test("a list of a million tails is one list", () => {
  const head = bytes(108, u32(1), 97, 1);
  const data = new Uint8Array(2 + head.length * 1_000_000);
  data[0] = 131;
  for (let i = 0; i < 1_000_000; i++) data.set(head, 1 + i * head.length);
  data[data.length - 1] = 106;
  assertEquals((decode(data) as unknown[]).length, 1_000_000);
  data[data.length - 1] = 97;
  const improper = decode(bytes(data, 5)) as ImproperList;
  assertEquals([improper.elements.length, improper.tail], [1_000_000, 5]);
});

test("long lists and tuples", () => {
  const list = new Array(2_000_000).fill(atom("x"));
  assertEquals((decode(encode(list)) as unknown[]).length, 2_000_000);
  const wide = tuple(...new Array(100_000).fill(1));
  assertEquals((decode(encode(wide)) as unknown[]).length, 100_000);
});

test("damaged terms give a typed error or another term, and nothing else", () => {
  const random = generator(20_240_229);
  const sources = vectors().filter(({ kind, bytes }) =>
    kind === "canonical" && bytes.length < 2000
  );
  const decoder = new Decoder({ atomLimit: 200_000 });
  let refusals = 0;
  for (let round = 0; round < 40_000; round++) {
    const data = sources[random(sources.length)].bytes.slice();
    for (let i = random(4); i >= 0; i--) data[1 + random(data.length - 1)] = random(256);
    decoder.reset(data);
    try {
      const term = decoder.versioned();
      format(term, { maxLength: 200 });
      // What could be read can be written.
      encode(term);
    } catch (error) {
      assert(
        error instanceof DecodeError || error instanceof AtomLimitError,
        String((error as Error).stack),
      );
      refusals++;
    }
  }
  assert(refusals > 5000, `${refusals}`);
});

test("random bytes", () => {
  const random = generator(7);
  for (let round = 0; round < 100_000; round++) {
    const data = Uint8Array.from({ length: 2 + random(40) }, () => random(256));
    data[0] = 131;
    // Mostly tags that exist.
    if (random(2) === 0) data[1] = 97 + random(25);
    try {
      decode(data, { trailing: "ignore", atomLimit: 300_000 });
    } catch (error) {
      assert(error instanceof DecodeError || error instanceof AtomLimitError, String(error));
    }
  }
});

/** Numbers below n that are the same in each run. */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(((state >>> 4) / 2 ** 28) * n);
  };
}

/** A zlib stream that holds the bytes as they are. */
function deflated(...data: number[]): Uint8Array {
  let a = 1;
  let b = 0;
  for (const byte of data) b = (b + (a = (a + byte) % 65521)) % 65521;
  const length = data.length;
  return bytes(
    0x78,
    1,
    1,
    length & 255,
    length >> 8,
    ~length & 255,
    (~length >> 8) & 255,
    data,
    b >> 8,
    b & 255,
    a >> 8,
    a & 255,
  );
}
