import { unlisted } from "../../_util/unlisted.ts";
import type { AnySchema, Output, Outputs } from "../../etf/schema/schema.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, type Tagged } from "../../etf/tuple.ts";
import { type CallOptions, checkCallOptions, requestTerm } from "../../node/call.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { Node } from "../../node/node.ts";
import type { Referring } from "../../node/referring.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { checkFunction, checkTables, entriesOf } from "./_contract_tables.ts";
import { Handler, type HandlerArgs } from "./handlers.ts";

/** The schemas of a call's arguments, and last that of its reply. */
export type CallContract = readonly [...args: AnySchema[], reply: AnySchema];
/** The schemas of a cast's arguments. */
export type CastContract = readonly AnySchema[];

/** The calls of a contract, by name. */
export type Calls = Readonly<Record<string, CallContract>>;
/** The casts of a contract, by name. */
export type Casts = Readonly<Record<string, CastContract>>;
/** The schemas of a call's arguments. */
export type CallArgs<C extends CallContract> = C extends
  readonly [...infer Args extends AnySchema[], AnySchema] ? Args : never;
/** The schema of a call's reply. */
export type CallReply<C extends CallContract> = C extends
  readonly [...AnySchema[], infer Reply extends AnySchema] ? Reply : never;

/** What one of our servers implements a contract's calls with. */
export type CallFunctions<C extends Calls> = {
  readonly [N in keyof C]: (...args: Outputs<CallArgs<C[N]>>) => unknown;
};
/** What one of our servers implements a contract's casts with. */
export type CastFunctions<C extends Casts> = {
  readonly [N in keyof C]: (...args: Outputs<C[N]>) => unknown;
};

/** What a server answers, as one value: made by {@linkcode api}. */
export class Contract<C extends Calls, D extends Casts> implements Referring<ContractRef<C, D>> {
  /** The schemas of each call: of its arguments, and last of its reply. */
  readonly calls: C;
  /** The schemas of each cast's arguments. */
  readonly casts: D;

  readonly #calls: Map<string, Entry> = new Map();
  readonly #casts: Map<string, Entry> = new Map();

  /** @ignore @internal */
  constructor(calls: C, casts: D) {
    this.calls = calls;
    this.casts = casts;
  }

  /** @ignore @internal */
  _call(name: string): Entry {
    return this.#calls.get(name) ?? entry("call", this.#calls, this.calls, name);
  }

  /** @ignore @internal */
  _cast(name: string): Entry {
    return this.#casts.get(name) ?? entry("cast", this.#casts, this.casts, name);
  }

  /** @ignore @internal */
  _refer(node: Node, target: Target): ContractRef<C, D> {
    return new ContractRef(this, node, target, node._core.main, {});
  }

  /** The table of calls for one of our own servers: arguments are parsed as the contract says, none may be missing. */
  serveCalls<F extends CallFunctions<C>>(
    functions: F,
  ): { readonly [N in keyof C]: Handler<HandlerArgs<CallArgs<C[N]>>, ReturnType<F[N & keyof F]>> } {
    return table("call", functions, this.calls, -1) as never;
  }

  /** The table of casts for one of our own servers. */
  serveCasts<F extends CastFunctions<D>>(
    functions: F,
  ): { readonly [N in keyof D]: Handler<HandlerArgs<D[N]>, ReturnType<F[N & keyof F]>> } {
    return table("cast", functions, this.casts) as never;
  }
}

/** @param end where the schemas of the arguments end. */
function table(
  kind: "call" | "cast",
  functions: Readonly<Record<string, (...args: never[]) => unknown>>,
  contract: Calls | Casts,
  end?: number,
): Record<string, unknown> {
  const handlers: Record<string, unknown> = {};
  for (const [name, fn] of entriesOf(kind, functions)) {
    checkFunction(kind, name, fn, contract);
    handlers[name] = new Handler(contract[name].slice(0, end), fn);
  }
  return handlers;
}

/**
 * Describes what a server answers, so that calls of it are typed and validated: an Elixir or Erlang server, or one of ours on
 * another node. On the wire a call named `n` is the atom `n`, with arguments the tuple `{n, Arg, ...}`.
 *
 * @example
 * ```ts
 * import { api, startNode, t, unwrap } from "@ergo-ts/ergo";
 *
 * const Users = api({
 *   calls: { fetch: [t.integer, t.result(t.struct("User", { name: t.text }), t.atom("not_found"))] },
 *   casts: { forget: [t.integer] },
 * });
 *
 * await using node = await startNode("web@localhost", { cookie: "secret" });
 * const users = node.ref(Users, { name: "Elixir.Users", node: "app@localhost" });
 * const user = unwrap(await users.call("fetch", 7)); // { name: "Zoë" }, or a ReplyError
 * ```
 *
 * @throws {TypeError} if a table is none, or has something else than lists of schemas; a call needs that of its reply at least.
 */
export function api<
  const C extends Calls = Record<never, never>,
  const D extends Casts = Record<never, never>,
>(
  tables: { readonly calls?: C; readonly casts?: D },
): Contract<C, D> {
  checkTables(tables);
  return new Contract((tables.calls ?? {}) as C, (tables.casts ?? {}) as D);
}

/** A reference to a server by its contract, wherever it is; made by `node.ref(contract, target)`. */
export class ContractRef<C extends Calls, D extends Casts> {
  /** Where the server is. */
  readonly target: Target;
  readonly #contract: Contract<C, D>;
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;

