import { SchemaError } from "../etf/schema/errors.ts";
import type { AnySchema } from "../etf/schema/schema.ts";
import type { Term } from "../etf/term.ts";
import type { Listener } from "./_pub_sub_topics.ts";
import type { TopicItem } from "./topic.ts";

/** What a message is for who says by a schema what it must be. */
export function itemOf(schema: AnySchema, term: Term): TopicItem<unknown> {
  try {
    return { type: "message", message: schema.parse(term) };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return { type: "invalid", error };
  }
}

/** A loop over the messages of a topic. Of those that are not read the last `max` are kept. */
export class TopicStream implements Listener, AsyncIterableIterator<TopicItem<unknown>> {
  readonly #schema: AnySchema;
  readonly #max: number;
  readonly #signal: AbortSignal | undefined;
  readonly #leave: () => void;
  readonly #readers: ((result: IteratorResult<TopicItem<unknown>>) => void)[] = [];
  #messages: Term[] = [];
  #dropped = 0;
  #over = false;

  constructor(
    schema: AnySchema,
    max: number,
    signal: AbortSignal | undefined,
    leave: (stream: TopicStream) => void,
  ) {
    this.#schema = schema;
    this.#max = max;
    this.#signal = signal;
    this.#leave = () => leave(this);
    if (signal?.aborted) this.#over = true;
    else signal?.addEventListener("abort", this);
  }

  message(term: Term): void {
    this.#messages.push(term);
    if (this.#messages.length > this.#max) {
      this.#messages.shift();
      this.#dropped++;
    }
    this.#serve();
  }

  /** What has come is still read. */
  end(): void {
    this.#over = true;
    this.#signal?.removeEventListener("abort", this);
    this.#serve();
  }

  /** The signal has aborted. */
  handleEvent(): void {
    this.#close();
  }

  next(): Promise<IteratorResult<TopicItem<unknown>>> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<TopicItem<unknown>>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(): void {
    if (!this.#over) this.#leave();
    this.#messages = [];
    this.#dropped = 0;
    this.end();
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const value = this.#take();
      if (value === null && !this.#over) return;
      this.#readers.shift()!(
        value === null ? { done: true, value: undefined } : { done: false, value },
      );
    }
  }

  #take(): TopicItem<unknown> | null {
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      return { type: "dropped", count };
    }
    return this.#messages.length > 0 ? itemOf(this.#schema, this.#messages.shift()!) : null;
  }
}
