import { Atom, atom as toAtom } from "../atom.ts";
import { Binary, Bitstring } from "../binary.ts";
import { ExternalFun, Fun } from "../fun.ts";
import { Pid, Port, Ref } from "../identifiers.ts";
import type { Encodable, Term } from "../term.ts";
import { TermMap } from "../term_map.ts";
import { type AnyTuple, isTuple } from "../tuple.ts";
import {
  atomText,
  BigintShape,
  BytesShape,
  EnumShape,
  IntegerShape,
  LiteralTextShape,
  NumberShape,
  OneOfShape,
  TestShape,
  TextShape,
} from "./_leaves.ts";
import { Schema } from "./schema.ts";

/** Any term, as it is; it is not looked into. A function, a symbol and a `Date` are no terms. */
export const term: Schema<Term, Encodable, false> = test("term", isTerm);

/** A binary that is valid UTF-8, as a string. */
export const text: Schema<string, string, true> = new Schema(new TextShape());

/** A binary, as bytes. With `binaries: "text"` valid UTF-8 arrives as a string, which becomes its bytes again. */
export const bytes: Schema<Uint8Array, Uint8Array | string, true> = new Schema(new BytesShape());

/** A binary as it was decoded. */
export const binary: Schema<Binary, Binary, false> = instanceOf("binary", Binary);

/** A bitstring that is no binary. */
export const bitstring: Schema<Bitstring, Bitstring, false> = instanceOf("bitstring", Bitstring);

/** An integer from -(2^53-1) to 2^53-1. */
export const integer: Schema<number, number, false> = new Schema(new IntegerShape());

/** An integer of any size, as a bigint. */
export const bigint: Schema<bigint, bigint | number, true> = new Schema(new BigintShape());

/** A float, as a number; written as a float whatever its value is. Integers are taken too: 1.0 decodes to 1 unless `floats: "wrap"` is asked for. */
export const float: Schema<number, number, true> = new Schema(new NumberShape("float", true));

/** An integer or a float, as a number; written as an integer where it is integral and safe. */
export const number: Schema<number, number, true> = new Schema(new NumberShape("number", false));

/** `true` or `false`. */
export const boolean: Schema<boolean, boolean, false> = test(
  "boolean",
  (value) => typeof value === "boolean",
);

/** The atom `nil`, which is JavaScript's `null`. */
export const nil: Schema<null, null, false> = test("nil", (value) => value === null);

/** A pid. */
export const pid: Schema<Pid, Pid, false> = instanceOf("pid", Pid);

/** A port. */
export const port: Schema<Port, Port, false> = instanceOf("port", Port);

/** A reference. */
export const ref: Schema<Ref, Ref, false> = instanceOf("reference", Ref);

/** A fun: a closure or a function by its name. */
export const fun: Schema<Fun | ExternalFun, Fun | ExternalFun, false> = test(
  "fun",
  (value) => value instanceof Fun || value instanceof ExternalFun,
);

/** A tuple of any elements. */
export const anyTuple: Schema<AnyTuple, AnyTuple, false> = test("tuple", isTuple);

/** A map of any keys and values, as it was decoded. */
export const termMap: Schema<TermMap, TermMap, false> = instanceOf("map", TermMap);

/** An atom for each of the names, as a union: comparing `.name` narrows it. */
export type AtomOf<Name extends string> = Name extends string ? Atom<Name> : never;

/** Any atom. `true`, `false` and `nil` are none here: see {@linkcode boolean} and {@linkcode nil}. */
export function atom(): Schema<Atom, Atom, false>;
/** One of the atoms of these names. */
export function atom<const Names extends readonly [string, ...string[]]>(
  ...names: Names
): Schema<AtomOf<Names[number]>, AtomOf<Names[number]>, false>;
export function atom(...names: string[]): Schema<Atom, Atom, false> {
  if (names.length === 0) return instanceOf("atom", Atom);
  return new Schema(
    new OneOfShape(names.map(atomText).join(" | "), names.map((name) => toAtom(name))),
  );
}

/** One of the atoms of these names, in TypeScript as the name itself. */
function enumOf<const Names extends readonly [string, ...string[]]>(
  ...names: Names
): Schema<Names[number], Names[number], true> {
  return new Schema(new EnumShape(names));
}
export { enumOf as enum };

/** One very value. A text is taken as a binary of that text too, and therefore converts. */
export function literal<const Value extends string | number | bigint | boolean | null>(
  value: Value,
): Schema<Value, Value, Value extends string ? true : false> {
  if (typeof value === "string") return new Schema(new LiteralTextShape(value));
  return new Schema(new OneOfShape(value === null ? "nil" : `${value}`, [value]));
}

function test<Out, In = Out>(
  expected: string,
  passes: (value: unknown) => boolean,
): Schema<Out, In, false> {
  return new Schema(new TestShape(expected, passes));
}

function instanceOf<Value>(
  expected: string,
  of: abstract new (...args: never[]) => Value,
): Schema<Value, Value, false> {
  return test(expected, (value) => value instanceof of);
}

function isTerm(value: unknown): boolean {
  switch (typeof value) {
    case "object":
      return !(value instanceof Date);
    case "undefined":
    case "function":
    case "symbol":
      return false;
    default:
      return true;
  }
}