  /** @ignore @internal */
  constructor(
    contract: Contract<C, D>,
    node: Node,
    target: Target,
    from: Process,
    options: CallOptions,
  ) {
    this.#contract = contract;
    this.#node = node;
    this.target = target;
    this.#from = from;
    this.#options = options;
  }

  /**
   * Calls the server, and parses its reply.
   *
   * @throws {CallTimeoutError} after 5,000 milliseconds, or as `with({ timeout })` says.
   * @throws {NoProcessError} if there is no such process.
   * @throws {NodeDownError} if its node cannot be reached.
   * @throws {ExitError} if it ends before it replies.
   * @throws {SchemaError} if the arguments or the reply are not what the contract says.
   */
  call<N extends keyof C & string>(
    name: N,
    ...args: HandlerArgs<CallArgs<C[N]>>
  ): Promise<Output<CallReply<C[N]>>> {
    // Not async: that would make two more objects for each call.
    try {
      const entry = this.#contract._call(name);
      const request = { name: null, term: entry.term(args) };
      const reply = this.#node._core.call(this.#from, this.target, request, this.#options);
      return reply.then(entry.parse) as Promise<Output<CallReply<C[N]>>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a request that is not answered.
   *
   * @throws {SchemaError} if the arguments are not what the contract says.
   */
  cast<N extends keyof D & string>(name: N, ...args: HandlerArgs<D[N]>): void {
    const request = { name: null, term: this.#contract._cast(name).term(args) };
    this.#node._core.cast(this.#from, this.target, request);
  }

  /** Sends a message. */
  send(message: Encodable): void {
    this.#node._core.send(this.#from, this.target, message);
  }

  /** Watches the server until it ends or the monitor is disposed. */
  monitor(fn: (down: Down) => unknown): Monitor {
    return this.#node._core.monitor(this.#from, this.target, fn);
  }

  /** The same reference with other options for its calls. */
  with(options: CallOptions): ContractRef<C, D> {
    checkCallOptions(options);
    return new ContractRef(this.#contract, this.#node, this.target, this.#from, {
      ...this.#options,
      ...options,
    });
  }

  /** The same reference for use in a process: the server sees who calls. */
  as(caller: ProcessContext): ContractRef<C, D> {
    return new ContractRef(this.#contract, this.#node, this.target, caller._process, this.#options);
  }
}

/** One call or cast of a contract. */
class Entry {
  readonly #name: string;
  readonly #handler: Handler<readonly unknown[], void>;
  /** The request where it never has arguments. */
  readonly #alone: Encodable | undefined;
  /** Gives the value of a reply. */
  readonly parse: (reply: unknown) => unknown;

  constructor(name: string, args: readonly AnySchema[], reply: AnySchema | undefined) {
    this.#name = name;
    this.#handler = new Handler(args, () => {});
    this.#alone = args.length === 0 ? requestTerm({ name, args: [] }) : undefined;
    this.parse = (value) => reply!.parse(value);
  }

  /** A term also where the server is of this node: a contract says nothing of what the class of the server declares. */
  term(args: readonly unknown[]): Encodable {
    if (this.#alone !== undefined && args.length === 0) return this.#alone;
    this.#handler.parse(args); // a mistake is the caller's error here, not that of a server elsewhere
    return requestTerm({ name: this.#name, args: this.#handler.write(args) });
  }
}

/** The types know the names; code without types gets an error that names them. */
function entry(
  verb: "call" | "cast",
  entries: Map<string, Entry>,
  table: Calls | Casts,
  name: string,
): Entry {
  if (!Object.hasOwn(table, name)) {
    const names = Object.keys(table).join(", ") || "none";
    throw new TypeError(
      `Cannot ${verb} ${name}: the contract has no such ${verb}, it has ${names}`,
    );
  }
  const schemas = table[name];
  const made = verb === "call"
    ? new Entry(name, schemas.slice(0, -1), schemas[schemas.length - 1])
    : new Entry(name, schemas, undefined);
  entries.set(name, made);
  return made;
}

/** A server answered `{error, Reason}`; thrown by {@linkcode unwrap}. */
export class ReplyError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "ReplyError";
  /** What stood behind `error`; more than one element as a list. */
  readonly reason: unknown;

  /** @ignore @internal Made by {@linkcode unwrap}. */
  constructor(reason: unknown, message: string) {
    super(message);
    this.reason = reason;
    unlisted(this, "reason");
  }
}

/**
 * The value of an `{ok, Value}`.
 *
 * @throws {ReplyError} if it is `{error, Reason}`.
 * @throws {TypeError} if it is neither; a contract with `t.result` refuses such a reply before.
 */
// R as a whole: of a union's members TypeScript takes T from either, by the order in which a program makes its types.
export function unwrap<R extends Tagged<"ok", [unknown]> | Tagged<"error", readonly unknown[]>>(
  reply: R,
): R extends Tagged<"ok", [infer T]> ? T : never {
  const value: unknown = reply;
  if (isTuple(value) && value.tag === "ok" && value.length === 2) return value[1] as never;
  const text = format(value as Term, { maxLength: LONGEST_REPLY });
  if (!isTuple(value) || value.tag !== "error" || value.length < 2) {
    throw new TypeError(
      `Cannot unwrap a reply: ${text} came, {ok, Value} or {error, Reason} is needed`,
    );
  }
  const reason: unknown = value.length === 2 ? value[1] : Array.prototype.slice.call(value, 1);
  throw new ReplyError(reason, `The server answered with an error: ${text}`);
}

/** Of a reply more than this is cut off in a message: another node may have sent megabytes of it. */
const LONGEST_REPLY = 1_000;
