import { format } from "../../etf/format.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { type FieldsOf, namesInstead } from "../../_util/fields.ts";
import { isThenable } from "../../_util/thenable.ts";
import { type Request, requestTerm } from "../../node/call.ts";
import { Handler } from "../server/handlers.ts";
import {
  argsIn,
  argumentsText,
  badRequest,
  functionOf,
  nameIn,
  own,
  parseArgs,
  type Refused,
  type Table,
  unknownError,
  unknownText,
} from "../server/requests.ts";
import type { Event, StatemEvent } from "./event.ts";
import type { StateHandlers } from "./states.ts";
import type { Statem } from "./statem.ts";
import { Transition } from "./transition.ts";

type Handlers = StateHandlers<unknown>;

/** Finds what handles an event in the tables of a machine: the state's own handler, else that for all states. */
export class TableDispatch {
  readonly #machine: Statem<unknown>;
  readonly #states: Readonly<Record<string, Handlers>>;
  /** Whether any state wants to know that it is entered. */
  readonly enters: boolean;

  constructor(machine: Statem<unknown>, states: Readonly<Record<string, Handlers>>) {
    this.#machine = machine;
    this.#states = states;
    checkTables(machine, states);
    this.enters = machine.common?.enter !== undefined ||
      Object.values(states).some(({ enter }) => enter !== undefined);
  }

