import { atom } from "../../etf/atom.ts";
import { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { AnySchema, Schema } from "../../etf/schema/schema.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { atomMap } from "../../etf/convert.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { EXIT } from "../../node/atoms.ts";
import type { From, Request } from "../../node/call.ts";
import type { Node } from "../../node/node.ts";
import type { ignore } from "../../node/process/ignore.ts";
import type { Process } from "../../node/process/process.ts";
import { maySpawnFor } from "../../node/provided/apply.ts";
import type { Target } from "../../node/target.ts";
import { AlikeChildren } from "../supervisor/alike_children.ts";
import type { Child } from "../supervisor/child.ts";
import { Consuming } from "./_consuming.ts";
import { FeedingSide, type Starter } from "./_feeding.ts";
import { COUNT_CHILDREN, START_CHILD, TERMINATE_CHILD, WHICH_CHILDREN } from "./_wire.ts";
import { ConsumerSupervisorRef } from "./consumer_supervisor_ref.ts";
import { checkOptions, type ConsumerOptions, readSubscribeTo } from "./options.ts";
import { Stage } from "./stage.ts";
import type { Subscription } from "./subscription.ts";

const OK = atom("ok");
const ERROR = atom("error");
const IGNORE = atom("ignore");
const NOT_FOUND = tuple(ERROR, atom("not_found"));

/** What a consumer supervisor consists of. */
export interface ConsumerSupervisorSpec<In = never> extends ConsumerOptions {
  /** How the child of an event is started: the event is the argument that is missing. `restart` is `"temporary"` or `"transient"`. */
  readonly children: readonly [Child<[In], unknown>];
  /** A child that is started again leaves the others alone: there is no other strategy. */
  readonly strategy?: "one_for_one";
  /** How many restarts there may be within `period`; one more ends the supervisor with `shutdown`, and all its children. Default 3. */
  readonly intensity?: number;
  /** Milliseconds. Default 5,000. */
  readonly period?: number;
}

/**
 * A consumer that starts a process for each event, and asks for more events when processes have ended: GenStage's ConsumerSupervisor.
 *
 * | what happens | what it does |
 * | --- | --- |
 * | `node.start(Jobs, args)` | `init(...args)` says how a child is started, and which producers it subscribes to |
 * | it subscribes | asks for `maxDemand` events: as many children run at once, of each subscription |
 * | an event has come | starts a child with the event as its last argument, and waits for its `init`; a start that fails is logged, and counts as an end |
 * | a child ends | as soon as `minDemand` of them have ended (one at least), as many events are asked for |
 * | a child crashes | `"temporary"`: it has ended; `"transient"`: it is started again, with its event |
 * | a subscription ends | as with every {@linkcode Consumer}: where it is not `temporary` the supervisor ends too, and with it its children |
 *
 * - The children run side by side, and end in any order. What they give goes its own way: they have no events.
 * - Events that nobody has asked for are not lost, and start no more children than `maxDemand`: they wait until others have ended.
 * - It answers what ConsumerSupervisor's functions ask: `which_children`, `count_children`, `start_child`, `terminate_child`. Children that
 *   are started so count in no subscription.
 * - To producers of other nodes only a class can subscribe that says what its events are, by `events`; nor do others start children of
 *   one that does not.
 *
 * @example
 * ```ts
 * import { child, ConsumerSupervisor, type ConsumerSupervisorSpec, type Self, startNode, t } from "@ergo-ts/ergo";
 *
 * async function resize(self: Self, file: string): Promise<void> {
 *   await self.sleep(100);
 *   console.log(`${file} is smaller now`);
 * }
 *
 * class Resizers extends ConsumerSupervisor<string> {
 *   override readonly events = t.text;
 *   override init(): ConsumerSupervisorSpec<string> {
 *     const uploads = { name: "Elixir.Uploads", node: "app@localhost" };
 *     return {
 *       children: [child(resize, [], { restart: "transient" })],
 *       subscribeTo: [[uploads, { maxDemand: 8, minDemand: 1 }]], // eight at once
 *     };
 *   }
 * }
 *
 * await using node = await startNode("media@localhost", { cookie: "secret" });
 * await node.start(Resizers, [], { register: "resizers" });
 * // From Elixir: ConsumerSupervisor.count_children({:resizers, :media@localhost})
 * ```
 *
 * Not for events that take no time: a {@linkcode Consumer} handles them without a process for each.
 */
export abstract class ConsumerSupervisor<In = unknown> extends Stage {
  /** @ignore @internal */
  declare readonly _refType: ConsumerSupervisorRef<this, In>;
  /** @ignore @internal */
  declare readonly _in: In;
  /** What each event is, see {@linkcode Consumer.events}. */
  // deno-lint-ignore no-explicit-any -- what is written does not matter here, and `unknown` would refuse schemas that convert
  declare readonly events?: Schema<In, any>;
  #children: AlikeChildren | null = null;
  #consuming: Consuming | null = null;
  #side: FeedingSide | null = null;

  /** @ignore @internal What `node.ref(ConsumerSupervisor, target)` gives. */
  static override _refer(
    node: Node,
    target: Target,
  ): ConsumerSupervisorRef<ConsumerSupervisor, unknown> {
    return new ConsumerSupervisorRef(node, target, node._core.main, {});
  }

  /** @ignore @internal As a child it is a supervisor. */
  get _supervises(): boolean {
    return true;
  }

  /** Says how its children are started, and what it subscribes to. What it takes is what `node.start` takes. */
  abstract override init(
    ...args: never[]
  ):
    | ConsumerSupervisorSpec<In>
    | typeof ignore
    | Promise<ConsumerSupervisorSpec<In> | typeof ignore>;

  /** The producers that it is subscribed to. */
  get producers(): readonly Subscription[] {
    return this.#consuming?.producers ?? [];
  }

  /** How many events were dropped because they are no such events. */
  get invalid(): number {
    return this.#side?.invalid ?? 0;
  }

  /** Ends the children. A class that overrides it calls this one. */
  override terminate(): Promise<void> {
    return this.#children?.endAll() ?? Promise.resolve();
  }

  /** The children. */
  override formatState(): unknown {
    return this.#children?.state() ?? {};
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
    process.trapExit = true;
    process.asksOrigin = true; // what others may start is decided by their connection
  }

  /** @ignore @internal */
  override _initialized(result: unknown): void {
    const { name } = this.constructor;
    const { children, flags, options } = readSpec(name, result);
    this.#children = new AlikeChildren(this, flags, children);
    const { restart } = this.#children.spec;
    if (restart === "permanent") {
      throw new TypeError(
        `Cannot start ${name}: its child is permanent, restart: "temporary" or "transient" is needed, for its end is the end of an event`,
      );
    }
    this.#side = new FeedingSide(this, this.events as AnySchema | undefined, this.#starter());
    this.#consuming = new Consuming(this.#side);
    for (const one of checkOptions(name, options, CONSUMES).subscribeTo ?? []) {
      const read = readSubscribeTo(one);
      this.#consuming.subscribe(read.to, read.options, null);
    }
  }

  /** @ignore @internal */
  override _called(from: From, request: Request): unknown {
    const term = request.name === null ? request.term as Term : null;
    const children = this.#children!;
    if (term === WHICH_CHILDREN) return from.reply(children.which() as Encodable);
    if (term === COUNT_CHILDREN) return from.reply(atomMap({ ...children.count() }) as Encodable);
    if (isTuple(term) && term.length === 2) {
      if (term[0] === START_CHILD) return this.#startOne(from, term[1] as Term);
      if (term[0] === TERMINATE_CHILD && term[1] instanceof Pid) return this.#endOne(from, term[1]);
    }
    return super._called(from, request);
  }

  /** @ignore @internal */
  override _informed(message: Term): unknown {
    if (isTuple(message) && message.length === 3 && message[0] === EXIT) {
      const [, pid, reason] = message;
      if (pid instanceof Pid) return this.#children!.exited(pid, reason as Term);
    }
    return super._informed(message);
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): ConsumerSupervisorRef<this, In> {
    return new ConsumerSupervisorRef<this, In>(node, pid, node._core.main, {});
  }

  #starter(): Starter {
    const process = this._process;
    return {
      start: async (event, onGone) => {
        const result = await this.#children!.start({ extra: [event], onGone });
        return "started" in result && result.runs;
      },
      ask: (subscription, count) => this.#consuming!.ask(subscription, count),
      get isOver(): boolean {
        return process.stopping !== null || process.exited;
      },
    };
  }

  /** `start_child`: as for an event, which no subscription counts. */
  async #startOne(from: From, args: Term): Promise<void> {
    const peer = this._process.origin;
    const children = this.#children!;
    if (!maySpawnFor(this.node, peer, children.askedBy(peer))) {
      return from.reply(tuple(ERROR, atom("max_children")) as Encodable);
    }
    const wrong = (text: string): void => {
      from.reply(tuple(ERROR, tuple(atom("bad_request"), [], text)) as unknown as Encodable);
    };
    if (!isList(args) || args.length !== 1) {
      return wrong("a list of one argument is needed, which is what an event is to a child");
    }
    if (this.events === undefined && peer !== null) {
      return wrong("other nodes start children of classes only that say what their events are");
    }
    let event: unknown = args[0];
    try {
      event = this.events?.parse(event) ?? event;
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      return wrong(error.message);
    }
    const result = await children.start({ extra: [event], peer });
    if ("error" in result) return from.reply(tuple(ERROR, result.error) as Encodable);
    from.reply((result.runs ? result.started : IGNORE) as Encodable);
  }

  async #endOne(from: From, pid: Pid): Promise<void> {
    from.reply((await this.#children!.end(pid) ? OK : NOT_FOUND) as Encodable);
  }
}

