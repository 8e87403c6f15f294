import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Atom, atom } from "../../../lib/etf/atom.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { isTuple, tagged, tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, SchemaError, t } from "../../../mod.ts";
import { atomKeys, binaryOf, structOf } from "./_support.ts";

const Options = t.options({
  format: t.text.default("A4"),
  landscape: t.boolean.default(false),
  title: t.text.optional(),
});

test("options come as a keyword list, a map, a Map or a plain object", () => {
  const read = { format: "Letter", landscape: true };
  for (
    const value of [
      [tuple(atom("format"), binaryOf("Letter")), tuple(atom("landscape"), true)],
      [tuple(atom("format"), binaryOf("Letter")), atom("landscape")],
      atomKeys({ format: binaryOf("Letter"), landscape: true }),
      new TermMap([["format", binaryOf("Letter")], [binaryOf("landscape"), true]]),
      new Map<unknown, unknown>([[atom("format"), "Letter"], ["landscape", true]]),
      { format: "Letter", landscape: true, title: undefined },
      Object.assign(Object.create(null), { format: "Letter", landscape: true }),
    ]
  ) {
    assertEquals(Options.parse(value), read);
  }
});

test("options that are left out have their defaults, and optional ones are not there at all", () => {
  for (const value of [[], new TermMap(), new Map(), {}]) {
    const read = Options.parse(value);
    assertEquals(read, { format: "A4", landscape: false });
    assertStrictEquals(Object.hasOwn(read, "title"), false);
  }
});

test("of equal keys in a keyword list the first counts, also if it is nil", () => {
  const schema = t.options({ a: t.nilable(t.integer) });
  const list = (...values: (number | null)[]) => values.map((value) => tuple(atom("a"), value));
  assertEquals(schema.parse(list(1, 2)), { a: 1 });
  assertEquals(schema.parse(list(null, 2)), { a: null });
});

test("of an atom key and a binary key of one name the atom counts, if the other is not refused", () => {
  const both = new TermMap([["a", 1], [atom("a"), 2]]);
  assertEquals(t.options({ a: t.integer }, { unknown: "ignore" }).parse(both), { a: 2 });
  assertStrictEquals(t.options({ a: t.integer }).tryParse(both), noMatch);
});

test("an option that nobody knows is refused and named", () => {
  for (
    const value of [
      [tuple(atom("formt"), "A4")],
      [atom("formt")],
      atomKeys({ formt: "A4" }),
      new TermMap([[binaryOf("formt"), "A4"]]),
      { formt: "A4" },
    ]
  ) {
    const error = assertThrows(() => Options.parse(value), SchemaError);
    assertEquals(error.pathText, "formt");
    assertEquals(error.found, "an unknown field");
    assertEquals(error.expected, "one of format, landscape, title");
  }
});

test("a key that looks like data is not told", () => {
  const secret = new TermMap([["jane@example.com 1234", 1]]);
  const error = assertThrows(() => Options.parse(secret), SchemaError);
  assertEquals(error.path, []);
  assertEquals(error.message.includes("jane"), false);
});

test("what is no list of pairs is refused at its place", () => {
  const error = assertThrows(
    () => Options.parse([tuple(atom("format"), "A4"), tuple(1, 2)]),
    SchemaError,
  );
  assertEquals(error.path, [1]);
  assertThrows(() => Options.parse([[atom("format"), "A4"]]), SchemaError);
  assertThrows(() => Options.parse(tuple()), SchemaError, "a tuple of 0 elements");
});

test("options are written as a map with atom keys, without what is left out", () => {
  assertEquals(
    Options.toTerm({ format: "Letter" }),
    new Map([[atom("format"), "Letter"]]) as never,
  );
  assertEquals(Options.parse(Options.toTerm({ landscape: true })), {
    format: "A4",
    landscape: true,
  });
});

test("a keyword list is taken and written as such, in the order of the fields", () => {
  const schema = t.keyword({ a: t.float, b: t.text.optional() });
  assertEquals(schema.parse([tuple(atom("b"), binaryOf("x")), tuple(atom("a"), 1)]), {
    a: 1,
    b: "x",
  });
  const written = schema.toTerm({ b: "x", a: 1.5 }) as unknown[][];
  assertEquals(written.map((pair) => [...pair]), [[atom("a"), 1.5], [atom("b"), "x"]]);
  assertEquals(written.every(isTuple), true);
  assertStrictEquals(schema.tryParse(atomKeys({ a: 1 })), noMatch);
  assertStrictEquals(schema.tryParse([atom("a")]), noMatch);
  assertEquals(schema.expected, "[a: float, b?: text]");
});

test("an object is a map with atom keys; what it does not name is ignored or refused", () => {
  const map = atomKeys({ name: binaryOf("Zoë"), extra: 1 });
  assertEquals(t.object({ name: t.text }).parse(map), { name: "Zoë" });
  assertEquals(t.object({ name: t.text }).parse({ name: "Zoë", extra: 1 }), { name: "Zoë" });
  const strict = t.object({ name: t.text }, { unknown: "refuse" });
  assertEquals(assertThrows(() => strict.parse(map), SchemaError).path, ["extra"]);
  assertStrictEquals(t.object({ name: t.text }).tryParse(new TermMap([["name", "Zoë"]])), noMatch);
  assertEquals(
    t.object({ name: t.text, "an age": t.integer }).expected,
    '%{name: text, "an age": integer}',
  );
});

