import { atom } from "../../etf/atom.ts";
import { EncodeError } from "../../etf/errors.ts";
import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import { charlist } from "../../etf/list.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { EXIT, GEN_CAST, UNDEF } from "../../node/atoms.ts";
import { Call, type From, type Request, requestTerm, TermFrom } from "../../node/call.ts";
import { exitReasonOf } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import type { AnyHandler } from "../server/handlers.ts";
import {
  argsIn,
  argumentsText,
  badRequest,
  functionOf,
  nameIn,
  own,
  parseArgs,
  type Refused,
  unknownText,
} from "../server/requests.ts";
import { Server } from "../server/server.ts";
import { debugOf } from "../sys/debug.ts";
import { shown, statusData } from "../sys/shown.ts";
import type { EventHandler } from "./event_handler.ts";
import { EventManagerRef, managers } from "./event_manager_ref.ts";
import { Handlers, type HandlerSpec, type Installed, RefusedError, stateOf } from "./_installed.ts";
import {
  type EventHandlerArgs,
  type HandlerId,
  type HandlerTable,
  nameOfHandler,
  nameTerm,
  readName,
} from "./handler_id.ts";

const OK = atom("ok");
const ERROR = atom("error");
const NOTIFY = atom("notify");
const MODULE_NOT_FOUND = tuple(ERROR, atom("module_not_found")) as Term;
const BAD_MODULE = tuple(ERROR, atom("bad_module")) as Term;
const NOT_YOURS = tuple(
  ERROR,
  tuple(
    atom("not_supported"),
    "a handler goes with a process of the node that adds it, not with one of another",
  ),
) as unknown as Term;
const SYSTEM_LIMIT = tuple(ERROR, atom("system_limit")) as Term;
/** Handlers that a manager may have for another one to be added from elsewhere: each event takes the time of all. */
const MOST_HANDLERS = 1_000;
const WHICH_HANDLERS: Term = atom("which_handlers");
const GET_MODULES: Term = atom("get_modules");
const STOP: Term = atom("stop");

/**
 * An event manager: a process that gives each event to all handlers that were added to it. It is gen_event of OTP.
 *
 * Its handlers are classes that extend {@linkcode EventHandler}. Processes of Erlang use it as any gen_event: `gen_event:notify`,
 * `sync_notify`, `call`, `which_handlers`, `delete_handler`; and they add the handlers that the class names in its table `handlers`.
 *
 * - The newest handler gets an event first. While a handler's promise has not settled, everything else waits.
 * - A handler that throws is removed and reported; the manager and the others go on.
 * - A handler that was added by a process with `addSupHandler` goes with that process, which gets the message
 *   `{gen_event_EXIT, Handler, Reason}` where the handler goes first.
 * - The manager traps exits, and ends its handlers with `terminate(stop)`.
 * - `node.ref(EventManager, target)` is the same reference to a gen_event of any node.
 *
 * @example
 * ```ts
 * import { atom, EventHandler, EventManager, startNode, type Term } from "@ergo-ts/ergo";
 *
 * class Counter extends EventHandler {
 *   #count = 0;
 *   override handleEvent(_event: Term): void {
 *     this.#count++;
 *   }
 *   override readonly calls = { get: () => this.#count };
 * }
 *
 * class Alarms extends EventManager {
 *   override readonly handlers = { counter: Counter }; // what other nodes may add, and by which name
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const alarms = await node.start(Alarms, [], { register: "alarms" });
 * await alarms.addHandler(Counter, []);
 * await alarms.syncNotify(atom("fire"));
 * await alarms.call(Counter, "get"); //                                1
 * // From Erlang: gen_event:notify({alarms, 'demo@localhost'}, fire)
 * ```
 *
 * Not for everything: handlers share one process, and wait for each other. For many listeners that do much, each a process of its
 * own, use process groups.
 */
export class EventManager extends Server {
  /** @ignore @internal */
  declare readonly _refType: EventManagerRef;
  /** The classes that may be added by name, also by other nodes. */
  declare readonly handlers?: HandlerTable;
  #installed: Handlers | null = null;

