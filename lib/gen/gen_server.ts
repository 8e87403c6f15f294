import { Atom, atom } from "../etf/atom.ts";
import { format } from "../etf/format.ts";
import { Pid } from "../etf/identifiers.ts";
import { SchemaError } from "../etf/schema/errors.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import { isThenable } from "../_util/thenable.ts";
import { EXIT, GEN_CALL, GEN_CAST } from "../node/atoms.ts";
import { Behaviour } from "../node/behaviour.ts";
import { Call, Cast, type From, type Request, requestTerm, TermFrom } from "../node/call.ts";
import { nameOf } from "../node/core.ts";
import type { Node } from "../node/node.ts";
import { handledSystem } from "./_system.ts";
import { type AnyHandler, Handler, Later, noReply } from "./handlers.ts";
import { ServerRef } from "./server_ref.ts";

const BAD_REQUEST = atom("bad_request");

type Table = Readonly<Record<string, AnyHandler>>;

/**
 * A server: a process that answers requests one at a time. Its state is its fields, its protocol the tables `calls` and `casts`.
 *
 * | a client does | what runs | which answers by |
 * | --- | --- | --- |
 * | `node.start(Counter, args)` | `init(...args)` | `start` waits for it |
 * | `ref.call("add", 5)`, `gen_server:call(Pid, {add, 5})`, `GenServer.call(pid, {:add, 5})` | `calls.add(5)`, else `handleCall(request, from)` | what it returns |
 * | `ref.cast("reset")`, `gen_server:cast(Pid, reset)`, `GenServer.cast(pid, :reset)` | `casts.reset()`, else `handleCast(request)` | nothing |
 * | `node.send(pid, message)`, `Pid ! Message` | `handleInfo(message)` | nothing |
 * | `ref.stop()`, `this.stop(reason)`, a throw | `terminate(reason)` | nothing |
 *
 * - One message at a time: while a handler's promise has not settled no other message is taken. A handler that returns no
 *   promise costs none. To answer later and go on meanwhile, return {@linkcode later}, or {@linkcode noReply} and keep `from`.
 * - A throw ends the process with `{{js_error, Name, Message}, Stack}`; what a supervisor or a link does about it is theirs.
 * - A handler that returns `undefined` replies `nil`.
 * - Arguments that do not parse, and names that no handler takes, make the caller exit with `{bad_request, Path, Message}`.
 *   The server lives on. `onInvalid = "crash"` restores what OTP does: the server crashes.
 *
 * @example
 * ```ts
 * import { GenServer, on, startNode, t } from "@ergo-ts/ergo";
 *
 * class Counter extends GenServer {
 *   #count = 0;
 *   override readonly calls = {
 *     add: on(t.integer, (n) => this.#count += n),
 *     get: () => this.#count,
 *   };
 *   override readonly casts = { reset: () => { this.#count = 0; } };
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const counter = await node.start(Counter, [], { register: "counter" });
 * await counter.call("add", 5); //                                    5
 * // From Elixir: GenServer.call({:counter, :demo@localhost}, {:add, 5})
 * ```
 *
 * Not for everything: code that keeps no state, and that may fail with its caller, is better a function. A server does one thing at
 * a time for all its callers.
 */
export abstract class GenServer extends Behaviour {
  /** @ignore @internal */
  declare readonly _refType: ServerRef<this>;
  /** What can be called, by name. A base table has no names, so that one that is not there is a compile error. */
  declare readonly calls: Record<never, never>;
  /** What can be cast, by name. */
  declare readonly casts: Record<never, never>;
  /**
   * What happens on a request that does not parse or that no handler takes: the caller of a call exits and a cast is logged and
   * dropped (`"refuse"`, the default), or the server crashes, as in OTP (`"crash"`).
   */
  declare readonly onInvalid?: "refuse" | "crash";

  /**
   * A call that the table has no name for. Without this method the caller is refused.
   *
   * @returns the reply, `later(...)`, or `noReply` where `from.reply` answers.
   */
  handleCall(_request: Term, _from: From): unknown {
    return unhandled;
  }

  /** A cast that the table has no name for. Without this method it is logged and dropped. */
  handleCast(_request: Term): unknown {
    return unhandled;
  }

