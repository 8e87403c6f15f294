import type { Pid } from "../../etf/identifiers.ts";
import type { Node } from "../../node/node.ts";
import type { Target } from "../../node/target.ts";
import { emitted, ProducingSide } from "./_halves.ts";
import { Producing } from "./_producing.ts";
import { sourceClass } from "./_source.ts";
import { checkOptions, producingOptions } from "./options.ts";
import { ProducerRef } from "./producer_ref.ts";
import { Stage } from "./stage.ts";
import type { Subscription } from "./subscription.ts";

/** Events that a handler returns: a list, nothing, or a promise of them, which holds the mailbox. */
export type Events<Out> = readonly Out[] | void | Promise<readonly Out[] | void>;

/** Where a producer can take its events from. */
export type ProducerSource<Out> = Iterable<Out> | AsyncIterable<Out> | ReadableStream<Out>;

/**
 * A stage that makes events, as many as its consumers ask for. It is GenStage's producer, and consumers of Elixir may subscribe to it.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | `node.start(Numbers, args)` | `init(...args)`, which may return {@linkcode ProducerOptions} |
 * | a consumer subscribes | `handleSubscribe("consumer", options, subscription)` |
 * | consumers ask for `n` events more | `handleDemand(n)`, which returns events, or has others emit them later |
 * | a consumer cancels, or ends | `handleCancel({ kind, reason }, subscription)` |
 * | a call, a cast, a message | as with every {@linkcode GenServer}; they may {@linkcode Producer.emit} events |
 *
 * - No consumer gets more than it has asked for. What is emitted beyond that waits in a buffer of `bufferSize` events; what has no
 *   room there is dropped, counted and logged.
 * - What `handleDemand` does not make at once it owes: the demand is not told again.
 * - Events of a producer arrive in their order at each consumer. Which consumer gets which event the dispatcher decides:
 *   {@linkcode demandDispatcher}, {@linkcode broadcastDispatcher}, {@linkcode partitionDispatcher}.
 * - A node that takes messages slowly is waited for, and the stage takes no other message meanwhile: nothing is lost, and nothing piles up.
 *
 * @example
 * ```ts
 * import { Consumer, Producer, startNode } from "@ergo-ts/ergo";
 *
 * class Numbers extends Producer<number> {
 *   #next = 0;
 *   override handleDemand(demand: number): number[] {
 *     return Array.from({ length: demand }, () => this.#next++);
 *   }
 * }
 *
 * class Printer extends Consumer<number> {
 *   override async handleEvents(events: readonly number[]): Promise<void> {
 *     await this.sleep(1_000); //    while it works, nobody makes more than 10 numbers ahead
 *     console.log(events);
 *   }
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const numbers = await node.start(Numbers, [], { register: "numbers" });
 * const printer = await node.start(Printer, []);
 * await printer.subscribe(numbers, { maxDemand: 10 });
 * // From Elixir: GenStage.sync_subscribe(consumer, to: {:numbers, :demo@localhost})
 * ```
 *
 * Not for everything: where nothing can become too much, messages and events ({@linkcode Events}) are simpler.
 */
export abstract class Producer<Out = unknown> extends Stage {
  /** @ignore @internal */
  declare readonly _refType: ProducerRef<this, Out>;
  /** @ignore @internal */
  declare readonly _out: Out;
  #producing: Producing | null = null;

  /** @ignore @internal What `node.ref(Producer, target)` gives. */
  static override _refer(node: Node, target: Target): ProducerRef<Producer, unknown> {
    return new ProducerRef(node, target, node._core.main, {});
  }

  /**
   * The class of a producer whose events come from a source of JavaScript: `node.start(Producer.from(source), [])`.
   *
   * - Nothing is taken from the source before consumers ask for it, and no more than that.
   * - When the source ends the producer ends with `normal`, behind its last event; when it fails, with that error. When the producer
   *   ends first, the source is closed (`return` of the iterator, `cancel` of the stream).
   * - A source that can be read once only makes a class that can be started once; a function that makes the source is asked at each start.
   */
  static from<Out>(
    source: ProducerSource<Out> | (() => ProducerSource<Out>),
  ): new () => Producer<Out> {
    return sourceClass(source, Producer as never) as never;
  }

  /**
   * So many events more are asked for, together by all consumers. Whoever may subscribe decides how many that are: make no more at
   * once than there is room for, and {@linkcode Producer.emit} the rest later.
   *
   * @returns events: as many, fewer, or more, which then wait.
   */
  abstract handleDemand(demand: number): Events<Out>;

  /** Gives events to the consumers, from whatever runs in the process. */
  emit(events: readonly Out[]): void {
    this.#half("emit events").emit(events);
  }

  /** The consumers that are subscribed. */
  get consumers(): readonly Subscription[] {
    return this.#producing?.consumers ?? [];
  }

  /** How many events were dropped. */
  get discarded(): number {
    return this.#producing?.lost ?? 0;
  }

  /** @ignore @internal */
  get _producing(): Producing | null {
    return this.#producing;
  }

  /** @ignore @internal */
  get _consuming(): null {
    return null;
  }

  /** @ignore @internal */
  override _initialized(result: unknown): void {
    const kind = { produces: true, consumes: false };
    const options = checkOptions(this.constructor.name, result, kind);
    const side = new ProducingSide(this, (count) => emitted(this, this.handleDemand(count)));
    this.#producing = new Producing(side, producingOptions(options, false));
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): ProducerRef<this, Out> {
    return new ProducerRef<this, Out>(node, pid, node._core.main, {});
  }

  #half(verb: string): Producing {
    this._process.mustLive(verb);
    if (this.#producing !== null) return this.#producing;
    throw new Error(`Cannot ${verb} in init: the stage has not started, use handleDemand`);
  }
}
