import type { Pid } from "../../etf/identifiers.ts";
import type { Schema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { NORMAL } from "../../node/atoms.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { Consuming } from "./_consuming.ts";
import { ConsumingSide, ProducingSide } from "./_halves.ts";
import { Producing } from "./_producing.ts";
import { checkCount } from "./consumer.ts";
import { checkOptions, producingOptions, readSubscribeTo } from "./options.ts";
import type { Events } from "./producer.ts";
import { ProducerConsumerRef } from "./producer_consumer_ref.ts";
import { Stage } from "./stage.ts";
import type { StageSubscribeOptions, Subscription } from "./subscription.ts";

/**
 * A stage that takes events and makes others of them. It is GenStage's producer_consumer.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | `node.start(Doubler, args)` | `init(...args)`, which may return {@linkcode ProducerConsumerOptions} |
 * | events have come, and its consumers have asked for some | `handleEvents(events, subscription)`, which returns events |
 * | a subscription begins, or ends, on either side | `handleSubscribe`, `handleCancel` |
 *
 * - It takes events only while its own consumers ask for some: those that come before wait. So the slowest of a chain sets the pace.
 * - `handleEvents` may return fewer events than it got, or more: what nobody has asked for waits, without a limit unless `bufferSize` sets one.
 * - Of its producers all holds that holds of a {@linkcode Consumer}, of its consumers what holds of a {@linkcode Producer}.
 *
 * @example
 * ```ts
 * import { ProducerConsumer, t } from "@ergo-ts/ergo";
 *
 * class Doubler extends ProducerConsumer<number, number> {
 *   override readonly events = t.integer;
 *   override handleEvents(events: readonly number[]): number[] {
 *     return events.map((n) => 2 * n);
 *   }
 * }
 * ```
 *
 * Not for work that a function does: a stage is there to be a process, for another pace, another place or another fate.
 */
export abstract class ProducerConsumer<In = unknown, Out = unknown> extends Stage {
  /** @ignore @internal */
  declare readonly _refType: ProducerConsumerRef<this, In, Out>;
  /** @ignore @internal */
  declare readonly _in: In;
  /** @ignore @internal */
  declare readonly _out: Out;
  /** What each event is that comes, see {@linkcode Consumer.events}. */
  // deno-lint-ignore no-explicit-any -- what is written does not matter here, and `unknown` would refuse schemas that convert
  declare readonly events?: Schema<In, any>;
  #producing: Producing | null = null;
  #consuming: Consuming | null = null;
  #side: ConsumingSide | null = null;

  /** @ignore @internal What `node.ref(ProducerConsumer, target)` gives. */
  static override _refer(
    node: Node,
    target: Target,
  ): ProducerConsumerRef<ProducerConsumer, unknown, unknown> {
    return new ProducerConsumerRef(node, target, node._core.main, {});
  }

  /** Makes events of events; `from` is the subscription that they came by. */
  abstract handleEvents(events: readonly In[], from: Subscription): Events<Out>;

  /** Gives events to the consumers, from whatever runs in the process. */
  emit(events: readonly Out[]): void {
    this.#mustRun("emit events");
    this.#producing!.emit(events);
  }

  /** Subscribes to a producer. It need not be there: then the subscription ends with `noproc`. */
  subscribe(to: Target, options: StageSubscribeOptions<In> = {}): Subscription {
    this.#mustRun("subscribe");
    const read = readSubscribeTo([to, options as StageSubscribeOptions<never>]);
    return this.#consuming!.subscribe(read.to, read.options, null);
  }

  /** Asks for events by a subscription that is `manual`. */
  ask(subscription: Subscription, count: number): void {
    checkCount(count);
    this.#mustRun("ask for events");
    this.#consuming!.ask(subscription, count);
  }

  /** Asks a producer to end a subscription, see {@linkcode Consumer.cancel}. */
  cancel(subscription: Subscription, reason: Term = NORMAL): void {
    this.#mustRun("cancel a subscription");
    this.#consuming!.cancel(subscription, reason);
  }

  /** The producers that it is subscribed to. */
  get producers(): readonly Subscription[] {
    return this.#consuming?.producers ?? [];
  }

  /** The consumers that are subscribed. */
  get consumers(): readonly Subscription[] {
    return this.#producing?.consumers ?? [];
  }

  /** How many events were dropped that it has made. */
  get discarded(): number {
    return this.#producing?.lost ?? 0;
  }

  /** How many events were dropped that have come, because they are no such events. */
  get invalid(): number {
    return this.#side?.invalid ?? 0;
  }

  /** @ignore @internal */
  get _producing(): Producing | null {
    return this.#producing;
  }

  /** @ignore @internal */
  get _consuming(): Consuming | null {
    return this.#consuming;
  }

  /** @ignore @internal */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.asksOrigin = this.events === undefined; // events of other nodes are not for it
  }

  /** @ignore @internal */
  override _initialized(result: unknown): void {
    const kind = { produces: true, consumes: true };
    const options = checkOptions(this.constructor.name, result, kind);
    this.#producing = new Producing(
      new ProducingSide(this, () => this.#consuming!.take()),
      producingOptions(options, true),
    );
    this.#side = new ConsumingSide(this, this.events, (events, from) => {
      return this.handleEvents(events as readonly In[], from);
    });
    this.#consuming = new Consuming(this.#side);
    for (const one of options.subscribeTo ?? []) {
      const read = readSubscribeTo(one);
      this.#consuming.subscribe(read.to, read.options, null);
    }
  }

  /** The fields of the class, without the schema. */
  override formatState(): unknown {
    const { events: _, ...state } = super.formatState() as { readonly events?: unknown };
    return state;
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): ProducerConsumerRef<this, In, Out> {
    return new ProducerConsumerRef<this, In, Out>(node, pid, node._core.main, {});
  }

  #mustRun(verb: string): void {
    this._process.mustLive(verb);
    if (this.#consuming !== null) return;
    throw new Error(`Cannot ${verb} in init: the stage has not started, return options instead`);
  }
}
