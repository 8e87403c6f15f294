import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { Binary } from "../../lib/etf/binary.ts";
import { float } from "../../lib/etf/float.ts";
import { Pid } from "../../lib/etf/identifiers.ts";
import type { Term } from "../../lib/etf/term.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tuple } from "../../lib/etf/tuple.ts";

const a = atom("a");

/** The same entries, in a map that is scanned and in one that has an index. */
function bothSizes(entries: [Term, Term][]): TermMap[] {
  const filler = Array.from({ length: 40 }, (_, i) => [tuple("filler", i), i] as [Term, Term]);
  return [new TermMap(entries), new TermMap([...entries, ...filler])];
}

test("keys are compared as Erlang compares them", () => {
  const pid = () => new Pid(atom("a@b"), 1, 2, 3);
  for (
    const map of bothSizes([
      [1, "integer"],
      [float(1), "float"],
      ["1", "text"],
      [a, "atom"],
      [[1], "list"],
      [tuple(1), "tuple"],
      [tuple(float(1)), "float in a tuple"],
      [true, "true"],
      [null, "nil"],
      [pid(), "pid"],
      [2n ** 64n, "bignum"],
      [new TermMap([[a, 1]]), "map"],
      [float(0.5), "half"],
      [float(0), "zero"],
      [float(-0), "minus zero"],
      [0, "integer zero"],
      [Binary.from([255]) as Binary, "bytes"],
      [[], "nil list"],
      [tuple(), "empty"],
    ])
  ) {
    const get = (key: unknown) => map.get(key as Term);
    assertEquals(get(1), "integer");
    assertEquals(get(1n), "integer");
    assertEquals(get(float(1)), "float");
    assertEquals(get("1"), "text");
    assertEquals(get(Binary.from([49])), "text");
    assertEquals(get(new Uint8Array([49])), "text");
    assertEquals(get(a), "atom");
    assertEquals(get("a"), undefined);
    assertEquals(get([1]), "list");
    assertEquals(get(tuple(1)), "tuple");
    assertEquals(get(tuple(float(1))), "float in a tuple");
    assertEquals(get(true), "true");
    assertEquals(get(null), "nil");
    assertEquals(get(pid()), "pid");
    assertEquals(get(2n ** 64n), "bignum");
    assertEquals(get(2 ** 64), undefined);
    assertEquals(get(new TermMap([[a, 1]])), "map");
    assertEquals(get(new Map([[a, 1]])), "map");
    assertEquals(get(0.5), "half");
    assertEquals(get(float(0)), "zero");
    assertEquals(get(-0), "minus zero");
    assertEquals(get(0), "integer zero");
    assertEquals(get(new Uint8Array([255])), "bytes");
    assertEquals(get([]), "nil list");
    assertEquals(get(tuple()), "empty");
    assertEquals(get(false), undefined);
    assertEquals(get(atom("b")), undefined);
  }
});

test("of several entries with one key the last value counts, at the first one's place", () => {
  const map = new TermMap([[1, "a"], [2, "b"], [1n, "c"]]);
  assertEquals([...map], [[1, "c"], [2, "b"]]);
});

test("a field is found by the name of its atom, without making one", () => {
  const map = new TermMap([[a, 1], [true, 2], [false, 3], [null, 4], ["a", 5]]);
  assertEquals(
    ["a", "true", "false", "nil", "no such atom at all"].map((name) => map.field(name)),
    [
      1,
      2,
      3,
      4,
      undefined,
    ],
  );
});

test("an Elixir struct tells its name", () => {
  const of = (name: Term) => new TermMap([[atom("__struct__"), name]]).struct;
  assertEquals(of(atom("Elixir.App.User")), "App.User");
  assertEquals(of(atom("plain")), "plain");
  assertEquals(of("text"), undefined);
  assertEquals(new TermMap([[a, 1]]).struct, undefined);
});

test("entries keep their order, and can be gone through again and again", () => {
  const map = new TermMap([["z", 1], ["a", 2]]);
  assertEquals(map.size, 2);
  for (let i = 0; i < 2; i++) {
    assertEquals([...map.keys()], ["z", "a"]);
    assertEquals([...map.values()], [1, 2]);
    assertEquals([...map.entries()], [...map]);
  }
});

test("with and without make another map, for small and large ones", () => {
  for (const map of bothSizes([["a", 1], ["b", 2]])) {
    const changed = map.with("a", 9).with("c", 3).without("b");
    assertEquals([changed.get("a"), changed.get("b"), changed.get("c")], [9, undefined, 3]);
    assertEquals([map.get("a"), map.get("b"), map.get("c")], [1, 2, undefined]);
    assertEquals(changed.size, map.size);
    assertStrictEquals(map.without("no such key"), map);
    assertEquals([...changed][0], ["a", 9]);
  }
});

test("an empty map", () => {
  assertEquals(new TermMap().size, 0);
  assertEquals([...new TermMap([])], []);
  assert(!new TermMap().has(0));
});