  /** @ignore @internal What `node.ref(EventManager, target)` gives. */
  static override _refer(node: Node, target: Target): EventManagerRef {
    return new EventManagerRef(node, target, node._core.main, {});
  }

  /** Starts without handlers; a class of its own may {@linkcode EventManager.add} some here. */
  override init(..._args: never[]): unknown {
    return undefined;
  }

  /** Adds a handler, from inside of the manager. */
  async add<H extends EventHandler>(
    handler: HandlerId<H>,
    args: EventHandlerArgs<H>,
  ): Promise<void> {
    await this.#handlers.add(this._spec(handler, args), null);
  }

  /** Ends the handlers, with `terminate(stop)`. A class that overrides it calls it. */
  override async terminate(_reason: ExitReason): Promise<void> {
    await this.#handlers.stop();
  }

  /** `[{Module, Id, State}]`. */
  override formatState(): unknown {
    return this.#handlers.list.map(stateTriple);
  }

  /** @ignore @internal Each for itself; where that fails the state is as it was. */
  override _replaceStates(fun: (state: Term) => unknown): void {
    for (const one of this.#handlers.list) {
      const old = stateTriple(one);
      try {
        const replaced = fun(old) as Tuple;
        const same = isTuple(replaced) && replaced.length === 3;
        if (same && one.handler.replaceState !== undefined) {
          one.handler.replaceState(replaced[2] as Term);
        }
      } catch {
        // as in OTP, without a word
      }
    }
  }

  /** @ignore @internal */
  override get _system(): { readonly module: string; readonly title: string } {
    return SYSTEM;
  }

  /** @ignore @internal */
  override get _ownEvents(): boolean {
    return true;
  }

