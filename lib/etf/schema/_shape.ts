import { type NoMatch, noMatch } from "./no_match.ts";
import type { Trace } from "./_trace.ts";

export { type NoMatch, noMatch };

/**
 * The untyped inside of a schema: reads values, writes inputs, says what it expects.
 *
 * Apart from `Schema`, so that shapes hold shapes and `Schema` may make them all without a circle of imports.
 */
export abstract class Shape {
  /** What it takes, in words or as Elixir would print it. */
  abstract get expected(): string;

  /** The parsed value, or `noMatch`; why is told to the trace, if there is one. Allocates only what it converts. */
  abstract read(value: unknown, trace: Trace | null, depth: number): unknown;

  /** The term for what a TypeScript caller wrote; the same value where nothing is to be done. */
  write(input: unknown): unknown {
    return input;
  }

  /** The shapes that this one is made of. */
  get parts(): readonly Shape[] {
    return [];
  }

  /** Whether this shape itself, its parts apart, may give another value than came. */
  get converts(): boolean {
    return false;
  }

  /** Whether this shape itself, its parts apart, may write another value than it was given. */
  get writes(): boolean {
    return false;
  }

  /** Whether a missing value (`undefined`) is taken. */
  get omittable(): boolean {
    return false;
  }

  /** `noMatch`, having told the trace. */
  miss(value: unknown, trace: Trace | null, cause?: unknown): NoMatch {
    return trace === null ? noMatch : trace.miss(this.expected, value, cause);
  }
}

/** Whether the shape or any that it is made of has the flag; shapes may be recursive. */
export function reaches(from: Shape, flag: "converts" | "writes"): boolean {
  const seen = new Set([from]);
  for (const shape of seen) { //                        a Set's loop sees what is added meanwhile
    if (shape[flag]) return true;
    for (const part of shape.parts) seen.add(part);
  }
  return false;
}

/**
 * The shape of a schema.
 *
 * @param field where it stands, where that has a name.
 * @throws {TypeError} if it is no schema.
 */
export function shapeOf(schema: { readonly _shape: Shape }, field?: string): Shape {
  const shape: unknown = (schema as { readonly _shape?: Shape } | null | undefined)?._shape;
  if (shape instanceof Shape) return shape;
  const where = field === undefined ? "" : ` for field ${field}`;
  const came = schema === null ? "null" : typeof schema;
  throw new TypeError(`Cannot use a schema${where}: one is needed, as t.integer, ${came} came`);
}
