import { SchemaError } from "../../etf/schema/errors.ts";
import type { AnySchema } from "../../etf/schema/schema.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Process } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";
import type { EventItem } from "./event.ts";
import type { Listener } from "./_feed.ts";

/** @internal What a value is for a subscriber, who says by a schema what it must be. */
function itemOf(schema: AnySchema, term: Term): EventItem<unknown> {
  try {
    return { type: "event", value: schema.parse(term) };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return { type: "invalid", error };
  }
}

/** A process that is called with what comes, each in a turn of its own, until it ends or has enough. */
export class ProcessListener implements Listener, Disposable {
  /** Takes it out of whatever it is in. */
  leave: () => void = () => {};
  readonly #process: Process;
  readonly #schema: AnySchema;
  readonly #fn: (item: EventItem<unknown>) => unknown;
  /** Whose end it is that a process sees which is linked to the event; `null` where it only watches. */
  readonly #link: Pid | null;
  #over = false;

  constructor(
    process: Process,
    schema: AnySchema,
    fn: (item: EventItem<unknown>) => unknown,
    link: Pid | null,
  ) {
    process.mustLive("subscribe to an event");
    this.#process = process;
    this.#schema = schema;
    this.#fn = fn;
    this.#link = link;
    process.own(this);
  }

  value(term: Term): void {
    this.#deliver(itemOf(this.#schema, term));
  }

  dropped(count: number): void {
    this.#deliver({ type: "dropped", count });
  }

  ended(reason: Term): void {
    if (this.#over) return;
    this.#process.disown(this);
    if (this.#link === null) this.#deliver({ type: "down", reason });
    else this.#process.exitSignal(this.#link, reason, true);
  }

  /** Nothing is called any more, also of what has come. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#process.disown(this);
    this.leave();
  }

  #deliver(item: EventItem<unknown>): void {
    this.#process.deliver(new ItemTurn(() => this.#over ? undefined : this.#fn(item)));
  }
}

class ItemTurn extends Turn {
  readonly #run: () => unknown;

  constructor(run: () => unknown) {
    super();
    this.#run = run;
  }

  run(): unknown {
    return this.#run();
  }
}

/** A loop over what comes. What is not read is kept, the last `max` values of it. */
export class StreamListener<T> implements Listener, AsyncIterableIterator<EventItem<T>> {
  leave: () => void = () => {};
  readonly #schema: AnySchema;
  readonly #max: number;
  readonly #signal: AbortSignal | undefined;
  #values: Term[] = [];
  #dropped = 0;
  #down: { readonly reason: Term } | null = null;
  #over = false;
  readonly #readers: ((result: IteratorResult<EventItem<T>>) => void)[] = [];

  constructor(schema: AnySchema, max: number, signal: AbortSignal | undefined) {
    this.#schema = schema;
    this.#max = max;
    this.#signal = signal;
    if (signal?.aborted) this.#over = true;
    else signal?.addEventListener("abort", this);
  }

  value(term: Term): void {
    if (this.#over) return;
    this.#values.push(term);
    if (this.#values.length > this.#max) {
      this.#values.shift();
      this.#dropped++;
    }
    this.#serve();
  }

  dropped(count: number): void {
    this.#dropped += count;
    this.#serve();
  }

  ended(reason: Term): void {
    this.#down = { reason };
    this.#serve();
  }

  next(): Promise<IteratorResult<EventItem<T>>> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<EventItem<T>>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The signal has aborted. */
  handleEvent(): void {
    this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (!this.#over) this.leave();
    this.#over = true;
    this.#signal?.removeEventListener("abort", this);
    this.#values = [];
    this.#serve();
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const item = this.#take();
      if (item === null && !this.#over) return;
      this.#readers.shift()!(
        item === null
          ? { done: true, value: undefined }
          : { done: false, value: item as EventItem<T> },
      );
    }
  }

  /** What is read next: values that were dropped were older than those that are left. */
  #take(): EventItem<unknown> | null {
    if (this.#over) return null;
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      return { type: "dropped", count };
    }
    if (this.#values.length > 0) return itemOf(this.#schema, this.#values.shift()!);
    if (this.#down === null) return null;
    const { reason } = this.#down;
    this.#over = true;
    this.#signal?.removeEventListener("abort", this);
    return { type: "down", reason };
  }
}
