import { format } from "../../etf/format.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { NOCONNECTION } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import type { Monitor } from "../../node/process/monitor.ts";
import type { Process } from "../../node/process/process.ts";
import { EventBuffer } from "./_buffer.ts";
import {
  afterwards,
  ASK,
  cancelled,
  DUPLICATED_SUBSCRIPTION,
  GEN_CONSUMER,
  type StageOutbox,
  toConsumer,
  toProducer,
  UNKNOWN_SUBSCRIPTION,
} from "./_wire.ts";
import type { Dispatcher, DispatcherHome, DispatcherSpec, Outlet } from "./dispatcher.ts";
import {
  type Cancellation,
  readLoosely,
  type Subscription,
  type SubscriptionOptions,
  type SubscriptionTerm,
} from "./subscription.ts";

/** What the producing half needs of its stage. */
export interface ProducingStage {
  readonly core: Core;
  readonly process: Process;
  readonly outbox: StageOutbox;
  /** New demand; a stage that consumes as well looks at what it has then. */
  demanded(count: number): unknown;
  subscribed(options: SubscriptionOptions, consumer: Subscription): void;
  cancelled(cancellation: Cancellation, consumer: Subscription): unknown;
  /** @returns whether it is to be logged. */
  discarded(count: number): boolean;
  log(level: "warning" | "error", text: string): void;
}

/** How a producing half is made. */
export interface ProducingOptions {
  readonly dispatcher: DispatcherSpec<never>;
  readonly bufferSize: number;
  readonly bufferKeep: "first" | "last";
  readonly accumulates: boolean;
  /** Whether the stage consumes as well: it owes events then, and takes of its own as many as it is asked for. */
  readonly consumes: boolean;
}

/** One consumer of this stage. */
class Consuming implements Subscription, Outlet {
  readonly pid: Pid;
  readonly tag: Ref;
  monitor: Monitor | null = null;
  readonly #stage: ProducingStage;
  readonly #from: unknown;

  constructor(stage: ProducingStage, pid: Pid, tag: Ref) {
    this.#stage = stage;
    this.pid = pid;
    this.tag = tag;
    this.#from = tuple(stage.process.pid, tag);
  }

  get target(): Pid {
    return this.pid;
  }

  get name(): string {
    return format(this.pid);
  }

  get process(): string {
    return this.pid.key;
  }

  send(events: readonly unknown[]): void {
    this.#stage.outbox.send(
      this.pid,
      tuple(GEN_CONSUMER, this.#from as Term, events as readonly Term[]) as unknown as Encodable,
    );
  }
}

/** The half of a stage that has consumers: who they are, what they have asked for, and what waits for them. */
export class Producing implements DispatcherHome {
  /** What is owed to consumers, where the stage consumes as well. */
  demand = 0;
  readonly #stage: ProducingStage;
  readonly #dispatcher: Dispatcher;
  readonly #buffer: EventBuffer;
  readonly #consumes: boolean;
  readonly #consumers: Map<string, Consuming> = new Map();
  /** `null` where demand is handled as it comes. */
  #accumulated: number[] | null;
  #discarded = 0;
  #nextReport = 1;

  constructor(stage: ProducingStage, options: ProducingOptions) {
    this.#stage = stage;
    this.#dispatcher = options.dispatcher._make(this);
    this.#buffer = new EventBuffer(options.bufferSize, options.bufferKeep);
    this.#consumes = options.consumes;
    this.#accumulated = options.accumulates ? [] : null;
  }

  get buffered(): number {
    return this.#buffer.count;
  }

  get consumers(): Subscription[] {
    return [...this.#consumers.values()];
  }

  /** How many events were dropped because nobody has asked for them and the buffer was full, or no consumer was theirs. */
  get lost(): number {
    return this.#discarded;
  }

  get isAccumulating(): boolean {
    return this.#accumulated !== null;
  }

  // What consumers say

  subscribe(from: SubscriptionTerm, current: Ref | null, reason: Term, terms: Term): unknown {
    const [pid, tag] = [from[0], from[1]];
    if (this.#consumers.has(tag.key)) {
      this.#stage.log(
        "error",
        `got a subscription of ${format(pid)} that it has already, and cancels it`,
      );
      return this.#answer(pid, tag, DUPLICATED_SUBSCRIPTION);
    }
    const options = readLoosely(terms);
    const ended = current === null ? undefined : this.cancel(current, reason);
    return afterwards(ended, () => this.#admit(pid, tag, options));
  }

  #admit(pid: Pid, tag: Ref, options: SubscriptionOptions): unknown {
    const { core, process } = this.#stage;
    const consumer = new Consuming(this.#stage, pid, tag);
    this.#consumers.set(tag.key, consumer);
    consumer.monitor = core.monitor(process, pid, ({ reason }) => {
      return this.#end(consumer, { kind: "down", reason });
    });
    this.#stage.subscribed(options, consumer);
    const refused = this.#dispatcher.subscribe(consumer, options);
    if (refused === undefined) return undefined;
    return this.#end(consumer, { kind: "cancel", reason: refused });
  }

  ask(from: SubscriptionTerm, count: number): unknown {
    const consumer = this.#consumers.get(from[1].key);
    if (consumer === undefined) return this.#answer(from[0], from[1], UNKNOWN_SUBSCRIPTION);
    if (count < 0) {
      this.#stage.log(
        "error",
        `was asked for ${count} events by ${consumer.name}, which is ignored: 1 or more is needed`,
      );
    }
    if (count <= 0) return undefined;
    return this.#gained(this.#dispatcher.ask(consumer, count));
  }

