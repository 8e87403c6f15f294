import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { Binary } from "../../lib/etf/binary.ts";
import { decode, Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import type { Term } from "../../lib/etf/term.ts";
import { TextWindow } from "../../lib/etf/_text_window.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { bytes, u32 } from "./_support.ts";

const plain = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the runtime's own decoder says. */
function expected(all: Uint8Array, start: number, end: number): string | undefined {
  try {
    return plain.decode(all.subarray(start, end));
  } catch {
    return undefined;
  }
}

function texts(value: Term[]): Term {
  return decode(encode(value as never), { binaries: "text" });
}

/** The term of a binary. */
function binary(content: Uint8Array): Uint8Array {
  return bytes(109, u32(content.length), content);
}

test("texts of every length one behind the other", () => {
  for (let length = 0; length <= 140; length++) {
    const list = Array.from({ length: 1 + Math.ceil(1200 / (length + 5)) }, (_, i) => {
      return `${i}:${"abcdefghij".repeat(15)}`.slice(0, length);
    });
    assertEquals(texts(list), list);
  }
  const growing = Array.from({ length: 140 }, (_, i) => "0123456789".repeat(14).slice(0, i));
  assertEquals(texts(growing), growing);
  assertEquals(texts(growing.toReversed()), growing.toReversed());
});

test("a text at each place of a window, ASCII and not", () => {
  for (const text of ["x", "é", "\u20ac", "\u{1f600}", "ab\u{1f600}é", "Zürich", "\ufeffmark"]) {
    for (let shift = 0; shift < 60; shift++) {
      // The texts between take 60 bytes in sum, so that each border of a window is met at each place.
      const list = ["s".repeat(shift)];
      for (let i = 0; i < 40; i++) list.push("t".repeat(i % 7), text, "u".repeat(23 - i % 7));
      assertEquals(texts(list), list, `${text} shifted by ${shift}`);
    }
  }
});

test("what stands between the texts does not matter, nor how much it is", () => {
  const between: Term[] = [1e300, -1.5, 2n ** 70n, 255, -1, [200, 255, 128], 0.1];
  for (const size of [0, 1, 30, 58, 64, 100, 250, 510, 520, 2000]) {
    const list: Term[] = [];
    for (let i = 0; i < 60; i++) {
      list.push(`text ${i}`, between[i % between.length], "y".repeat(i % 70));
      if (i % 5 === 0) {
        list.push(tuple(new Binary(new ArrayBuffer(size)).fill(0xff), "behind") as Term);
      }
    }
    const all = texts(list);
    assertEquals(all, size === 0 ? list.map(withoutEmpty) : list);
  }
});

/** An empty binary is the empty text. */
function withoutEmpty(term: Term): Term {
  return Array.isArray(term) && term[1] === "behind" ? tuple("", "behind") as Term : term;
}

test("bytes that are no UTF-8 stay bytes, at each place of a window", () => {
  const wrong = [
    [0x80],
    [0xff],
    [0xc3],
    [0x61, 0xc3],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
  ];
  for (const content of wrong.map((of) => Uint8Array.from(of))) {
    const terms: Uint8Array[] = [];
    for (let i = 0; i < 80; i++) {
      terms.push(binary(new TextEncoder().encode("v".repeat(i % 13))), binary(content));
    }
    const all = decode(bytes(131, 108, u32(terms.length), ...terms, 106), { binaries: "text" });
    (all as Term[]).forEach((term, i) => {
      if (i % 2 === 0) return assertStrictEquals(term, "v".repeat((i / 2) % 13));
      assertInstanceOf(term, Binary);
      assertEquals(Array.from(term), Array.from(content));
    });
  }
});

test("half a character in one binary and half in the next are no text", () => {
  for (let shift = 0; shift < 520; shift++) {
    const terms = [binary(new Uint8Array(shift % 61).fill(97))];
    for (let i = 0; i < 9 + shift / 60; i++) terms.push(binary(new Uint8Array(60).fill(98)));
    terms.push(binary(Uint8Array.of(97, 0xc3)), binary(Uint8Array.of(0xa9, 97)));
    const all = decode(bytes(131, 108, u32(terms.length), ...terms, 106), { binaries: "text" });
    assertEquals((all as Term[]).slice(-2).map((term) => term instanceof Binary), [true, true]);
  }
});

test("whatever is read in whatever order is what the runtime's own decoder says", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const whole = new Uint8Array(5000);
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < whole.length; i++) {
      whole[i] = random(100) < round ? random(256) : 32 + random(95);
    }
    // Not at the beginning of its buffer.
    const all = whole.subarray(random(100), 4900);
    const window = new TextWindow();
    let at = 0;
    while (at < all.length) {
      const end = Math.min(all.length, at + random(random(4) === 0 ? 150 : 20));
      const limit = end + random(all.length - end + 1);
      assertStrictEquals(window.read(all, at, end, limit), expected(all, at, end));
      // Mostly on, seldom back.
      at = random(30) === 0 ? random(end + 1) : end + 1 + random(random(10) === 0 ? 600 : 12);
    }
  }
});

test("a window ends with the bytes that it was made of", () => {
  const decoder = new Decoder({ binaries: "text" });
  const list = (text: string) => encode(new Array(50).fill(text));
  const [first, second] = [list("abc"), list("xyz")];
  for (const message of [first, second, first]) {
    decoder.reset(message);
    assertEquals(decoder.versioned(), new Array(50).fill(message === second ? "xyz" : "abc"));
  }
  // The same buffer with another content, as where bytes are read into it again and again.
  decoder.reset(first);
  const before = decoder.versioned();
  first.set(second);
  assertEquals(before, new Array(50).fill("abc"));
  decoder.reset(first);
  assertEquals(decoder.versioned(), new Array(50).fill("xyz"));
});

test("a compressed term has windows of its own", () => {
  const list = Array.from({ length: 200 }, (_, i) => `text ${i % 10} of a list`);
  assertEquals(decode(encode(list, { compress: 9 }), { binaries: "text" }), list);
});
