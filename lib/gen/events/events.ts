import { checkFields } from "../../_util/fields.ts";
import { Atom, atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid, Ref } from "../../etf/identifiers.ts";
import type { AnySchema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { type AnyTuple, isTuple, tuple } from "../../etf/tuple.ts";
import type { From } from "../../node/call.ts";
import { BusyError, NameError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";
import { addressOf, type Target } from "../../node/target.ts";
import { noReply } from "../server/handlers.ts";
import { PlainServer, unknownRequest } from "../server/plain_server.ts";
import type { EventType } from "./event.ts";
import { EventsRef, type EventStats } from "./events_ref.ts";
import { Feed, type Listener } from "./_feed.ts";
import { Outlets } from "./_outlets.ts";
import { type EventOptions, Publisher } from "./publisher.ts";

const OK = atom("ok");
const ERROR = atom("error");
const NO_EVENT = atom("no_event");
const SUBSCRIBE = atom("subscribe");
const UNSUBSCRIBE = atom("unsubscribe");
const EVENT_DOWN = atom("event_down");
const EVENT_START = atom("event_start");
const EVENT_STOP = atom("event_stop");
const SYSTEM_LIMIT = atom("system_limit");
const MAX_WAITING = 1_000;
/** Values of an event elsewhere that are kept here for those who subscribe later. */
const MAX_BUFFER = 100_000;

/** How a server of events treats its subscribers. */
export interface EventsOptions {
  /** How many values wait for a subscriber of another node that takes them too slowly; older ones are dropped, which is told. Default 1,000. */
  readonly maxWaiting?: number;
}

/** An event of this node. */
interface Published {
  readonly publisher: Publisher<AnySchema>;
  readonly feed: Feed;
  readonly owner: Process;
  readonly options: EventOptions;
}

/** An event of another node that somebody here listens to. */
interface Followed {
  readonly node: string;
  readonly event: string;
  readonly ref: Ref;
  readonly feed: Feed;
  monitor: Disposable | null;
}

/** The servers of events of this program, by the process that they are. */
const servers: WeakMap<Process, Events> = new WeakMap();

/**
 * The events of a node: who owns one publishes values, and whoever subscribes, here or on another node, gets the last few that are kept, and then all
 * that come, in their order.
 *
 * Start one on each node, under the same name. A process of this program uses it by {@linkcode EventsRef}, which `node.ref(Events, "events")` gives, too; a process of Erlang or Elixir subscribes by a call:
 *
 * | call | reply, and what comes then as messages |
 * | --- | --- |
 * | `gen_server:call({events, Node}, {subscribe, Name})` | `{ok, Ref}`, or `{error, no_event}` |
 * | | `{event, Ref, Name, Value}` for each value, those that are kept first |
 * | | `{event_dropped, Ref, Name, Count}` where so many values are lost |
 * | | `{event_down, Ref, Name, Reason}` when the event has ended |
 * | `gen_server:call({events, Node}, {unsubscribe, Ref})` | `ok` |
 *
 * That the node is lost an Erlang process sees by a monitor of `{events, Node}`. Between nodes of this package the server of the subscribers asks that of
 * the publisher by a cast `{subscribe, Name, Pid, Ref}`, gets `{event_up, Ref, Name, Buffer}` and then the same messages, once for all its
 * subscribers, and ends by `{unsubscribe, Ref}`. A server subscribes for processes of its own node only.
 *
 * - Slow subscribers: to another node values wait while the connection is busy, `maxWaiting` of them for each subscriber, then the oldest are dropped, counted,
 *   told to the subscriber and logged. A loop keeps `maxQueue` unread values in the same way. A process has its mailbox.
 * - An event ends with its owner, with this server, or when it is closed; subscribers are told `down`, with the reason.
 * - A publisher is a value: whoever has got it publishes, nobody else can, also not from other nodes.
 *
 * @example
 * ```ts
 * import { event, Events, type EventsRef, GenServer, startNode, t, tuple } from "@ergo-ts/ergo";
 *
 * const prices = event("prices", t.tuple(t.text, t.number));
 *
 * class Exchange extends GenServer {
 *   override init(events: EventsRef): void {
 *     const publisher = events.registerEvent(this, prices, { buffer: 10 });
 *     this.every(1_000, () => publisher.publish(tuple("ERGO", 1.5)));
 *   }
 * }
 *
 * await using node = await startNode("shop@localhost", { cookie: "secret" });
 * const events = await node.start(Events, [], { register: "events" });
 * await node.start(Exchange, [events]);
 * for await (const item of events.streamEvent(prices)) console.log(item);
 * ```
 *
 * Not for what must not be lost, or what is to be handled once: that is a call, or a stage that asks for as much as it takes.
 */
export class Events extends PlainServer {
  /** @ignore @internal */
  declare readonly _refType: EventsRef;
  readonly #published: Map<string, Published> = new Map();
  /** By the publisher's node and name. */
  readonly #followed: Map<string, Followed> = new Map();
  readonly #byRef: Map<string, Followed> = new Map();
  #outlets!: Outlets;

  /** @ignore @internal The server of this node by its pid or name, looked for each time. */
  static override _refer(node: Node, target: Target): EventsRef {
    return new EventsRef(node, target, () => {
      const process = node._core.local(addressOf(target));
      return process && servers.get(process);
    });
  }

  /** @ignore @internal Which node speaks is told by its connection. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    servers.set(process, this);
    process.asksOrigin = true;
  }

  /** Sets up a server without events. */
  override init(options: EventsOptions = {}): void {
    checkFields("start a server of events", options, { maxWaiting: true });
    const { maxWaiting = MAX_WAITING } = options;
    if (!(maxWaiting >= 1)) {
      throw new RangeError(
        `Cannot start a server of events with maxWaiting ${maxWaiting}: 1 or more is needed`,
      );
    }
    this.#outlets = new Outlets(this, maxWaiting, (outlet) => {
      const published = this.#published.get(outlet.event);
      if (published !== undefined) this.#removed(outlet.event, published, outlet);
    });
    this._process.own({ [Symbol.dispose]: () => this.#end() });
  }

  /** The figures of its events. */
  override formatState(): unknown {
    return this._stats().map(({ name, owner, published, subscribers, buffered }) =>
      tuple(atom(name), owner, published, subscribers, buffered)
    );
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): EventsRef {
    return new EventsRef(node, pid, () => this);
  }

  // What the processes of this node do

  /** @ignore @internal */
  _register<S extends AnySchema>(
    owner: Process,
    event: EventType<S>,
    options: EventOptions,
  ): Publisher<S> {
    this._process.mustLive("register an event");
    owner.mustLive("register an event");
    const { buffer = 0 } = options;
    if (!Number.isInteger(buffer) || buffer < 0) {
      throw new RangeError(
        `Cannot register event ${event.name} with buffer ${buffer}: a whole number, 0 or more, is needed`,
      );
    }
    const { name } = event;
    const other = this.#published.get(name);
    if (other !== undefined) {
      throw new NameError(
        `Cannot register event ${name}: ${
          format(other.owner.pid)
        } has registered it, choose another name`,
        other.owner.pid,
      );
    }
    const feed = new Feed(buffer);
    const publisher = new Publisher(event, owner, feed, () => this.#published.delete(name));
    this.#published.set(name, { publisher, feed, owner, options });
    owner.own(publisher);
    return publisher;
  }

  /** @ignore @internal @returns what takes the listener away again. */
  _listen(name: string, node: string | undefined, listener: Listener): () => void {
    this._process.mustLive("subscribe to an event");
    return node === undefined || node === this.node.name
      ? this.#listenHere(name, listener)
      : this.#listenThere(name, node, listener);
  }

  /** @ignore @internal */
  _stats(): EventStats[] {
    return Array.from(this.#published, ([name, { publisher, feed, owner }]) => ({
      name,
      owner: owner.pid,
      published: publisher.published,
      subscribers: publisher.subscribers,
      buffered: feed.kept,
    }));
  }

  #listenHere(name: string, listener: Listener): () => void {
    const published = this.#published.get(name);
    if (published === undefined) {
      listener.ended(NO_EVENT);
      return () => {};
    }
    this.#added(name, published, listener);
    return () => this.#removed(name, published, listener);
  }

  #added(name: string, { feed, owner, options }: Published, listener: Listener): void {
    feed.add(listener);
    if (feed.listeners.size === 1) notify(name, owner, options, EVENT_START, options.onStart);
  }

  #removed(name: string, { feed, owner, options }: Published, listener: Listener): void {
    if (!feed.listeners.delete(listener) || feed.listeners.size > 0) return;
    notify(name, owner, options, EVENT_STOP, options.onStop);
  }

  // Events of other nodes

  #listenThere(name: string, node: string, listener: Listener): () => void {
    this.#serverOf(node);
    const key = `${node} ${name}`;
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      followed = { node, event: name, ref: this._core.makeRef(), feed: new Feed(0), monitor: null };
      this.#followed.set(key, followed);
      this.#byRef.set(followed.ref.key, followed);
      followed.feed.add(listener);
      this.#follow(followed);
    } else {
      followed.feed.add(listener);
    }
    const { feed } = followed;
    return () => {
      if (feed.listeners.delete(listener) && feed.listeners.size === 0) this.#unfollow(followed);
    };
  }

  #follow(followed: Followed): void {
    const target = this.#serverOf(followed.node);
    followed.monitor = this.monitor(target, ({ reason }) => this.#lost(followed, reason));
    try {
      this.cast(target, tuple(SUBSCRIBE, atom(followed.event), this.pid, followed.ref) as Term);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      this.#lost(followed, error.exitReason);
    }
  }

  /** Nobody here listens any more. */
  #unfollow(followed: Followed): void {
    this.#forget(followed);
    const target = this.#serverOf(followed.node);
    // To a node that takes nothing now it is said by the end of the monitor's connection, or never: what comes is not for anybody.
    this.#outlets.sent(target, tuple(atom("$gen_cast"), tuple(UNSUBSCRIBE, followed.ref)) as Term);
  }

  #lost(followed: Followed, reason: Term): void {
    this.#forget(followed);
    followed.feed.end(reason);
  }

  #forget(followed: Followed): void {
    followed.monitor?.[Symbol.dispose]();
    this.#followed.delete(`${followed.node} ${followed.event}`);
    this.#byRef.delete(followed.ref.key);
  }

  #serverOf(node: string): { readonly name: string; readonly node: string } {
    const { name } = this._process;
    if (name !== null) return { name, node };
    throw new Error(
      'Cannot subscribe to an event of another node: this server has no name, start it with { register: "events" } as there',
    );
  }

  /** @ignore @internal */
  override _got(message: Term): unknown {
    if (!isTuple(message) || message.length !== 4 || !(message[1] instanceof Ref)) {
      return unknownRequest;
    }
    const followed = this.#byRef.get(message[1].key);
    const what = message[3];
    if (!isEventTag(message.tag)) return unknownRequest;
    if (followed === undefined || followed.node !== this._process.origin) return; // nobody listens any more
    if (message.tag === "event") followed.feed.push(what);
    else if (message.tag === "event_down") this.#lost(followed, what);
    else if (!isCount(what)) return unknownRequest;
    else if (message.tag === "event_up") followed.feed.size = Math.min(what, MAX_BUFFER);
    else followed.feed.dropped(what);
  }

  // Subscribers of other nodes

  /** @ignore @internal */
  override get _takes(): string {
    return "{subscribe, Name} and {unsubscribe, Ref}";
  }

  /** @ignore @internal */
  override _answer(request: Term, from: From): unknown {
    if (!isTuple(request) || request.length !== 2) return unknownRequest;
    const what: unknown = request[1];
    if (request[0] === SUBSCRIBE && what instanceof Atom && this.#isOf(from.pid)) {
      const published = this.#published.get(what.name);
      if (published === undefined) return tuple(ERROR, NO_EVENT);
      if (this.#outlets.isFull(from.pid.node)) return tuple(ERROR, SYSTEM_LIMIT);
      const ref = this._core.makeRef();
      from.reply(tuple(OK, ref) as Term); // before the first value
      this.#addOutlet(what.name, published, from.pid, ref, null);
      return noReply;
    }
    if (request[0] === UNSUBSCRIBE && what instanceof Ref) {
      this.#unsubscribed(what);
      return OK;
    }
    return unknownRequest;
  }

  /** @ignore @internal */
  override _told(request: Term): unknown {
    if (!isTuple(request)) return unknownRequest;
    const [tag, first, pid, ref] = request as AnyTuple;
    if (tag === UNSUBSCRIBE && request.length === 2 && first instanceof Ref) {
      return this.#unsubscribed(first);
    }
    const isSubscribe = tag === SUBSCRIBE && request.length === 4 && first instanceof Atom &&
      pid instanceof Pid && ref instanceof Ref && ref.node === pid.node;
    if (!isSubscribe || !this.#isOf(pid) || this.#outlets.get(ref) !== undefined) {
      return unknownRequest;
    }
    const published = this.#published.get(first.name);
    if (published === undefined) {
      this.#outlets.sent(pid, tuple(EVENT_DOWN, ref, first, NO_EVENT) as Term);
    } else if (this.#outlets.isFull(pid.node)) {
      this.#outlets.sent(pid, tuple(EVENT_DOWN, ref, first, SYSTEM_LIMIT) as Term);
    } else {
      this.#addOutlet(first.name, published, pid, ref, published.feed.size);
    }
  }

  /** Whether it is a process of the node that asks: nobody subscribes for others. */
  #isOf(pid: Pid): boolean {
    return pid.node === (this._process.origin ?? this.node.name);
  }

  #addOutlet(name: string, published: Published, pid: Pid, ref: Ref, size: number | null): void {
    const outlet = this.#outlets.add(name, pid, ref);
    if (size !== null) outlet.up(size);
    this.#added(name, published, outlet);
  }

  /** A node ends what its own processes have asked for. */
  #unsubscribed(ref: Ref): void {
    const outlet = this.#outlets.get(ref);
    if (outlet !== undefined && this.#isOf(outlet.pid)) this.#outlets.remove(outlet);
  }

  /** The server has ended, and with it all events. */
  #end(): void {
    const { reason } = this._process;
    for (const { publisher } of [...this.#published.values()]) publisher._end(reason);
    for (const followed of [...this.#followed.values()]) this.#lost(followed, reason);
  }
}

function isCount(term: Term): term is number {
  return typeof term === "number" && Number.isSafeInteger(term) && term >= 0;
}

function isEventTag(tag: string | undefined): boolean {
  return tag === "event" || tag === "event_up" || tag === "event_down" || tag === "event_dropped";
}

/** Tells the owner that the first subscriber has come, or the last one has gone. */
function notify(
  name: string,
  owner: Process,
  options: EventOptions,
  what: Atom,
  fn: (() => unknown) | undefined,
): void {
  if (options.notify) owner.deliver(tuple(what, atom(name)));
  if (fn !== undefined) owner.deliver(new Notice(fn));
}

class Notice extends Turn {
  readonly #fn: () => unknown;

  constructor(fn: () => unknown) {
    super();
    this.#fn = fn;
  }

  run(): unknown {
    return this.#fn();
  }
}
