import { checkFields, type FieldsOf } from "../_util/fields.ts";
import { type Atom, atom } from "../etf/atom.ts";
import type { Pid } from "../etf/identifiers.ts";
import { phash2 } from "../etf/phash2.ts";
import type { AnySchema } from "../etf/schema/schema.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { termKey } from "../etf/term_key.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { PlainServer, unknownRequest } from "../gen/server/plain_server.ts";
import { SHUTDOWN } from "../node/atoms.ts";
import { BusyError, NameError } from "../node/errors.ts";
import type { Node } from "../node/node.ts";
import type { Process } from "../node/process/process.ts";
import { addressOf } from "../node/target.ts";
import { ProcessGroups, scopeOf } from "./pg.ts";
import { PubSubRef } from "./pub_sub_ref.ts";
import { itemOf, TopicStream } from "./_pub_sub_stream.ts";
import { type Listener, Topics } from "./_pub_sub_topics.ts";

const FORWARD = atom("forward_to_local");
const SCOPE = "Elixir.Phoenix.PubSub";

/** How a PubSub is connected with those of its name on other nodes. */
export interface PubSubOptions {
  /** How many processes take what other nodes broadcast: `pool_size` of Phoenix.PubSub, and the same on all nodes. Default 1. */
  readonly poolSize?: number;
  /**
   * Through how many of them this node broadcasts: `broadcast_pool_size` of Phoenix.PubSub. Default `poolSize`; less while the nodes of a cluster
   * change their pool size one after the other.
   */
  readonly broadcastPoolSize?: number;
  /** The scope of process groups in which the PubSubs find each other. Default that of Phoenix, `"Elixir.Phoenix.PubSub"`. */
  readonly scope?: string;
}

const FIELDS: FieldsOf<PubSubOptions> = { poolSize: true, broadcastPoolSize: true, scope: true };

/**
 * Publish and subscribe by topic across the cluster: a member of [Phoenix.PubSub](https://hexdocs.pm/phoenix_pubsub), which Phoenix's own nodes
 * take for one of theirs, and the same among nodes of this package alone.
 *
 * Start it with the name that Elixir gives it (`{Phoenix.PubSub, name: My.PubSub}`) and its `pool_size`. A process that subscribes to a topic gets
 * each message as it was broadcast, as in Phoenix; callbacks and loops serve code that is no process. Phoenix's channels and LiveView broadcast through
 * it, so that a node can follow and feed a browser's page.
 *
 * | on the wire | |
 * | --- | --- |
 * | pg scope `Phoenix.PubSub`, groups `My.PubSub.Adapter`, `..._2` to `..._n` | the pool: a registered process of the group's name on each node |
 * | broadcast: `{forward_to_local, Topic, Message, Dispatcher}` | to the group's members on other nodes; the group is chosen by `phash2` of the sender's pid |
 * | direct broadcast: the same | to `{Group, Node}` |
 *
 * - Messages of one sender to one subscriber keep their order. Nothing is kept for those who subscribe later, or while a node is not connected.
 * - A subscriber is a process, callback or loop of this node. Who subscribes twice gets each message twice; the end of a process ends its subscriptions.
 * - A dispatcher other than Phoenix.PubSub's is told to the other nodes; here all messages are delivered as they are.
 * - It ends with its scope or one of its pool's processes: let a supervisor start it again. The scope is shared by all PubSubs of the node, which
 *   the first one starts. Where the option `access` limits the names that a peer may send to, the scope and the pool must be among them.
 *
 * @example
 * ```ts
 * import { PubSub, startNode, t, topic } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const pubSub = await node.start(PubSub, ["My.PubSub", { poolSize: 2 }]);
 * const room = topic("room:1", t.tagged("said", t.text, t.text));
 *
 * node.spawn(async (self) => {
 *   pubSub.subscribe(self, room);
 *   for (;;) {
 *     const [, who, text] = await self.receive(room.schema);
 *     console.log(`${who}: ${text}`);
 *   }
 * });
 * // From Elixir: Phoenix.PubSub.broadcast(My.PubSub, "room:1", {:said, "Zoë", "hello"})
 * for await (const item of pubSub.messages(room)) {
 *   if (item.type === "message") console.log(item.message);
 * }
 * ```
 *
 * Not for what must not be lost (that is a call, or a stage), nor for one value that late-comers need too: see {@linkcode Events}.
 */
