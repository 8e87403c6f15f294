import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import type { From, Request } from "../../node/call.ts";
import { checkLocal } from "../../node/referring.ts";
import type { Node } from "../../node/node.ts";
import type { Target } from "../../node/target.ts";
import { NORMAL } from "../../node/atoms.ts";
import type { ExitReason } from "../../node/process/process.ts";
import { Server } from "../server/server.ts";
import type { PlacedProtocol } from "../server/placed.ts";
import { ServerRef } from "../server/server_ref.ts";
import { shown } from "../sys/shown.ts";
import { Engine } from "./_engine.ts";
import { Event, eventOf, type StatemEvent } from "./event.ts";
import { carryOutReply } from "./_replies.ts";
import { readState, sameState, stateAndData, statusItems } from "./_state_terms.ts";
import type {
  EnterResult,
  OnlyStates,
  StateHandlers,
  StatemProtocol,
  StatemResult,
  StatesOf,
} from "./states.ts";
import { TableDispatch } from "./_table_dispatch.ts";
import { TraceEvents } from "./_trace_events.ts";
import { machineError, Transition } from "./transition.ts";

/**
 * A state machine: a process that does with an event what its state says. It is gen_statem of OTP.
 *
 * What it does in each state stands in the table `states`; what it does in all of them in `common`. Its data are its fields.
 *
 * | what comes | what runs, of the state's handlers, else of `common` |
 * | --- | --- |
 * | `ref.call("press", 5)`, `gen_statem:call(Pid, {press, 5})` | `calls.press(5)`: what it returns is the reply, and keeps the state; a transition says both |
 * | `ref.cast("flip")`, `gen_statem:cast(Pid, flip)` | `casts.flip()` |
 * | `node.send(pid, message)`, `Pid ! Message` | `info(message)` |
 * | a timer of {@linkcode Transition.stateTimeout}, `eventTimeout`, `timeout` | `stateTimeout(content)`, `eventTimeout(content)`, `timeouts.name(content)` |
 * | {@linkcode Transition.nextEvent} | `internal(content)`, or what its type says |
 * | the state was entered | `enter(previous)` |
 *
 * - A handler returns a transition, made by `this.next(state)`, `this.keep()`, `this.repeat()` or `this.stop()`, with its actions
 *   behind it, or nothing, which keeps the state. Anything else is a crash with `{bad_return_from_state_function, Value}`; but what a call returns is its reply.
 * - One event at a time: where a handler returns a promise, everything else waits.
 * - A machine whose states are not known beforehand, or are terms, has the method `handleEvent` in place of the tables. Beside them, it
 *   gets the events that they have no handler for.
 * - Arguments that do not parse, and requests that the state does not know, make the caller exit with `{bad_request, Path, Message}`;
 *   casts and messages are logged and dropped. `onInvalid = "crash"` restores what OTP does: the machine crashes. It does in any case at
 *   its own events and timers that its state does not know.
 * - `sys:get_state` shows `{State, Data}`.
 *
 * @typeParam State the states: a union of strings, or of objects with a `name` that have data of their own.
 *
 * @example
 * ```ts
 * import { on, startNode, Statem, t, type Transition } from "@ergo-ts/ergo";
 *
 * class Door extends Statem<"locked" | "open"> {
 *   #code = 0;
 *   override init(code: number): Transition {
 *     this.#code = code;
 *     return this.next("locked");
 *   }
 *   override readonly states = this.table({
 *     locked: {
 *       calls: {
 *         unlock: on(t.integer, (code) =>
 *           code === this.#code
 *             ? this.next("open").stateTimeout(10_000).reply("welcome")
 *             : "wrong code"),
 *       },
 *     },
 *     open: {
 *       calls: { unlock: on(t.integer, () => "open already") },
 *       stateTimeout: () => this.next("locked"),
 *     },
 *   });
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const door = await node.start(Door, [4711], { register: "door" });
 * await door.call("unlock", 4711); //                            "welcome"
 * // From Erlang: gen_statem:call({door, 'demo@localhost'}, {unlock, 4711})
 * ```
 *
 * Not for everything: where every state does the same with nearly all that comes, a server with a field is simpler.
 */
