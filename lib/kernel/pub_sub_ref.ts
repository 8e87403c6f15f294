import { type Atom, atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import type { AnySchema, Input, Output } from "../etf/schema/schema.ts";
import { term as anyTerm } from "../etf/schema/t.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { NORMAL } from "../node/atoms.ts";
import type { Node } from "../node/node.ts";
import { ProcessContext } from "../node/process/context.ts";
import type { ExitReason, Process } from "../node/process/process.ts";
import type { Addressed } from "../node/target.ts";
import { stopProcess } from "../gen/server/stop_process.ts";
import type { PubSub } from "./pub_sub.ts";
import { Topic, type TopicItem, type TopicItemOf } from "./topic.ts";

const DISPATCHER = atom("Elixir.Phoenix.PubSub");

/** How a message is broadcast. */
export interface BroadcastOptions {
  /** The process in whose name it is broadcast: its messages keep their order. Default: the node. */
  readonly by?: ProcessContext;
  /** The module that delivers it on Phoenix's nodes, as `"Elixir.Phoenix.Channel.Server"` for channels. Default `"Elixir.Phoenix.PubSub"`. */
  readonly dispatcher?: string;
}

/** How a loop follows a topic. */
export interface MessagesOptions {
  /** Ends the loop. */
  readonly signal?: AbortSignal;
  /** How many messages are kept that are not read; older ones are dropped, which is told. Default 1,000. */
  readonly maxQueue?: number;
}

/** A reference to a PubSub of this node, see {@linkcode PubSub}. */
export class PubSubRef implements Addressed {
  /** Its process. */
  readonly pid: Pid;
  readonly #node: Node;
  readonly #pubSub: PubSub;

  /** @ignore @internal */
  constructor(node: Node, pid: Pid, pubSub: PubSub) {
    this.#node = node;
    this.pid = pid;
    this.#pubSub = pubSub;
  }

  /** Its pid, where a target is taken. */
  get target(): Pid {
    return this.pid;
  }

  /**
   * Subscribes a process of this node to a topic: from now on it gets what is broadcast there as messages, and twice what it has subscribed to twice.
   *
   * @param subscriber the process itself, or its pid.
   * @returns takes this one subscription back when it is disposed; the end of the process does too.
   * @throws {RangeError} if it is a process of another node.
   * @throws {ProcessExitedError} if the PubSub has ended.
   */
  subscribe(subscriber: ProcessContext | Pid, topic: string | Topic<AnySchema>): Disposable {
    const pid = pidOf("subscribe to a topic", subscriber);
    const name = nameOf(topic);
    this.#pubSub._subscribe(pid, name);
    let subscribed = true;
    return {
      [Symbol.dispose]: () => {
        if (subscribed) this.#pubSub._unsubscribe(pid, name, false);
        subscribed = false;
      },
    };
  }

  /** Takes all subscriptions of a process to a topic back. @returns whether there were any. */
  unsubscribe(subscriber: ProcessContext | Pid, topic: string | Topic<AnySchema>): boolean {
    const pid = pidOf("unsubscribe from a topic", subscriber);
    return this.#pubSub._unsubscribe(pid, nameOf(topic), true) > 0;
  }

  /**
   * Calls `fn` with each message of a topic, at once when it comes and whatever came of the one before. What it throws is logged, and so is what the
   * topic's schema does not take.
   *
   * @returns ends it when it is disposed.
   * @throws {ProcessExitedError} if the PubSub has ended.
   */
  on(topic: string, fn: (message: Term) => unknown): Disposable;
  /** As above, with messages of the topic's type. */
  on<S extends AnySchema>(topic: Topic<S>, fn: (message: Output<S>) => unknown): Disposable;
  on(topic: string | Topic<AnySchema>, fn: (message: never) => unknown): Disposable {
    return this.#pubSub._listen(
      nameOf(topic),
      schemaOf(topic),
      fn as (message: unknown) => unknown,
    );
  }

  /**
   * The messages of a topic from now on, until the loop is left, the signal aborts or the PubSub ends.
   *
   * @throws {RangeError} if `maxQueue` is less than 1.
   * @throws {ProcessExitedError} if the PubSub has ended.
   */
  messages(topic: string, options?: MessagesOptions): AsyncIterableIterator<TopicItem<Term>>;
  /** As above, with messages of the topic's type. */
  messages<S extends AnySchema>(
    topic: Topic<S>,
    options?: MessagesOptions,
  ): AsyncIterableIterator<TopicItemOf<S>>;
  messages(
    topic: string | Topic<AnySchema>,
    { signal, maxQueue = 1_000 }: MessagesOptions = {},
  ): AsyncIterableIterator<TopicItem<never>> {
    if (!(maxQueue >= 1)) {
      throw new RangeError(`Cannot follow a topic with maxQueue ${maxQueue}: 1 or more is needed`);
    }
    const stream = this.#pubSub._stream(nameOf(topic), schemaOf(topic), maxQueue, signal);
    return stream as unknown as AsyncIterableIterator<TopicItem<never>>;
  }

  /**
   * Broadcasts a message to all subscribers of a topic, first on all other nodes that are connected, then on this one. Returns at once.
   *
   * @throws {SchemaError} if it is not what the topic's schema takes; nothing is sent then.
   * @throws {EncodeError} if it is no term.
   * @throws {BusyError} if a connection takes nothing more: that node has not got it, all others have. See {@linkcode Node.sendReady} and
   *   {@linkcode PubSubRef.directBroadcast}.
   * @throws {ProcessExitedError} if the PubSub has ended.
   */
  broadcast(topic: string, message: Encodable, options?: BroadcastOptions): void;
  /** As above, to a topic whose schema checks and converts the message. */
  broadcast<S extends AnySchema>(
    topic: Topic<S>,
    message: Input<S>,
    options?: BroadcastOptions,
  ): void;
  broadcast(
    topic: string | Topic<AnySchema>,
    message: unknown,
    options: BroadcastOptions = {},
  ): void {
    this.#broadcast(topic, message, this.#by(options), dispatcherOf(options), null);
  }

  /** As {@linkcode PubSubRef.broadcast} in the name of a process, which does not get it itself. */
  broadcastFrom(
    self: ProcessContext,
    topic: string,
    message: Encodable,
    options?: Omit<BroadcastOptions, "by">,
  ): void;
  /** As above, to a topic whose schema checks and converts the message. */
  broadcastFrom<S extends AnySchema>(
    self: ProcessContext,
    topic: Topic<S>,
    message: Input<S>,
    options?: Omit<BroadcastOptions, "by">,
  ): void;
  broadcastFrom(
    self: ProcessContext,
    topic: string | Topic<AnySchema>,
    message: unknown,
    options: Omit<BroadcastOptions, "by"> = {},
  ): void {
    const pid = pidOf("broadcast from a process", self);
    this.#broadcast(topic, message, self._process, dispatcherOf(options), pid);
  }

  /**
   * Broadcasts to the subscribers of this node alone.
   *
   * @throws {EncodeError} if it is no term and a subscriber is on a worker, which has not got it; all others have.
   */
  localBroadcast(topic: string, message: Encodable, options?: LocalBroadcastOptions): void;
  /** As above, to a topic whose schema checks and converts the message. */
  localBroadcast<S extends AnySchema>(
    topic: Topic<S>,
    message: Input<S>,
    options?: LocalBroadcastOptions,
  ): void;
  localBroadcast(
    topic: string | Topic<AnySchema>,
    message: unknown,
    { by, except }: LocalBroadcastOptions = {},
  ): void {
    const term = termOf(topic, message);
    const not = except === undefined ? null : pidOf("broadcast except to a process", except);
    this.#pubSub._process.mustLive("broadcast");
    this.#pubSub._deliver(this.#by({ by }), nameOf(topic), term, not);
  }

  /**
   * Broadcasts to the subscribers of one node alone. Nothing is told where there is no such node or PubSub.
   *
   * @throws {BusyError} if the connection takes nothing more.
   */
  directBroadcast(
    node: string,
    topic: string,
    message: Encodable,
    options?: BroadcastOptions,
  ): void;
  /** As above, to a topic whose schema checks and converts the message. */
  directBroadcast<S extends AnySchema>(
    node: string,
    topic: Topic<S>,
    message: Input<S>,
    options?: BroadcastOptions,
  ): void;
  directBroadcast(
    node: string,
    topic: string | Topic<AnySchema>,
    message: unknown,
    options: BroadcastOptions = {},
  ): void {
    const term = termOf(topic, message);
    const by = this.#by(options);
    this.#pubSub._direct(by, node, nameOf(topic), term, dispatcherOf(options));
  }

  /** How many subscriptions a topic has on this node, callbacks and loops among them. */
  subscribers(topic: string | Topic<AnySchema>): number {
    return this.#pubSub._count(nameOf(topic));
  }

  /** Ends it, and with it all subscriptions of this node. */
  async stop(reason: ExitReason = NORMAL): Promise<void> {
    const core = this.#node._core;
    await stopProcess(core, core.main, this.pid, reason);
  }

  #by({ by }: BroadcastOptions): Process {
    if (by === undefined) return this.#node._core.main;
    if (by instanceof ProcessContext) return by._process;
    throw new TypeError("Cannot broadcast by what is no process: `this` or `self` is needed");
  }

  #broadcast(
    topic: string | Topic<AnySchema>,
    message: unknown,
    by: Process,
    dispatcher: Atom,
    except: Pid | null,
  ): void {
    const term = termOf(topic, message);
    const name = nameOf(topic);
    const busy = this.#pubSub._forward(by, name, term, dispatcher);
    this.#pubSub._deliver(by, name, term, except);
    if (busy !== null) throw busy;
  }
}

