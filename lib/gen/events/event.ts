import type { AnySchema, Output } from "../../etf/schema/schema.ts";
import { Schema } from "../../etf/schema/schema.ts";
import type { SchemaError } from "../../etf/schema/errors.ts";
import type { Term } from "../../etf/term.ts";

/** An event by its name, and what its values are; made by {@linkcode event}. */
export class EventType<S extends AnySchema> {
  /** The name; elsewhere the atom of that name. */
  readonly name: string;
  /** What is published. */
  readonly schema: S;

  /** @ignore @internal */
  constructor(name: string, schema: S) {
    this.name = name;
    this.schema = schema;
  }
}

/**
 * Describes an event, for whoever publishes it and whoever subscribes to it, on any node.
 *
 * @example
 * ```ts
 * import { event, t } from "@ergo-ts/ergo";
 *
 * const prices = event("prices", t.tuple(t.text, t.number));
 * ```
 */
export function event<S extends AnySchema>(name: string, schema: S): EventType<S> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError("Cannot describe an event: a name is needed, a text that is not empty");
  }
  if (!(schema instanceof Schema)) {
    throw new TypeError(
      `Cannot describe event ${name}: a schema of its values is needed, t.term for any term`,
    );
  }
  return new EventType(name, schema);
}

/**
 * What a subscriber gets.
 *
 * - `event`: a value.
 * - `dropped`: so many values are lost here, because they came faster than they were taken.
 * - `invalid`: another node has published something that the event's schema does not take.
 * - `down`: there is no more. The reason is that of its owner's end, what it was closed with, `no_event` where nobody has registered it, `noproc`
 *   where that node has no Events server of the name, `noconnection` where the node cannot be reached.
 */
export type EventItem<T> =
  | { readonly type: "event"; readonly value: T }
  | { readonly type: "dropped"; readonly count: number }
  | { readonly type: "invalid"; readonly error: SchemaError }
  | { readonly type: "down"; readonly reason: Term };

/** What subscribers of an event get. */
export type EventItemOf<S extends AnySchema> = EventItem<Output<S>>;