export abstract class Statem<State = string> extends Server {
  /** @ignore @internal */
  declare readonly _refType: ServerRef<StatemProtocol<this>>;
  /** @ignore @internal */
  declare readonly _placedRefType: ServerRef<PlacedProtocol<StatemProtocol<this>>>;
  /** What the machine does in each of its states, by name. {@linkcode Statem.table} helps to write it. */
  declare readonly states?: StatesOf<State>;
  /** What it does in every state that has no handler of its own for it. */
  declare readonly common?: StateHandlers<State>;
  /**
   * What happens on a request that does not parse or that its state does not take: the caller of a call exits and all else is logged and
   * dropped (`"refuse"`, the default), or the machine crashes, as in OTP (`"crash"`).
   */
  declare readonly onInvalid?: "refuse" | "crash";
  #engine: Engine | null = null;
  #first: Transition<unknown> | null = null;
  #tables: TableDispatch | null = null;

  /**
   * Sets up the data and says the first state, by `this.next(state)`, with actions as any transition. A promise delays the start.
   *
   * Anything else makes the start fail with `{bad_return_from_init, Value}`.
   */
  abstract override init(...args: never[]): Transition<unknown> | PromiseLike<Transition<unknown>>;

  /**
   * Handles the events of a machine that has no table of states; with one, those that it has no handler for.
   *
   * @returns what to do; nothing keeps the state, and answers nobody.
   */
  handleEvent?(event: StatemEvent, state: State): StatemResult;

  /** A state was entered, of a machine that has no table. It can neither change the state, nor postpone, nor insert events. */
  handleEnter?(state: State, previous: State): EnterResult;

  /** The data as `sys:get_state` shows them beside the state: by default the public fields that the class has besides its tables. */
  formatData(): unknown {
    const { states: _1, common: _2, onInvalid: _3, ...data } = this as Shown;
    return data;
  }

  /** Takes other data, for `sys:replace_state`. A machine without this method takes another state only. */
  replaceData?(data: Term): void;

  /** The state that the machine is in. */
  get state(): State {
    return this.#running.state as State;
  }

  /** Who made the call that is handled: to be kept where it is answered later, by {@linkcode Transition.replyTo} or its own `reply`. */
  get from(): From {
    const from = this.#running.current?.from ?? null;
    if (from === null) {
      throw new Error("Cannot tell who calls: it is no call that is handled, keep its from before");
    }
    return from;
  }

  /** Checks a table of states where it is written: all states have to be there, and no others. */
  table<const T extends StatesOf<State>>(
    states: T & OnlyStates<T, State>,
  ): T {
    return states;
  }

  /** Goes to a state: where it is another one its state timeout ends, what was postponed comes again, and `enter` runs. */
  next(state: State): Transition<null, "event"> {
    const tables = this.#dispatch;
    if (tables !== null) tables.mustKnow(state);
    return new Transition<null, "event">("next", state);
  }

  /** Keeps the state. */
  keep(): Transition<null, "anywhere"> {
    return new Transition<null, "anywhere">("keep");
  }

  /** Keeps the state, and runs `enter` once more. */
  repeat(): Transition<null, "anywhere"> {
    return new Transition<null, "anywhere">("repeat");
  }

  /**
   * Ends this process in order, when the event that it handles is done; those that wait are not handled any more.
   *
   * @param reason default `normal`.
   * @returns a transition that can only reply.
   */
  override stop(reason: ExitReason = NORMAL): Transition<null, "anywhere"> {
    super.stop(reason);
    return new Transition<null, "anywhere">("stop");
  }

  /** The node's clock in milliseconds, for timers at a time: it goes on steadily, and has nothing to do with the date. */
  now(): number {
    return this._core.platform.now();
  }

