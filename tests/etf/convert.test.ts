import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { atomMap, stringMap, withMaps } from "../../lib/etf/convert.ts";
import { decode } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { EncodeError } from "../../lib/etf/errors.ts";
import { format } from "../../lib/etf/format.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { isTuple, tagged, tuple } from "../../lib/etf/tuple.ts";

test("a plain object becomes a map, deep", () => {
  const user = {
    name: "Zoë",
    tags: ["a", { b: 1 }],
    address: { city: "Rome", at: tuple(1, { x: 2 }) },
  };
  assertEquals(
    format(atomMap(user), { style: "elixir" }),
    '%{name: "Zoë", tags: ["a", %{b: 1}], address: %{city: "Rome", at: {1, %{x: 2}}}}',
  );
  assertEquals(
    format(stringMap(user), { style: "elixir" }),
    '%{"name" => "Zoë", "tags" => ["a", %{"b" => 1}], "address" => %{"city" => "Rome", "at" => {1, %{"x" => 2}}}}',
  );
  assertEquals(
    format(decode(encode(atomMap(user))), { style: "elixir" }),
    format(atomMap(user), { style: "elixir" }),
  );
});

test("keys that are atoms of JavaScript's own", () => {
  assertEquals([...atomMap({ true: 1, nil: 2, a: 3 }).keys()], [true, null, atom("a")]);
  assertEquals([...stringMap({ true: 1 }).keys()], ["true"]);
});

test("terms inside stay what they are", () => {
  const inner = new TermMap([["x", 1]]);
  const map = atomMap({
    inner,
    at: tagged("ok", [1]),
    bytes: new Uint8Array([1]),
    nil: null,
    of: new Map([["k", 1]]),
  });
  assertEquals(map.field("inner"), inner);
  assert(isTuple(map.field("at")));
  assertInstanceOf(map.field("of"), Map);
  assertEquals(map.size, 5);
});

test("an object of no class is plain, one of a class is not", () => {
  assertEquals(
    stringMap(Object.assign(Object.create(null), { a: 1 }) as { a: number }).get("a"),
    1,
  );
  class User {
    name = "x";
  }
  assertThrows(() => stringMap(new User()), EncodeError, "...object");
  assertThrows(() => stringMap(new Date() as never), EncodeError, "Date");
  assertThrows(() => stringMap([1] as never), EncodeError);
});

test("an undefined field is an error that says where", () => {
  const error = assertThrows(() => atomMap({ a: [{ b: undefined as never }] }), EncodeError);
  assertEquals(error.path, ".a[0].b");
});

test("an object that holds itself is an error, a deep one is not", () => {
  const object: Record<string, never> = {};
  object.self = object as never;
  assertThrows(() => atomMap(object), EncodeError, "holds itself");
  let deep: Record<string, never> = {};
  for (let i = 0; i < 100_000; i++) deep = { k: deep as never };
  assertEquals(stringMap(deep).size, 1);
});

test("a field __proto__ is a field", () => {
  const map = stringMap(JSON.parse('{"__proto__": {"a": 1}}'));
  assertEquals([...map.keys()], ["__proto__"]);
});

test("the compiler refuses what the encoder would refuse", () => {
  interface User {
    name: string;
    nested: { at: number[] };
  }
  const user: User = { name: "x", nested: { at: [1] } };
  assertEquals(atomMap(user).size, 2);
  // @ts-expect-error a Date has no single form
  atomMap({ at: new Date() });
  // @ts-expect-error a function cannot be sent
  atomMap({ run: () => 1 });
  // @ts-expect-error a symbol is no term
  atomMap({ s: Symbol("x") });
  // @ts-expect-error undefined is no term
  assertThrows(() => atomMap({ u: undefined }), EncodeError);
});

test("plain objects anywhere in a value become maps; what is no container, or no term, stays", () => {
  const date = new Date(0);
  const value = [
    { a: 1 },
    tuple(1, { b: [{}] }),
    new TermMap([[1, { c: 2 } as never]]),
    new Map<unknown, unknown>([["k", { d: undefined }]]),
    date,
    undefined,
  ];
  const atoms = withMaps(value, "atoms") as unknown[];
  assertEquals(
    format(atoms.slice(0, 3) as never),
    "[#{a => 1},{1,#{b => [#{}]}},#{1 => #{c => 2}}]",
  );
  const map = atoms[3] as Map<unknown, TermMap>;
  assertEquals([...map.get("k")!.keys()], [atom("d")]);
  assertEquals(atoms.slice(4), [date, undefined]);
  assertEquals(
    format(withMaps({ a: { b: 1 } }, "binaries") as never),
    '#{<<"a">> => #{<<"b">> => 1}}',
  );
  for (const leaf of [1, "text", null, undefined, date, atom("a"), Symbol.iterator]) {
    assertEquals(withMaps(leaf, "atoms"), leaf);
  }
  const cyclic: unknown[] = [];
  cyclic.push({ cyclic });
  assertThrows(() => withMaps(cyclic, "atoms"), EncodeError, "the value holds itself");
});