const CONSUMES = { produces: false, consumes: true };
/** As ConsumerSupervisor's `max_restarts` and `max_seconds`. */
const INTENSITY = { intensity: 3, period: 5_000 };

function readSpec(name: string, spec: unknown): {
  readonly children: readonly [Child<never>];
  readonly flags: { readonly intensity: number; readonly period: number };
  readonly options: ConsumerOptions;
} {
  if (typeof spec !== "object" || spec === null || !("children" in spec)) {
    throw new TypeError(
      `Cannot start ${name}: its init must return { children: [child(...)], subscribeTo: [...] }`,
    );
  }
  const { children, strategy, subscribeTo, ...flags } = spec as ConsumerSupervisorSpec;
  if (strategy !== undefined && strategy !== "one_for_one") {
    throw new TypeError(
      `Cannot start ${name}: its strategy is ${String(strategy)}, "one_for_one" is the only one`,
    );
  }
  return {
    children: children as readonly [Child<never>],
    flags: { ...INTENSITY, ...flags },
    options: subscribeTo === undefined ? {} : { subscribeTo },
  };
}

/**
 * Makes the class of a consumer supervisor that depends on no arguments: `node.start(consumerSupervisor({...}), [])`.
 *
 * @param spec its children and subscriptions, and `events`: what each event is.
 * @example
 * ```ts
 * import { child, consumerSupervisor, Producer, type Self, startNode } from "@ergo-ts/ergo";
 *
 * const Jobs = consumerSupervisor<string>({
 *   children: [child((_self: Self, job: string) => console.log(job), [], { restart: "temporary" })],
 * });
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const jobs = await node.start(Jobs, []);
 * await jobs.subscribe(await node.start(Producer.from(["one", "two"]), []), { maxDemand: 2 });
 * ```
 */
export function consumerSupervisor<In>(
  // deno-lint-ignore no-explicit-any -- as above
  spec: ConsumerSupervisorSpec<In> & { readonly events?: Schema<In, any> },
): new () => ConsumerSupervisor<In> & { init(): ConsumerSupervisorSpec<In> } {
  if (typeof spec !== "object" || spec === null) {
    throw new TypeError(
      "Cannot make a consumer supervisor: { children: [child(...)], subscribeTo: [...] } is needed",
    );
  }
  const { events, ...rest } = spec;
  return class StaticConsumerSupervisor extends ConsumerSupervisor<In> {
    // deno-lint-ignore no-explicit-any -- as above
    override readonly events?: Schema<In, any> = events;
    override init(): ConsumerSupervisorSpec<In> {
      return rest as ConsumerSupervisorSpec<In>;
    }
  };
}