test("a struct has its name in front, and nil where an optional field has no value", () => {
  const User = t.struct("User", {
    name: t.text,
    nick: t.text.optional(),
    age: t.nilable(t.integer).default(7),
    rank: t.integer.default(1),
  });
  const read = User.parse(
    structOf("User", { name: binaryOf("Zoë"), nick: null, age: null, rank: null, __meta__: 1 }),
  );
  assertEquals(read, { name: "Zoë", age: null, rank: 1 } as never);
  assertEquals(
    User.toTerm({ name: "Zoë", age: 3 }),
    new Map<Atom, unknown>([
      [atom("__struct__"), atom("Elixir.User")],
      [atom("name"), "Zoë"],
      [atom("nick"), null],
      [atom("age"), 3],
      [atom("rank"), null],
    ]) as never,
  );
  assertEquals(
    User.parse(User.toTerm({ name: "Zoë" })),
    { name: "Zoë", age: null, rank: 1 } as never,
  );
  assertStrictEquals(User.tryParse(structOf("Account", { name: "Zoë" })), noMatch);
  assertStrictEquals(User.tryParse(atomKeys({ name: "Zoë" })), noMatch);
  assertEquals(t.struct("Elixir.User", { name: t.text }).expected, "%User{name: text}");
});

test("maps that were decoded as plain objects are taken as the maps they were", () => {
  const User = t.struct("User", { name: t.text, nick: t.text.optional() }, { unknown: "refuse" });
  const decoded = { __struct__: atom("Elixir.User"), name: binaryOf("Zoë"), nick: null };
  assertEquals(User.parse(decoded), { name: "Zoë" });
  assertStrictEquals(User.tryParse({ ...decoded, __struct__: atom("Elixir.Cat") }), noMatch);
  assertEquals(t.map(t.text, t.integer).parse({ a: 1 }), new Map([["a", 1]]));
  const plain = t.plain.parse({ ...decoded, list: [{ a: binaryOf("b") }] });
  assertEquals(plain, { name: "Zoë", nick: null, list: [{ a: "b" }] });
});

test("a strict struct does not count its own name as unknown", () => {
  const schema = t.struct("User", { name: t.text }, { unknown: "refuse" });
  assertEquals(schema.parse(structOf("User", { name: "Zoë" })), { name: "Zoë" });
  assertStrictEquals(schema.tryParse(structOf("User", { name: "Zoë", age: 1 })), noMatch);
});

test("an Erlang record is a tuple on the wire and a plain object here", () => {
  const User = t.record("user", { name: t.text, age: t.integer.optional(), score: t.float });
  assertEquals(User.parse(tagged("user", binaryOf("Zoë"), 3, 1)), {
    name: "Zoë",
    age: 3,
    score: 1,
  });
  assertEquals(User.parse(tagged("user", "Zoë", atom("undefined"), 1)), {
    name: "Zoë",
    score: 1,
  });
  assertEquals([...User.toTerm({ name: "Zoë", score: 1.5 }) as unknown[]], [
    atom("user"),
    "Zoë",
    atom("undefined"),
    1.5,
  ]);
  assertEquals(User.parse({ name: "Zoë", score: 1 }), { name: "Zoë", score: 1 });
  for (
    const value of [tagged("user", "Zoë"), tagged("person", "Zoë", 3, 1), [atom("user")], null]
  ) {
    assertStrictEquals(User.tryParse(value), noMatch);
  }
  assertEquals(
    assertThrows(() => User.parse(tagged("user", "Zoë", "x", 1)), SchemaError).path,
    [2],
  );
  assertEquals(User.expected, "{:user, name: text, age: integer, score: float}");
});

test("fields named true, false and nil are those values on the wire", () => {
  const schema = t.options({ true: t.integer, nil: t.integer.optional() });
  assertEquals(schema.parse(new TermMap([[true, 1], [null, 2]])), { true: 1, nil: 2 });
  assertEquals(schema.parse([tuple(null, 2), tuple(true, 1)]), { true: 1, nil: 2 });
  assertEquals(schema.toTerm({ true: 1 }), new Map([[true, 1]]) as never);
});

test("errors lead into fields by their names", () => {
  const schema = t.tuple(
    t.atom(),
    t.object({ user: t.object({ "first name": t.text, tags: t.list(t.atom()) }) }),
  );
  const at = (user: Record<string, unknown>) =>
    assertThrows(
      () => schema.parse(tuple(atom("x"), atomKeys({ user: atomKeys(user as never) }))),
      SchemaError,
    );
  assertEquals(at({ "first name": 1 }).pathText, '[1].user["first name"]');
  assertEquals(at({ "first name": "x", tags: [atom("a"), 2] }).pathText, "[1].user.tags[1]");
  assertEquals(
    at({}).message,
    'Cannot parse value at [1].user["first name"]: nothing came, text is needed',
  );
});
