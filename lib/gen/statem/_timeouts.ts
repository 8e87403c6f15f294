import type { Term } from "../../etf/term.ts";
import { termKey } from "../../etf/term_key.ts";
import type { Process } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";
import type { Core } from "../../node/core.ts";
import { type Event, eventOf, nameTerm } from "./event.ts";
import type { TimeoutAction, TimeoutTime } from "./transition.ts";

/** The keys of the two that have no name of their own, which are those of no term. */
const KEYS = { event_timeout: Symbol("event"), state_timeout: Symbol("state") };

/** What the timers of a machine need of it. */
export interface TimeoutHome {
  readonly core: Core;
  readonly process: Process;
  /** A timer has fired. */
  fired(event: Event): unknown;
}

/** The timers of a state machine: at most one of each name, one for the state, one for the next event. */
export class Timeouts {
  readonly #home: TimeoutHome;
  /** Those that are set, in the order in which they were. */
  readonly #set: Map<unknown, Timeout> = new Map();
  /** Those of them that are due before any message, the first one first. */
  #zero: Timeout[] = [];

  constructor(home: TimeoutHome) {
    this.#home = home;
  }

  /** As OTP shows them: `[{Type, Content}]`. */
  get list(): Event[] {
    return Array.from(this.#set.values(), (timeout) => timeout.event);
  }

  /**
   * Carries out what a transition asks for. Of several for one timer the last one counts, at its place.
   *
   * @param started is told of each timer that is set.
   */
  apply(actions: readonly TimeoutAction[], started: (action: TimeoutAction) => void): void {
    const last = new Map<unknown, TimeoutAction>();
    for (const action of actions) {
      const key = keyOf(action);
      last.delete(key);
      last.set(key, action);
    }
    for (const [key, action] of last) this.#apply(key, action, started);
  }

  /** Takes a timer back, where it is set. */
  cancel(type: "event_timeout" | "state_timeout"): void {
    if (this.#set.size > 0) this.#remove(KEYS[type]);
  }

  /** The event of the first timer that is due at once; `undefined` where there is none. */
  takeZero(): Event | undefined {
    const first = this.#zero.shift();
    if (first === undefined) return undefined;
    this.#set.delete(first.key);
    return first.event;
  }

  /** Takes all back. */
  clear(): void {
    for (const key of [...this.#set.keys()]) this.#remove(key);
  }

  /** One has fired, unless it was taken back meanwhile. */
  fire(timeout: Timeout): unknown {
    if (this.#set.get(timeout.key) !== timeout) return undefined;
    this.#set.delete(timeout.key);
    return this.#home.fired(timeout.event);
  }

  #apply(key: unknown, action: TimeoutAction, started: (action: TimeoutAction) => void): void {
    const { time } = action;
    if (time === "cancel" || time === Infinity) return this.#remove(key);
    const event = eventOf(action.type, action.content, null, action.name);
    if (time === "update") {
      const running = this.#set.get(key);
      if (running !== undefined) running.event = event;
      else this.#setZero(key, event);
      return;
    }
    started(action);
    this.#remove(key);
    if (time === 0) return this.#setZero(key, event);
    const timeout = new Timeout(this, this.#home.process, key, event);
    this.#set.set(key, timeout);
    this.#home.core.setDeadline(timeout, this.#delay(time));
  }

  #delay(time: Exclude<TimeoutTime, string>): number {
    return typeof time === "number" ? time : Math.max(0, time.at - this.#home.core.platform.now());
  }

  #setZero(key: unknown, event: Event): void {
    const timeout = new Timeout(this, this.#home.process, key, event);
    this.#set.set(key, timeout);
    this.#zero.push(timeout);
  }

  #remove(key: unknown): void {
    const timeout = this.#set.get(key);
    if (timeout === undefined) return;
    this.#set.delete(key);
    this.#home.core.clearDeadline(timeout);
    if (this.#zero.length > 0) this.#zero = this.#zero.filter((one) => one !== timeout);
  }
}

function keyOf({ type, name }: TimeoutAction): unknown {
  return type === "timeout" ? termKey(nameTerm(name) as Term) : KEYS[type];
}

/** One timer. It comes as a message does when it is due, and may be taken back until then. */
class Timeout extends Turn {
  readonly key: unknown;
  event: Event;
  readonly #timeouts: Timeouts;
  readonly #process: Process;

  constructor(timeouts: Timeouts, process: Process, key: unknown, event: Event) {
    super();
    this.#timeouts = timeouts;
    this.#process = process;
    this.key = key;
    this.event = event;
  }

  override expired(): void {
    this.#process.deliver(this);
  }

  run(): unknown {
    return this.#timeouts.fire(this);
  }
}
