import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import type { Dispatcher, DispatcherHome, Outlet } from "./dispatcher.ts";
import type { SubscriptionOptions } from "./subscription.ts";

const ALREADY_SUBSCRIBED = atom("already_subscribed");

interface Asked {
  /** Beyond what is on its way to all. */
  count: number;
  readonly selector: ((event: unknown) => boolean) | undefined;
}

/** Each event goes to every consumer. */
export class BroadcastDispatcher implements Dispatcher {
  readonly #home: DispatcherHome;
  readonly #demands: Map<Outlet, Asked> = new Map();
  readonly #processes: Set<string> = new Set();
  /** What all have asked for, and the producer owes. */
  #waiting = 0;

  constructor(home: DispatcherHome) {
    this.#home = home;
  }

  subscribe(outlet: Outlet, options: SubscriptionOptions): Term | undefined {
    if (this.#processes.has(outlet.process)) {
      this.#home.warn(`sends to ${outlet.name} already, a process can subscribe to it once`);
      return ALREADY_SUBSCRIBED;
    }
    this.#processes.add(outlet.process);
    this.#demands.set(outlet, { count: -this.#waiting, selector: options.selector });
    return undefined;
  }

  cancel(outlet: Outlet): number {
    // One that was refused is a process that is subscribed otherwise.
    if (!this.#demands.delete(outlet)) return 0;
    this.#processes.delete(outlet.process);
    return this.#admit(); // it may be the one that all have waited for
  }

  ask(outlet: Outlet, count: number): number {
    const asked = this.#demands.get(outlet);
    if (asked === undefined) return 0;
    asked.count += count;
    return this.#admit();
  }

  dispatch(events: readonly unknown[]): readonly unknown[] {
    if (this.#waiting === 0) return events;
    const now = events.length <= this.#waiting ? events : events.slice(0, this.#waiting);
    this.#waiting -= now.length;
    for (const [outlet, { selector }] of this.#demands) {
      const selected = selector === undefined ? now : now.filter((event) => selector(event));
      if (selected.length < now.length) this.#home.askFor(outlet, now.length - selected.length);
      outlet.send(selected);
    }
    return events.slice(now.length);
  }

  info(message: unknown): void {
    this.#home.inform(message);
  }

  /** What everybody has asked for now. */
  #admit(): number {
    let least = Infinity;
    for (const { count } of this.#demands.values()) least = Math.min(least, count);
    if (least === Infinity || least <= 0) return 0;
    for (const asked of this.#demands.values()) asked.count -= least;
    this.#waiting += least;
    return least;
  }
}
