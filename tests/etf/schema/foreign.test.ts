import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { atom } from "../../../lib/etf/atom.ts";
import { float } from "../../../lib/etf/float.ts";
import { Pid } from "../../../lib/etf/identifiers.ts";
import { ImproperList } from "../../../lib/etf/list.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { tagged, tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, SchemaError, type StandardSchema, t } from "../../../mod.ts";
import { atomKeys, binaryOf, sameType, structOf } from "./_support.ts";

const pid = new Pid(atom("a@b"), 1, 2, 3);

test("plain data is what a program without Erlang would use", () => {
  const term = structOf("Order", {
    name: binaryOf("Zoë"),
    raw: binaryOf([0xff]),
    state: atom("open"),
    none: null,
    sure: true,
    price: float(2),
    huge: 2n ** 64n,
    pair: tuple(1, binaryOf("x")),
    lines: [atomKeys({ count: 1 }), new TermMap([[binaryOf("count"), 2]])],
    pid,
  });
  const plain = t.plain.parse(term) as Record<string, unknown>;
  assertEquals(plain, {
    name: "Zoë",
    raw: binaryOf([0xff]),
    state: "open",
    none: null,
    sure: true,
    price: 2,
    huge: 2n ** 64n,
    pair: [1, "x"],
    lines: [{ count: 1 }, { count: 2 }],
    pid,
  });
  assertStrictEquals(Object.getPrototypeOf(plain.pair), Array.prototype);
});

test("maps whose keys are no names, or the same name twice, are not plain data", () => {
  for (
    const term of [
      new TermMap([[1, 2]]),
      new TermMap([[tuple(), 2]]),
      new TermMap([[binaryOf([0xff]), 2]]),
      new TermMap([["a", 1], [atom("a"), 2]]),
      new ImproperList([1], 2),
      [new TermMap([[1, 2]])],
    ]
  ) {
    assertStrictEquals(t.plain.tryParse(term), noMatch);
  }
});

test("plain objects are written as maps with text keys, without what is undefined", () => {
  const written = t.plain.toTerm({ a: 1, b: undefined, c: [{ d: null }] });
  assertEquals(
    written,
    new Map<string, unknown>([["a", 1], ["c", [new Map([["d", null]])]]]) as never,
  );
});

const Order = z.object({
  sku: z.string(),
  count: z.number().int().positive().default(1),
  state: z.enum(["open", "closed"]),
  due: z.string().transform((text) => new Date(text)).optional(),
});

test("a schema of zod takes terms", () => {
  const schema = t.from(Order);
  const read = schema.parse(atomKeys({
    sku: binaryOf("A-1"),
    state: atom("open"),
    due: binaryOf("2024-02-29T00:00:00Z"),
  }));
  assertEquals(read, {
    sku: "A-1",
    count: 1,
    state: "open",
    due: new Date("2024-02-29T00:00:00Z"),
  });
  assertEquals(schema.parse({ sku: "A-1", state: "open" }), {
    sku: "A-1",
    count: 1,
    state: "open",
  });
  sameType<ReturnType<typeof schema.parse>, z.output<typeof Order>>(true);
  sameType<Parameters<typeof schema.toTerm>[0], z.input<typeof Order>>(true);
});

test("what zod has against a term is told with its path", () => {
  const schema = t.tagged("order", t.from(Order));
  const error = assertThrows(
    () =>
      schema.parse(
        tagged("order", atomKeys({ sku: binaryOf("A-1"), count: -1, state: atom("open") })),
      ),
    SchemaError,
  );
  assertEquals(error.pathText, "[1].count");
  assert(error.expected.startsWith("what a schema of zod takes ("));
  assertStrictEquals(schema.tryParse(tagged("order", 1)), noMatch);
});

test("a caller writes what zod takes, and it crosses the wire as a map of text", () => {
  const schema = t.from(Order);
  const term = schema.toTerm({ sku: "A-1", state: "open" });
  assertEquals(term, new Map([["sku", "A-1"], ["state", "open"]]));
  assertEquals(t.from(z.array(z.string())).parse([binaryOf("a")]), ["a"]);
});

test("the term may be read by a schema of ours before the other library sees it", () => {
  const bytes = t.from(z.instanceof(Uint8Array), { term: t.bytes });
  assertEquals([...bytes.parse(binaryOf("text"))], [...binaryOf("text")]);
  const options = t.from(z.object({ a: z.number().max(3) }), { term: t.options({ a: t.integer }) });
  assertEquals(options.parse([tuple(atom("a"), 1)]), { a: 1 });
  assertEquals(options.toTerm({ a: 1 }), new Map([[atom("a"), 1]]) as never);
  assertStrictEquals(options.tryParse([tuple(atom("a"), 4)]), noMatch);
});

test("an asynchronous schema is refused by name, and its failure ends nothing", async () => {
  assertThrows(
    () => t.from(z.string().refine(() => Promise.resolve(true))).parse("a"),
    TypeError,
    "Cannot parse with this schema of zod: it is asynchronous, a synchronous one is needed",
  );
  const failing: StandardSchema = {
    "~standard": {
      version: 1,
      vendor: "hand",
      validate: () => Promise.reject(new Error("late")),
    },
  };
  assertThrows(() => t.from(failing).tryParse("a"), TypeError, "schema of hand");
  await new Promise((resolve) => setTimeout(resolve, 10));
});

test("any object of the Standard Schema's form will do", () => {
  const even: StandardSchema<number, string> = {
    "~standard": {
      version: 1,
      vendor: "hand",
      validate: (value) =>
        typeof value === "number" && value % 2 === 0
          ? { value: `${value}` }
          : { issues: [{ message: "not even", path: [{ key: "a" }, 0] }] },
    },
  };
  assertStrictEquals(t.from(even).parse(2), "2");
  const error = assertThrows(() => t.from(even).parse(3), SchemaError);
  assertEquals(error.path, ["a", 0]);
  assertEquals(error.expected, "what a schema of hand takes (not even)");
});

test("ours are Standard Schemas", () => {
  const schema: StandardSchema = t.tuple(t.text, t.list(t.integer));
  const standard = schema["~standard"];
  assertStrictEquals(standard.version, 1);
  assertStrictEquals(standard.vendor, "ergo-ts");
  assertStrictEquals(schema["~standard"], standard);
  assertEquals(standard.validate(tuple(binaryOf("a"), [1])), {
    value: tuple("a", [1]),
  } as never);
  assertEquals(standard.validate(tuple("a", [1, "x"])), {
    issues: [{ message: "a string of 1 character came, integer is needed", path: [1, 1] }],
  } as never);
});

test("ours may stand within ours as a Standard Schema", () => {
  assertEquals(t.from(t.text).parse(binaryOf("a")), "a");
});

class User {
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  get name(): string {
    return this.#name;
  }
}

test("instances of a class are carried by a struct, a record or whatever else", () => {
  for (const carrier of [t.struct("User", { name: t.text }), t.record("user", { name: t.text })]) {
    const Users = t.instance(User, carrier, {
      from: ({ name }) => new User(name),
      to: ({ name }) => ({ name }),
    });
    const zoe = new User("Zoë");
    assertStrictEquals(Users.parse(zoe), zoe);
    const read = Users.parse(Users.toTerm(zoe));
    assert(read instanceof User);
    assertStrictEquals(read.name, "Zoë");
    assertEquals(t.list(Users).parse(t.list(Users).toTerm([zoe])).length, 1);
    assertStrictEquals(Users.tryParse(atom("x")), noMatch);
  }
});
