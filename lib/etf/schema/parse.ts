import { shapeOf } from "./_shape.ts";
import { noMatch } from "./no_match.ts";
import type { AnySchema, Output, Schema } from "./schema.ts";

/**
 * The value in the form that the schema gives it.
 *
 * @throws {SchemaError} if it does not match.
 */
export function parse<S extends AnySchema>(schema: S, value: unknown): Output<S> {
  shapeOf(schema);
  return schema.parse(value) as Output<S>;
}

/**
 * Whether the value matches; narrows its type.
 *
 * Only for schemas that convert nothing: of a binary `is(t.text, value)` would claim that it is a string. Others are for {@linkcode parse} and {@linkcode match}.
 *
 * @throws {TypeError} if the schema converts; the compiler says so first.
 */
export function is<Out, In>(schema: Schema<Out, In, false>, value: unknown): value is Out {
  shapeOf(schema);
  if (schema.converts) {
    throw new TypeError(
      `Cannot tell whether a value is ${schema.expected}: the schema converts, use parse or match`,
    );
  }
  return schema.tryParse(value) !== noMatch;
}
