import type { Pid } from "../../etf/identifiers.ts";
import type { Schema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { NORMAL } from "../../node/atoms.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { ConsumingSide } from "./_halves.ts";
import { Consuming } from "./_consuming.ts";
import { ConsumerRef } from "./consumer_ref.ts";
import { checkOptions, readSubscribeTo } from "./options.ts";
import { Stage } from "./stage.ts";
import type { StageSubscribeOptions, Subscription } from "./subscription.ts";

/**
 * A stage that takes events, no faster than it handles them. It is GenStage's consumer, and may subscribe to producers of Elixir.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | `node.start(Printer, args)` | `init(...args)`, which may return `{ subscribeTo: [producer, ...] }` |
 * | it subscribes | `handleSubscribe("producer", options, subscription)` |
 * | events have come | `handleEvents(events, subscription)`, some at a time; when its promise, if any, has settled, more are asked for |
 * | a subscription ends | `handleCancel({ kind, reason }, subscription)`; then the consumer ends too, unless it is `cancel: "temporary"` |
 *
 * - It may subscribe to several producers, and several times to one: subscriptions differ in their tag.
 * - To producers of other nodes only a class can subscribe that says what its events are, by `events`. What does not parse is dropped,
 *   counted and logged; with `onInvalid = "crash"` the consumer crashes.
 * - An event is lost with the consumer that has it when it crashes. Whoever needs more acknowledges events by what they carry.
 *
 * @example
 * ```ts
 * import { Consumer, startNode, t } from "@ergo-ts/ergo";
 *
 * class Mailer extends Consumer<string> {
 *   override readonly events = t.text;
 *   override init() {
 *     const producer = { name: "Elixir.Outbox", node: "app@localhost" };
 *     return { subscribeTo: [[producer, { maxDemand: 50, cancel: "transient" }]] as const };
 *   }
 *   override async handleEvents(addresses: readonly string[]): Promise<void> {
 *     for (const address of addresses) await Promise.resolve(address);
 *   }
 * }
 *
 * await using node = await startNode("mail@localhost", { cookie: "secret" });
 * await node.start(Mailer, []);
 * ```
 */
export abstract class Consumer<In = unknown> extends Stage {
  /** @ignore @internal */
  declare readonly _refType: ConsumerRef<this, In>;
  /** @ignore @internal */
  declare readonly _in: In;
  /** What each event is: parsed before `handleEvents` gets it, from this node and others alike. Needed for producers of other nodes. */
  // deno-lint-ignore no-explicit-any -- what is written does not matter here, and `unknown` would refuse schemas that convert
  declare readonly events?: Schema<In, any>;
  #consuming: Consuming | null = null;
  #side: ConsumingSide | null = null;

  /** @ignore @internal What `node.ref(Consumer, target)` gives. */
  static override _refer(node: Node, target: Target): ConsumerRef<Consumer, unknown> {
    return new ConsumerRef(node, target, node._core.main, {});
  }

  /** Handles events; `from` is the subscription that they came by. A promise holds the mailbox. */
  abstract handleEvents(events: readonly In[], from: Subscription): unknown;

  /** Subscribes to a producer. It need not be there: then the subscription ends with `noproc`. */
  subscribe(to: Target, options: StageSubscribeOptions<In> = {}): Subscription {
    const read = readSubscribeTo([to, options as StageSubscribeOptions<never>]);
    return this.#half("subscribe").subscribe(read.to, read.options, null);
  }

  /** Asks for events by a subscription that is `manual`. */
  ask(subscription: Subscription, count: number): void {
    checkCount(count);
    this.#half("ask for events").ask(subscription, count);
  }

  /**
   * Asks a producer to end a subscription. What is on its way comes still; then `handleCancel` is called, and the consumer ends unless
   * the subscription is `temporary`, or `transient` and the reason that of an end in order.
   */
  cancel(subscription: Subscription, reason: Term = NORMAL): void {
    this.#half("cancel a subscription").cancel(subscription, reason);
  }

  /** The producers that it is subscribed to. */
  get producers(): readonly Subscription[] {
    return this.#consuming?.producers ?? [];
  }

  /** How many events were dropped because they are no such events. */
  get invalid(): number {
    return this.#side?.invalid ?? 0;
  }

  /** @ignore @internal */
  get _producing(): null {
    return null;
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
    const kind = { produces: false, consumes: true };
    const options = checkOptions(this.constructor.name, result, kind);
    const side = new ConsumingSide(this, this.events, (events, from) => {
      return this.handleEvents(events as readonly In[], from);
    });
    this.#side = side;
    this.#consuming = new Consuming(side);
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
  override _reference(node: Node, pid: Pid): ConsumerRef<this, In> {
    return new ConsumerRef<this, In>(node, pid, node._core.main, {});
  }

  #half(verb: string): Consuming {
    this._process.mustLive(verb);
    if (this.#consuming !== null) return this.#consuming;
    throw new Error(`Cannot ${verb} in init: return { subscribeTo: [...] } instead`);
  }
}

/** @throws {RangeError} */
export function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw new RangeError(`Cannot ask for ${count} events: 1 or more is needed`);
}
