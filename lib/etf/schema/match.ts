import { kindOf } from "./_kind.ts";
import { noMatch } from "./no_match.ts";
import { NoMatchError } from "./errors.ts";
import type { AnySchema, Output } from "./schema.ts";

/** A match that goes on: what was answered so far, or nothing yet. */
export interface Match<Result> {
  /** The handler's answer, if no clause before took the value and this schema does. The handler gets the parsed value. */
  with<S extends AnySchema, Answer>(
    schema: S,
    handler: (value: Output<S>) => Answer,
  ): Match<Result | Answer>;
  /** The answer of the clause that took the value, or of this handler, which gets the value as it came. */
  otherwise<Answer>(handler: (value: unknown) => Answer): Result | Answer;
  /**
   * The answer of the clause that took the value.
   *
   * @throws {NoMatchError} if none did.
   */
  end(): Result;
}

class Open implements Match<never> {
  readonly #value: unknown;
  readonly #tried: AnySchema[] = [];

  constructor(value: unknown) {
    this.#value = value;
  }

  with<S extends AnySchema, Answer>(
    schema: S,
    handler: (value: Output<S>) => Answer,
  ): Match<Answer> {
    const read = schema.tryParse(this.#value);
    if (read !== noMatch) return new Answered(handler(read as Output<S>));
    this.#tried.push(schema);
    return this;
  }

  otherwise<Answer>(handler: (value: unknown) => Answer): Answer {
    return handler(this.#value);
  }

  end(): never {
    throw new NoMatchError(this.#tried.map((schema) => schema.expected), kindOf(this.#value));
  }
}

class Answered<Result> implements Match<Result> {
  readonly #result: Result;

  constructor(result: Result) {
    this.#result = result;
  }

  with(): this {
    return this;
  }

  otherwise(): Result {
    return this.#result;
  }

  end(): Result {
    return this.#result;
  }
}

/**
 * Chooses by what a value looks like, as `case` does in Erlang and Elixir: clauses are tried in their order, the first whose schema
 * takes the value answers.
 *
 * Schemas that are made in the clauses are made each time; where speed counts, make them at module level.
 *
 * @example
 * ```ts
 * import { match, t, tagged } from "@ergo-ts/ergo";
 *
 * const reply: unknown = tagged("ok", "Zoë");
 * const text = match(reply)
 *   .with(t.tagged("ok", t.text), ([, name]) => name)
 *   .with(t.tagged("error", t.atom("not_found")), () => "nobody")
 *   .otherwise(() => "?"); // or `.end()`, which throws NoMatchError
 * ```
 */
export function match(value: unknown): Match<never> {
  return new Open(value);
}
