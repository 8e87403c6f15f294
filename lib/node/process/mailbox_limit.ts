import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Encodable } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { Call, Cast } from "../call.ts";
import { isSystemMessage } from "../system_message.ts";
import { MAILBOX_FULL } from "../atoms.ts";
import type { MailboxFallback, MailboxOptions } from "./mailbox.ts";
import type { Process } from "./process.ts";

const FALLBACK = atom("fallback");
/** Milliseconds after which the log is told again of a mailbox that is still full. */
const FOLD = 60_000;

/**
 * Keeps a mailbox to its size. What is too many goes where the options say; it is counted, and the log is told at once and then
 * at most once a minute, with the count.
 *
 * What belongs to the process itself always has room: its timers, ends of processes that it watches or is linked to, and requests of sys.
 */
export class MailboxLimit {
  readonly max: number;
  readonly full: "drop" | "dropOldest" | "exit" | MailboxFallback;
  /** How many messages were dropped. */
  dropped = 0;
  /** How many another process has got. */
  handedOver = 0;
  readonly #process: Process;
  /** When the log was told last, and how much it has been told of. */
  #toldAt = -Infinity;
  #told = 0;
  #tookOver = false;

  /** @throws {TypeError} if the options are none. */
  constructor(process: Process, options: MailboxOptions) {
    checkMailbox(options);
    this.#process = process;
    this.max = options.max;
    this.full = options.full ?? "drop";
  }

  get hasRoom(): boolean {
    const { queued, handled } = this.#process;
    return (handled === 0 ? queued - 1 : queued) < this.max; // what starts it is no message
  }

  /** Whether there is room for a message, which is dealt with where there is none. */
  admits(message: unknown): boolean {
    if (this.hasRoom || isSystemMessage(message)) return true;
    return this.#process.exited || this.#isFull(message);
  }

  /** Whether the message that was not admitted has been taken by another process. */
  get replaces(): boolean {
    return this.#tookOver;
  }

  #isFull(message: unknown): boolean {
    const process = this.#process;
    this.#tookOver = false;
    if (this.full === "exit") {
      this.#drop(message);
      process.home.crashed(process, MAILBOX_FULL);
      process.exit(MAILBOX_FULL);
      return false;
    }
    if (this.full === "dropOldest") {
      const oldest = process.dropOldest();
      this.#drop(oldest ?? message);
      return oldest !== undefined;
    }
    if (this.full !== "drop") {
      this.#tookOver = this.#handOver(message, this.full);
      if (this.#tookOver) return false;
    }
    this.#drop(message);
    return false;
  }

  #handOver(message: unknown, { fallback, tag = null }: MailboxFallback): boolean {
    const process = this.#process;
    const what = message instanceof Call || message instanceof Cast ? message.message() : message;
    const tagged = tuple(FALLBACK, process.pid, tag, what) as Encodable;
    try {
      if (!process.home.handOver(process, fallback, tagged)) return false;
    } catch (error) {
      process.home.fault("Cannot hand a message over", error);
      return false;
    }
    if (message instanceof Call) process.keepCall(message);
    this.handedOver++;
    return true;
  }

  #drop(message: unknown): void {
    this.dropped++;
    this.#process.home.refused(this.#process, message);
    if (this.#process.home.platform.now() - this.#toldAt >= FOLD) this.tell();
  }

  /** Tells the log of what it has not been told of yet. */
  tell(): void {
    const { home, pid, name } = this.#process;
    const count = this.dropped - this.#told;
    if (count === 0) return;
    this.#toldAt = home.platform.now();
    this.#told = this.dropped;
    const what = count === 1 ? "a message was dropped" : `${count} messages were dropped`;
    home.platform.log(
      "warning",
      `The mailbox of ${name ?? format(pid)} is full, with ${this.max} messages: ${what}`,
    );
  }
}

const FULL = ["drop", "dropOldest", "exit"];
/** Every option, so that a misspelt one is not taken for its default. */
const FIELDS: FieldsOf<MailboxOptions> = { max: true, full: true };
const FALLBACK_FIELDS: FieldsOf<MailboxFallback> = { fallback: true, tag: true };

/** @throws {TypeError} if they say nothing that a mailbox could be kept to. */
export function checkMailbox(options: MailboxOptions): void {
  checkFields("limit a mailbox", options, FIELDS);
  const { max } = options;
  if (!Number.isInteger(max) || max < 1) {
    throw new TypeError(
      `Cannot limit a mailbox: its max is ${max}, a whole number from 1 on is needed`,
    );
  }
  const { full = "drop" } = options;
  if (typeof full === "object") checkFields("limit a mailbox", full, FALLBACK_FIELDS);
  if (typeof full === "string" ? FULL.includes(full) : full?.fallback !== undefined) return;
  throw new TypeError(
    'Cannot limit a mailbox: what happens when it is full is "drop", "dropOldest", "exit" or { fallback }',
  );
}
