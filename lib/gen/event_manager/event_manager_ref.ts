import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import { equal } from "../../etf/equal.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { EXIT, NORMAL } from "../../node/atoms.ts";
import { Call, type CallOptions, requestTerm } from "../../node/call.ts";
import { ExitError, exitReasonOf, NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { ExitReason, Process, Undelivered } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";
import { addressOf, describe, type Target } from "../../node/target.ts";
import { ReplyError } from "../server/contract.ts";
import type { ArgsOf, ReplyOf } from "../server/handlers.ts";
import type { CallsOf } from "../server/server_ref.ts";
import { type StopOptions, stopProcess } from "../server/stop_process.ts";
import type { EventHandler } from "./event_handler.ts";
import type { EventManager } from "./event_manager.ts";
import {
  type EventHandlerArgs,
  type HandlerId,
  nameOfHandler,
  nameTerm,
  readName,
} from "./handler_id.ts";

const BAD_MODULE = tuple(atom("error"), atom("bad_module"));

/** Waits as long as it takes, as OTP's functions of gen_event. */
const PATIENT = { timeout: Infinity };

/** A call of an event manager, whose requests are messages of another form: `{Pid, From, Request}`. */
class EventCall extends Call {
  override message(request: Encodable = requestTerm(this.request)): Tuple {
    return tuple(this.pid, this.term, request) as unknown as Tuple;
  }

  override _failed(target: Term, timeout: readonly Term[]): Term {
    const args = [target, requestTerm(this.request), ...timeout];
    return tuple(atom("gen_event"), atom("call"), args) as unknown as Term;
  }
}

/**
 * A reference to an event manager: one of ours, which `node.start` gives, or by `node.ref(EventManager, target)` any gen_event of any
 * node.
 */
export class EventManagerRef {
  /** Where the manager is. */
  readonly target: Target;
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;

  /** @ignore @internal */
  constructor(node: Node, target: Target, from: Process, options: CallOptions) {
    this.#node = node;
    this.target = target;
    this.#from = from;
    this.#options = options;
  }

  /** The manager's pid. @throws {TypeError} where it is only known by name. */
  get pid(): Pid {
    if (this.target instanceof Pid) return this.target;
    throw new TypeError("Cannot tell the pid: the manager is known by its name only");
  }

  /** Tells all handlers of an event, and does not wait. */
  notify(event: Encodable): void {
    this.#node._core.send(this.#from, this.target, tuple(atom("notify"), event) as Encodable);
  }

  /** Tells all handlers of an event, and waits until they are done with it, for as long as it takes. */
  async syncNotify(event: Encodable, options: CallOptions = PATIENT): Promise<void> {
    await this.#ask(tuple(atom("sync_notify"), event) as Encodable, options);
  }

  /**
   * Calls one handler by a name of its table `calls`.
   *
   * @throws {ReplyError} with the reason `bad_module` where the manager has no such handler.
   * @throws {ExitError} where the handler has thrown, or the arguments do not parse.
   * @throws {CallTimeoutError} after 5,000 milliseconds, or as `with({ timeout })` says.
   */
  async call<H extends EventHandler, N extends keyof CallsOf<H> & string>(
    handler: HandlerId<H>,
    name: N,
    ...args: ArgsOf<CallsOf<H>[N]>
  ): Promise<ReplyOf<CallsOf<H>[N]>> {
    const request = requestTerm({ name, args: args as readonly unknown[] });
    return await this.request(handler, request) as ReplyOf<CallsOf<H>[N]>;
  }

  /** Calls one handler, as `gen_event:call/3`. Rejects as {@linkcode EventManagerRef.call} does. */
  async request(handler: HandlerId<EventHandler>, request: Encodable): Promise<Term> {
    const id = this.#term(handler);
    const reply = await this.#ask(tuple(atom("call"), id, request) as Encodable, this.#options);
    if (equal(reply, BAD_MODULE)) {
      throw new ReplyError(atom("bad_module"), `The manager has no handler ${format(id)}`);
    }
    if (isTuple(reply) && reply.length === 2 && reply.tag === "error" && isExit(reply[1])) {
      throw new ExitError((reply[1] as unknown as Term[])[1]);
    }
    return reply;
  }

  /**
   * Adds a handler, before those that are there.
   *
   * @param handler its class; for a manager of another node the name of its module.
   * @param args what its `init` takes; for a manager of another node the one term.
   * @throws {ExitError} where its `init` throws.
   * @throws {ReplyError} where it refuses.
   */
  async addHandler<H extends EventHandler>(
    handler: HandlerId<H>,
    args: EventHandlerArgs<H>,
  ): Promise<void> {
    const local = this.#local();
    if (local !== null) {
      return await this.#turn(local, (manager) => manager._add(manager._spec(handler, args), null));
    }
    added(await this.#ask(this.#command("add_handler", handler, args), PATIENT));
  }

  /**
   * Adds a handler that goes with the process which adds it: both are linked, and where the handler goes first the process gets
   * `{gen_event_EXIT, Handler, Reason}`. Only with a reference of a process, see {@linkcode EventManagerRef.as}.
   */
  async addSupHandler<H extends EventHandler>(
    handler: HandlerId<H>,
    args: EventHandlerArgs<H>,
  ): Promise<void> {
    const owner = this.#owner("add a supervised handler");
    const local = this.#local();
    if (local !== null) {
      return await this.#turn(
        local,
        (manager) => manager._add(manager._spec(handler, args), owner),
      );
    }
    added(await this.#ask(this.#command("add_sup_handler", handler, args, owner), PATIENT));
  }

  /**
   * Removes a handler.
   *
   * @param reason what its `terminate` is called with.
   * @returns what that returned.
   * @throws {ReplyError} with the reason `module_not_found` where there is none.
   */
  async deleteHandler(handler: HandlerId<EventHandler>, reason: Encodable = []): Promise<Term> {
    const request = tuple(atom("delete_handler"), this.#term(handler), reason) as Encodable;
    const reply = await this.#ask(request, PATIENT);
    if (format(reply) === "{error,module_not_found}") {
      throw new ReplyError((reply as unknown as Term[])[1], "The manager has no such handler");
    }
    return reply;
  }

  /**
   * Puts a handler in the place of another one, which leaves it something: see `swapped`.
   *
   * @param reason what `terminate` of the old one is called with.
   */
  async swapHandler<H extends EventHandler>(
    old: HandlerId<EventHandler>,
    reason: Term,
    handler: HandlerId<H>,
    args: EventHandlerArgs<H>,
  ): Promise<void> {
    await this.#swap(old, reason, handler, args, null);
  }

  /** The same, and the new one goes with the process that does it, as with `addSupHandler`. */
  async swapSupHandler<H extends EventHandler>(
    old: HandlerId<EventHandler>,
    reason: Term,
    handler: HandlerId<H>,
    args: EventHandlerArgs<H>,
  ): Promise<void> {
    await this.#swap(old, reason, handler, args, this.#owner("swap a supervised handler"));
  }

  /** Which handlers the manager has, the newest first: by the name of the module, or `{ handler, id }`. */
  async whichHandlers(): Promise<(string | { readonly handler: string; readonly id: Term })[]> {
    const reply = await this.#ask(atom("which_handlers"), PATIENT) as Term[];
    return reply.map((term) => {
      const { module, id } = readName(term) ?? { module: format(term), id: undefined };
      return id === undefined ? module : { handler: module, id };
    });
  }

  /** Watches the manager until it ends or the monitor is disposed. */
  monitor(fn: (down: Down) => unknown): Monitor {
    return this.#node._core.monitor(this.#from, this.target, fn);
  }

  /**
   * Ends the manager and its handlers, behind what it has got before, and waits for its end.
   *
   * @throws {NoProcessError} if it has ended before.
   * @throws {ExitError} if it ends with another reason, or takes longer than `timeout`.
   */
  async stop(reason: ExitReason = NORMAL, options: StopOptions = {}): Promise<void> {
    const local = this.#local();
    if (local !== null) {
      return await stopProcess(this.#node._core, this.#from, local.pid, reason, options);
    }
    const core = this.#node._core;
    const ended = new Promise<Term>((resolve) => {
      core.monitor(this.#from, this.target, (down) => resolve(down.reason));
    });
    await core.systemCall(
      this.#from,
      this.target,
      tuple(atom("terminate"), reason) as Encodable,
      { timeout: options.timeout ?? Infinity },
    );
    const ending = await ended;
    if (!equal(ending, reason)) throw new ExitError(ending);
  }

  /** The same reference with other options for its calls. */
  with(options: CallOptions): EventManagerRef {
    return new EventManagerRef(this.#node, this.target, this.#from, {
      ...this.#options,
      ...options,
    });
  }

  /** The same reference for use in a process. */
  as(caller: ProcessContext): EventManagerRef {
    return new EventManagerRef(this.#node, this.target, caller._process, this.#options);
  }

  async #swap(
    old: HandlerId<EventHandler>,
    reason: Term,
    handler: HandlerId<EventHandler>,
    args: readonly unknown[],
    owner: Pid | null,
  ): Promise<void> {
    const local = this.#local();
    if (local !== null) {
      return await this.#turn(
        local,
        (manager) => manager._swap(old, reason, manager._spec(handler, args), owner),
      );
    }
    const terms = [this.#term(old), reason, this.#term(handler), args[0] as Encodable];
    const name = atom(owner === null ? "swap_handler" : "swap_sup_handler");
    const request = tuple(name, ...terms, ...owner === null ? [] : [owner]) as unknown as Encodable;
    added(await this.#ask(request, PATIENT));
  }

  #command(
    name: string,
    handler: HandlerId<EventHandler>,
    args: readonly unknown[],
    owner?: Pid,
  ): Encodable {
    const more = owner === undefined ? [] : [owner];
    return tuple(
      atom(name),
      this.#term(handler),
      args[0] as Encodable,
      ...more,
    ) as unknown as Encodable;
  }

  #term(handler: HandlerId<EventHandler>): Term {
    const table = this.#manager(this.#local())?.handlers ?? {};
    return nameTerm(nameOfHandler(handler, table).name);
  }

  #ask(request: Encodable, options: CallOptions): Promise<Term> {
    const core = this.#node._core;
    return core.systemCall(this.#from, this.target, request, options, EventCall) as Promise<Term>;
  }

  #owner(verb: string): Pid {
    if (this.#from === this.#node._core.main) {
      throw new TypeError(`Cannot ${verb} from outside of a process: use ref.as(this)`);
    }
    return this.#from.pid;
  }

  /** The manager's process, where it is one of this node. */
  #local(): Process | null {
    const core = this.#node._core;
    const address = addressOf(this.target, core.global);
    if (core.remoteOf(address) !== null) return null;
    const process = core.local(address);
    if (process === undefined) throw new NoProcessError(describe(address));
    return process;
  }

  #manager(process: Process | null): EventManager | null {
    return process === null ? null : managers.get(process) ?? null;
  }

  #turn(process: Process, fn: (manager: EventManager) => Promise<void>): Promise<void> {
    const manager = this.#manager(process);
    if (manager === null) {
      throw new TypeError(`Cannot add a handler: ${format(process.pid)} is no event manager`);
    }
    return new Promise((resolve, reject) => {
      process.deliver(new ManagerTurn(() => fn(manager), resolve, reject));
    });
  }
}

