export { NoMatchError, SchemaError } from "./errors.ts";
export type { Fields, FieldsInput, FieldsOptions, FieldsOutput, FieldsSchema } from "./fields.ts";
export type { FromOptions } from "./foreign.ts";
export type { AtomOf } from "./leaves.ts";
export { type Match, match } from "./match.ts";
export { is, parse } from "./parse.ts";
export { type NoMatch, noMatch } from "./no_match.ts";
export {
  type AnyConverts,
  type AnySchema,
  type Conversion,
  DefaultSchema,
  type Input,
  type Inputs,
  OptionalSchema,
  type Output,
  type Outputs,
  Schema,
} from "./schema.ts";
export type {
  StandardInput,
  StandardIssue,
  StandardOutput,
  StandardProps,
  StandardResult,
  StandardSchema,
} from "./standard.ts";
/** Makes schemas: `t.text`, `t.tuple(t.atom("ok"), t.integer)` and so on. */
export * as t from "./t.ts";
