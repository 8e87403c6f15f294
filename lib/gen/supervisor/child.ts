import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { Atom, atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { AnySchema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import type { StartOptions } from "../../node/local_node.ts";
import { placedName } from "../../node/placing.ts";
import { Behaviour, type PlacedRefOf, type RefOf } from "../../node/process/behaviour.ts";
import type { Self } from "../../node/process/self.ts";
import type { ChildStart } from "./_start.ts";
import { BehaviourStart, FunctionStart } from "./_start_local.ts";

/** When a child that has ended is started again: always, after an abnormal end (not `normal`, `shutdown`, `{shutdown, _}`), never. */
export type Restart = "permanent" | "transient" | "temporary";

/** How a child is ended: milliseconds that it has after the exit signal `shutdown` (`Infinity`: any time), or killed at once. */
export type Shutdown = number | "brutal_kill";

/** What a child is for its supervisor's statistics. */
export type ChildType = "worker" | "supervisor";

/** What names a child in its supervisor: a string, which is the atom of that name, or any other term. */
export type ChildId = string | Exclude<Term, string>;

/** How a supervisor keeps a child. */
export interface ChildOptions extends Omit<StartOptions, "link"> {
  /** What names it. Default: the name of the class or function; two children of one supervisor need two ids. */
  readonly id?: ChildId;
  /** Default `"permanent"`. */
  readonly restart?: Restart;
  /** Milliseconds, `Infinity` or `"brutal_kill"`. Default 5,000; `Infinity` for supervisors. */
  readonly shutdown?: Shutdown;
  /** Whether its own end counts for `autoShutdown`; not with `restart: "permanent"`. Default false. */
  readonly significant?: boolean;
  /** Default `"supervisor"` for subclasses of {@linkcode Supervisor}, else `"worker"`. */
  readonly type?: ChildType;
  /**
   * What other nodes may add to `args` when they ask to start such a child (`start_child` of a simple_one_for_one supervisor, a
   * {@linkcode Starter}), one schema for each argument. Default: nothing, so that types do not lie to the network.
   */
  readonly accept?: readonly AnySchema[];
}

/** The beginnings of a list of arguments: what `child` takes; the rest is given when the child is started. */
export type PrefixOf<P extends readonly unknown[]> = number extends P["length"] ? P
  : P extends readonly [] ? []
  : P extends readonly [(infer Head)?, ...infer Tail] ? [] | [Head, ...PrefixOf<Tail>]
  : P;

/** What is left of a list of arguments behind those that were given. */
export type RestOf<P extends readonly unknown[], A extends readonly unknown[]> = A extends
  readonly [] ? P
  : A extends readonly [unknown, ...infer Given]
    ? P extends readonly [unknown?, ...infer Tail] ? RestOf<Tail, Given> : P
  : [];

/**
 * How a supervisor starts and keeps a child, made by {@linkcode child} or {@linkcode remoteChild}: OTP's child specification.
 *
 * `Extra` is what is missing of its arguments, which only a simple_one_for_one supervisor may leave out; `R` what its start gives.
 */
export class Child<Extra extends readonly unknown[] = [], R = unknown> {
  /** @ignore @internal */
  declare readonly _extra: (...extra: Extra) => void;
  /** @ignore @internal */
  declare readonly _ref: R;
  /** What names it in its supervisor. */
  readonly id: ChildId;
  /** When it is started again. */
  readonly restart: Restart;
  /** How long it has to end. */
  readonly shutdown: Shutdown;
  /** Whether its end counts for `autoShutdown`. */
  readonly significant: boolean;
  /** Whether it is a supervisor itself. */
  readonly type: ChildType;
  /** @ignore @internal */
  readonly _start: ChildStart;
  /** @ignore @internal What other nodes may add to its arguments. */
  readonly _accept: readonly AnySchema[];
  /** @ignore @internal Milliseconds until a restart that has failed is tried again; `null`: at once. */
  readonly _retryAfter: number | null;
  /** @ignore @internal Erlang's list of modules, or `dynamic`. */
  readonly _modules: Term;
  #mfa: Term | undefined = undefined;

  /** @ignore @internal */
  constructor(
    start: ChildStart,
    options: ChildOptions & { readonly retryAfter?: number },
    type: ChildType,
    modules: Term = [...start.modules],
  ) {
    this._start = start;
    this._modules = modules;
    this.id = options.id ?? start.name;
    this.restart = options.restart ?? "permanent";
    this.type = options.type ?? type;
    this.shutdown = options.shutdown ?? (this.type === "supervisor" ? Infinity : 5_000);
    this.significant = options.significant ?? false;
    this._accept = options.accept ?? [];
    this._retryAfter = options.retryAfter ?? null;
  }

  /** @ignore @internal How Erlang would start it, with the arguments that it has. */
  get _mfa(): Term {
    return this.#mfa ??= this._start.mfa([]);
  }

  /** @ignore @internal The id as Erlang sees it. */
  get _id(): Term {
    return idTerm(this.id);
  }
}

/** Every option, so that a misspelt one is not taken for its default. */
const FIELDS: FieldsOf<ChildOptions> = {
  id: true,
  restart: true,
  shutdown: true,
  significant: true,
  type: true,
  accept: true,
  register: true,
  terms: true,
  mailbox: true,
  env: true,
  timeout: true,
  hibernateAfter: true,
};

/** @internal A string names the atom. */
export function idTerm(id: ChildId): Term {
  return typeof id === "string" ? atom(id) : id;
}

/** @internal As TypeScript sees it. */
export function idOf(term: Term): ChildId {
  return term instanceof Atom ? term.name : term as ChildId;
}

/**
 * Says how a supervisor starts a process that runs a function, as `node.spawn` does, and when it starts it again.
 *
 * @param fn gets its process, and `args`; where it takes more than its process, the types of all its parameters have to be written. The process has started when it has been spawned: nobody waits for what the function does.
 */
export function child<P extends readonly unknown[], A extends PrefixOf<P>>(
  fn: (self: Self, ...args: P) => unknown,
  args?: A,
  options?: ChildOptions,
): Child<RestOf<P, A>, Pid>;
/**
 * Says how a supervisor starts a process of a behaviour, and when it starts it again.
 *
 * @param behaviour the class, as for `node.start`.
 * @param args what its `init` takes. The last ones may be missing where a simple_one_for_one supervisor gets them by `startChild`.
 *
 * @example
 * ```ts
 * import { child, GenServer, startNode, supervisor } from "@ergo-ts/ergo";
 *
 * class Counter extends GenServer {
 *   #count = 0;
 *   override init(from: number): void { this.#count = from; }
 *   override readonly calls = { next: () => ++this.#count };
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const Counters = supervisor({
 *   children: [child(Counter, [0], { register: "zero" }), child(Counter, [100], { id: "hundred" })],
 * });
 * await node.start(Counters, []);
 * ```
 */
export function child<B extends Behaviour, A extends PrefixOf<Parameters<B["init"]>>>(
  behaviour: new () => B,
  args: A,
  options?: ChildOptions,
): Child<RestOf<Parameters<B["init"]>, A>, RefOf<B>>;
/**
 * Says how a supervisor starts a process of a behaviour on one of the node's workers, and when it starts it again: also where its worker
 * has ended, then on a fresh one.
 *
 * @param module `new URL("./cruncher.ts", import.meta.url)`, as for `node.start`.
 * @param args what its `init` takes, as terms.
 */
export function child<B extends Behaviour, A extends readonly unknown[] = Parameters<B["init"]>>(
  module: URL,
  args: A,
  options?: ChildOptions,
): Child<RestOf<Parameters<B["init"]>, A>, PlacedRefOf<B>>;
export function child(
  what: (new () => Behaviour) | ((self: Self, ...args: never[]) => unknown) | URL,
  args: readonly unknown[] = [],
  options: ChildOptions = {},
): Child<never, unknown> {
  const isModule = what instanceof URL;
  if ((typeof what !== "function" && !isModule) || !Array.isArray(args)) {
    throw new TypeError(
      "Cannot make a child: the class of a behaviour, a function or the URL of a module is needed, and its arguments as an array",
    );
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot make a child: its options must be an object");
  }
  const name = isModule ? placedName(what) : what.name;
  checkFields(`make a child of ${name || "a function"}`, options, FIELDS);
  const { id: _1, restart: _2, shutdown: _3, significant: _4, type: _5, accept: _6, ...rest } =
    options;
  if (isModule) return new Child(new BehaviourStart(what, name, args, rest), options, "worker");
  if (!(what.prototype instanceof Behaviour)) {
    const fn = what as (self: Self, ...args: never[]) => unknown;
    return new Child(new FunctionStart(fn, args, rest), options, "worker");
  }
  const start = new BehaviourStart(what as new () => Behaviour, name, args, rest);
  const type = "_supervises" in what.prototype ? "supervisor" : "worker";
  return new Child(start, options, type);
}
