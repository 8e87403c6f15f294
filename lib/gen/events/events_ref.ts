import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { AnySchema } from "../../etf/schema/schema.ts";
import { NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { callerProcess, selfOf } from "../../node/caller.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { ExitReason } from "../../node/process/process.ts";
import type { Addressed, Target } from "../../node/target.ts";
import { NORMAL } from "../../node/atoms.ts";
import { type StopOptions, stopProcess } from "../server/stop_process.ts";
import type { EventItem, EventItemOf, EventType } from "./event.ts";
import type { Events } from "./events.ts";
import { ProcessListener, StreamListener } from "./_listeners.ts";
import type { EventOptions, Publisher } from "./publisher.ts";

/** Where an event is that somebody subscribes to. */
export interface SubscribeOptions {
  /** The node that publishes it. Default: this one. */
  readonly node?: string;
}

/** How a loop subscribes to an event. */
export interface StreamEventOptions extends SubscribeOptions {
  /** Ends the loop. */
  readonly signal?: AbortSignal;
  /** How many values are kept that are not read; older ones are dropped, which is told. Default 1,000. */
  readonly maxQueue?: number;
}

/** The figures of one event that is published on this node. */
export interface EventStats {
  /** The event's name. */
  readonly name: string;
  /** Who publishes it. */
  readonly owner: Pid;
  /** How many values were published. */
  readonly published: number;
  /** How many subscribers there are; those of another node that is ours count as one. */
  readonly subscribers: number;
  /** How many values are kept for those who come. */
  readonly buffered: number;
}

/** Every option, so that a misspelt one is not taken for its default. */
const REGISTER_FIELDS: FieldsOf<EventOptions> = {
  buffer: true,
  notify: true,
  onStart: true,
  onStop: true,
};
const SUBSCRIBE_FIELDS: FieldsOf<SubscribeOptions> = { node: true };
const STREAM_FIELDS: FieldsOf<StreamEventOptions> = { node: true, signal: true, maxQueue: true };

/** A reference to the server of events of this node, see {@linkcode Events}. */
export class EventsRef implements Addressed {
  /** Where the server is: its pid, or the name that it was asked for by. */
  readonly target: Target;
  readonly #node: Node;
  readonly #find: () => Events | undefined;

  /** @ignore @internal */
  constructor(node: Node, target: Target, find: () => Events | undefined) {
    this.#node = node;
    this.target = target;
    this.#find = find;
  }

  /**
   * Registers an event of this node.
   *
   * @param owner the process whose end ends it, or the node.
   * @returns what it is published by.
   * @throws {NameError} if the name is taken.
   */
  registerEvent<S extends AnySchema>(
    owner: ProcessContext | Node,
    event: EventType<S>,
    options: EventOptions = {},
  ): Publisher<S> {
    checkFields(`register event ${event.name}`, options, REGISTER_FIELDS);
    const process = callerProcess(owner, "register an event", "events.registerEvent(this, event)");
    return this.#events._register(process, event, options);
  }

  /**
   * Subscribes a process: `fn` runs in it, as a message would, with each item, the values that are kept first. The last one is `down`;
   * subscribing itself never throws for an event that is not there.
   *
   * @returns unsubscribes when it is disposed; the end of the process does too.
   */
  monitorEvent<S extends AnySchema>(
    self: ProcessContext,
    event: EventType<S>,
    fn: (item: EventItemOf<S>) => unknown,
    options: SubscribeOptions = {},
  ): Disposable {
    return this.#process(self, event, fn as (item: EventItem<unknown>) => unknown, options, null);
  }

  /**
   * As {@linkcode EventsRef.monitorEvent}, and the end of the event is an exit signal for the process, as that of a link: there is no item `down`.
   */
  linkEvent<S extends AnySchema>(
    self: ProcessContext,
    event: EventType<S>,
    fn: (item: Exclude<EventItemOf<S>, { readonly type: "down" }>) => unknown,
    options: SubscribeOptions = {},
  ): Disposable {
    const take = fn as (item: EventItem<unknown>) => unknown;
    return this.#process(self, event, take, options, this.#events.pid);
  }

  /**
   * The items of an event from now on, the values that are kept first, until it is down, the loop is left or the signal aborts.
   *
   * @example
   * ```ts
   * import { event, Events, startNode, t } from "@ergo-ts/ergo";
   *
   * const prices = event("prices", t.number);
   * await using node = await startNode("demo@localhost", { cookie: "secret" });
   * const events = await node.start(Events, [], { register: "events" });
   * for await (const item of events.streamEvent(prices, { node: "shop@localhost" })) {
   *   if (item.type === "event") console.log(item.value);
   *   else console.log(item);
   * }
   * ```
   */
  streamEvent<S extends AnySchema>(
    event: EventType<S>,
    options: StreamEventOptions = {},
  ): AsyncIterableIterator<EventItemOf<S>> {
    checkFields(`subscribe to event ${event.name}`, options, STREAM_FIELDS);
    const { node, signal, maxQueue = 1_000 } = options;
    if (!(maxQueue >= 1)) {
      throw new RangeError(`Cannot subscribe with maxQueue ${maxQueue}: 1 or more is needed`);
    }
    const listener = new StreamListener<unknown>(event.schema, maxQueue, signal);
    if (!signal?.aborted) listener.leave = this.#events._listen(event.name, node, listener);
    return listener as AsyncIterableIterator<EventItemOf<S>>;
  }

  /** The events that are registered on this node, and their figures. */
  stats(): EventStats[] {
    return this.#events._stats();
  }

  /** Ends the server, and with it all events of this node, and the subscriptions of its processes. */
  async stop(reason: ExitReason = NORMAL, options: StopOptions = {}): Promise<void> {
    const core = this.#node._core;
    await stopProcess(core, core.main, this.#events.pid, reason, options);
  }

  get #events(): Events {
    const events = this.#find();
    if (events !== undefined) return events;
    throw new NoProcessError(
      typeof this.target === "string" ? `server of events ${this.target}` : "that server of events",
    );
  }

  #process(
    self: ProcessContext,
    { name, schema }: EventType<AnySchema>,
    fn: (item: EventItem<unknown>) => unknown,
    options: SubscribeOptions,
    link: Pid | null,
  ): Disposable {
    checkFields(`subscribe to event ${name}`, options, SUBSCRIBE_FIELDS);
    const { node } = options;
    const { _process: process } = selfOf(self, "subscribe", "events.monitorEvent(this, event, fn)");
    const listener = new ProcessListener(process, schema, fn, link);
    try {
      listener.leave = this.#events._listen(name, node, listener);
    } catch (error) {
      listener[Symbol.dispose]();
      throw error;
    }
    return listener;
  }
}
