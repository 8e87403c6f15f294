import { checkFields } from "../../_util/fields.ts";
import { type Atom, atom as toAtom } from "../atom.ts";
import { type FieldsForm, FieldsShape } from "./_fields.ts";
import { RecordShape } from "./_record.ts";
import { type Shape, shapeOf } from "./_shape.ts";
import { type AnySchema, type Input, type Output, Schema } from "./schema.ts";

/** Schemas by the name of the field. */
export type Fields = { readonly [name: string]: AnySchema };

/** The plain object that parsing fields gives: what is `.optional()` may be missing. */
export type FieldsOutput<F extends Fields> =
  & {
    -readonly [Name in keyof F as F[Name]["presence"] extends "optional" ? never : Name]: Output<
      F[Name]
    >;
  }
  & {
    -readonly [Name in keyof F as F[Name]["presence"] extends "optional" ? Name : never]?: Output<
      F[Name]
    >;
  } extends infer Both ? { [Name in keyof Both]: Both[Name] } : never;

/** The plain object that a caller writes for fields: what is `.optional()` or has a `.default()` may be missing. */
export type FieldsInput<F extends Fields> =
  & {
    readonly [
      Name in keyof F as F[Name]["presence"] extends "optional" | "default" ? never : Name
    ]: Input<F[Name]>;
  }
  & {
    readonly [
      Name in keyof F as F[Name]["presence"] extends "optional" | "default" ? Name : never
    ]?: Input<F[Name]>;
  } extends infer Both ? { [Name in keyof Both]: Both[Name] } : never;

/** A schema of named fields. */
export type FieldsSchema<F extends Fields> = Schema<FieldsOutput<F>, FieldsInput<F>, true>;

/** What is done with fields that a schema does not name. */
export interface FieldsOptions {
  /**
   * `"ignore"` leaves them out, as a pattern in Elixir does; `"refuse"` does not match. `object` and `struct` ignore them, `options` and
   * `keyword` refuse them, for there they are most often a misspelling.
   */
  unknown?: "ignore" | "refuse";
}

/** A map with atom keys, as a plain object. Optional fields are left out of the map. */
export function object<const F extends Fields>(
  fields: F,
  options: FieldsOptions = {},
): FieldsSchema<F> {
  return make(fields, options, "ignore", { maps: true });
}

/**
 * Options as Erlang and Elixir take them, as a plain object; written as a map with atom keys.
 *
 * Taken are keyword lists (the first of equal keys counts, a bare atom is `true`), maps whose keys are atoms or binaries, and plain objects.
 */
export function options<const F extends Fields>(
  fields: F,
  options: FieldsOptions = {},
): FieldsSchema<F> {
  return make(fields, options, "refuse", { lists: true, maps: true, lenient: true });
}

/** A keyword list, as a plain object; written in the order of the fields. The first of equal keys counts. */
export function keyword<const F extends Fields>(
  fields: F,
  options: FieldsOptions = {},
): FieldsSchema<F> {
  return make(fields, options, "refuse", { lists: true });
}

/**
 * An Elixir struct, as a plain object without `__struct__`. `Elixir.` is put before the name.
 *
 * A struct has every key, so optional fields are written as `nil`, and read so.
 */
export function struct<const F extends Fields>(
  name: string,
  fields: F,
  options: FieldsOptions = {},
): FieldsSchema<F> {
  if (typeof name !== "string") {
    throw new TypeError("Cannot make a schema: the struct's name must be a string");
  }
  const struct = toAtom(name.startsWith("Elixir.") ? name : `Elixir.${name}`);
  return make(fields, options, "ignore", { maps: true, struct });
}

/** An Erlang record, `{name, Field1, Field2}` on the wire in the order of the fields, a plain object here. */
export function record<const F extends Fields>(name: string, fields: F): FieldsSchema<F> {
  return new Schema(new RecordShape(name, shapesOf(fields)));
}

function make<F extends Fields>(
  fields: F,
  options: FieldsOptions,
  usually: "ignore" | "refuse",
  form: { lists?: true; maps?: true; lenient?: true; struct?: Atom },
): FieldsSchema<F> {
  checkFields("make a schema", options, { unknown: true });
  const { unknown } = options;
  const complete: FieldsForm = {
    lists: form.lists ?? false,
    maps: form.maps ?? false,
    lenient: form.lenient ?? false,
    struct: form.struct,
    strict: (unknown ?? usually) === "refuse",
  };
  return new Schema(new FieldsShape(shapesOf(fields), complete));
}

function shapesOf(fields: Fields): [string, Shape][] {
  if (typeof fields !== "object" || fields === null) {
    throw new TypeError("Cannot make a schema: its fields must be an object, as { id: t.integer }");
  }
  return Object.keys(fields).map((name) => [name, shapeOf(fields[name], name)]);
}