  /** `{State, Data}`, see {@linkcode Statem.formatData}. */
  override formatState(): unknown {
    return stateAndData(this.#running.state, this.formatData());
  }

  /** Takes another state, and other data where they are changed. It is not entered, and nothing else happens. */
  override replaceState(replaced: unknown): void {
    const engine = this.#running;
    const { state, data } = readState(replaced, engine.state);
    this.#dispatch?.mustKnow(state);
    const old = shown(this.formatData());
    if (!sameState(old, data)) {
      if (this.replaceData === undefined) {
        throw new TypeError("Cannot replace the data: the class has no method replaceData");
      }
      this.replaceData(data);
    }
    engine.state = state;
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
  override _statusItems(state: Term, parent: Term, events: readonly Term[]): readonly unknown[] {
    return statusItems(this, this.#running, state, parent, events);
  }

  /** @ignore @internal */
  override _initialized(result: unknown): void {
    if (this.#dispatch === null && this.handleEvent === undefined) {
      throw new TypeError(
        `Cannot start ${this.constructor.name}: it has no states, a table of them or the method handleEvent is needed`,
      );
    }
    if (!(result instanceof Transition) || result._kind !== "next") {
      const { name } = this.constructor;
      throw machineError(
        "bad_return_from_init",
        shown(result),
        `Cannot start ${name}: its init returned no first state, this.next(state) is needed`,
      );
    }
    this.#first = result;
    this.#engine = this.#makeEngine(result._state);
  }

  /** @ignore @internal */
  override _begun(): unknown {
    const first = new Transition<unknown>("repeat");
    first._actions = this.#first!._actions;
    this.#first = null;
    return this.#running.begin(first);
  }

  /** @ignore @internal */
  _called(from: From, request: Request): unknown {
    this._process.caller = from.pid;
    return this.#running.take(new Event("call", request, from));
  }

  /** @ignore @internal */
  _casted(request: Request): unknown {
    return this.#running.take(new Event("cast", request));
  }

  /** @ignore @internal */
  _informed(message: Term): unknown {
    return this.#running.take(eventOf("info", message));
  }

  /** @ignore @internal What a typed request is on the wire: arguments are written as the handler's schemas say. */
  _requestTerm(request: Request, isCast: boolean): Encodable {
    const tables = this.#dispatch;
    return tables === null
      ? new Event("call", request).content as Encodable
      : tables.termOf(request, isCast);
  }

  /** @ignore @internal */
  override _terminated(reason: Term): void {
    if (this.#engine !== null) new TraceEvents(this).terminate(reason, this.#engine.state);
  }

  /** @ignore @internal The process has ended: its timers do not outlive it. */
  _ended(): void {
    this.#engine?.timeouts.clear();
  }

  /** @ignore @internal A machine of this node by its pid or name, looked for each time. */
  static override _refer(node: Node, target: Target): unknown {
    checkLocal(node._core, target, this.name);
    return new ServerRef(node, target, node._core.main, {});
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): ServerRef<StatemProtocol<this>> {
    return new ServerRef(node, pid, node._core.main, {});
  }

  get #running(): Engine {
    if (this.#engine === null) {
      throw new Error("Cannot use the state: the machine has none before init has returned");
    }
    return this.#engine;
  }

  /** The tables; `null` where the machine has none. */
  get #dispatch(): TableDispatch | null {
    if (this.#tables === null) {
      const states = this.states ?? (this.constructor as { states?: object }).states;
      if (states === undefined) return null;
      this.#tables = new TableDispatch(this as Statem<unknown>, states as StatesOf<string>);
    }
    return this.#tables;
  }

  #makeEngine(state: unknown): Engine {
    const tables = this.#dispatch;
    const trace = new TraceEvents(this);
    return new Engine({
      core: this._core,
      process: this._process,
      enters: tables === null ? this.handleEnter !== undefined : tables.enters,
      handle: (event) =>
        tables === null
          ? this.handleEvent!(event as unknown as StatemEvent, this.state)
          : tables.handle(event),
      enter: (previous) =>
        tables === null
          ? this.handleEnter!(this.state, previous as State)
          : tables.enter(this.state, previous),
      reply: (event, action) =>
        carryOutReply(this, event, action, (from, value) => trace.out(from, value)),
      sameState,
      get events() {
        return trace.debugged ? trace : null;
      },
    }, state);
  }
}

const SYSTEM = { module: "gen_statem", title: "Status for state machine" };

/** The fields of a machine that are not its data. */
interface Shown {
  readonly states?: unknown;
  readonly common?: unknown;
  readonly onInvalid?: unknown;
}
