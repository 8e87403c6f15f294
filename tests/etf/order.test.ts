import { after, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  atom,
  Binary,
  Bitstring,
  compareTerms,
  decode,
  type Encodable,
  equal,
  ExternalFun,
  float,
  format,
  ImproperList,
  LocalTerm,
  Pid,
  Port,
  Ref,
  type Term,
  TermMap,
  tuple,
} from "../../mod.ts";
import { needsErlang } from "../_support/erlang.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { anyTerm } from "./_arbitrary.ts";
import { vectors } from "./_support.ts";
import { hasOrder, sampleTerms, TermsThere } from "./_terms_there.ts";

const opened = openNow();
const node = atom("a@b");

test("each kind is less than the next", () => {
  const kinds: Encodable[] = [
    ...[-(2n ** 70n), -1, 0, 0.5, 2 ** 52, 2n ** 70n, float(1e300)],
    ...[atom(""), atom("a"), false, null, true, atom("z")],
    new Ref(node, 4, [1, 2, 3]),
    new ExternalFun(atom("a"), atom("a"), 0),
    new Port(node, 1, 4),
    new Pid(node, 1, 0, 4),
    ...[tuple(), tuple("z"), tuple(1, 1)],
    ...[new Map(), new Map([["a", 1]]), new Map([[1, 1], [2, 2]])],
    [],
    ...[[0], [0, 0], new ImproperList([0], "a"), [1], [[]], ["a"]],
    ...["", new Bitstring(Uint8Array.of(0), 3), "\0", "a", "b"],
  ];
  for (const [i, a] of kinds.entries()) {
    for (const [j, b] of kinds.entries()) {
      assertEquals(
        Math.sign(compareTerms(a, b)),
        Math.sign(i - j),
        `${format(a as Term)} and ${format(b as Term)}`,
      );
    }
  }
});

test("integers and floats are compared exactly", () => {
  const rising: Encodable[] = [
    ...[-(2n ** 1024n), float(-Number.MAX_VALUE), -(2n ** 64n) - 1n, float(-(2 ** 64)), 0],
    ...[Number.MIN_VALUE, 2n ** 53n - 1n, float(2 ** 53), 2n ** 53n + 1n, float(2 ** 53 + 2)],
    ...[2n ** 60n - 1n, float(2 ** 60), 2n ** 60n + 1n, float(Number.MAX_VALUE), 2n ** 1024n],
  ];
  for (const [i, a] of rising.entries()) {
    for (const [j, b] of rising.entries()) {
      assertEquals(Math.sign(compareTerms(a, b)), Math.sign(i - j), `${i} and ${j}`);
    }
  }
  for (
    const [a, b] of [[1, float(1)], [2n ** 60n, float(2 ** 60)], [0, -0], [float(0), float(-0)]]
  ) {
    assertEquals(compareTerms(a, b), 0);
    assertEquals(compareTerms([a, tuple(b)], [b, tuple(a)]), 0);
  }
});

test("as a key of a map every integer is less than every float", () => {
  const map = (...keys: Encodable[]): Encodable => new Map(keys.map((key) => [key, "x"]));
  assert(compareTerms(map(5), map(1.5)) < 0);
  assert(compareTerms(map(2n ** 70n), map(float(1))) < 0);
  assert(compareTerms(map([5]), map([1.5])) < 0);
  assert(compareTerms(map(map(5)), map(map(1.5))) < 0);
  // The values are compared as everywhere.
  assertEquals(compareTerms(new Map([["a", 1]]), new Map([["a", float(1)]])), 0);
  assert(compareTerms(new Map([["a", 5]]), new Map([["a", 1.5]])) > 0);
});

test("maps: by their size, their keys in order, then the values in the order of the keys", () => {
  const map = (...pairs: [Encodable, Encodable][]): Encodable => new Map(pairs);
  assert(compareTerms(map(["z", 1]), map(["a", 1], ["b", 1])) < 0);
  assert(compareTerms(map(["a", 9], ["c", 1]), map(["b", 1], ["c", 1])) < 0);
  assert(compareTerms(map(["b", 1], ["a", 2]), map(["a", 1], ["b", 2])) > 0);
  assertEquals(compareTerms(map(["b", 1], ["a", 2]), map(["a", 2], ["b", 1])), 0);
});

