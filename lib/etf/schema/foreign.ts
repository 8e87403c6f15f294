import { checkFields } from "../../_util/fields.ts";
import { shapeOf } from "./_shape.ts";
import { FromShape } from "./_from.ts";
import { PlainShape } from "./_plain.ts";
import { type AnySchema, type Conversion, Schema } from "./schema.ts";
import type { StandardInput, StandardOutput, StandardSchema } from "./standard.ts";

/**
 * Any term as the JavaScript that a program without Erlang would use; what {@linkcode from} gives to other libraries.
 *
 * | term | becomes |
 * | --- | --- |
 * | binary | a string if it is valid UTF-8, else bytes; where that matters, name the schema instead |
 * | atom | its name; `true`, `false` and `nil` are `true`, `false` and `null` as everywhere |
 * | integer, float | number, or bigint beyond 2^53-1 |
 * | tuple, list | array |
 * | map | plain object; its keys must be atoms or text, and different as text; the `__struct__` of a struct is left out |
 * | pid, port, reference, fun, bitstring | itself |
 * | improper list | does not match |
 *
 * What is no term, as a `Date` that a local caller wrote, is left as it is; plain objects and arrays are looked into. Written are plain objects, as maps whose keys are binaries; fields that are `undefined` are left out.
 */
export const plain: Schema<unknown, unknown, true> = new Schema(new PlainShape());

/** How {@linkcode from} makes a term into what the other library takes, and back. */
export interface FromOptions {
  /** Reads the term before the library sees it, and writes what a caller gives. Default: {@linkcode plain}. */
  term?: AnySchema;
}

/**
 * A schema of any library that follows Standard Schema version 1 (zod, valibot, arktype and more).
 *
 * The term is first made {@linkcode plain}, or read by the schema under `term`; what comes of it is given to the library. A caller writes what the library takes.
 *
 * Asynchronous schemas are refused when they are used: parsing is synchronous.
 *
 * @example
 * ```ts
 * import { t } from "@ergo-ts/ergo";
 * import { z } from "zod";
 *
 * const Order = t.from(z.object({ sku: z.string(), count: z.int().positive() }));
 * ```
 */
export function from<S extends StandardSchema>(
  schema: S,
  options: FromOptions = {},
): Schema<StandardOutput<S>, StandardInput<S>, true> {
  checkFields("make a schema", options, { term: true });
  return new Schema(new FromShape(schema, shapeOf(options.term ?? plain)));
}

/**
 * Instances of a class, which a schema carries over the wire. A caller writes instances, parsing gives instances.
 *
 * @example
 * ```ts
 * import { t } from "@ergo-ts/ergo";
 *
 * class User {
 *   readonly name: string;
 *   constructor(name: string) {
 *     this.name = name;
 *   }
 * }
 *
 * const Users = t.instance(User, t.struct("User", { name: t.text }), {
 *   from: ({ name }) => new User(name),
 *   to: (user) => ({ name: user.name }),
 * });
 * ```
 */
export function instance<Value extends object, Out, In>(
  of: abstract new (...args: never[]) => Value,
  carrier: Schema<Out, In>,
  conversion: Pick<Conversion<Value, Out, In>, "from" | "to">,
): Schema<Value, Value, true> {
  if (typeof of !== "function") {
    throw new TypeError("Cannot make a schema: a class is needed first");
  }
  shapeOf(carrier);
  const is = (value: unknown): value is Value => value instanceof of;
  return carrier.convert<Value>({ ...conversion, is });
}