  cancel(tag: Ref, reason: Term): unknown {
    const consumer = this.#consumers.get(tag.key);
    return consumer === undefined ? undefined : this.#end(consumer, { kind: "cancel", reason });
  }

  #end(consumer: Consuming, cancellation: Cancellation): unknown {
    const key = consumer.tag.key;
    if (this.#consumers.get(key) !== consumer) return undefined;
    this.#consumers.delete(key);
    consumer.monitor?.[Symbol.dispose]();
    const { kind, reason } = cancellation;
    // Also to one that has ended, as GenStage does; but no connection is made for that.
    if (kind !== "down" || reason !== NOCONNECTION) {
      this.#answer(consumer.pid, consumer.tag, reason);
    }
    const result = this.#stage.cancelled(cancellation, consumer);
    return afterwards(result, () => this.#gained(this.#dispatcher.cancel(consumer)));
  }

  #answer(pid: Pid, tag: Ref, reason: Term): void {
    const { outbox, process } = this.#stage;
    outbox.send(pid, toConsumer(process.pid, tag, cancelled(reason)));
  }

  // Events

  /** Gives events to the consumers; those that nobody has asked for wait. */
  emit(events: readonly unknown[]): void {
    if (events.length === 0) return;
    if (this.#consumers.size === 0) this.#store(events);
    else this.#dispatch(events);
  }

  /** Something for `handleInfo`, when all events before it have gone. */
  informInTurn(message: unknown): void {
    if (!this.#buffer.storeInfo(message)) this.#dispatcher.info(message);
  }

  /** @returns a promise where the handler of what has accumulated has given one. */
  setAccumulating(accumulates: boolean): unknown {
    const waiting = this.#accumulated;
    if (accumulates) {
      this.#accumulated ??= [];
      return undefined;
    }
    this.#accumulated = null;
    const next = (): unknown => {
      const count = waiting?.shift();
      return count === undefined ? undefined : afterwards(this.#stage.demanded(count), next);
    };
    return next();
  }

  #gained(count: number): unknown {
    if (this.#consumes) {
      this.demand += count;
      this.#drain(this.demand);
      return this.#stage.demanded(0);
    }
    const left = this.#drain(count);
    if (left === 0) return undefined;
    if (this.#accumulated === null) return this.#stage.demanded(left);
    this.#accumulated.push(left);
    return undefined;
  }

  /** Takes so many events out of the buffer at most. @returns how many more were wanted. */
  #drain(count: number): number {
    for (;;) {
      const info = this.#buffer.takeInfo();
      if (info !== undefined) this.#dispatcher.info(info.message);
      else if (count === 0 || this.#buffer.count === 0) return count;
      else {
        const events = this.#buffer.take(count);
        count -= events.length;
        this.#dispatch(events);
      }
    }
  }

  #dispatch(events: readonly unknown[]): void {
    const rest = this.#dispatcher.dispatch(events);
    this.demand = Math.max(0, this.demand - (events.length - rest.length));
    if (rest.length > 0) this.#store(rest);
  }

  #store(events: readonly unknown[]): void {
    const dropped = this.#buffer.store(events, (message) => this.#dispatcher.info(message));
    if (dropped > 0) this.discard(dropped, "which nobody has asked for: its buffer is full");
  }

  // What dispatchers need

  warn(text: string): void {
    this.#stage.log("warning", text);
  }

  inform(message: unknown): void {
    this.#stage.process.deliver(message);
  }

  askFor(outlet: Outlet, count: number): void {
    const { process } = this.#stage;
    const { pid, tag } = outlet as Consuming;
    process.deliver(toProducer(pid, tag, tuple(ASK, count)));
  }

  more(count: number): void {
    this.#stage.process.doNext(() => this.#gained(count));
  }

  random(range: number): number {
    const bytes = this.#stage.core.platform.randomBytes(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % range;
  }

  /** Told at the first event, and whenever they have become twice as many. */
  discard(count: number, why: string): void {
    if (count === 0) return;
    this.#discarded += count;
    if (!this.#stage.discarded(count) || this.#discarded < this.#nextReport) return;
    this.#nextReport = this.#discarded * 2;
    const all = this.#discarded === count ? "" : `, ${this.#discarded} in all`;
    this.#stage.log("warning", `has discarded ${count} events${all}, ${why}`);
  }
}