/** How a message is broadcast on this node. */
export interface LocalBroadcastOptions {
  /** The process in whose name it is broadcast. Default: the node. */
  readonly by?: ProcessContext;
  /** A process that does not get it. */
  readonly except?: ProcessContext | Pid;
}

function nameOf(topic: string | Topic<AnySchema>): string {
  if (topic instanceof Topic) return topic.name;
  if (typeof topic === "string") return topic;
  throw new TypeError(
    `Cannot use ${typeof topic} as a topic: a text is needed, or what topic() gives`,
  );
}

function schemaOf(topic: string | Topic<AnySchema>): AnySchema {
  return topic instanceof Topic ? topic.schema : anyTerm;
}

function termOf(topic: string | Topic<AnySchema>, message: unknown): Encodable {
  if (!(topic instanceof Topic)) return message as Encodable;
  const term = topic.schema.toTerm(message as never);
  topic.schema.parse(term as Term);
  return term;
}

function pidOf(what: string, process: ProcessContext | Pid): Pid {
  if (process instanceof ProcessContext) return process.pid;
  if (process instanceof Pid) return process;
  throw new TypeError(`Cannot ${what}: a process is needed first, \`this\`, \`self\` or a pid`);
}

function dispatcherOf({ dispatcher }: BroadcastOptions): Atom {
  return dispatcher === undefined ? DISPATCHER : atom(dispatcher) as Atom;
}
