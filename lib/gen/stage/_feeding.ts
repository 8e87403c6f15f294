import { format } from "../../etf/format.ts";
import type { AnySchema } from "../../etf/schema/schema.ts";
import { Queue } from "../../_util/queue.ts";
import { ConsumingSide } from "./_halves.ts";
import { afterwards } from "./_wire.ts";
import type { Stage } from "./stage.ts";
import type { Cancellation, Subscription, SubscriptionOptions } from "./subscription.ts";

/** What a consumer supervisor does with an event: it starts a child. */
export interface Starter {
  /** @returns whether a child runs now, which calls `gone` when it has ended and is not started again. */
  start(event: unknown, gone: () => void): Promise<boolean>;
  ask(subscription: Subscription, count: number): void;
  /** Whether nothing is started any more. */
  readonly isOver: boolean;
}

/**
 * One subscription of a consumer supervisor. An event that was asked for is owed, runs, waits, or has ended: together never more than
 * `max`, but for those that nobody has asked for, which wait until one ends.
 */
class Feed {
  readonly subscription: Subscription;
  readonly max: number;
  /** So many must have ended before as many are asked for. */
  readonly least: number;
  readonly waiting: Queue<{ readonly event: unknown }> = new Queue();
  isOpen = true;
  owed: number;
  running = 0;
  ended = 0;

  constructor(subscription: Subscription, { maxDemand, minDemand }: SubscriptionOptions) {
    this.subscription = subscription;
    this.max = this.owed = maxDemand;
    this.least = Math.max(1, minDemand);
  }

  /** The place of an event is free, unless another one has it that was too much. */
  readonly frees = (): void => {
    if (this.owed + this.running + this.waiting.length + this.ended < this.max) this.ended++;
  };

  readonly gone = (): void => {
    this.running--;
    this.frees();
  };
}

/** A consumer supervisor, as its consuming half sees it: counts its children, and asks for more events when enough of them have ended. */
export class FeedingSide extends ConsumingSide {
  readonly #starter: Starter;
  readonly #feeds: Map<string, Feed> = new Map();

  constructor(stage: Stage, schema: AnySchema | undefined, starter: Starter) {
    super(stage, schema, (events, from) => this.#came(this.#feeds.get(from.tag.key)!, events));
    this.#starter = starter;
  }

  override subscribed(options: SubscriptionOptions, producer: Subscription): boolean {
    super.subscribed(options, producer);
    const feed = new Feed(producer, options);
    this.#feeds.set(producer.tag.key, feed);
    this.#starter.ask(producer, feed.max);
    return true;
  }

  override handled(events: readonly unknown[], from: Subscription): unknown {
    const feed = this.#feeds.get(from.tag.key)!;
    const asked = Math.min(events.length, feed.owed);
    feed.owed -= asked;
    if (asked < events.length) {
      this.log(
        "error",
        `has got ${events.length - asked} events from ${
          format(from.pid)
        } that it has not asked for, they wait until children have ended`,
      );
    }
    const before = this.invalid;
    const result = super.handled(events, from);
    for (let dropped = this.invalid - before; dropped > 0; dropped--) feed.frees();
    return afterwards(result, () => this.settle(feed));
  }

  override cancelled(cancellation: Cancellation, producer: Subscription): unknown {
    const feed = this.#feeds.get(producer.tag.key);
    if (feed !== undefined) feed.isOpen = false;
    this.#feeds.delete(producer.tag.key);
    return super.cancelled(cancellation, producer);
  }

  /** Goes on where children have ended: with what waits, and by asking for more. A promise holds the mailbox. */
  settle(feed: Feed): unknown {
    if (this.#starter.isOver) return undefined;
    if (feed.waiting.length > 0 && feed.running < feed.max) {
      return this.#start(feed, feed.waiting.shift()!.event).then(() => this.settle(feed));
    }
    if (feed.isOpen && feed.ended >= feed.least) {
      const count = feed.ended;
      feed.ended = 0;
      feed.owed += count;
      this.#starter.ask(feed.subscription, count);
    }
    return undefined;
  }

  #came(feed: Feed, events: readonly unknown[]): Promise<void> {
    for (const event of events) feed.waiting.push({ event });
    return this.#startAll(feed);
  }

  async #startAll(feed: Feed): Promise<void> {
    while (feed.waiting.length > 0 && feed.running < feed.max && !this.#starter.isOver) {
      await this.#start(feed, feed.waiting.shift()!.event);
    }
  }

  async #start(feed: Feed, event: unknown): Promise<void> {
    feed.running++; // while it starts
    const runs = await this.#starter.start(event, () => {
      feed.gone();
      if (feed.waiting.length === 0) this.settle(feed);
      else this.stage._process.doNext(() => this.settle(feed)); // a start holds the mailbox
    });
    if (!runs) feed.gone();
  }
}
