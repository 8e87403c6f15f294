import { type AnySchema, type Input, type Outputs, Schema } from "../../etf/schema/schema.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Parsing } from "../../node/provided/provide.ts";

/** What a caller writes for a handler's schemas; what may be left out at the end is optional. */
export type HandlerArgs<S extends readonly AnySchema[]> = S extends
  readonly [...infer Head extends AnySchema[], infer Last extends AnySchema]
  ? Last extends { readonly presence: "optional" | "default" }
    ? [...HandlerArgs<Head>, Input<Last>?]
  : { -readonly [I in keyof S]: Input<S[I]> }
  : [];

/** A handler that parses its arguments, made by {@linkcode on}. */
export class Handler<Args extends readonly unknown[], Result> implements Parsing {
  /** @ignore @internal */
  declare readonly _args: Args;
  /** What each argument must be, in their order. */
  readonly schemas: readonly AnySchema[];
  /** What is called with the parsed arguments. */
  readonly fn: (...args: never[]) => Result;
  readonly #least: number;

  /** @ignore @internal */
  constructor(schemas: readonly AnySchema[], fn: (...args: never[]) => Result) {
    checkSchemas(schemas);
    this.schemas = schemas;
    this.fn = fn;
    let least = schemas.length;
    while (least > 0 && schemas[least - 1].presence !== "required") least--;
    this.#least = least;
  }

  /** Whether it takes so many arguments; optional ones at the end may be missing. */
  takes(count: number): boolean {
    return count >= this.#least && count <= this.schemas.length;
  }

  /**
   * Parses the arguments and calls the function.
   *
   * @throws {SchemaError} if they do not parse.
   */
  invoke(args: readonly unknown[]): Result {
    return this.fn(...this.parse(args));
  }

  /**
   * The arguments as the function takes them.
   *
   * @throws {SchemaError} whose path begins with the number of the argument, counted from 0.
   */
  parse(args: readonly unknown[]): never[] {
    const schemas = this.schemas;
    if (!this.takes(args.length)) {
      throw new SchemaError([], this.expected, `${args.length} arguments`);
    }
    const parsed = new Array(schemas.length);
    for (let i = 0; i < schemas.length; i++) {
      try {
        parsed[i] = schemas[i].parse(args[i]);
      } catch (error) {
        throw error instanceof SchemaError ? error.under(i) : error;
      }
    }
    return parsed as never[];
  }

  /** The arguments as they cross the wire, for what a TypeScript caller wrote. Not checked: the receiver parses. */
  write(args: readonly unknown[]): unknown[] {
    return args.map((arg, i) => i < this.schemas.length ? this.schemas[i].toTerm(arg) : arg);
  }

  /** What it takes, for error messages: `(text, options [format?: text])`. */
  get expected(): string {
    return `(${this.schemas.map((schema) => schema.expected).join(", ")})`;
  }
}

/**
 * A handler whose arguments are parsed and converted before the function gets them, from other nodes and from this one alike.
 *
 * Make the schemas at module level; a server makes its table once for each process.
 *
 * @example
 * ```ts
 * import { GenServer, on, t } from "@ergo-ts/ergo";
 *
 * class Counter extends GenServer {
 *   #count = 0;
 *   override readonly calls = {
 *     add: on(t.integer, (n) => this.#count += n),
 *     get: () => this.#count,
 *   };
 * }
 * ```
 */
export function on<const S extends readonly AnySchema[], Result>(
  ...schemasAndFn: [...schemas: S, fn: (...args: Outputs<S>) => Result]
): Handler<HandlerArgs<S>, Result> {
  const schemas = schemasAndFn.slice(0, -1) as unknown as readonly AnySchema[];
  const fn = schemasAndFn[schemasAndFn.length - 1] as (...args: never[]) => Result;
  if (typeof fn !== "function") {
    throw new TypeError("Cannot make a handler: its last argument must be the function");
  }
  return new Handler(schemas, fn);
}

/** A reply that comes later; see {@linkcode later}. */
export class Later<T> {
  /** What it waits for. */
  readonly promise: PromiseLike<T>;

  /** @ignore @internal */
  constructor(promise: PromiseLike<T>) {
    this.promise = promise;
  }
}

/**
 * What a call handler returns to reply when a promise settles, while its server goes on with the next message. A rejection is
 * a crash of the server, as a throw is. Handlers of casts and other messages may return it too, where there is nothing to reply.
 */
export function later<T>(promise: PromiseLike<T>): Later<T> {
  return new Later(promise);
}

/** What `handleCall` returns where it has kept `from`, and answers by `from.reply(...)`. */
export const noReply: unique symbol = Symbol("no reply");

/** A function of a table: one made by `on`, or a bare one, which other nodes may call without arguments only. */
// deno-lint-ignore no-explicit-any
export type AnyHandler = Handler<any, unknown> | ((...args: never[]) => unknown);

/** What a caller passes to a handler. */
export type ArgsOf<H> = H extends Handler<infer Args, unknown> ? Args
  : H extends (...args: infer Args) => unknown ? Args
  : never;

/** What a caller gets of a handler that returns `R`: promises and {@linkcode later} are waited for, nothing is `null`. */
export type ReplyOf<H> = H extends Handler<infer _Args, infer R> ? Reply<R>
  : H extends (...args: never[]) => infer R ? Reply<R>
  : never;

/** What a caller gets of a handler that returns `R`. Nothing is replied as `nil`, which is `null`. */
export type Reply<R> = ReplyValue<Awaited<R>>;
/** @internal Each member of a union for itself. */
type ReplyValue<V> = V extends Later<infer T> ? OrNull<T> : OrNull<V>;
type OrNull<V> = V extends undefined | void ? null : V;

/** @throws {TypeError} where it could only fail when it is called. */
function checkSchemas(schemas: readonly unknown[]): void {
  for (let i = 0; i < schemas.length; i++) { // a server makes its table each time it starts
    const schema = schemas[i];
    if (schema instanceof Schema) continue;
    const came = typeof schema === "function"
      ? "a function; call it, as in t.atom()"
      : typeof schema;
    throw new TypeError(
      `Cannot make a handler: a schema is needed for argument ${i + 1}, not ${came}`,
    );
  }
}
