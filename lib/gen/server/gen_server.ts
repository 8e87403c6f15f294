import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { EncodeError } from "../../etf/errors.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { Call, DEFAULTS, type From, type Request, requestTerm } from "../../node/call.ts";
import { checkLocal } from "../../node/referring.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { debugOf } from "../sys/debug.ts";
import { argumentsText, type Refused, unknownError, unknownText } from "./_refusals.ts";
import { Handler, Later, noReply } from "./handlers.ts";
import {
  argsIn,
  badRequest,
  functionOf,
  nameIn,
  own,
  parseArgs,
  type Table,
  termOf,
} from "./requests.ts";
import type { PlacedProtocol } from "./placed.ts";
import { Server } from "./server.ts";
import { ServerRef } from "./server_ref.ts";

const BAD_REPLY = atom("bad_reply");
const TIMEOUT = atom("timeout");

/**
 * A server: a process that answers requests one at a time. Its state is its fields, its protocol the tables `calls` and `casts`.
 *
 * | a client does | what runs | which answers by |
 * | --- | --- | --- |
 * | `node.start(Counter, args)` | `init(...args)` | `start` waits for it |
 * | `ref.call("add", 5)`, `gen_server:call(Pid, {add, 5})`, `GenServer.call(pid, {:add, 5})` | `calls.add(5)`, else `handleCall(request, from)` | what it returns |
 * | `ref.cast("reset")`, `gen_server:cast(Pid, reset)`, `GenServer.cast(pid, :reset)` | `casts.reset()`, else `handleCast(request)` | nothing |
 * | `node.send(pid, message)`, `Pid ! Message` | `handleInfo(message)` | nothing |
 * | `this.continueWith(step)` in the server | `handleContinue(step)`, before any message | nothing |
 * | nothing, for `this.idleTimeout` milliseconds | `handleTimeout()`, else `handleInfo(atom("timeout"))` | nothing |
 * | `ref.stop()`, `this.stop(reason)`, a throw | `terminate(reason)` | nothing |
 *
 * - One message at a time: while a handler's promise has not settled no other message is taken. A handler that returns no
 *   promise costs none. To answer later and go on meanwhile, return {@linkcode later}, or {@linkcode noReply} and keep `from`.
 * - A throw ends the process with `{{js_error, Name, Message}, Stack}`; what a supervisor or a link does about it is theirs.
 * - A handler that returns `undefined` replies `nil`.
 * - Arguments that do not parse, and names that no handler takes, make the caller exit with `{bad_request, Path, Message}`.
 *   The server lives on. `onInvalid = "crash"` restores what OTP does: the server crashes.
 * - A bare handler with arguments is for this program alone, and takes any JavaScript values: references work from anywhere in it, no
 *   process is needed to call. What other nodes may call with arguments says so by {@linkcode on}.
 * - A reply that is no term makes a caller of another node exit with `{bad_reply, Handler, Message}`, and is logged. The server lives on.
 * - `sys` and observer show its public fields, or what {@linkcode GenServer.formatState} returns, and can suspend, trace and stop it.
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
export abstract class GenServer extends Server {
  /** @ignore @internal */
  declare readonly _refType: ServerRef<this>;
  /** @ignore @internal */
  declare readonly _placedRefType: ServerRef<PlacedProtocol<this>>;
  /** @ignore @internal A server of this node by its pid or name, looked for each time. */
  static override _refer(node: Node, target: Target): unknown {
    // One with more than that knows of its process: it is looked for now.
    if (this.prototype._reference !== GenServer.prototype._reference) {
      return super._refer(node, target);
    }
    checkLocal(node._core, target, this.name);
    return new ServerRef(node, target, node._core.main, DEFAULTS);
  }

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
    this._core.logger._log(
      "warning",
      `${this.#self} got a message that it does not handle: ${
        format(message, { maxLength: 1_000 })
      }`,
      this._process,
    );
    return undefined;
  }

  /**
   * What is asked for by {@linkcode GenServer.continueWith}. A class says by the type of the parameter what it takes.
   *
   * @returns a promise holds the mailbox, as that of every handler does.
   */
  handleContinue(_step: never): unknown {
    throw new TypeError(
      `Cannot continue: ${this.constructor.name} has no method handleContinue, which takes what is left to do`,
    );
  }

  /**
   * Has `handleContinue(step)` called next, before any message, as Erlang's `{continue, Step}`: when `init` is done and whoever has
   * started the server knows, or when the handler is done that runs now and its reply is out.
   *
   * - For what takes long or may fail and that nobody has to wait for, and to go on in steps without another message in between.
   * - Several steps are done in the order in which they were asked for.
   *
   * @example
   * ```ts
   * import { GenServer } from "@ergo-ts/ergo";
   *
   * class Prices extends GenServer {
   *   #prices = new Map<string, number>();
   *   override init(url: string): void {
   *     this.continueWith({ load: url }); // start does not wait for it, but every call does
   *   }
   *   override async handleContinue(step: { load: string }): Promise<void> {
   *     this.#prices = new Map(await (await fetch(step.load)).json());
   *   }
   *   override readonly calls = { size: () => this.#prices.size };
   * }
   * ```
   */
  continueWith<Step>(
    this: { handleContinue(step: Step): unknown; readonly _process: unknown },
    step: NoInfer<Step>,
  ): void {
    (this._process as Process).doNext(() => {
      return (this as unknown as GenServer).#went(this.handleContinue(step));
    });
  }

  /**
   * Called when nothing has come for {@linkcode GenServer.idleTimeout} milliseconds. Without this method `handleInfo` gets the atom
   * `timeout`, as in OTP.
   */
  handleTimeout(): unknown {
    return this.handleInfo(TIMEOUT);
  }

  /**
   * Milliseconds without a message after which `handleTimeout` is called. Default `Infinity`: never.
   *
   * - It counts from the moment when nothing is left to do. Everything that runs in the process starts it anew: messages, its timers,
   *   requests of sys.
   * - It is called once; again only when something has come since, or `handleTimeout` has set this anew.
   * - Other than OTP's `Timeout`, which every callback gives for itself, it stays as it is until it is set again.
   *
   * @throws {RangeError} if it is set to what is no number, or negative.
   */
  get idleTimeout(): number {
    return this._process.idleTimeout?.ms ?? Infinity;
  }

  set idleTimeout(ms: number) {
    if (typeof ms !== "number" || !(ms >= 0)) {
      throw new RangeError(
        `Cannot set the idle timeout to ${
          String(ms)
        }: a number of milliseconds, 0 or more, is needed`,
      );
    }
    this._process.setIdleTimeout(ms, () => this.#went(this.handleTimeout()));
  }

  /**
   * Says that nothing is expected for a while: when the message is done that is handled now, and nothing waits, the mailbox gives back
   * the memory that it keeps to be fast. The next message ends that, and finds the server as it was.
   *
   * A hint, and a small one: JavaScript has no heap of a process that could be shrunk. A server that keeps what it can make again
   * drops that in the same place.
   */
  hibernate(): void {
    this._process.hibernate();
  }

  /** The state as sys and observer show it: by default the public fields that a class has besides its tables. */
  override formatState(): unknown {
    const { calls: _1, casts: _2, onInvalid: _3, _essential: _4, ...state } = this as Shown;
    return state;
  }

  /** @ignore @internal */
  _called(from: From, request: Request): unknown {
    if (request.name !== null) return this.#called(from, request.name, request.args, undefined);
    const term = request.term as Term;
    return this.#called(from, nameIn(term), argsIn(term), term);
  }

  /** @ignore @internal */
  _casted(request: Request): unknown {
    if (request.name !== null) return this.#casted(request.name, request.args, undefined);
    const term = request.term as Term;
    return this.#casted(nameIn(term), argsIn(term), term);
  }

  /** @ignore @internal */
  _informed(message: Term): unknown {
    return this.#went(this.handleInfo(message));
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
    return new ServerRef(node, pid, node._core.main, DEFAULTS);
  }

  get #calls(): Table | undefined {
    return this.calls ?? (this.constructor as { calls?: Table }).calls;
  }

  get #casts(): Table | undefined {
    return this.casts ?? (this.constructor as { casts?: Table }).casts;
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
      if (result === unhandled) return this.#unknownCall(from, name, args);
      return this.#answer(from, name, result);
    }
    let parsed: readonly unknown[];
    try {
      parsed = parseArgs(handler, name, args, term === undefined);
    } catch (error) {
      return this.#refuseCall(from, name, args, error);
    }
    return this.#answer(from, name, functionOf(handler).apply(this, parsed as never[]));
  }

  #casted(name: string | null, args: readonly unknown[], term: Term | undefined): unknown {
    const handler = own(this.#casts, name);
    if (handler === undefined) {
      const result = this.handleCast(term === undefined ? termOf(name, args) : term);
      if (result === unhandled) return this.#unknownCast(name, args);
      return this.#went(result);
    }
    let parsed: readonly unknown[];
    try {
      parsed = parseArgs(handler, name, args, term === undefined);
    } catch (error) {
      return this.#refuseCast(name, args, error);
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
  #answer(from: From, name: string | null, result: unknown): unknown {
    if (isThenable(result)) return result.then((value) => this.#answer(from, name, value));
    if (this._process.exited) return undefined;
    if (result instanceof Later) {
      if (from instanceof Call) this._process.keepCall(from);
      Promise.resolve(result.promise).then((value) => {
        if (!this._process.exited) this.#reply(from, name, value);
      }).then(undefined, (error: unknown) => this._process.crash(error));
    } else if (result === noReply) {
      if (from instanceof Call) this._process.keepCall(from);
    } else {
      this.#reply(from, name, result);
    }
    return undefined;
  }

  #reply(from: From, name: string | null, value: unknown): void {
    try {
      from.reply(value as Encodable);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      return this.#badReply(from, name, error);
    }
    if (this._process.body !== this) debugOf(this)?.replied(from, value);
  }

  /** A reply that is no term is a mistake of this server's code, but whoever called must not wait for it; and the next caller may ask for something else. */
  #badReply(from: From, name: string | null, error: EncodeError): void {
    const handler = name === null || !Object.hasOwn(this.#calls ?? {}, name) ? "handleCall" : name;
    const message = `Cannot send the reply of ${handler}: ${error.message}`;
    this._core.logger._log("error", `${this.#self}: ${message}`, this._process);
    from.refuse(tuple(BAD_REPLY, atom(handler), message) as unknown as Term);
  }

  #unknownCall(from: From, name: string | null, args: readonly unknown[]): void {
    if (this.onInvalid === "crash") throw unknownError(name, args.length);
    const refused = this.#refused("call", name, args);
    from.refuse(badRequest([], unknownText(refused, this.#calls, this.#casts)));
  }

  #unknownCast(name: string | null, args: readonly unknown[]): void {
    if (this.onInvalid === "crash") throw unknownError(name, args.length);
    this.#dropped(unknownText(this.#refused("cast", name, args), this.#casts, this.#calls));
  }

  #refuseCall(from: From, name: string | null, args: readonly unknown[], error: unknown): void {
    if (this.onInvalid === "crash" || !(error instanceof SchemaError)) throw error;
    const handler = own(this.#calls, name);
    const text = argumentsText(this.#refused("call", name, args), handler, error);
    from.refuse(badRequest(error.path, text));
  }

  #refuseCast(name: string | null, args: readonly unknown[], error: unknown): void {
    if (this.onInvalid === "crash" || !(error instanceof SchemaError)) throw error;
    this.#dropped(argumentsText(this.#refused("cast", name, args), own(this.#casts, name), error));
  }

  #refused(kind: "call" | "cast", name: string | null, args: readonly unknown[]): Refused {
    return { kind, server: this.constructor.name, name, count: args.length };
  }

  #dropped(why: string): void {
    this._core.refusedCasts++;
    this._core.logger._log("warning", `${this.#self} dropped a cast: ${why}`, this._process);
  }

  get #self(): string {
    return `${this.constructor.name} ${this._process.name ?? format(this.pid)}`;
  }
}

/** The fields of a server that are not its state. */
interface Shown {
  readonly calls?: unknown;
  readonly casts?: unknown;
  readonly onInvalid?: unknown;
  readonly _essential?: unknown;
}

/** What the base methods return: the class has none of its own. */
const unhandled: unique symbol = Symbol("unhandled");
