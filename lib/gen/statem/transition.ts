import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { From } from "../../node/call.ts";
import { ExitError } from "../../node/errors.ts";
import { shown } from "../sys/shown.ts";
import { Event, eventOf, type StatemEvent, type TimeoutName } from "./event.ts";

/**
 * When a timer is due: in so many milliseconds, or `{ at }` a time of the node's clock ({@linkcode Statem.now}). `"cancel"` and
 * `Infinity` take it back; `"update"` changes the content of one that runs, and lets it fire at once where none does.
 */
export type TimeoutTime = number | { readonly at: number } | "cancel" | "update";

/** Where a transition may be returned: everywhere, or not from `enter`, which can neither change the state nor make events. */
export type TransitionPlace = "anywhere" | "event";

/** A timer's action, as the machine keeps it. */
export interface TimeoutAction {
  readonly type: "event_timeout" | "state_timeout" | "timeout";
  readonly name: TimeoutName;
  readonly time: TimeoutTime;
  readonly content: unknown;
}

/** @internal What a transition asks for, in order. */
export type Action =
  | { readonly kind: "reply"; readonly from: From | null; readonly value: unknown }
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "timeout"; readonly timeout: TimeoutAction }
  | { readonly kind: "hibernate" }
  | { readonly kind: "postpone" };

/**
 * What a state machine does after an event: to which state it goes, and what it does on the way. Made by {@linkcode Statem.next},
 * `keep`, `repeat` and `stop`; its methods add actions, which are carried out in their order.
 *
 * - Replies are sent at once. Then the state changes, and `enter` runs; then timers are set, last the events that were inserted
 *   are handled, before those that were postponed, and these before any message.
 * - Where the state has changed, its state timeout is taken back; every event takes the event timeout back.
 *
 * @typeParam Reply what the caller of the event gets.
 * @typeParam Where whether `enter` may return it.
 */
export class Transition<out Reply = null, out Where extends TransitionPlace = TransitionPlace> {
  /** @ignore @internal */
  declare readonly _reply: Reply;
  /** @ignore @internal */
  declare readonly _place: Where;
  /** @ignore @internal */
  readonly _kind: "next" | "keep" | "repeat" | "stop";
  /** @ignore @internal */
  readonly _state: unknown;
  /** @ignore @internal */
  _actions: Action[] | null = null;
  /** @ignore @internal Whether whoever called is answered, or is not to be. */
  _answers = false;

  /** @ignore @internal */
  constructor(kind: "next" | "keep" | "repeat" | "stop", state?: unknown) {
    this._kind = kind;
    this._state = state;
  }

  /**
   * Answers the call that is handled. A handler of a table answers `nil` where it says nothing.
   *
   * @param value a term, or `later(...)`.
   */
  reply<const V>(value: V): Transition<V, Where> {
    this._answers = true;
    return this.#with({ kind: "reply", from: null, value }) as unknown as Transition<V, Where>;
  }

  /** Answers another call, whose `from` was kept. */
  replyTo(from: From, value: Encodable): Transition<Reply, Where> {
    if (typeof from?.reply !== "function") {
      throw badAction(tuple(atom("reply"), shown(from), shown(value)));
    }
    return this.#with({ kind: "reply", from, value });
  }

  /** Leaves the call unanswered for now: `from` of the machine was kept, and is answered later. */
  noReply<V = never>(): Transition<V, Where> {
    this._answers = true;
    return this as unknown as Transition<V, Where>;
  }

  /** The event is handled again, before any other message, when the state has changed. Its caller goes on waiting. */
  postpone(): Transition<never, "event"> {
    this._answers = true;
    return this.#with({ kind: "postpone" }) as unknown as Transition<never, "event">;
  }

