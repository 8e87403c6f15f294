import { isThenable } from "../../_util/thenable.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { format } from "../../etf/format.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { GEN_CALL, GEN_CAST } from "../../node/atoms.ts";
import { Call, Cast, type From, type Request, requestTerm } from "../../node/call.ts";
import type { Body, ExitReason } from "../../node/process/process.ts";
import type { Turn } from "../../node/process/turn.ts";
import { isParentExit, isSystemMessage } from "../../node/system_message.ts";
import {
  type DebugOption,
  EventLog,
  eventTerm,
  hasId,
  type OwnEvent,
  Statistics,
  type SystemEvent,
} from "./_debug_options.ts";
import { shown } from "./shown.ts";

/**
 * Stands before a server, as the body of its process, while sys has something switched on for it: so a server that nobody looks at
 * pays nothing. All that a body may have is asked of the server: the type holds that nothing is forgotten.
 */
export class Debugged implements Required<Body> {
  readonly #behaviour: Behaviour & Body;
  /** The newest first, as sys has them. */
  #options: DebugOption[] = [];
  /** Whether the message that is handled now has been answered. */
  #replied = false;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  get options(): readonly DebugOption[] {
    return this.#options;
  }

  get log(): EventLog | undefined {
    return this.#options.find((option) => option instanceof EventLog);
  }

  get statistics(): Statistics | undefined {
    return this.#options.find((option) => option instanceof Statistics);
  }

  /** Does nothing where such an option is on already, as in OTP. */
  add(option: DebugOption): void {
    if (this.#options.some((other) => hasId(other, option.id))) return;
    this.#options = [option, ...this.#options];
  }

  remove(id: Term): void {
    this.#options = this.#options.filter((option) => !hasId(option, id));
  }

  get _behind(): Body {
    return this.#behaviour;
  }

  get _class(): string {
    return this.#behaviour._class ?? this.#behaviour.constructor.name;
  }

  get _plain(): boolean {
    return this.#behaviour._plain ?? false;
  }

  get _essential(): boolean {
    return this.#behaviour._essential ?? false;
  }

  get _waiting(): number {
    return this.#behaviour._waiting ?? 0;
  }

  _dropOldest(): unknown {
    return this.#behaviour._dropOldest?.();
  }

  _urgent(message: unknown, priority: "high" | "max"): Turn | undefined {
    return this.#behaviour._urgent?.(message, priority);
  }

  _receive(message: unknown): unknown {
    const parent = this.#behaviour._process.parent;
    if (isSystemMessage(message) || isParentExit(message, parent)) {
      return this.#behaviour._receive(message);
    }
    if (message instanceof Call && message.done) return undefined;
    if (this.#behaviour._ownEvents) return this.#behaviour._receive(message);
    this.#replied = false;
    this.#tell({ kind: "in", message: this.#termOf(message) });
    const result = this.#behaviour._receive(message);
    if (isThenable(result)) return Promise.resolve(result).then(() => this.#handled());
    this.#handled();
    return undefined;
  }

  /** Something has happened in a behaviour that tells of its own events. */
  tell(event: OwnEvent): void {
    if (this.#options.length > 0) this.#tell(event);
  }

  /** The server has answered a request by what its handler has returned. */
  replied(from: From, reply: unknown): void {
    this.#replied = true;
    if (this.#options.length === 0) return;
    this.#tell({
      kind: "out",
      reply: shown(reply),
      from: from.term as unknown as Term,
      state: this.#state(),
    });
  }

  terminate(reason: ExitReason): unknown {
    const result = this.#behaviour.terminate(reason);
    this.#behaviour._terminated?.(reason);
    return result;
  }

  _ended(): void {
    this.#behaviour._ended?.();
  }

  _requestTerm(request: Request, isCast: boolean): Encodable {
    return this.#behaviour._requestTerm?.(request, isCast) ?? requestTerm(request);
  }

  #handled(): void {
    if (this.#replied || this.#behaviour._process.exited) return;
    this.#tell({ kind: "noreply", state: this.#state() });
  }

  #tell(event: SystemEvent): void {
    const name = nameTerm(this.#behaviour);
    const gone = this.#options.filter((option) => !this.#saw(option, event, name));
    for (const { id } of gone) this.remove(id);
  }

  /** What cannot even be looked at is no fault of the server's: the option goes, and the server on. */
  #saw(option: DebugOption, event: SystemEvent, name: Term): boolean {
    try {
      return option.see(event, name);
    } catch (error) {
      this.#behaviour._core.fault("Cannot debug a server", error);
      return false;
    }
  }

  #state(): Term {
    if (!this.#options.some(({ needsState }) => needsState)) return null;
    try {
      return shown(this.#behaviour.formatState());
    } catch (error) {
      return `formatState failed: ${error instanceof Error ? error.message : "what it threw"}`;
    }
  }

  #termOf(message: unknown): unknown {
    if (message instanceof Call) {
      return tuple(GEN_CALL, message.term, this._requestTerm(message.request, false));
    }
    if (message instanceof Cast) {
      return tuple(GEN_CAST, this._requestTerm(message.request, true));
    }
    return message;
  }
}

/** What sys has switched on for a server; `null` where it is nothing. */
export function debugOf(behaviour: Behaviour): Debugged | null {
  const { body } = behaviour._process;
  return body instanceof Debugged ? body : null;
}

export type { OwnEvent } from "./_debug_options.ts";

/** The server as OTP names it: by its registered name, else by its pid. */
export function nameTerm(behaviour: Behaviour): Term {
  return behaviour._process.registeredAs ?? behaviour._process.pid;
}

/** The line of an event, as OTP's servers print it. */
export function eventLine(event: SystemEvent, name: Term): string {
  const who = `*DBG* ${text(name)}`;
  switch (event.kind) {
    case "in":
      return `${who} ${received(event.message)}`;
    case "out":
      return `${who} sent ${text(event.reply)} to ${text(pidOf(event.from))}, new state ${
        text(event.state)
      }`;
    case "own":
      return `${who} ${event.text}`;
    case "noreply":
      return `${who} new state ${text(event.state)}`;
    default:
      return `${who} dbg ${text(eventTerm(event))}`;
  }
}

function received(message: unknown): string {
  if (!isTuple(message)) return `got ${text(message)}`;
  if (message[0] === GEN_CALL && message.length === 3) {
    return `got call ${text(message[2])} from ${text(pidOf(message[1] as Term))}`;
  }
  if (message[0] === GEN_CAST && message.length === 2) return `got cast ${text(message[1])}`;
  return `got ${text(message)}`;
}

function pidOf(from: Term): Term {
  return isTuple(from) ? (from as Tuple)[0] as Term : from;
}

function text(value: unknown): string {
  return format(shown(value) as Encodable, { maxLength: 10_000 });
}
