import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Target } from "../../node/target.ts";
import type { EventHandlerArgs, HandlerId } from "./handler_id.ts";

/** @internal What a handler needs of its manager. */
export interface HandlerHome {
  readonly context: ProcessContext;
  /** Runs something of the handler's in its turn: what it throws removes the handler, not the manager. */
  after(ms: number, fn: () => unknown): Disposable;
}

/** @internal What a handler returns that is not to go on. */
export class Removal {
  /** What a call replies. */
  readonly reply: unknown;

  constructor(reply: unknown) {
    this.reply = reply;
  }
}

/** @internal What a handler returns in whose place another one is to come. */
export class Swap {
  readonly reason: Term;
  readonly to: HandlerId<EventHandler>;
  readonly args: readonly unknown[];
  readonly reply: unknown;

  constructor(
    reason: Term,
    to: HandlerId<EventHandler>,
    args: readonly unknown[],
    reply: unknown,
  ) {
    this.reason = reason;
    this.to = to;
    this.args = args;
    this.reply = reply;
  }
}

/**
 * One handler of an {@linkcode EventManager}: gen_event's callback module. Many may be added to one manager, and the process is the manager's.
 *
 * | method | is called |
 * | --- | --- |
 * | `init(...args)` | when it is added; a throw refuses it |
 * | `handleEvent(event)` | for each event |
 * | `calls`, `handleCall(request)` | for a call of this handler |
 * | `handleInfo(message)` | for every other message to the manager |
 * | `terminate(reason)` | last, when it is removed, or the manager ends |
 *
 * - A promise that one of them returns holds the manager until it settles: one event at a time, for all handlers.
 * - What throws is removed and reported; the manager and its other handlers go on.
 * - `handleEvent`, `handleInfo` and calls may return `this.remove()` or `this.swap(...)`.
 */
export abstract class EventHandler {
  /** What can be called, by name, as in a server. */
  declare readonly calls: Record<never, never>;
  /** What the handler before this one has left: what its `terminate` has returned; the atom `error` where there was none. */
  swapped: Term | undefined = undefined;
  #home: HandlerHome | null = null;

  /** @ignore @internal */
  _attach(home: HandlerHome): void {
    this.#home = home;
  }

  /** @ignore @internal No timer outlives the handler. */
  _detach(): void {
    this.#home = null;
  }

  /** Sets up the state. */
  init(..._args: never[]): unknown {
    return undefined;
  }

  /** Something has happened. */
  abstract handleEvent(event: Term): unknown;

  /** A call that `calls` has no name for. What it returns is the reply. Without this method it is refused. */
  handleCall?(request: Term): unknown;

  /** A message to the manager which is no event. Default: it is ignored, since it may be meant for other handlers. */
  handleInfo(_message: Term): unknown {
    return undefined;
  }

  /**
   * Cleans up.
   *
   * @param _reason what whoever deletes or swaps it says; the atoms `remove_handler` and `stop`, `{stop, Reason}` where the process ended
   *   that supervised it, `{error, Reason}` where it has thrown.
   * @returns what `deleteHandler` gives, and the next handler gets as `swapped`. Nothing is `ok`.
   */
  terminate(_reason: Term): unknown {
    return undefined;
  }

  /** The state as `sys:get_state` shows it: by default the public fields. */
  formatState(): unknown {
    const { calls: _1, swapped: _2, ...state } = this as Shown;
    return state;
  }

  /** Takes another state, for `sys:replace_state`. */
  replaceState?(state: Term): void;

  /** The manager's pid. */
  get pid(): Pid {
    return this.#alive.context.pid;
  }

  /** The node that the manager runs on. */
  get node(): Node {
    return this.#alive.context.node;
  }

  /** Sends a message in the manager's name. */
  send(target: Target, message: Encodable): void {
    this.#alive.context.send(target, message);
  }

  /** Runs `fn` in the manager's turn in `ms` milliseconds, unless the handler is removed before. */
  after(ms: number, fn: () => unknown): Disposable {
    return this.#alive.after(ms, fn);
  }

  /** Lets the manager give back what it needs only to be fast, since nothing is expected for a while. */
  hibernate(): void {
    this.#alive.context._process.hibernate();
  }

  /** What a handler returns to be removed: its `terminate` is called with `remove_handler`. */
  remove(reply: unknown = undefined): unknown {
    return new Removal(reply);
  }

  /**
   * What a handler returns to be replaced by another one, at its place.
   *
   * @param reason what its `terminate` is called with; what that returns is the other one's `swapped`.
   */
  swap<H extends EventHandler>(
    reason: Term,
    to: HandlerId<H>,
    args: EventHandlerArgs<H>,
    reply: unknown = undefined,
  ): unknown {
    return new Swap(reason, to, args, reply);
  }

  get #alive(): HandlerHome {
    if (this.#home === null) {
      throw new Error("Cannot use an event handler that no manager has: add it with addHandler");
    }
    return this.#home;
  }
}

/** The fields of a handler that are not its state. */
interface Shown {
  readonly calls?: unknown;
  readonly swapped?: unknown;
}