  /** Inserts an event, which is handled next: before all that waits, and in the order in which they are inserted. */
  nextEvent(event: StatemEvent): Transition<Reply, "event">;
  /** Inserts an event of that type with that content. */
  nextEvent(
    type: "internal" | "cast" | "info" | "event_timeout" | "state_timeout",
    content?: unknown,
  ): Transition<Reply, "event">;
  nextEvent(event: StatemEvent | string, content: unknown = null): Transition<Reply, "event"> {
    return this.#with({ kind: "event", event: inserted(event, content) }) as unknown as Transition<
      Reply,
      "event"
    >;
  }

  /** Fires where the machine is still in its state then: any other state takes it back. With 0 it is handled before any message. */
  stateTimeout(time: TimeoutTime, content: unknown = null): Transition<Reply, Where> {
    return this.#timeout({ type: "state_timeout", name: null, time, content });
  }

  /** Fires where no event comes until then: each one takes it back. With 0 it is handled before any message. */
  eventTimeout(time: TimeoutTime, content: unknown = null): Transition<Reply, Where> {
    return this.#timeout({ type: "event_timeout", name: null, time, content });
  }

  /** Sets the timer of that name, which only `"cancel"` takes back. With 0 it is handled before any message. */
  timeout(name: TimeoutName, time: TimeoutTime, content: unknown = null): Transition<Reply, Where> {
    return this.#timeout({ type: "timeout", name, time, content });
  }

  /** Gives back what the process needs only to be fast, since nothing is expected for a while; the next message takes it back. */
  hibernate(): Transition<Reply, Where> {
    return this.#with({ kind: "hibernate" });
  }

  #timeout(timeout: TimeoutAction): Transition<Reply, Where> {
    if (!isTime(timeout.time)) {
      const { typeTerm } = eventOf(timeout.type, null, null, timeout.name);
      throw badAction(tuple(typeTerm, shown(timeout.time), shown(timeout.content)));
    }
    return this.#with({ kind: "timeout", timeout });
  }

  #with(action: Action): Transition<Reply, Where> {
    if (this._kind === "stop" && action.kind !== "reply") {
      const what = action.kind === "timeout" ? action.timeout.type : action.kind;
      throw machineError(
        "bad_reply_action_from_state_function",
        atom(what),
        `Cannot stop with a ${what}: a machine that stops can only reply`,
      );
    }
    (this._actions ??= []).push(action);
    return this;
  }
}

/** @internal What a machine exits with whose code does what it must not: `{{Tag, What}, []}`, as OTP's. */
export function machineError(tag: string, what: unknown, message?: string): ExitError {
  const reason = tuple(tuple(atom(tag), what), []) as unknown as Term;
  return new ExitError(reason, message ?? `State machine: ${tag}, ${text(what)}`);
}

function badAction(action: unknown): ExitError {
  return machineError(
    "bad_action_from_state_function",
    action,
    `Cannot carry out ${text(action)}: it is no action of a state machine`,
  );
}

function text(what: unknown): string {
  return format(shown(what), { maxLength: 1_000 });
}

function isTime(time: unknown): boolean {
  if (typeof time === "number") return time >= 0;
  if (typeof time === "object" && time !== null && "at" in time) {
    return typeof time.at === "number" && Number.isFinite(time.at);
  }
  return time === "cancel" || time === "update";
}

const SIMPLE = new Set(["internal", "cast", "info", "event_timeout", "state_timeout"]);

function inserted(event: StatemEvent | string, content: unknown): Event {
  if (event instanceof Event) return event;
  if (typeof event === "string") {
    if (SIMPLE.has(event)) return eventOf(event as "internal", content);
  } else if (typeof event === "object" && event !== null) {
    if (event.type === "call" && typeof event.from?.reply === "function") {
      return eventOf("call", event.content, event.from);
    }
    if (event.type === "timeout") return eventOf("timeout", event.content, null, event.name);
    if (SIMPLE.has(event.type)) return eventOf(event.type, event.content);
  }
  throw badAction(tuple(atom("next_event"), shown(event), shown(content)));
}