  /** Every other message. Without this method it is logged and dropped. */
  handleInfo(message: Term): unknown {
    this._core.platform.log(
      "warning",
      `${this.#self} got a message that it does not handle: ${
        format(message, { maxLength: 1_000 })
      }`,
    );
    return undefined;
  }

  /** @ignore @internal */
  _receive(message: unknown): unknown {
    if (message instanceof Call) {
      if (message.done) return undefined; // nobody waits any more
      const { request } = message;
      if (request.name === null) return this.#calledByTerm(message, request.term as Term);
      return this.#called(message, request.name, request.args, undefined);
    }
    if (message instanceof Cast) {
      const { request } = message;
      if (request.name === null) return this.#castedByTerm(request.term as Term);
      return this.#casted(request.name, request.args, undefined);
    }
    if (isTuple(message)) {
      const head = message[0];
      if (head === GEN_CALL && message.length === 3 && isFrom(message[1])) {
        return this.#calledByTerm(new TermFrom(this._core, message[1]), message[2]);
      }
      if (head === GEN_CAST && message.length === 2) return this.#castedByTerm(message[1]);
      const parent = this._process.parent;
      if (head === EXIT && parent !== null && message.length === 3 && parent.equals(message[1])) {
        return this._process.stop(message[2]); // as in OTP: the end of the parent is ours, also where exits are trapped
      }
      if (handledSystem(this._core, this._process, message)) return undefined;
    }
    return this.#went(this.handleInfo(message as Term));
  }

  /** @ignore @internal What a typed request is on the wire: arguments are written as the handler's schemas say. */
  _requestTerm(request: Request, isCast: boolean): Encodable {
    if (request.name === null) return request.term;
    const handler = own(isCast ? this.#casts : this.#calls, request.name);
    if (!(handler instanceof Handler)) return requestTerm(request);
    return requestTerm({ name: request.name, args: handler.write(request.args) });
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): ServerRef<this> {
    return new ServerRef(node, pid, node._core.main, {});
  }

  get #calls(): Table | undefined {
    return this.calls ?? (this.constructor as { calls?: Table }).calls;
  }

  get #casts(): Table | undefined {
    return this.casts ?? (this.constructor as { casts?: Table }).casts;
  }

  #calledByTerm(from: From, term: Term): unknown {
    return this.#called(from, nameIn(term), argsIn(term), term);
  }

  #castedByTerm(term: Term): unknown {
    return this.#casted(nameIn(term), argsIn(term), term);
  }

  /** @param term what came, where its arguments are only known to be terms; a typed request of this node has none. */
  #called(
    from: From,
    name: string | null,
    args: readonly unknown[],
    term: Term | undefined,
  ): unknown {
    this._process.caller = from.pid;
    const handler = own(this.#calls, name);
    if (handler === undefined) {
      const result = this.handleCall(term === undefined ? termOf(name, args) : term, from);
      if (result === unhandled) return this.#refuseCall(from, noHandler(name, args, this.#calls));
      return this.#answer(from, result);
    }
    let parsed: readonly unknown[];
    try {
      parsed = parseArgs(handler, name, args, term === undefined);
    } catch (error) {
      return this.#refuseCall(from, error);
    }
    return this.#answer(from, functionOf(handler).apply(this, parsed as never[]));
  }

  #casted(name: string | null, args: readonly unknown[], term: Term | undefined): unknown {
    const handler = own(this.#casts, name);
    if (handler === undefined) {
      const result = this.handleCast(term === undefined ? termOf(name, args) : term);
      if (result === unhandled) return this.#refuseCast(noHandler(name, args, this.#casts));
      return this.#went(result);
    }
    let parsed: readonly unknown[];
    try {
      parsed = parseArgs(handler, name, args, term === undefined);
    } catch (error) {
      return this.#refuseCast(error);
    }
    return this.#went(functionOf(handler).apply(this, parsed as never[]));
  }

  /** Where nothing is answered, `later(...)` only lets the mailbox go on; a rejection is a crash all the same. */
  #went(result: unknown): unknown {
    if (!(result instanceof Later)) return result;
    Promise.resolve(result.promise).then(undefined, (error) => this._process.crash(error));
    return undefined;
  }

  /** Answers now where there is no promise, so that a handler which returns none costs none. What comes after the end is discarded. */
  #answer(from: From, result: unknown): unknown {
    if (isThenable(result)) return result.then((value) => this.#answer(from, value));
    if (this._process.exited) return undefined;
    if (result instanceof Later) {
      if (from instanceof Call) this._process.keepCall(from);
      Promise.resolve(result.promise).then((value) => {
        if (!this._process.exited) from.reply(value as Encodable);
      }).then(undefined, (error: unknown) => this._process.crash(error));
    } else if (result === noReply) {
      if (from instanceof Call) this._process.keepCall(from);
    } else {
      from.reply(result as Encodable);
    }
    return undefined;
  }

  #refuseCall(from: From, error: unknown): void {
    if (this.onInvalid === "crash" || !(error instanceof SchemaError)) throw error;
    from.refuse(tuple(BAD_REQUEST, pathTerm(error), error.message));
  }

  #refuseCast(error: unknown): void {
    if (this.onInvalid === "crash" || !(error instanceof SchemaError)) throw error;
    this._core.refusedCasts++;
    this._core.platform.log("warning", `${this.#self} dropped a cast: ${error.message}`);
  }

  get #self(): string {
    return `${this.constructor.name} ${this._process.name ?? format(this.pid)}`;
  }
}

