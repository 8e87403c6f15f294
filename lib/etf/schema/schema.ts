import type { Encodable } from "../term.ts";
import {
  ConvertShape,
  DefaultShape,
  OptionalShape,
  TransformShape,
  WhereShape,
} from "./_modifiers.ts";
import { type NoMatch, noMatch, reaches, type Shape } from "./_shape.ts";
import { Trace } from "./_trace.ts";
import { SchemaError } from "./errors.ts";
import type { StandardProps, StandardResult, StandardSchema } from "./standard.ts";

/**
 * What a term must look like, what it is in TypeScript, and how it is written.
 *
 * - `Out` is what parsing gives, `In` what a TypeScript caller writes. {@linkcode parse} takes both what came over the wire and what a
 *   caller wrote, because local messages are passed by reference.
 * - `Converts` is whether parsing may give another value than came. Where it converts nothing, parsing gives the very same object and allocates nothing.
 * - Schemas never change. Make them once, at module level: making one costs more than using it.
 * - Functions given to a schema must not depend on how often they are called: a value that does not match is read twice, the second time to say why.
 *
 * @example
 * ```ts
 * import { atom, t, tagged } from "@ergo-ts/ergo";
 *
 * const User = t.struct("User", { name: t.text, age: t.nilable(t.integer) });
 * const Reply = t.result(User, t.atom("not_found"));
 *
 * const reply = Reply.parse(tagged("error", atom("not_found")));
 * if (reply.tag === "ok") console.log(reply[1].name);
 * ```
 */
