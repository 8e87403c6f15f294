import { type NoMatch, noMatch } from "../../etf/schema/no_match.ts";
import type { AnySchema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { Call } from "../call.ts";
import type { Priority } from "./mailbox.ts";
import type { Undelivered } from "./process.ts";
import { Turn } from "./turn.ts";

/** What every one begins with, and what is left when all were taken. */
const NONE: never[] = [];

/** What a process keeps that asks for its messages, until it asks for them. */
export class Kept {
  #messages: Term[] = NONE;
  /** How many at the beginning have been taken: to shift a long array costs as much as it is long. */
  #taken = 0;
  /** Urgent messages, which go before the others. */
  #urgent: UrgentMessages | null = null;

  get length(): number {
    const urgent = this.#urgent === null ? 0 : this.#urgent.max.length + this.#urgent.high.length;
    return this.#messages.length - this.#taken + urgent;
  }

  push(message: Term, priority: Priority): void {
    if (priority !== "normal") {
      (this.#urgent ??= { max: [], high: [] })[priority].push(message);
      return;
    }
    if (this.#messages === NONE) this.#messages = [];
    this.#messages.push(message);
  }

  /** Takes the first message that the schema matches, as it makes it; every one where it is `null`. */
  take(schema: AnySchema | null): unknown | NoMatch {
    if (this.#urgent !== null) {
      for (const list of [this.#urgent.max, this.#urgent.high]) {
        for (let i = 0; i < list.length; i++) {
          const taken = matches(schema, list[i]);
          if (taken === noMatch) continue;
          list.splice(i, 1);
          return taken;
        }
      }
    }
    const messages = this.#messages;
    for (let i = this.#taken; i < messages.length; i++) {
      const taken = matches(schema, messages[i]);
      if (taken === noMatch) continue;
      this.#remove(i);
      return taken;
    }
    return noMatch;
  }

  /** Takes the message that has waited longest, of those that are not urgent; `undefined` where there is none. */
  dropOldest(): unknown {
    if (this.#taken === this.#messages.length) return undefined;
    const oldest = this.#messages[this.#taken];
    this.#remove(this.#taken);
    return oldest;
  }

  #remove(at: number): void {
    const messages = this.#messages;
    if (at > this.#taken) {
      messages.splice(at, 1);
      return;
    }
    messages[at] = null; // not to be held
    this.#taken++;
    if (this.#taken === messages.length) {
      this.#messages = NONE;
    } else if (this.#taken >= 32 && this.#taken * 2 >= messages.length) {
      this.#messages = messages.slice(this.#taken);
    } else {
      return;
    }
    this.#taken = 0;
  }
}

export function matches(schema: AnySchema | null, message: unknown): unknown | NoMatch {
  return schema === null ? message : schema.tryParse(message);
}

/** Messages that have come before others. */
interface UrgentMessages {
  readonly max: Term[];
  readonly high: Term[];
}

/** An urgent message on its way from the mailbox to where it is kept. */
export class UrgentMessage extends Turn implements Undelivered {
  readonly #keeper: Keeper;
  readonly #message: unknown;
  readonly #priority: "high" | "max";

  constructor(keeper: Keeper, message: unknown, priority: "high" | "max") {
    super();
    this.#keeper = keeper;
    this.#message = message;
    this.#priority = priority;
  }

  run(): void {
    this.#keeper._receive(this.#message, this.#priority);
  }

  undelivered(reason: Term): void {
    if (this.#message instanceof Call) this.#message.undelivered(reason);
  }
}

/** A process that keeps messages. */
interface Keeper {
  _receive(message: unknown, priority: Priority): void;
}
