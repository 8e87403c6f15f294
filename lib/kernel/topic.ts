import type { SchemaError } from "../etf/schema/errors.ts";
import { type AnySchema, type Output, Schema } from "../etf/schema/schema.ts";

/** A topic by its name, and what its messages are; made by {@linkcode topic}. */
export class Topic<S extends AnySchema> {
  /** The name, text as in Phoenix. */
  readonly name: string;
  /** What is broadcast. */
  readonly schema: S;

  /** @ignore @internal */
  constructor(name: string, schema: S) {
    this.name = name;
    this.schema = schema;
  }
}

/**
 * Describes a topic of {@linkcode PubSub}: what is broadcast on it is checked and converted, and so is what comes.
 *
 * @throws {TypeError} if the name is no text, or there is no schema.
 *
 * @example
 * ```ts
 * import { t, topic } from "@ergo-ts/ergo";
 *
 * const room = (id: number) => topic(`room:${id}`, t.tagged("said", t.text, t.text));
 * ```
 */
export function topic<S extends AnySchema>(name: string, schema: S): Topic<S> {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot describe a topic: its name must be a text, ${typeof name} came`);
  }
  if (!(schema instanceof Schema)) {
    throw new TypeError(
      `Cannot describe topic ${name}: a schema of its messages is needed, t.term for any term`,
    );
  }
  return new Topic(name, schema);
}

/**
 * What a loop over a topic gets.
 *
 * - `message`: what was broadcast.
 * - `dropped`: so many messages, older than the next one, were not read in time.
 * - `invalid`: something came that is not what the topic's schema says.
 */
export type TopicItem<T> =
  | { readonly type: "message"; readonly message: T }
  | { readonly type: "dropped"; readonly count: number }
  | { readonly type: "invalid"; readonly error: SchemaError };

/** What a loop over a topic gets. */
export type TopicItemOf<S extends AnySchema> = TopicItem<Output<S>>;
