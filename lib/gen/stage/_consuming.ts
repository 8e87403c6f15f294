import { format } from "../../etf/format.ts";
import { Pid, type Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { Queue } from "../../_util/queue.ts";
import type { Core } from "../../node/core.ts";
import type { Monitor } from "../../node/process/monitor.ts";
import type { Process } from "../../node/process/process.ts";
import { addressOf, addressTerm, describe, nodeOf, type Target } from "../../node/target.ts";
import { type Batch, cutBatches, type Demand } from "./_batches.ts";
import {
  afterwards,
  ASK,
  cancelled,
  type StageOutbox,
  SUBSCRIBE,
  toProducer,
  UNKNOWN_SUBSCRIPTION,
} from "./_wire.ts";
import {
  BadOption,
  type Cancellation,
  isOrderly,
  type Subscription,
  type SubscriptionOptions,
  type SubscriptionTerm,
} from "./subscription.ts";

/** What the consuming half needs of its stage. */
export interface ConsumingStage {
  readonly core: Core;
  readonly process: Process;
  readonly outbox: StageOutbox;
  /** Whether events of other nodes are checked. */
  readonly isTyped: boolean;
  /** Handles events, and gives on what comes of it. */
  handled(events: readonly unknown[], from: Subscription): unknown;
  /** @returns whether demand is left to the handler. */
  subscribed(options: SubscriptionOptions, producer: Subscription): boolean;
  cancelled(cancellation: Cancellation, producer: Subscription): unknown;
  /** An info whose turn it is. */
  informed(message: unknown): void;
  /** How many events may be made now; `Infinity` where the stage only consumes. */
  readonly demand: number;
  log(level: "info" | "warning" | "error", text: string): void;
}

/** One producer of this stage. */
class Source implements Subscription {
  readonly tag: Ref;
  readonly options: SubscriptionOptions;
  readonly monitor: Monitor;
  /** `null` where the handler asks. */
  demand: Demand | null = null;
  target: Target;

  constructor(monitor: Monitor, target: Target, options: SubscriptionOptions) {
    this.monitor = monitor;
    this.tag = monitor.ref;
    this.target = target;
    this.options = options;
  }

  get pid(): Pid | null {
    return this.target instanceof Pid ? this.target : null;
  }
}

/** What a stage that produces as well keeps until it is asked for events. */
type Kept =
  | { readonly events: readonly unknown[]; readonly source: Source }
  | { readonly cancellation: Cancellation; readonly source: Source }
  | { readonly info: unknown };

/** The half of a stage that has producers. */
export class Consuming {
  readonly #stage: ConsumingStage;
  readonly #sources: Map<string, Source> = new Map();
  readonly #kept: Queue<Kept> = new Queue();

  constructor(stage: ConsumingStage) {
    this.#stage = stage;
  }

  get producers(): Subscription[] {
    return [...this.#sources.values()];
  }

  /**
   * Subscribes, and asks for the first events.
   *
   * @param current a subscription that ends with that reason when the new one begins.
   */
  subscribe(
    to: Target,
    options: SubscriptionOptions,
    current: { readonly tag: Ref; readonly reason: Term } | null,
  ): Subscription {
    const { core, process, outbox } = this.#stage;
    const address = addressOf(to, core.global);
    const isRemote = core.remoteOf(address) !== null;
    if (isRemote && !this.#stage.isTyped) {
      throw new BadOption(
        `Cannot subscribe to ${
          describe(address)
        }: its events come from another node, and the class does not say what they are, override events with a schema`,
      );
    }
    if (isRemote && options.selector !== undefined) {
      throw new BadOption(
        `Cannot subscribe to ${
          describe(address)
        } with a selector: a function cannot be sent to another node`,
      );
    }
    const producer = isRemote ? address : core.local(address)?.pid ?? address;
    const target = producer instanceof Pid ? producer : addressTerm(producer) as Target;
    const monitor: Monitor = core.monitor(process, target, ({ reason }) => {
      return this.#end(source, { kind: "down", reason }); // in a turn of its own, later than this
    });
    const source = new Source(monitor, target, options);
    this.#sources.set(source.tag.key, source);
    const old = current === null ? null : tuple(current.tag, current.reason);
    const what = tuple(SUBSCRIBE, old, options.terms as Term[]);
    outbox.send(target, toProducer(process.pid, source.tag, what));
    const isManual = this.#stage.subscribed(options, source) || options.manual;
    if (!isManual) {
      const { minDemand: min, maxDemand: max } = options;
      source.demand = { min, max, pending: max };
      this.#ask(source, max);
    }
    return source;
  }

  /** Asks for more, where demand is manual. */
  ask({ tag, target }: Subscription, count: number): void {
    const { outbox, process } = this.#stage;
    outbox.send(target, toProducer(process.pid, tag, tuple(ASK, count)));
  }

  /** Asks the producer to end a subscription; it ends here when the producer answers. */
  cancel({ tag, target }: Subscription, reason: Term): void {
    const { outbox, process } = this.#stage;
    outbox.send(target, toProducer(process.pid, tag, cancelled(reason)));
  }

  // What producers say

  received(from: SubscriptionTerm, events: readonly unknown[]): unknown {
    const { process } = this.#stage;
    const source = this.#sources.get(from[1].key);
    if (source === undefined) {
      this.cancel({ tag: from[1], target: from[0], pid: from[0] }, UNKNOWN_SUBSCRIPTION);
      return undefined;
    }
    this.#learn(source, from[0]);
    if (process.origin !== null && !this.#stage.isTyped) {
      this.#stage.log(
        "error",
        `got events of another node (${process.origin}) and cancels the subscription: the class does not say what they are, override events with a schema`,
      );
      this.cancel(source, UNKNOWN_SUBSCRIPTION);
      return undefined;
    }
    if (this.#stage.demand === Infinity) return this.#handle(source, events);
    this.#kept.push({ events, source });
    return this.take();
  }

  ended(tag: Ref, reason: Term): unknown {
    const source = this.#sources.get(tag.key);
    return source === undefined ? undefined : this.#end(source, { kind: "cancel", reason });
  }

  /** @returns whether it waits now behind events. */
  informInTurn(message: unknown): boolean {
    if (this.#kept.length === 0) return false;
    this.#kept.push({ info: message });
    return true;
  }

  /** Goes on with what was kept, as long as events are asked for. */
  take(): unknown {
    while (this.#stage.demand > 0 && !this.#isOver) {
      const one = this.#kept.shift();
      if (one === undefined) return undefined;
      if ("info" in one) {
        this.#stage.informed(one.info);
        continue;
      }
      const result = "events" in one
        ? this.#handle(one.source, one.events)
        : this.#tell(one.source, one.cancellation);
      if (isThenable(result)) return Promise.resolve(result).then(() => this.take());
    }
    return undefined;
  }

  get #isOver(): boolean {
    const { process } = this.#stage;
    return process.stopping !== null || process.exited;
  }

  /** A producer that was subscribed to by its name on another node tells its pid with the first events. */
  #learn(source: Source, pid: Pid): void {
    if (source.target instanceof Pid) return;
    if (nodeOf(addressOf(source.target)) === pid.node) source.target = pid;
  }

  #handle(source: Source, events: readonly unknown[]): unknown {
    if (source.demand === null) return this.#stage.handled(events, source);
    const { batches, excess } = cutBatches(events, source.demand);
    if (excess > 0) {
      this.#stage.log(
        "error",
        `has got ${excess} events from ${
          format(source.pid)
        } that it has not asked for, and handles them`,
      );
    }
    return this.#run(source, batches, 0);
  }

  #run(source: Source, batches: readonly Batch[], first: number): unknown {
    for (let i = first; i < batches.length && !this.#isOver; i++) {
      const { events, ask } = batches[i];
      const result = this.#stage.handled(events, source);
      if (isThenable(result)) {
        return Promise.resolve(result).then(() => {
          this.#ask(source, ask);
          return this.#run(source, batches, i + 1);
        });
      }
      this.#ask(source, ask);
    }
    return undefined;
  }

  #ask(source: Source, count: number): void {
    if (count > 0 && !this.#isOver && this.#sources.has(source.tag.key)) this.ask(source, count);
  }

  #end(source: Source, cancellation: Cancellation): unknown {
    if (!this.#sources.delete(source.tag.key)) return undefined;
    source.monitor[Symbol.dispose]();
    if (this.#kept.length === 0) return this.#tell(source, cancellation);
    this.#kept.push({ cancellation, source });
    return undefined;
  }

  #tell(source: Source, cancellation: Cancellation): unknown {
    const { reason } = cancellation;
    return afterwards(this.#stage.cancelled(cancellation, source), () => {
      const { cancel } = source.options;
      const ends = cancel === "permanent" || (cancel === "transient" && !isOrderly(reason));
      // As GenStage: a second subscription to what it has already is no reason to end.
      if (!ends || (reason as { name?: unknown } | null)?.name === "already_subscribed") return;
      const producer = describe(addressOf(source.target));
      const why = format(reason, { maxLength: 1_000 });
      this.#stage.log(
        "info",
        `ends: its subscription to ${producer}, which is ${cancel}, has ended with ${why}`,
      );
      this.#stage.process.stop(reason);
    });
  }
}
