import type { Schema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { NOPROC, NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import { ExitError, NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { addressOf, describe, type Target } from "../../node/target.ts";
import { Consumer } from "./consumer.ts";
import type { ConsumerOptions } from "./options.ts";
import { type Cancellation, isOrderly, type StageSubscribeOptions } from "./subscription.ts";

/** How a loop takes a producer's events. */
export interface StageEventsOptions<Out>
  extends Omit<StageSubscribeOptions<Out>, "cancel" | "manual"> {
  /** What each event is; needed where the producer is of another node. */
  // deno-lint-ignore no-explicit-any -- what is written does not matter here
  readonly schema?: Schema<Out, any>;
  /** Ends the loop with its reason. */
  readonly signal?: AbortSignal;
}

/** The consumer behind a loop: it holds its mailbox until the loop has come to its next turn. */
class Tap<Out> extends Consumer<Out> {
  #iterator!: EventIterator<Out>;

  override init(
    iterator: EventIterator<Out>,
    to: Target,
    options: StageEventsOptions<Out>,
  ): ConsumerOptions {
    const { schema, signal: _, ...subscribe } = options;
    this.#iterator = iterator;
    if (schema !== undefined) {
      (this as { events?: typeof schema }).events = schema;
      this._process.asksOrigin = false;
    }
    const all = { ...subscribe, cancel: "temporary" } as StageSubscribeOptions<never>;
    return { subscribeTo: [[to, all]] };
  }

  override handleEvents(events: readonly Out[]): Promise<void> | undefined {
    return this.#iterator._give(events);
  }

  override handleCancel({ reason }: Cancellation): void {
    this.#iterator._end(reason);
    this.stop(NORMAL);
  }
}

/** The events of a producer, one by one; made by {@linkcode ProducerRef.events}. */
export class EventIterator<Out> implements AsyncIterableIterator<Out>, AsyncDisposable {
  readonly #node: Node;
  readonly #target: Target;
  readonly #options: StageEventsOptions<Out>;
  #events: readonly Out[] = [];
  #at = 0;
  #read: (() => void) | null = null;
  readonly #waiting: {
    resolve: (result: IteratorResult<Out, undefined>) => void;
    reject: (error: unknown) => void;
  }[] = [];
  #state: "new" | "open" | "over" = "new";
  #error: unknown = null;
  #exit: (() => void) | null = null;

  /** @ignore @internal */
  constructor(node: Node, target: Target, options: StageEventsOptions<Out>) {
    this.#node = node;
    this.#target = target;
    this.#options = options;
  }

  /** The next event. The first call subscribes. */
  next(): Promise<IteratorResult<Out, undefined>> {
    if (this.#at < this.#events.length) {
      return Promise.resolve({ done: false, value: this.#events[this.#at++] });
    }
    if (this.#state === "over") return this.#over();
    if (this.#state === "new") this.#open();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      const read = this.#read;
      this.#read = null;
      read?.(); // all of it has been used: more may come
    });
  }

  /** Ends the subscription. */
  return(): Promise<IteratorResult<Out, undefined>> {
    this.#close(null);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Itself: it can be used in one loop. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the subscription. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** @ignore @internal Events have come: the promise settles when they are used. */
  _give(events: readonly Out[]): Promise<void> | undefined {
    if (this.#state === "over") return undefined;
    this.#events = events;
    this.#at = 0;
    while (this.#at < events.length && this.#waiting.length > 0) {
      this.#waiting.shift()!.resolve({ done: false, value: events[this.#at++] });
    }
    if (this.#at === events.length && this.#waiting.length > 0) return undefined;
    return new Promise((resolve) => this.#read = resolve);
  }

  /** @ignore @internal There is nothing more. */
  _end(reason: Term): void {
    if (isOrderly(reason)) return this.#finish(null);
    this.#finish(
      reason === NOPROC
        ? new NoProcessError(describe(addressOf(this.#target, this.#node._core.global)))
        : new ExitError(reason),
    );
  }

  #open(): void {
    this.#state = "open";
    const { signal } = this.#options;
    if (signal !== undefined) {
      if (signal.aborted) return this.#finish(signal.reason);
      signal.addEventListener("abort", this.#abort);
    }
    this.#node.start(Tap<Out>, [this, this.#target, this.#options]).then(({ pid }) => {
      const core = this.#node._core;
      const process = core.process(pid);
      if (process === undefined) return;
      if (this.#state === "over") return process.exit(NORMAL);
      this.#exit = () => process.exit(NORMAL);
      core.monitor(
        core.main,
        pid,
        ({ reason }) => this._end(reason === NORMAL ? SHUTDOWN : reason),
      );
    }, (error) => this.#finish(error));
  }

  readonly #abort = (): void => this.#close(this.#options.signal!.reason);

  #close(error: unknown): void {
    this.#events = [];
    this.#at = 0;
    this.#finish(error);
    this.#exit?.();
  }

  #finish(error: unknown): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#error = error;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#error === null) resolve({ done: true, value: undefined });
      else [this.#error] = [null, reject(this.#error)];
    }
  }

  /** An error is told once. */
  #over(): Promise<IteratorResult<Out, undefined>> {
    const error = this.#error;
    this.#error = null;
    return error === null
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error);
  }
}