  /** @throws {TypeError} where the table has no such state. */
  mustKnow(state: unknown): void {
    const name = nameOfState(state);
    if (name !== null && Object.hasOwn(this.#states, name)) return;
    const known = Object.keys(this.#states).join(", ") || "none";
    const shownName = name ?? `a ${typeof state}`;
    throw new TypeError(`Cannot go to state ${shownName}: the machine has ${known}`);
  }

  enter(state: unknown, previous: unknown): unknown {
    const handlers = this.#handlers(state);
    if (handlers.enter !== undefined) return handlers.enter.call(this.#machine, previous);
    return this.#machine.common?.enter?.call(this.#machine, previous);
  }

  handle(event: Event): unknown {
    switch (event.type) {
      case "call":
        return this.#request(event, "calls");
      case "cast":
        return this.#request(event, "casts");
      case "info":
        return this.#plain("info", event) ?? this.#unhandledInfo(event);
      case "internal":
        return this.#plain("internal", event) ?? this.#unhandled(event);
      case "state_timeout":
        return this.#plain("stateTimeout", event) ?? this.#unhandled(event);
      case "event_timeout":
        return this.#plain("eventTimeout", event) ?? this.#unhandled(event);
      case "timeout":
        return this.#timeout(event);
    }
  }

  /** What a typed request is on the wire: written by the first handler of that name, since a name has the same arguments everywhere. */
  termOf(request: Request, isCast: boolean): Encodable {
    if (request.name === null) return request.term;
    const kind = isCast ? "casts" : "calls";
    const { common } = this.#machine;
    for (
      const handlers of [...Object.values(this.#states), ...common === undefined ? [] : [common]]
    ) {
      const handler = own(handlers[kind], request.name);
      if (handler instanceof Handler) {
        return requestTerm({ name: request.name, args: handler.write(request.args) });
      }
    }
    return requestTerm(request);
  }

  /** What a call's handler returns answers it, too. */
  #request(event: Event, kind: "calls" | "casts"): unknown {
    const { request } = event;
    const typed = request.name !== null;
    const name = typed ? request.name : nameIn(request.term as Term);
    const args = typed ? request.args : argsIn(request.term as Term);
    const handler = this.#find(kind, name);
    if (handler === undefined) return this.#other(event) ?? this.#refuseUnknown(event, name, args);
    let parsed: readonly unknown[];
    try {
      parsed = parseArgs(handler, name, args, typed);
    } catch (error) {
      return this.#refuse(event, name, args, error, handler);
    }
    const result = functionOf(handler).apply(this.#machine, parsed as never[]);
    if (kind === "casts") return result;
    return isThenable(result) ? result.then(answered) : answered(result);
  }

  #plain(kind: "info" | "internal" | "stateTimeout" | "eventTimeout", event: Event): unknown {
    const machine = this.#machine;
    const handlers = this.#handlers(machine.state);
    const fn = handlers[kind] ?? machine.common?.[kind];
    if (fn === undefined) return this.#other(event);
    const result = (fn as (content: unknown) => unknown).call(machine, event.content);
    return result === undefined ? KEEP : result;
  }

  /** What the class's handleEvent does with an event that the tables have no handler for; `undefined` where it has none. */
  #other(event: Event): unknown {
    const machine = this.#machine;
    if (machine.handleEvent === undefined) return undefined;
    return machine.handleEvent(event as unknown as StatemEvent, machine.state) ?? KEEP;
  }

  #timeout(event: Event): unknown {
    const name = typeof event.name === "string" ? event.name : nameIn(event.name);
    const timeouts = (handlers: Handlers | undefined): Table | undefined => handlers?.timeouts;
    const fn = own(timeouts(this.#handlers(this.#machine.state)), name) ??
      own(timeouts(this.#machine.common), name);
    if (fn === undefined) return this.#other(event) ?? this.#unhandled(event);
    return functionOf(fn).call(this.#machine, event.content as never);
  }

  #find(kind: "calls" | "casts", name: string | null): ReturnType<typeof own> {
    const machine = this.#machine;
    return own(this.#handlers(machine.state)[kind], name) ?? own(machine.common?.[kind], name);
  }

  #handlers(state: unknown): Handlers {
    const name = nameOfState(state);
    if (name !== null && Object.hasOwn(this.#states, name)) return this.#states[name];
    this.mustKnow(state);
    return {};
  }

  #refuseUnknown(event: Event, name: string | null, args: readonly unknown[]): undefined {
    if (this.#machine.onInvalid === "crash") throw unknownError(name, args.length);
    const handlers = this.#handlers(this.#machine.state);
    const { common } = this.#machine;
    const calls = { ...common?.calls, ...handlers.calls };
    const casts = { ...common?.casts, ...handlers.casts };
    const refused = this.#refused(event, name, args);
    const [table, others] = refused.kind === "call" ? [calls, casts] : [casts, calls];
    this.#tell(event, [], unknownText(refused, table, others));
  }

  #refuse(
    event: Event,
    name: string | null,
    args: readonly unknown[],
    error: unknown,
    handler: unknown,
  ): undefined {
    if (this.#machine.onInvalid === "crash" || !(error instanceof SchemaError)) throw error;
    this.#tell(event, error.path, argumentsText(this.#refused(event, name, args), handler, error));
  }

  #refused(event: Event, name: string | null, args: readonly unknown[]): Refused {
    const server = `${this.#machine.constructor.name} in state ${this.#stateName}`;
    const kind = event.type === "call" ? "call" : "cast";
    return { kind, server, name, count: args.length };
  }

  #tell(event: Event, path: readonly PropertyKey[], text: string): void {
    if (event.from !== null) return event.from.refuse(badRequest(path, text));
    const { _core: core, _process: process } = this.#machine;
    core.refusedCasts++;
    core.logger._log("warning", `${this.#self} dropped a cast: ${text}`, process);
  }

  #unhandledInfo(event: Event): undefined {
    const message = format(event.content as Term, { maxLength: 1_000 });
    this.#machine._core.logger._log(
      "warning",
      `${this.#self} got a message that state ${this.#stateName} does not handle: ${message}`,
      this.#machine._process,
    );
  }

  /** Events of the machine's own are its own mistake. */
  #unhandled(event: Event): never {
    const term = format(event.term as Term, { maxLength: 1_000 });
    throw new Error(
      `Cannot handle ${term}: state ${this.#stateName} has no handler for it, nor has common`,
    );
  }

  get #stateName(): string {
    return nameOfState(this.#machine.state) ?? "unknown";
  }

  get #self(): string {
    const { constructor, _process, pid } = this.#machine;
    return `${constructor.name} ${_process.name ?? format(pid)}`;
  }
}

/** All that a state may have. */
const HANDLERS: FieldsOf<Handlers> = {
  enter: true,
  calls: true,
  casts: true,
  info: true,
  internal: true,
  stateTimeout: true,
  eventTimeout: true,
  timeouts: true,
};

/** The types say so too; a program without them would wait for a handler that is misspelt. */
function checkTables(
  machine: Statem<unknown>,
  states: Readonly<Record<string, Handlers>>,
): void {
  const { constructor: { name: type }, common } = machine;
  for (const [name, handlers] of [...Object.entries(states), ["common", common ?? {}] as const]) {
    for (const key in handlers) {
      if (Object.hasOwn(HANDLERS, key)) continue;
      const instead = namesInstead(key, Object.keys(HANDLERS));
      throw new TypeError(`Cannot start ${type}: state ${name} has ${key}, ${instead}`);
    }
  }
}

/** What stands for nothing where nothing means that there is no handler. */
const KEEP = new Transition<null, "anywhere">("keep");

/** What a call's handler has returned, as a transition that answers. */
function answered(result: unknown): Transition<unknown> {
  if (!(result instanceof Transition)) return new Transition("keep").reply(result);
  return result._answers ? result : result.reply(null);
}

function nameOfState(state: unknown): string | null {
  const name = typeof state === "object" && state !== null && "name" in state ? state.name : state;
  return typeof name === "string" ? name : null;
}
