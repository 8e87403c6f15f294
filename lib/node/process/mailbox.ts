import type { Encodable } from "../../etf/term.ts";
import { Queue } from "../../_util/queue.ts";
import type { Target } from "../target.ts";
import { Turn } from "./turn.ts";

/**
 * How urgent a message is: `max` is taken before `high`, and both before all that waits in the ordinary way. Messages of one
 * priority keep their order.
 */
export type Priority = "normal" | "high" | "max";

/** How a message is sent. */
export interface SendOptions {
  /**
   * How urgent it is. Default "normal".
   *
   * - For a process of this node every priority counts.
   * - For one of another node it counts where the message goes to an alias that was made for that (`alias({ priority: true })`, Erlang's
   *   `alias([priority])` since OTP 28), and then as `"high"`; elsewhere it is an ordinary message.
   */
  readonly priority?: Priority;
  /**
   * Whether the sender waits until it is known that the message has arrived: then a promise is returned. Default false.
   *
   * - It resolves when a process of this node has the message in its mailbox. Of another node it is known that there was such a process
   *   when the message came, and, where that is a node of this kind, that its mailbox has taken it.
   * - It does not tell that the message was handled: for that, call.
   */
  readonly important?: boolean;
}

/** How an important message is sent, see {@linkcode SendOptions}. */
export interface ImportantOptions extends SendOptions {
  /** The sender waits until it is known that the message has arrived. */
  readonly important: true;
  /** Milliseconds that it waits for another node. Default 5,000. */
  readonly timeout?: number;
  /** Gives up waiting. The message may still arrive. */
  readonly signal?: AbortSignal;
}

const NO_OPTIONS: SendOptions = {};

/** @throws {TypeError} if they are none. */
export function checkSendOptions(options: SendOptions = NO_OPTIONS): SendOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot send: the options must be an object");
  }
  const { priority = "normal" } = options;
  if (priority === "normal" || isUrgent(priority)) return options;
  throw new TypeError(
    `Cannot send with priority ${String(priority)}: the priorities are "normal", "high" and "max"`,
  );
}

export function isUrgent(priority: Priority | undefined): boolean {
  return priority === "high" || priority === "max";
}

/** How many messages may wait for a process, and what happens to one that is too many. */
export interface MailboxOptions {
  /** How many messages may wait. Default: any number. */
  readonly max: number;
  /**
   * What happens when as many wait and another one comes:
   *
   * - `"drop"`, the default: it is dropped.
   * - `"dropOldest"`: the one that has waited longest is dropped, of those without a priority.
   * - `"exit"`: the process ends at once, with `mailbox_full`.
   * - `{ fallback, tag }`: another process gets it, as `{fallback, Pid, Tag, Message}`, in which `Pid` is that of the full process. A call
   *   comes as `{'$gen_call', From, Request}`, and can be answered by `node.reply(From, value)`. Default tag: `nil`.
   */
  readonly full?: "drop" | "dropOldest" | "exit" | MailboxFallback;
}

/** Who gets what a mailbox has no room for. */
export interface MailboxFallback {
  /** Where it goes. What finds nobody there, or another mailbox that is full, is dropped. */
  readonly fallback: Target;
  /** What tells this mailbox from others that have the same fallback. */
  readonly tag?: Encodable;
}

/**
 * What is taken before the messages that wait in the ordinary way: what the process itself does next, then messages of priority `max`,
 * then those of `high`.
 */
export class Lanes {
  readonly #next: Queue<Turn> = new Queue();
  readonly #max: Queue<unknown> = new Queue();
  readonly #high: Queue<unknown> = new Queue();

  get length(): number {
    return this.#next.length + this.#max.length + this.#high.length;
  }

  pushNext(turn: Turn): void {
    this.#next.push(turn);
  }

  push(message: unknown, priority: "high" | "max"): void {
    (priority === "max" ? this.#max : this.#high).push(message);
  }

  shift(): unknown {
    return this.#next.shift() ?? this.#max.shift() ?? this.#high.shift();
  }

  *[Symbol.iterator](): IterableIterator<unknown> {
    yield* this.#next;
    yield* this.#max;
    yield* this.#high;
  }
}

/** Runs a process's own function before every message that waits, see `GenServer.continueWith`. */
export class Next extends Turn {
  readonly #fn: () => unknown;

  constructor(fn: () => unknown) {
    super();
    this.#fn = fn;
  }

  run(): unknown {
    return this.#fn();
  }
}
