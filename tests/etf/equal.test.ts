import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { equal } from "../../lib/etf/equal.ts";
import { float } from "../../lib/etf/float.ts";
import { ExternalFun, LocalTerm, NativeRecord } from "../../lib/etf/fun.ts";
import { Pid, Port, Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import { hash, termKey } from "../../lib/etf/term_key.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tuple } from "../../lib/etf/tuple.ts";

const n = atom("a@b");

/** Values of one row are one term, values of two rows are two. */
const rows: unknown[][] = [
  [1, 1n],
  [float(1)],
  [0, 0n],
  [float(0)],
  [-0, float(-0)],
  [1.5, float(1.5)],
  [2 ** 53, float(2 ** 53)],
  [2n ** 53n],
  [2n ** 70n, 2n ** 35n * 2n ** 35n],
  ["a", new Uint8Array([97]), Binary.from([97])],
  ["é", new TextEncoder().encode("é")],
  ["aé", new TextEncoder().encode("aé")],
  [new Uint8Array([200]), Binary.from([200])],
  [""],
  [new Bitstring(new Uint8Array([32]), 3)],
  [new Bitstring(new Uint8Array([32]), 4)],
  [atom("a")],
  [atom("true ")],
  [true],
  [false],
  [null],
  [atom("undefined")],
  [[]],
  [tuple()],
  [[1], [1n]],
  [tuple(1), tuple(1n)],
  [tuple(float(1))],
  [[97]],
  [[[1], 2], [[1n], 2]],
  [[1, [2]]],
  [new ImproperList([1], 2), new ImproperList([1n], 2)],
  [new ImproperList([1], 3)],
  [new ImproperList([1, 2], 3)],
  [new TermMap()],
  [new TermMap([[1, 2], [3, 4]]), new TermMap([[3, 4], [1, 2]]), new Map([[3n, 4], [1n, 2]])],
  [new TermMap([[1, 2], [3, 5]])],
  [new TermMap([["a", 1]]), new Map([["a", 1]])],
  [new TermMap([[atom("a"), 1]])],
  [
    new TermMap([[new TermMap([[1, 2]]), 1], [2, 3]]),
    new Map<unknown, unknown>([[2, 3], [new Map([[1, 2]]), 1]]),
  ],
  [new TermMap([[[1], 1]]), new Map([[[1], 1]])],
  [new TermMap([[tuple(1), 1]])],
  [new Pid(n, 1, 2, 3), new Pid(n, 1, 2, 3)],
  [new Pid(n, 1, 2, 4)],
  [new Pid(atom("b@b"), 1, 2, 3)],
  [new Port(n, 1, 2), new Port(n, 1, 2)],
  [new Port(n, 2n ** 60n, 2), new Port(n, 2n ** 60n, 2)],
  [new Ref(n, 1, [1, 2, 3]), new Ref(n, 1, [1, 2, 3])],
  [new Ref(n, 1, [1, 2])],
  [new ExternalFun(n, n, 1), new ExternalFun(n, n, 1)],
  [new ExternalFun(n, n, 2)],
  [new LocalTerm(new Uint8Array([121, 1])), new LocalTerm(new Uint8Array([121, 1]))],
  [new NativeRecord(n, n, 0, [[n, 1]]), new NativeRecord(n, n, 0, [[n, 1n]])],
  [new NativeRecord(n, n, 0, [[n, 2]])],
];

test("what is one term is equal, has one key and one hash", () => {
  for (const row of rows) {
    for (const a of row as never[]) {
      for (const b of row as never[]) {
        assert(equal(a, b), `${String(termKey(a))} ${String(termKey(b))}`);
        assertEquals(termKey(a), termKey(b));
        assertEquals(hash(a), hash(b));
        assert(equal([1, [a]], [1, [b]]));
      }
    }
  }
});

test("what are two terms differ, and have two keys", () => {
  for (const [i, row] of rows.entries()) {
    for (const [j, other] of rows.entries()) {
      if (i === j) continue;
      for (const a of row as never[]) {
        for (const b of other as never[]) {
          assert(!equal(a, b), `${i} ${j}`);
          assert(termKey(a) !== termKey(b), `${i} ${j}`);
          assert(!equal(tuple(a), tuple(b)));
        }
      }
    }
  }
});

test("hashes differ, nearly always", () => {
  assertEquals(
    new Set(Array.from({ length: 10_000 }, (_, i) => hash(tuple("key", i)))).size > 9_990,
    true,
  );
});

test("what is no term is equal to itself only, and has no key", () => {
  const object = {};
  assert(equal(object, object));
  assert(!equal({}, {}));
  assert(equal([undefined], [undefined]));
  assert(!equal(undefined, null));
  assertThrows(() => termKey({} as never), TypeError);
  assertThrows(() => hash([undefined] as never), TypeError);
});

test("the key of a text is the text, of an atom the atom", () => {
  assertEquals(termKey("hello"), "hello");
  assertEquals(termKey(Binary.from([104, 105]) as Binary), "hi");
  assertEquals(termKey(atom("hi")), atom("hi"));
  assertEquals(termKey(5n), 5);
});
