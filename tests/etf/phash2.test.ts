import { after, test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  atom,
  Binary,
  Bitstring,
  charlist,
  decode,
  type Encodable,
  encode,
  ExternalFun,
  float,
  format,
  ImproperList,
  LocalTerm,
  phash2,
  tagged,
  type Term,
  TermMap,
  tuple,
} from "../../mod.ts";
import { needsErlang } from "../_support/erlang.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { vectors } from "./_support.ts";
import { sampleTerms, TermsThere } from "./_terms_there.ts";

const opened = openNow();

test("hashes that Erlang gives", () => {
  const known: [Encodable, number][] = [
    [atom("ok"), 1883],
    [null, 29948],
    [[], 113427502],
    [tuple(), 87486268],
    [new Map(), 39679005],
    [new Uint8Array(), 13708901],
    ["Zoë", 52453889],
    [charlist("abcde"), 71169904],
    [new ImproperList([1, 2], atom("a")), 40130552],
    [1, 2614250],
    [-1, 44071773],
    [2 ** 27, 12354923],
    [2n ** 70n, 131422029],
    [-(2n ** 70n), 20532417],
    [1.5, 10380315],
    [tagged("user", 17, new Map([[atom("a"), [float(1)]]])), 114853550],
    [new Bitstring(Uint8Array.of(160), 3), 133543196],
    [new ExternalFun(atom("lists"), atom("map"), 2), 34981515],
  ];
  for (const [term, hash] of known) assertEquals(phash2(term), hash, format(term as Term));
  assertEquals(phash2(atom("ok"), 2 ** 32), 1883);
  assertEquals(phash2(tuple("user", 17), 8), 2);
});

test("values are hashed as what they are when they are sent", () => {
  const text = "Zoë 日本 \u{1f600}";
  assertEquals(phash2(text), phash2(new TextEncoder().encode(text)));
  assertEquals(phash2("ok"), phash2(Binary.from([111, 107])));
  assertEquals(phash2(null), phash2(decode(encode(null))));
  assertEquals(phash2(1n), phash2(1));
  assertEquals(phash2([1n, 2n, 300n]), phash2([1, 2, 300]));
  assertEquals(phash2(0.5), phash2(float(0.5)));
  assertEquals(phash2(-0), phash2(float(0)));
  assertEquals(phash2([-0]), phash2([float(0)]));
  assertEquals(phash2(2 ** 53), phash2(float(2 ** 53)));
  const pairs: [string, number][] = [["a", 1], ["b", 2]];
  assertEquals(phash2(new Map(pairs)), phash2(new TermMap(pairs.toReversed())));
});

test("the range is an integer from 1 to 2^32", () => {
  assertEquals(phash2("any", 1), 0);
  for (const range of [0, -1, 1.5, 2 ** 32 + 1, NaN, Infinity]) {
    assertThrows(() => phash2("any", range), RangeError, "Cannot hash into the range");
  }
});

test("what is no term is refused", () => {
  for (
    const value of [
      undefined,
      { a: 1 },
      () => 1,
      Symbol("a"),
      NaN,
      Infinity,
      new Date(),
      "\ud800",
    ]
  ) {
    assertThrows(() => phash2(value as never), TypeError, "Cannot hash");
    assertThrows(() => phash2([value] as never), TypeError, "Cannot hash");
  }
  assertThrows(() => phash2(new LocalTerm(Uint8Array.of(121))), TypeError, "Cannot hash LocalTerm");
});

test("terms may be as deep and as large as they like", () => {
  let lists: Term = [];
  let tuples: Term = tuple() as Term;
  for (let i = 0; i < 200_000; i++) {
    lists = [lists, 1];
    tuples = tuple(tuples) as Term;
  }
  assertEquals(phash2(lists), phash2(lists));
  assertEquals(phash2(tuples), phash2(tuples));
  assertEquals(phash2(2n ** 1_000_000n), phash2(BigInt("0x1" + "0".repeat(250_000))));
});

const there: { terms: Promise<TermsThere> | null } = { terms: null };
after(async () => await (await there.terms)?.[Symbol.asyncDispose]());

test("the hash of every vector is Erlang's", { skip: needsErlang }, async () => {
  const erl = await (there.terms ??= TermsThere.start());
  const bytes = vectors().filter(({ kind }) => kind !== "refused").map((vector) => vector.bytes);
  await sameHashes(erl, bytes);
  await sameHashes(erl, bytes.slice(0, 500), 2 ** 27);
  await sameHashes(erl, bytes.slice(0, 500), 7);
});

test("the hash of terms at random is Erlang's", { skip: needsErlang }, async () => {
  const erl = await (there.terms ??= TermsThere.start());
  await sameHashes(erl, sampleTerms(2000, 1828).bytes);
});

test(
  "long binaries and lists, by every length of their last block",
  { skip: needsErlang },
  async () => {
    const erl = await (there.terms ??= TermsThere.start());
    const terms: Term[] = [];
    for (let length = 0; length < 40; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + 200) & 255);
      terms.push(
        Binary.from(bytes) as Binary,
        [...bytes],
        tuple([...bytes, 256], ...bytes) as Term,
      );
      for (let bits = 1; bits < 8 && length > 0; bits++) terms.push(new Bitstring(bytes, bits));
    }
    terms.push(new Binary(new ArrayBuffer(1_000_003)).fill(201));
    await sameHashes(erl, terms.map((term) => encode(term)));
  },
);

async function sameHashes(
  erl: TermsThere,
  bytes: readonly Uint8Array[],
  range: number = 2 ** 32,
): Promise<void> {
  const theirs = await erl.hashes(bytes, range);
  let compared = 0;
  for (const [i, hash] of theirs.entries()) {
    if (hash === null) continue; // a release that refuses what OTP 25 took
    const term = decode(bytes[i], { floats: "wrap" });
    if (phash2(term, range) !== hash) assertEquals(phash2(term, range), hash, format(term));
    compared++;
  }
  if (compared < bytes.length * 0.99) {
    throw new Error(`only ${compared} of ${bytes.length} compared`);
  }
}

test("nothing is left open", async () => {
  await (await there.terms)?.[Symbol.asyncDispose]();
  there.terms = null;
  await assertNothingLeft(opened);
});
