/**
 * GenServer: a process that answers requests one at a time.
 *
 * | a client does | the server's | which answers by |
 * | --- | --- | --- |
 * | `ref.call("add", 5)`, `gen_server:call(Pid, {add, 5})`, `GenServer.call(pid, {:add, 5})` | `calls.add(5)`, or `handleCall(request, from)` | what it returns |
 * | `ref.cast("reset")`, `gen_server:cast(Pid, reset)`, `GenServer.cast(pid, :reset)` | `casts.reset()`, or `handleCast(request)` | nothing |
 * | `node.send(pid, message)`, `Pid ! Message` | `handleInfo(message)` | nothing |
 */

import { Atom, atom } from "../etf/atom.ts";
import { format } from "../etf/format.ts";
import { Pid } from "../etf/identifiers.ts";
import { SchemaError } from "../etf/schema/errors.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import { isThenable } from "../_util/thenable.ts";
import { EXIT, GEN_CALL, GEN_CAST } from "../node/atoms.ts";
import { Behaviour } from "../node/behaviour.ts";
import { Call, Cast, type From, TermFrom } from "../node/call.ts";
import { nameOf } from "../node/core.ts";
import type { Node } from "../node/node.ts";
import { type AnyHandler, Handler, Later, noReply } from "./handlers.ts";
import { ServerRef } from "./server_ref.ts";

const BAD_REQUEST = atom("bad_request");

type Table = Readonly<Record<string, AnyHandler>>;

/** A request by its name and arguments; the name is `null` where the term is neither an atom nor a tuple with one in front. */
interface Asked {
  readonly name: string | null;
  readonly args: readonly unknown[];
  /** From another node, or copied as if it were: its arguments are only known to be terms. */
  readonly untyped: boolean;
  readonly term: () => Term;
}

/**
 * A server: its state is its fields, its protocol the tables `calls` and `casts`.
 *
 * - One message at a time: while a handler's promise has not settled no other message is taken. A handler that returns no
 *   promise costs none.
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
 */
export abstract class GenServer extends Behaviour {
  /** @internal */
  declare readonly _refType: ServerRef<this>;
  /** What can be called, by name. A base table has no names, so that one that is not there is a compile error. */
  declare readonly calls: Record<never, never>;
  /** What can be cast, by name. */
  declare readonly casts: Record<never, never>;
  /** What happens on a request that does not parse or that no handler takes. Default: the caller is refused. */
  declare readonly onInvalid?: "refuse" | "crash";

  /** A call that the table has no name for. Without this method the caller is refused. Returns the reply, `later(...)` or `noReply`. */
  handleCall(_request: Term, _from: From): unknown {
    return unhandled;
  }

  /** A cast that the table has no name for. Without this method it is logged and dropped. */
  handleCast(_request: Term): unknown {
    return unhandled;
  }

  /** Every other message. Without this method it is logged and dropped. */
  handleInfo(message: Term): unknown {
    this._core.platform.log("warning", `${this.#self} got a message that it does not handle: ${format(message)}`);
    return undefined;
  }

  /** @internal */
  _receive(message: unknown): unknown {
    if (message instanceof Call) {
      if (message.done) return undefined; // nobody waits any more
      const { request } = message;
      const asked = request.name === null
        ? askedBy(request.term as Term)
        : { name: request.name, args: request.args, untyped: false, term: () => message.message()[2] };
      return this.#called(asked, message);
    }
    if (message instanceof Cast) {
      const { request } = message;
      return this.#casted(
        request.name === null
          ? askedBy(request.term as Term)
          : { name: request.name, args: request.args, untyped: false, term: () => message.message()[1] },
      );
    }
    if (isTuple(message)) {
      const head = message[0];
      if (head === GEN_CALL && message.length === 3 && isFrom(message[1])) {
        return this.#called(askedBy(message[2]), new TermFrom(this._core, message[1]));
      }
      if (head === GEN_CAST && message.length === 2) return this.#casted(askedBy(message[1]));
      const parent = this._process.parent;
      if (head === EXIT && parent !== null && message.length === 3 && parent.equals(message[1])) {
        return this._process.stop(message[2]); // as in OTP: the end of the parent is ours, also where exits are trapped
      }
    }
    return this.handleInfo(message as Term);
  }

  /** @internal */
  _reference(node: Node, pid: Pid): ServerRef<this> {
    return new ServerRef(node, pid, node._core.main, {});
  }

  #called(asked: Asked, from: From): unknown {
    this._process.caller = from.pid;
    const handler = own(this.calls ?? (this.constructor as { calls?: Table }).calls, asked.name);
    let args: readonly unknown[];
    if (handler === undefined) {
      const result = this.handleCall(asked.term(), from);
      if (result === unhandled) return this.#refuseCall(from, noHandler(asked));
      return this.#answer(from, result);
    }
    try {
      args = parseArgs(handler, asked);
    } catch (error) {
      return this.#refuseCall(from, error);
    }
    return this.#answer(from, functionOf(handler).apply(this, args as never[]));
  }

  #casted(asked: Asked): unknown {
    const handler = own(this.casts ?? (this.constructor as { casts?: Table }).casts, asked.name);
    let args: readonly unknown[];
    if (handler === undefined) {
      const result = this.handleCast(asked.term());
      return result === unhandled ? this.#refuseCast(noHandler(asked)) : result;
    }
    try {
      args = parseArgs(handler, asked);
    } catch (error) {
      return this.#refuseCast(error);
    }
    return functionOf(handler).apply(this, args as never[]);
  }

  /** Answers now where there is no promise, so that a handler which returns none costs none. */
  #answer(from: From, result: unknown): unknown {
    if (isThenable(result)) return result.then((value) => this.#answer(from, value));
    if (result instanceof Later) {
      if (from instanceof Call) this._process.keepCall(from);
      result.promise.then(
        (value) => from.reply(value as Encodable),
      ).then(undefined, (error: unknown) => this._process.crash(error));
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

function parseArgs(handler: AnyHandler, asked: Asked): readonly unknown[] {
  if (handler instanceof Handler) return handler.parse(asked.args);
  if (asked.untyped && asked.args.length > 0) {
    throw new SchemaError(
      [],
      `no arguments, as ${asked.name} has no schemas for them (declare them with on(...))`,
      `${asked.args.length} arguments`,
    );
  }
  return asked.args;
}

function noHandler(asked: Asked): SchemaError {
  return asked.name === null
    ? new SchemaError([], "an atom, or a tuple with an atom in front", "another request")
    : new SchemaError([], "a request that the server knows", `request ${asked.name}/${asked.args.length}`);
}

function askedBy(term: Term): Asked {
  let name: string | null = null;
  let args: readonly unknown[] = [];
  if (isAtom(term)) {
    name = nameOf(term);
  } else if (isTuple(term) && term.length > 0 && isAtom(term[0])) {
    name = nameOf(term[0]);
    args = Array.prototype.slice.call(term, 1);
  }
  return { name, args, untyped: true, term: () => term };
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