  /** @ignore @internal */
  override _statusItems(status: Term, parent: Term, _events: readonly Term[]): readonly unknown[] {
    const records = this.#handlers.list.map((one) => {
      const { module, id = false } = one.name;
      return tuple(atom("handler"), atom(module), id, stateOf(one), one.owner ?? false);
    });
    return [
      statusData([["Status", status], ["Parent", parent]]),
      tuple(atom("items"), tuple(charlist("Installed handlers"), records)),
    ];
  }

  /** @ignore @internal */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.trapExit = true; // as gen_event does
    process.asksOrigin = true; // a peer may tie handlers to processes of its own only
    managers.set(process, this);
  }

  /** @ignore @internal A manager answers no calls of gen_server: they are messages to its handlers, as in OTP. */
  _called(from: From, request: Request): unknown {
    if (from instanceof Call) {
      this._process.keepCall(from);
      return this._informed(from.message() as unknown as Term);
    }
    return this._informed(
      tuple(atom("$gen_call"), from.term, requestTerm(request)) as unknown as Term,
    );
  }

  /** @ignore @internal */
  _casted(request: Request): unknown {
    return this._informed(tuple(GEN_CAST, requestTerm(request)) as unknown as Term);
  }

  /** @ignore @internal */
  _informed(message: Term): unknown {
    this.#trace(message);
    if (isTuple(message)) {
      const [head, second, third] = message as unknown as Term[];
      if (message.length === 2 && head === NOTIFY) {
        return this.#handlers.notify("handleEvent", second);
      }
      if (message.length === 3 && head instanceof Pid && isFrom(second)) {
        return this.#command(new TermFrom(this._core, second, this._process), third);
      }
      if (message.length === 3 && head === EXIT && second instanceof Pid) {
        return this.#exited(second, third, message as unknown as Term);
      }
    }
    return this.#handlers.notify("handleInfo", message);
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): EventManagerRef {
    return new EventManagerRef(node, pid, node._core.main, {});
  }

  /** @ignore @internal Adds a handler for a program of this node. */
  async _add(spec: HandlerSpec, owner: Pid | null): Promise<void> {
    await this.#handlers.add(spec, owner);
  }

  /** @ignore @internal Swaps one for a program of this node. */
  async _swap(
    old: HandlerId<EventHandler>,
    reason: Term,
    spec: HandlerSpec,
    owner: Pid | null,
  ): Promise<void> {
    const { name } = nameOfHandler(old, this.#table);
    await this.#handlers.swap(name, reason, spec, owner);
  }

  /** @ignore @internal @throws {TypeError} where nobody knows the class. */
  _spec(handler: HandlerId<EventHandler>, args: readonly unknown[]): HandlerSpec {
    const { name, type } = nameOfHandler(handler, this.#table);
    if (!Array.isArray(args)) {
      throw new TypeError(
        `Cannot add handler ${name.module}: what its init takes is needed as an array, [] for nothing`,
      );
    }
    if (type === undefined) {
      const known = Object.keys(this.#table).join(", ") || "none";
      throw new TypeError(`Cannot add handler ${name.module}: the table of handlers has ${known}`);
    }
    return { name, type, args };
  }

  get #handlers(): Handlers {
    return this.#installed ??= new Handlers(this, this.#table);
  }

  get #table(): HandlerTable {
    return this.handlers ?? {};
  }

  async #exited(pid: Pid, reason: Term, message: Term): Promise<void> {
    await this.#handlers.ownerEnded(pid, reason);
    await this.#handlers.notify("handleInfo", message);
  }

  async #command(from: From, command: Term): Promise<void> {
    if (command === WHICH_HANDLERS) {
      return from.reply(this.#handlers.list.map(({ name }) => nameTerm(name)));
    }
    if (command === GET_MODULES) {
      const modules = new Set(this.#handlers.list.map(({ name }) => name.module));
      return from.reply([...modules].map((module) => atom(module)));
    }
    if (command === STOP) {
      this.stop();
      return from.reply(OK);
    }
    const origin = this._process.origin ?? this.node.name; // to be read before anything is waited for
    if (isAdding(command) && this.#isFull(origin)) return from.reply(SYSTEM_LIMIT);
    const [tag, first, second, third, fourth, fifth] = isTuple(command)
      ? command as unknown as (Term | undefined)[]
      : [];
    switch (isTuple(command) ? `${command.tag}/${command.length}` : "") {
      case "sync_notify/2":
        await this.#handlers.notify("handleEvent", first!);
        return from.reply(OK);
      case "call/3":
        return await this.#call(from, first!, second!);
      case "add_handler/3":
        return from.reply(await this.#added(first!, second!, null));
      case "add_sup_handler/4":
        return from.reply(
          isOf(origin, third) ? await this.#added(first!, second!, third!) : NOT_YOURS,
        );
      case "delete_handler/3":
        return this.#reply(from, await this.#deleted(first!, second!), tag!);
      case "swap_handler/5":
        return from.reply(await this.#swapped(first!, second!, third!, fourth!, null));
      case "swap_sup_handler/6":
        return from.reply(
          isOf(origin, fifth)
            ? await this.#swapped(first!, second!, third!, fourth!, fifth!)
            : NOT_YOURS,
        );
      default:
        await this.#handlers.notify(
          "handleInfo",
          tuple(from.pid, from.term, command) as unknown as Term,
        );
    }
  }

  #isFull(origin: string): boolean {
    return origin !== this.node.name && this.#handlers.list.length >= MOST_HANDLERS;
  }

  async #call(from: From, id: Term, request: Term): Promise<void> {
    const name = readName(id);
    const one = name === null ? undefined : this.#handlers.find(name);
    if (one === undefined) return from.reply(BAD_MODULE);
    const call = this.#parsed(from, one, request);
    if (call === null) return;
    this._process.caller = from.pid;
    try {
      const reply = await this.#handlers.answered(one, await call(), request);
      this.#reply(from, reply, request);
    } catch (error) {
      from.reply(tuple(ERROR, await this.#handlers.failed(one, error, request)) as unknown as Term);
    }
  }

  /** What answers a call of a handler; `null` where it was refused. */
  #parsed(from: From, { handler }: Installed, request: Term): (() => unknown) | null {
    const name = nameIn(request);
    const args = argsIn(request);
    const found: AnyHandler | undefined = own(handler.calls, name);
    const refused: Refused = {
      kind: "call",
      server: handler.constructor.name,
      name,
      count: args.length,
    };
    if (found === undefined) {
      if (handler.handleCall !== undefined) return () => handler.handleCall!(request);
      from.refuse(badRequest([], unknownText(refused, handler.calls, undefined)));
      return null;
    }
    try {
      const parsed = parseArgs(found, name, args, false);
      return () => functionOf(found).apply(handler, parsed as never[]);
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      from.refuse(badRequest(error.path, argumentsText(refused, found, error)));
      return null;
    }
  }

  /** A reply that is no term is the handler's mistake, but whoever called must not wait for it. */
  #reply(from: From, value: unknown, what: Term): void {
    try {
      from.reply(value as Encodable);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      const message = `Cannot send the reply to ${
        format(what, { maxLength: 100 })
      }: ${error.message}`;
      this._core.logger._log(
        "error",
        `${this.constructor.name} ${format(this.pid)}: ${message}`,
        this._process,
      );
      from.refuse(tuple(atom("bad_reply"), atom("handle_call"), message) as unknown as Term);
    }
  }

  async #added(id: Term, args: Term, owner: Term | null): Promise<Term> {
    const spec = this.#specOf(id, args);
    if (!("type" in spec)) return spec.refused;
    try {
      await this.#handlers.add(spec, owner instanceof Pid ? owner : null);
      return OK;
    } catch (error) {
      return refusal(error);
    }
  }

  async #deleted(id: Term, reason: Term): Promise<Term> {
    const name = readName(id);
    return (name === null ? undefined : await this.#handlers.delete(name, reason)) ??
      MODULE_NOT_FOUND;
  }

  async #swapped(old: Term, reason: Term, id: Term, args: Term, owner: Term | null): Promise<Term> {
    const name = readName(old) ?? { module: "", id: undefined };
    const spec = this.#specOf(id, args);
    const pid = owner instanceof Pid ? owner : null;
    try {
      if ("type" in spec) {
        await this.#handlers.swap(name, reason, spec, pid);
        return OK;
      }
      await this.#handlers.delete(name, reason);
      return tuple(ERROR, spec.refused) as Term;
    } catch (error) {
      const refused = refusal(error);
      return tuple(ERROR, error instanceof RefusedError ? (refused as Tuple)[1] : refused) as Term;
    }
  }

  /** What another node asks for by name: of what is in the table; all else is a module that there is not. */
  #specOf(id: Term, args: Term): HandlerSpec | { readonly refused: Term } {
    const name = readName(id);
    if (name !== null && Object.hasOwn(this.#table, name.module)) {
      return { name, type: this.#table[name.module], args: [args] };
    }
    const frame = tuple(name === null ? id : atom(name.module), atom("init"), [args], []);
    return { refused: tuple(EXIT, tuple(UNDEF, [frame])) as unknown as Term };
  }

  #trace(message: Term): void {
    const debugged = debugOf(this);
    if (debugged === null) return;
    const copy = shown(message);
    const text = isTuple(copy) && copy[0] === NOTIFY && copy.length === 2
      ? `got event ${format(copy[1], { maxLength: 10_000 })}`
      : `got ${format(copy, { maxLength: 10_000 })}`;
    debugged.tell({ kind: "own", term: tuple(atom("in"), copy) as Term, text, counts: "in" });
  }
}

const SYSTEM = { module: "gen_event", title: "Status for event handler" };

/** What a handler's `init` says against being added, as OTP's `add_handler` returns it. */
function refusal(error: unknown): Term {
  if (error instanceof RefusedError) return error.term;
  return tuple(EXIT, exitReasonOf(error)) as unknown as Term;
}

function stateTriple(one: Installed): Term {
  const { module, id = false } = one.name;
  return tuple(atom(module), id, stateOf(one)) as unknown as Term;
}

/** Whether it asks for one more handler: also swapping adds one where there is none to be swapped. */
function isAdding(command: Term): boolean {
  if (!isTuple(command) || command.tag === undefined) return false;
  return /^(add|swap)_(sup_)?handler$/.test(command.tag);
}

function isOf(node: string, owner: Term | undefined): boolean {
  return owner instanceof Pid && owner._node.name === node;
}

function isFrom(term: Term): term is Tuple<[Pid, Term]> {
  return isTuple(term) && term.length === 2 && term[0] instanceof Pid;
}
