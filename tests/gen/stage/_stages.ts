import {
  atom,
  type Cancellation,
  Consumer,
  type ConsumerOptions,
  type Encodable,
  format,
  isTuple,
  type Node,
  type Pid,
  Producer,
  ProducerConsumer,
  type ProducerConsumerOptions,
  type ProducerOptions,
  type Ref,
  type Subscription,
  type SubscriptionOptions,
  t,
  type Target,
  type Term,
  tuple,
} from "../../../mod.ts";

/** Counts up, as many as it is asked for. */
export class Counter extends Producer<number> {
  next = 0;
  readonly demands: number[] = [];
  readonly cancelled: Cancellation[] = [];
  readonly seen: SubscriptionOptions[] = [];
  #limit = Infinity;
  /** @param limit so many it makes at most: time stands still in tests, and a stream without an end has no pause. */
  override init(
    options?: ProducerOptions<number>,
    limit = Infinity,
  ): ProducerOptions<number> | void {
    this.#limit = limit;
    return options;
  }
  override handleDemand(demand: number): number[] {
    this.demands.push(demand);
    const length = Math.min(demand, this.#limit - this.next);
    return Array.from({ length }, () => this.next++);
  }
  override handleSubscribe(
    _other: "producer" | "consumer",
    options: SubscriptionOptions,
  ): void {
    this.seen.push(options);
  }
  override handleCancel(cancellation: Cancellation): void {
    this.cancelled.push(cancellation);
  }
}

/** Makes no events but those that it is told to. */
export class Manual extends Producer<number> {
  readonly demands: number[] = [];
  readonly dropped: number[] = [];
  readonly infos: Term[] = [];
  override init(options?: ProducerOptions<number>): ProducerOptions<number> | void {
    return options;
  }
  override handleDemand(demand: number): void {
    this.demands.push(demand);
  }
  override handleDiscarded(count: number): void {
    this.dropped.push(count);
  }
  override handleInfo(message: Term): void {
    this.infos.push(message);
  }
}

/** Twice each number. */
export class Doubler extends ProducerConsumer<number, number> {
  override readonly events = t.integer;
  readonly batches: number[] = [];
  readonly infos: Term[] = [];
  override init(options?: ProducerConsumerOptions<number>): ProducerConsumerOptions<number> | void {
    return options;
  }
  override handleEvents(events: readonly number[]): number[] {
    this.batches.push(events.length);
    return events.map((n) => 2 * n);
  }
  override handleInfo(message: Term): void {
    this.infos.push(message);
  }
}

/** Keeps what it gets. */
export class Keeper extends Consumer<number> {
  override readonly events = t.integer;
  readonly got: number[] = [];
  readonly batches: number[][] = [];
  readonly from: Subscription[] = [];
  readonly infos: Term[] = [];
  readonly cancelled: Cancellation[] = [];
  readonly subscriptions: Subscription[] = [];
  /** What handleEvents waits for. */
  wait: (() => Promise<void>) | null = null;
  override init(options?: ConsumerOptions, wait?: () => Promise<void>): ConsumerOptions | void {
    this.wait = wait ?? null;
    return options;
  }
  override handleSubscribe(
    _other: "producer" | "consumer",
    _options: SubscriptionOptions,
    subscription: Subscription,
  ): void {
    this.subscriptions.push(subscription);
  }
  override handleEvents(events: readonly number[], from: Subscription): unknown {
    this.got.push(...events);
    this.batches.push([...events]);
    this.from.push(from);
    return this.wait?.();
  }
  override handleCancel(cancellation: Cancellation): void {
    this.cancelled.push(cancellation);
  }
  override handleInfo(message: Term): void {
    this.infos.push(message);
  }
}

/** The instance behind a reference. */
export function instance<S>(node: Node, ref: { readonly pid: Pid }, _Class: new () => S): S {
  return node._core.process(ref.pid)!.body as unknown as S;
}

/** A process that speaks GenStage's protocol by hand. */
export interface Peer {
  readonly pid: Pid;
  /** As Erlang prints what came: pids and references by the names that `names` gives them. */
  readonly got: string[];
  readonly raw: Term[];
  send(target: Target, message: Term): void;
  /** `{'$gen_producer', {Self, Tag}, What}`. */
  toProducer(target: Target, tag: Ref, what: Term): void;
  /** `{'$gen_consumer', {Self, Tag}, What}`. */
  toConsumer(target: Target, tag: Ref, what: Term): void;
  end(reason?: Term): void;
}

export function peer(node: Node): Promise<Peer> {
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      const raw: Term[] = [];
      const got: string[] = [];
      const pair = (tag: Ref): Term => tuple(self.pid, tag) as Term;
      resolve({
        pid: self.pid,
        got,
        raw,
        send: (target, message) => self.send(target, message as Encodable),
        toProducer: (target, tag, what) => {
          self.send(target, tuple(atom("$gen_producer"), pair(tag), what) as Encodable);
        },
        toConsumer: (target, tag, what) => {
          self.send(target, tuple(atom("$gen_consumer"), pair(tag), what) as Encodable);
        },
        end: (reason = atom("normal")) => node._core.process(self.pid)?.exit(reason),
      });
      for await (const message of self) {
        raw.push(message);
        got.push(wordsOf(message));
      }
    });
  });
}

/** A message of GenStage without its pids and references: `$gen_producer {ask,4}`. */
export function wordsOf(message: Term): string {
  if (!isTuple(message) || message.length !== 3 || !isTuple(message[1])) return format(message);
  return `${(message.tag ?? "").slice(1)} ${format(message[2] as Term)}`.replaceAll(
    /#Ref<[^>]*>/g,
    "Ref",
  );
}

/** The tag of a subscription in a message. */
export function tagIn(message: Term): Ref {
  return (message as unknown as [unknown, [unknown, Ref]])[1][1];
}

/** `{subscribe, nil, Options}`. */
export function subscribeTerm(options: readonly Term[] = [], current: Term = null): Term {
  return tuple(atom("subscribe"), current, options) as Term;
}

export function askTerm(count: Term): Term {
  return tuple(atom("ask"), count) as Term;
}

export function cancelTerm(reason: Term): Term {
  return tuple(atom("cancel"), reason) as Term;
}

/** Options of Erlang. */
export function keywords(options: Readonly<Record<string, Term>>): Term[] {
  return Object.entries(options).map(([name, value]) => tuple(atom(name), value) as Term);
}