export class PubSub extends PlainServer {
  /** @ignore @internal */
  declare readonly _refType: PubSubRef;
  /** @ignore @internal */
  readonly _takes = "no calls: subscribe by its reference";
  readonly #topics: Topics = new Topics((pid, ended) => this.monitor(pid, ended));
  #name = "";
  #scope!: ProcessGroups;
  /** The groups through which this node broadcasts. */
  #groups: readonly Atom[] = [];

  /** Starts the pool, and the scope where this node has none yet. */
  override async init(name: string, options: PubSubOptions = {}): Promise<void> {
    checkFields("start a PubSub", options, FIELDS);
    if (typeof name !== "string" || name === "") {
      throw new TypeError(
        'Cannot start a PubSub: its name is needed first, as Elixir writes it: "My.PubSub"',
      );
    }
    const { poolSize = 1, broadcastPoolSize = poolSize, scope = SCOPE } = options;
    checkSize("poolSize", poolSize, Infinity);
    checkSize("broadcastPoolSize", broadcastPoolSize, poolSize);
    this.#name = name;
    const adapter = `Elixir.${name.replace(/^Elixir\./, "")}.Adapter`;
    const groups = Array.from(
      { length: poolSize },
      (_, i) => i === 0 ? adapter : `${adapter}_${i + 1}`,
    );
    this.#groups = groups.slice(0, broadcastPoolSize).map((group) => atom(group));
    const workers: Pid[] = [];
    this._process.own({
      [Symbol.dispose]: () => {
        this.#topics.end();
        for (const pid of workers) this.node.exit(pid, SHUTDOWN);
      },
    });
    this.#scope = await this.#scopeNamed(scope);
    this.link(this.#scope.pid);
    for (const group of groups) {
      const { pid } = await this.node.start(PubSubWorker, [this], { register: group });
      if (this._process.exited) return this.node.exit(pid, SHUTDOWN);
      workers.push(pid);
      this.link(pid);
      this.#scope._join(atom(group), pid);
    }
  }

  /** `{Name, Topics}`: how many topics have subscribers here. */
  override formatState(): unknown {
    return tuple(this.#name, this.#topics.size);
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): PubSubRef {
    return new PubSubRef(node, pid, this);
  }

  /** @ignore @internal */
  _answer(): unknown {
    return unknownRequest;
  }

  /** @ignore @internal */
  _subscribe(pid: Pid, topic: string): void {
    this._process.mustLive("subscribe to a topic");
    if (pid.node !== this.node.name) {
      throw new RangeError(
        `Cannot subscribe a process of ${pid.node}: only those of its own node can be subscribed`,
      );
    }
    this.#topics.add(topic, pid);
  }

  /** @ignore @internal */
  _unsubscribe(pid: Pid, topic: string, all: boolean): number {
    return this.#topics.remove(topic, pid, all);
  }

  /** @ignore @internal */
  _listen(topic: string, schema: AnySchema, fn: (message: unknown) => unknown): Disposable {
    this._process.mustLive("listen to a topic");
    const complain = (what: string): void =>
      this._core.logger._log(
        "error",
        `Topic ${topic} of ${this.#name}: ${what}`,
        this._process,
      );
    const failed = (error: unknown): void =>
      complain(`a callback has thrown: ${error instanceof Error ? error.stack : error}`);
    const listener: Listener = {
      message: (term) => {
        const item = itemOf(schema, term);
        try {
          if (item.type === "message") Promise.resolve(fn(item.message)).catch(failed);
          else if (item.type === "invalid") {
            complain(`dropped for a callback: ${item.error.message}`);
          }
        } catch (error) {
          failed(error);
        }
      },
      end: () => {},
    };
    this.#topics.listen(topic, listener);
    return { [Symbol.dispose]: () => this.#topics.unlisten(topic, listener) };
  }

  /** @ignore @internal */
  _stream(
    topic: string,
    schema: AnySchema,
    max: number,
    signal: AbortSignal | undefined,
  ): TopicStream {
    this._process.mustLive("listen to a topic");
    const stream = new TopicStream(
      schema,
      max,
      signal,
      (self) => this.#topics.unlisten(topic, self),
    );
    if (!signal?.aborted) this.#topics.listen(topic, stream);
    return stream;
  }

  /** @ignore @internal */
  _count(topic: string): number {
    return this.#topics.count(topic);
  }

  /** @ignore @internal To the PubSubs of all other nodes. @returns the first that takes nothing more. */
  _forward(from: Process, topic: string, message: Encodable, dispatcher: Atom): BusyError | null {
    this._process.mustLive("broadcast");
    const envelope = tuple(FORWARD, topic, message, dispatcher) as Term;
    let busy: BusyError | null = null;
    for (const pid of this.#scope._list(this.#group(from), "remote")) {
      try {
        this._core.send(from, pid, envelope);
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
        busy ??= error; // the others get it all the same
      }
    }
    return busy;
  }

  /** @ignore @internal To that of one node, this one or another. */
  _direct(from: Process, node: string, topic: string, message: Encodable, dispatcher: Atom): void {
    this._process.mustLive("broadcast");
    const target = { name: this.#group(from).name, node };
    this._core.send(from, target, tuple(FORWARD, topic, message, dispatcher) as Term);
  }

  /** @ignore @internal To the subscribers of this node. @param topic the key of the topic's term. */
  _deliver(from: Process, topic: unknown, message: Encodable, except: Pid | null): void {
    this.#topics.deliver(
      topic,
      message as Term,
      except,
      (pid) => this._core.send(from, pid, message),
    );
  }

  /** The group that a sender's broadcasts go through: always the same, so that they keep their order. */
  #group(from: Process): Atom {
    const { length } = this.#groups;
    return this.#groups[length === 1 ? 0 : phash2(from.pid, length)];
  }

  async #scopeNamed(name: string): Promise<ProcessGroups> {
    for (;;) {
      const { node } = this;
      const process = this._core.local(addressOf(name));
      if (process !== undefined) {
        const scope = scopeOf(process);
        if (scope !== undefined) return scope;
        throw new NameError(
          `Cannot start PubSub ${this.#name}: the name ${name} is taken by a process that is no scope of process groups`,
          process.pid,
        );
      }
      try {
        await node.start(ProcessGroups, [], { register: name });
      } catch (error) {
        if (!(error instanceof NameError)) throw error; // another PubSub was quicker
      }
    }
  }
}

/** One of the pool: takes what other nodes broadcast. */
class PubSubWorker extends PlainServer {
  /** @ignore @internal */
  declare readonly _refType: Pick<PubSubWorker, "pid">;
  readonly _takes = "{forward_to_local, Topic, Message, Dispatcher} as a message";
  #pubSub!: PubSub;

  override init(pubSub: PubSub): void {
    this.#pubSub = pubSub;
    this._process.terms = pubSub._process.terms;
  }

  _reference(): this {
    return this;
  }

  _answer(): unknown {
    return unknownRequest;
  }

  override _got(message: Term): unknown {
    if (!isTuple(message) || message.length !== 4 || message[0] !== FORWARD) return unknownRequest;
    const topic = message[1];
    if (!(topic instanceof Uint8Array || typeof topic === "string")) return unknownRequest;
    return this.#pubSub._deliver(this._process, termKey(topic), message[2], null);
  }
}

function checkSize(name: string, size: number, most: number): void {
  if (Number.isInteger(size) && size >= 1 && size <= most) return;
  const limit = most === Infinity ? "1 or more" : `1 to poolSize, ${most},`;
  throw new RangeError(`Cannot start a PubSub with ${name} ${size}: ${limit} is needed`);
}