/** What the base methods return: the class has none of its own. */
const unhandled: unique symbol = Symbol("unhandled");

function own(table: object | undefined, name: string | null): AnyHandler | undefined {
  if (table === undefined || name === null || !Object.hasOwn(table, name)) return undefined;
  return (table as Table)[name];
}

function functionOf(handler: AnyHandler): (...args: never[]) => unknown {
  return handler instanceof Handler ? handler.fn : handler;
}

function parseArgs(
  handler: AnyHandler,
  name: string | null,
  args: readonly unknown[],
  typed: boolean,
): readonly unknown[] {
  if (handler instanceof Handler) return handler.parse(args);
  if (!typed && args.length > 0) {
    throw new SchemaError(
      [],
      `no arguments, as ${name} has no schemas for them (declare them with on(...))`,
      `${args.length} arguments`,
    );
  }
  return args;
}

function noHandler(
  name: string | null,
  args: readonly unknown[],
  table: object | undefined,
): SchemaError {
  return name === null
    ? new SchemaError([], "an atom, or a tuple with an atom in front", "another request")
    : new SchemaError([], known(table), `request ${name}/${args.length}`);
}

/** The names that a server answers to, for a caller who has used another one. */
function known(table: object | undefined): string {
  const names = table === undefined ? [] : Object.keys(table);
  if (names.length === 0) return "a request that the server knows";
  return names.length <= MOST_NAMES
    ? names.join(" | ")
    : `${names.slice(0, MOST_NAMES).join(" | ")} or one of ${names.length - MOST_NAMES} others`;
}

const MOST_NAMES = 12;

/** The term of a typed request, which is known to have a name. */
function termOf(name: string | null, args: readonly unknown[]): Term {
  return requestTerm({ name: name!, args }) as Term;
}

const NO_ARGS: readonly unknown[] = [];

/** The name of the request that a term is; `null` where it is neither an atom nor a tuple with one in front. */
function nameIn(term: Term): string | null {
  if (isTuple(term)) return term.length > 0 && isAtom(term[0]) ? nameOf(term[0]) : null;
  return isAtom(term) ? nameOf(term) : null;
}

function argsIn(term: Term): readonly unknown[] {
  return isTuple(term) && term.length > 1 ? Array.prototype.slice.call(term, 1) : NO_ARGS;
}

function isAtom(term: Term): term is Atom | boolean | null {
  return term instanceof Atom || term === null || typeof term === "boolean";
}

function isFrom(term: Term): term is Tuple<[Pid, Term]> {
  return isTuple(term) && term.length === 2 && term[0] instanceof Pid;
}

function pathTerm(error: SchemaError): Term {
  return error.path.map((key) => typeof key === "number" ? key : String(key));
}