test("atoms and texts are compared by their bytes, not by JavaScript's units", () => {
  assert("\u{10000}" < "\uffff");
  assert(compareTerms("\u{10000}", "\uffff") > 0);
  assert(compareTerms(atom("\u{10000}"), atom("\uffff")) > 0);
  assert(compareTerms("a", new TextEncoder().encode("b")) < 0);
  assertEquals(compareTerms("é", Binary.from([0xc3, 0xa9])), 0);
});

test("what is no term is refused", () => {
  for (const value of [undefined, { a: 1 }, () => 1, NaN, new LocalTerm(Uint8Array.of(121))]) {
    assertThrows(() => compareTerms(value as never, 1), TypeError, "Cannot compare");
    assertThrows(() => compareTerms([1], [value] as never), TypeError, "Cannot compare");
  }
});

test("terms may be as deep as they like, also as keys", () => {
  const deep = (wrap: (term: Term) => Term): Term => {
    let term: Term = 1;
    for (let i = 0; i < 50_000; i++) term = wrap(term);
    return term;
  };
  for (
    const wrap of [
      (term: Term): Term => [term],
      (term: Term): Term => tuple(1, term) as Term,
      (term: Term): Term => TermMap._of(["a", term]),
      (term: Term): Term => TermMap._of([term, 1]),
    ]
  ) {
    assertEquals(compareTerms(deep(wrap), deep(wrap)), 0);
    assert(compareTerms(deep(wrap), wrap(deep(wrap))) !== 0);
  }
});

test("it is an order, in which equal terms are equal", () => {
  fc.assert(
    fc.property(anyTerm, anyTerm, anyTerm, (a, b, c) => {
      assertEquals(compareTerms(a, a), 0);
      assertEquals(Math.sign(compareTerms(a, b)), -Math.sign(compareTerms(b, a)) + 0);
      if (equal(a, b)) assertEquals(compareTerms(a, b), 0);
      const [first, second, third] = [a, b, c].sort(compareTerms);
      assert(compareTerms(first, second) <= 0 && compareTerms(second, third) <= 0);
      assert(compareTerms(first, third) <= 0);
    }),
    { numRuns: 500, seed: 1828 },
  );
});

const there: { terms: Promise<TermsThere> | null } = { terms: null };
after(async () => await (await there.terms)?.[Symbol.asyncDispose]());

test("all vectors are in Erlang's order", { skip: needsErlang }, async () => {
  const erl = await (there.terms ??= TermsThere.start());
  const release = await erl.release();
  const bytes = vectors().filter(({ kind }) => kind !== "refused").map((vector) => vector.bytes)
    .filter((one) => hasOrder(decode(one, { floats: "wrap" }), release));
  assert(bytes.length > 5000, `${bytes.length}`);
  await sameOrder(erl, bytes);
});

test("terms at random are in Erlang's order", { skip: needsErlang }, async () => {
  const erl = await (there.terms ??= TermsThere.start());
  const release = await erl.release();
  const { bytes } = sampleTerms(2400, 1828, (term) => hasOrder(term, release));
  assert(bytes.length > 1500, `${bytes.length}`);
  await sameOrder(erl, bytes);
});

async function sameOrder(erl: TermsThere, bytes: readonly Uint8Array[]): Promise<void> {
  const refused = await erl.hashes(bytes);
  const known = bytes.filter((_, i) => refused[i] !== null);
  const terms = known.map((one) => decode(one, { floats: "wrap" }));
  for (const [i, sign] of (await erl.signs(known)).entries()) {
    const [a, b] = [terms[i], terms[i + 1]];
    const ours = Math.sign(compareTerms(a, b));
    if (ours !== sign) assertEquals(ours, sign, `${format(a)} and ${format(b)}`);
  }
  const ours = terms.map((_, i) => i).sort((i, j) => compareTerms(terms[i], terms[j]));
  const theirs = await erl.order(known);
  for (const [i, place] of ours.entries()) {
    if (place !== theirs[i]) assertEquals(format(terms[place]), format(terms[theirs[i]!]), `${i}`);
  }
}

test("nothing is left open", async () => {
  await (await there.terms)?.[Symbol.asyncDispose]();
  there.terms = null;
  await assertNothingLeft(opened);
});
