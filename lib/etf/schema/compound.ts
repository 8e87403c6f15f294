import type { Term } from "../term.ts";
import type { Tagged, Tuple } from "../tuple.ts";
import { LazyShape } from "./_lazy.ts";
import { MapShape, TextMapShape } from "./_maps.ts";
import { NilableShape } from "./_modifiers.ts";
import { ListShape, TupleShape } from "./_sequences.ts";
import { type Shape, shapeOf } from "./_shape.ts";
import { UnionShape } from "./_union.ts";
import { atom, term, text } from "./leaves.ts";
import {
  type AnyConverts,
  type AnySchema,
  type Input,
  type Inputs,
  type Output,
  type Outputs,
  Schema,
} from "./schema.ts";

/** A tuple of these elements and no more. Elements at the end that are `.optional()` or have a `.default()` may be missing. */
export function tuple<const S extends readonly AnySchema[]>(
  ...elements: S
): Schema<Tuple<Outputs<S>>, Tuple<Inputs<S>>, AnyConverts<S[number]>> {
  return new Schema(new TupleShape(shapes(elements)));
}

/** A tuple with an atom of that name in front: `t.tagged("ok", t.integer)` is `{ok, 1}`. In a union `.tag` narrows. */
export function tagged<const Name extends string, const S extends readonly AnySchema[]>(
  name: Name,
  ...rest: S
): Schema<Tagged<Name, Outputs<S>>, Tagged<Name, Inputs<S>>, AnyConverts<S[number]>> {
  return new Schema(new TupleShape(shapes([atom(name), ...rest])));
}

/** `{ok, Value}` or `{error, Reason}`. */
export function result<Ok extends AnySchema, Failure extends AnySchema>(
  ok: Ok,
  error: Failure,
): Schema<
  Tagged<"ok", [Output<Ok>]> | Tagged<"error", [Output<Failure>]>,
  Tagged<"ok", [Input<Ok>]> | Tagged<"error", [Input<Failure>]>,
  AnyConverts<Ok | Failure>
> {
  return new Schema(new UnionShape([tagged("ok", ok)._shape, tagged("error", error)._shape]));
}

/** A proper list of any terms, as it is. */
export function list(): Schema<Term[], readonly Term[], false>;
/** A proper list whose items all match. Text is no list: see {@linkcode text} and `charlist`. */
export function list<S extends AnySchema>(
  item: S,
): Schema<Output<S>[], readonly Input<S>[], AnyConverts<S>>;
export function list(item: AnySchema = term): Schema<unknown[], readonly unknown[]> {
  return new Schema(new ListShape(shapeOf(item)));
}

/** A map of any size, as a `Map`. Keys that become equal, as 1 and 1.0 do, do not match. */
export function map<K extends AnySchema, V extends AnySchema>(
  key: K,
  value: V,
): Schema<Map<Output<K>, Output<V>>, ReadonlyMap<Input<K>, Input<V>>, true> {
  return new Schema(new MapShape(shapeOf(key), shapeOf(value)));
}

/** A map of any size whose keys are binaries of text, as a plain object; what JSON calls an object. */
export function textMap<V extends AnySchema>(
  value: V,
): Schema<Record<string, Output<V>>, { readonly [key: string]: Input<V> }, true> {
  return new Schema(new TextMapShape(text._shape, shapeOf(value)));
}

/** What one of these schemas takes; the first that does converts it. */
export function union<const S extends readonly AnySchema[]>(
  ...choices: S
): Schema<Output<S[number]>, Input<S[number]>, AnyConverts<S[number]>> {
  return new Schema(new UnionShape(shapes(choices)));
}

/** What the schema takes, or `nil`, which is `null` here. */
export function nilable<S extends AnySchema>(
  schema: S,
): Schema<Output<S> | null, Input<S> | null, AnyConverts<S>> {
  return new Schema(new NilableShape(shapeOf(schema)));
}

/**
 * A schema that is made when it is first needed, so that it may hold itself. The name stands for it in errors.
 *
 * Schemas may stand in each other 1,000 deep (tuple, list, union and the like count one each); what is deeper does not match.
 *
 * @example
 * ```ts
 * import { type Schema, t } from "@ergo-ts/ergo";
 *
 * type Tree = number | readonly Tree[];
 * const Tree: Schema<Tree, Tree, false> = t.lazy(() => t.union(t.integer, t.list(Tree)), "tree");
 * ```
 */
export function lazy<Out, In = Out, Converts extends boolean = boolean>(
  make: () => Schema<Out, In, Converts>,
  name: string = "...",
): Schema<Out, In, Converts> {
  return new Schema(new LazyShape(() => shapeOf(make()), name));
}

function shapes(schemas: readonly AnySchema[]): Shape[] {
  return schemas.map((schema) => shapeOf(schema));
}
