// Here the compiler is the test: `deno check` fails where a type is not exactly what is said.
import { test } from "node:test";
import { assertStrictEquals } from "@std/assert";
import { type Atom, atom } from "../../../lib/etf/atom.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { type Tagged, tagged, type Tuple, tuple } from "../../../lib/etf/tuple.ts";
import {
  type AnySchema,
  type Input,
  is,
  match,
  type NoMatch,
  type Output,
  type Schema,
  type StandardInput,
  type StandardOutput,
  t,
} from "../../../mod.ts";
import { sameType } from "./_support.ts";

const User = t.struct("User", {
  name: t.text,
  age: t.nilable(t.integer),
  nick: t.text.optional(),
  rank: t.integer.default(1),
});
interface User {
  name: string;
  age: number | null;
  rank: number;
  nick?: string | undefined;
}

test("a result is a union that its tag tells apart", () => {
  const schema = t.result(User, t.atom("not_found"));
  type Result = Tagged<"ok", [Output<typeof User>]> | Tagged<"error", [Atom<"not_found">]>;
  sameType<Output<typeof schema>, Result>(true);
  const result = schema.parse(tagged("ok", { name: "Zoë", age: null }));
  if (result.tag === "ok") {
    sameType<typeof result[1], Output<typeof User>>(true);
    assertStrictEquals(result[1].rank, 1);
  } else {
    sameType<typeof result[1], Atom<"not_found">>(true);
  }
});

test("fields may be optional or have a default", () => {
  sameType<Output<typeof User>, { [Key in keyof User]: User[Key] }>(true);
  sameType<
    Input<typeof User>,
    {
      readonly name: string;
      readonly age: number | null;
      readonly nick?: string | undefined;
      readonly rank?: number | undefined;
    }
  >(true);
  // @ts-expect-error: the name is needed
  User.toTerm({ age: 1 });
  // @ts-expect-error: there is no such field
  User.toTerm({ name: "a", age: 1, agee: 1 });
});

test("atoms are unions that their names tell apart", () => {
  const schema = t.atom("png", "pdf");
  sameType<Output<typeof schema>, Atom<"png"> | Atom<"pdf">>(true);
  sameType<Output<ReturnType<typeof t.atom>>, Atom>(true);
  const anyAtom = t.atom();
  sameType<Output<typeof anyAtom>, Atom>(true);
  const names = t.enum("png", "pdf");
  sameType<Output<typeof names>, "png" | "pdf">(true);
  const value: unknown = atom("png");
  if (is(schema, value) && value.name === "png") sameType<typeof value, Atom<"png">>(true);
});

test("tuples, lists, maps and unions follow from their parts", () => {
  const schema = t.tuple(t.atom("a"), t.list(t.text), t.map(t.text, t.float));
  sameType<Output<typeof schema>, Tuple<[Atom<"a">, string[], Map<string, number>]>>(true);
  sameType<
    Input<typeof schema>,
    Tuple<[Atom<"a">, readonly string[], ReadonlyMap<string, number>]>
  >(true);
  sameType<Output<typeof schema>["tag"], "a">(true);
  const union = t.union(t.text, t.nil, t.tagged("x", t.pid));
  sameType<StandardOutput<typeof union>, Output<typeof union>>(true);
  const either = t.union(t.integer, t.bytes);
  sameType<Output<typeof either>, number | Uint8Array>(true);
  sameType<Input<typeof either>, number | Uint8Array | string>(true);
  const texts = t.textMap(t.integer);
  sameType<Output<typeof texts>, Record<string, number>>(true);
  const any = t.list();
  sameType<Output<typeof any>, Term[]>(true);
  sameType<Input<typeof t.term>, Encodable>(true);
  sameType<Output<typeof t.binary>, Binary>(true);
});

test("whether a schema converts is in its type", () => {
  const same = t.tuple(t.atom("a"), t.nilable(t.list(t.union(t.integer, t.pid))));
  sameType<typeof same.converts, false>(true);
  const other = t.tuple(t.atom("a"), t.nilable(t.list(t.union(t.integer, t.text))));
  sameType<typeof other.converts, true>(true);
  sameType<typeof User.converts, true>(true);
  const guarded = t.integer.where((value) => value > 0, "a positive integer");
  sameType<typeof guarded.converts, false>(true);
  const optional = t.integer.optional();
  sameType<typeof optional.converts, false>(true);
  const filled = t.integer.default(1);
  sameType<typeof filled.converts, true>(true);
  const number = t.literal(1);
  sameType<typeof number, Schema<1, 1, false>>(true);
  const text = t.literal("a");
  sameType<typeof text, Schema<"a", "a", true>>(true);
  assertStrictEquals(other.converts, true);
});

test("is narrows, and takes no schema that converts", () => {
  const value = tuple(atom("a"), 1) as unknown;
  const schema = t.tuple(t.atom("a"), t.integer);
  if (is(schema, value)) sameType<typeof value, Tuple<[Atom<"a">, number]>>(true);
  const refused = () => {
    // @ts-expect-error: a text converts
    is(t.text, value);
    // @ts-expect-error: so does what holds one
    is(t.tuple(t.text), value);
    // @ts-expect-error: and what may
    is(t.integer as AnySchema, value);
  };
  assertStrictEquals(typeof refused, "function");
});

test("where narrows by a type guard", () => {
  const schema = t.text.where(
    (value): value is "a" | "b" => value === "a" || value === "b",
    "a or b",
  );
  sameType<Output<typeof schema>, "a" | "b">(true);
});

test("convert and transform have the types of their functions", () => {
  const length = t.text.transform((text) => text.length);
  sameType<typeof length, Schema<number, string, true>>(true);
  const url = t.text.convert({
    is: (value): value is URL => value instanceof URL,
    from: (text) => new URL(text),
    to: (value) => value.href,
  });
  sameType<typeof url, Schema<URL, URL, true>>(true);
});

test("tryParse says that it may give nothing", () => {
  const read = t.text.tryParse("a");
  sameType<typeof read, string | NoMatch>(true);
});

test("a match has the type of its answers", () => {
  const answer = match(1 as unknown)
    .with(t.integer, (value) => value)
    .with(t.text, (value) => value.length > 1)
    .end();
  sameType<typeof answer, number | boolean>(true);
  const other = match(1 as unknown).with(t.integer, () => "a" as const).otherwise(() => null);
  sameType<typeof other, "a" | null>(true);
  sameType<StandardInput<typeof t.bytes>, Uint8Array | string>(true);
});

test("every schema is an AnySchema", () => {
  const all: AnySchema[] = [t.text, User, t.tuple(t.text), t.text.optional(), t.lazy(() => t.text)];
  assertStrictEquals(all.length, 5);
});