export class Schema<Out, In = Out, Converts extends boolean = boolean>
  implements StandardSchema<In, Out> {
  /** Whether a field or argument with this schema may be left out. */
  readonly presence: "required" | "optional" | "default" = "required";
  /** @ignore @internal */
  readonly _shape: Shape;
  #converts: boolean | undefined;
  #writes: boolean | undefined;
  #standard: StandardProps<In, Out> | undefined;

  /** @ignore @internal Use the functions and constants of `t`. */
  constructor(shape: Shape) {
    this._shape = shape;
  }

  /** What it takes, about as Elixir prints it: `{:ok, integer}`, `:png | :pdf`. */
  get expected(): string {
    return this._shape.expected;
  }

  /** Whether parsing may give another value than came. {@linkcode is} takes only schemas that do not. */
  get converts(): Converts {
    return (this.#converts ??= reaches(this._shape, "converts")) as Converts;
  }

  /**
   * The value in TypeScript's form.
   *
   * @throws {SchemaError} if it does not match.
   */
  parse(value: unknown): Out {
    const read = this._shape.read(value, null, 0);
    return (read === noMatch ? explain(this._shape, value) : read) as Out;
  }

  /** The value in TypeScript's form, or {@linkcode noMatch}; nothing is thrown and nothing allocated for a value that does not match. */
  tryParse(value: unknown): Out | NoMatch {
    return this._shape.read(value, null, 0) as Out | NoMatch;
  }

  /**
   * What goes over the wire for what a TypeScript caller wrote. What is a term already is left as it is.
   *
   * This is no check: the type of the input is trusted, and the receiver parses.
   */
  toTerm(input: In): Encodable {
    const writes = this.#writes ??= reaches(this._shape, "writes");
    return (writes ? this._shape.write(input) : input) as Encodable;
  }

  /** Only values that a predicate likes; the description says in an error what is needed, as `"a port from 1 to 65535"`. */
  where<Narrow extends Out>(
    predicate: (value: Out) => value is Narrow,
    description: string,
  ): Schema<Narrow, In, Converts>;
  /** Only values that a predicate likes; the description says in an error what is needed. */
  where(predicate: (value: Out) => boolean, description: string): Schema<Out, In, Converts>;
  where(predicate: (value: Out) => boolean, description: string): Schema<Out, In, Converts> {
    return new Schema(
      new WhereShape(this._shape, predicate as (value: unknown) => boolean, description),
    );
  }

  /** Changes what was parsed. One way: a caller still writes what this schema takes. A function that throws does not match. */
  transform<Changed>(change: (value: Out) => Changed): Schema<Changed, In, true> {
    return new Schema(new TransformShape(this._shape, change as (value: unknown) => unknown));
  }

  /** Carries values of another type, both ways: a caller writes what parsing gives. A `from` that throws does not match. */
  convert<Value>(conversion: Conversion<Value, Out, In>): Schema<Value, Value, true> {
    return new Schema(new ConvertShape(this._shape, conversion as never));
  }

  /** May be left out: at the end of a tuple, or as a field. To be called last. */
  optional(): OptionalSchema<Out, In, Converts> {
    return new OptionalSchema(new OptionalShape(this._shape));
  }

  /**
   * May be left out, and is this value then. To be called last.
   *
   * A function is called each time; an object is the same one each time, so freeze it or give a function.
   */
  default(value: Out | (() => Out)): DefaultSchema<Out, In> {
    return new DefaultSchema(new DefaultShape(this._shape, value));
  }

  /** Standard Schema, version 1. */
  get "~standard"(): StandardProps<In, Out> & {
    readonly validate: (value: unknown) => StandardResult<Out>;
  } {
    const validate = (value: unknown): StandardResult<Out> => {
      const read = this._shape.read(value, null, 0);
      if (read !== noMatch) return { value: read as Out };
      const trace = new Trace();
      const again = this._shape.read(value, trace, 0);
      if (again !== noMatch) return { value: again as Out };
      const message = `${trace.found} came, ${trace.expected} is needed`;
      return { issues: [{ message, path: trace.keys.toReversed() }] };
    };
    return (this.#standard ??= { version: 1, vendor: "ergo-ts", validate }) as never;
  }
}

/** A schema of something that may be left out. */
export class OptionalSchema<Out, In = Out, Converts extends boolean = boolean>
  extends Schema<Out | undefined, In | undefined, Converts> {
  /** It may be left out and is missing then. */
  override readonly presence = "optional";
}

/** A schema of something that may be left out and has a value then. */
export class DefaultSchema<Out, In = Out> extends Schema<Out, In | undefined, true> {
  /** It may be left out and has its default then. */
  override readonly presence = "default";
}

/** Any schema. */
export type AnySchema = Schema<unknown, unknown, boolean>;

/** What a schema's parsing gives. */
export type Output<S extends AnySchema> = ReturnType<S["parse"]>;

/** What a TypeScript caller writes. */
export type Input<S extends AnySchema> = Parameters<S["toTerm"]>[0];

/** What parsing gives for each of several schemas. */
export type Outputs<S extends readonly AnySchema[]> = {
  -readonly [Index in keyof S]: Output<S[Index]>;
};

/** What a TypeScript caller writes for each of several schemas. */
export type Inputs<S extends readonly AnySchema[]> = {
  -readonly [Index in keyof S]: Input<S[Index]>;
};

/** `true` if one of the schemas may convert. */
export type AnyConverts<S extends AnySchema> = true extends S["converts"] ? true : false;

/** How values of a JavaScript type are carried by a schema. */
export interface Conversion<Value, Out, In = Out> {
  /** Whether a value is of that type; such values are taken as they are. */
  is(value: unknown): value is Value;
  /** Makes one of what was parsed; what it throws means that the value does not match. */
  from(parsed: Out): Value;
  /** What is to be written for one. */
  to(value: Value): In;
  /** What errors call it. */
  expected?: string;
}

function explain(shape: Shape, value: unknown): unknown {
  const trace = new Trace();
  const read = shape.read(value, trace, 0);
  if (read !== noMatch) return read; //                 a function of the user's changed its mind
  const options = trace.cause === undefined ? undefined : { cause: trace.cause };
  throw new SchemaError(trace.keys.toReversed(), trace.expected, trace.found, options);
}