/** @internal The managers of this program, by their processes. */
export const managers: WeakMap<Process, EventManager> = new WeakMap();

/** Something that a program of this node does in the manager's turn, since classes do not travel in messages. */
class ManagerTurn extends Turn implements Undelivered {
  readonly #fn: () => Promise<void>;
  readonly #done: () => void;
  readonly #failed: (error: unknown) => void;

  constructor(fn: () => Promise<void>, done: () => void, failed: (error: unknown) => void) {
    super();
    this.#fn = fn;
    this.#done = done;
    this.#failed = failed;
  }

  async run(): Promise<void> {
    try {
      await this.#fn();
      this.#done();
    } catch (error) {
      this.#failed(asError(error));
    }
  }

  undelivered(reason: Term): void {
    this.#failed(new ExitError(reason));
  }
}

/** What a refused handler's caller gets, as whoever starts a server. */
function asError(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof ExitError) return error;
  if (typeof error === "object" && error !== null && "term" in error) {
    const term = error.term as readonly Term[];
    return new ReplyError(term[1], (error as unknown as Error).message);
  }
  return new ExitError(exitReasonOf(error), undefined, { cause: error });
}

function added(reply: Term): void {
  if (reply === atom("ok")) return;
  if (isExit(reply)) throw new ExitError((reply as unknown as Term[])[1]);
  const reason = isTuple(reply) && reply.tag === "error" ? reply[1] : reply;
  throw new ReplyError(reason, `The handler was refused: ${format(reply, { maxLength: 1_000 })}`);
}

function isExit(term: unknown): boolean {
  return isTuple(term) && term[0] === EXIT && term.length === 2;
}
