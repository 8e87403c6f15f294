import type { Term } from "../../etf/term.ts";
import type { Dispatcher, DispatcherHome, Outlet } from "./dispatcher.ts";

interface Asked {
  readonly outlet: Outlet;
  count: number;
}

/** Each event goes to the consumer that has asked for most. */
export class DemandDispatcher implements Dispatcher {
  readonly #home: DispatcherHome;
  /** In the order of what they have asked for, most first. */
  readonly #demands: Asked[] = [];
  /** What was asked for by those that have gone: the producer owes it still. */
  #pending = 0;
  #max: number | null;
  #shuffle: boolean;

  constructor(home: DispatcherHome, max: number | null, shuffle: boolean) {
    this.#home = home;
    this.#max = max;
    this.#shuffle = shuffle;
  }

  subscribe(outlet: Outlet): Term | undefined {
    this.#demands.push({ outlet, count: 0 });
    return undefined;
  }

  cancel(outlet: Outlet): number {
    this.#pending += this.#take(outlet)?.count ?? 0;
    return 0;
  }

  ask(outlet: Outlet, count: number): number {
    this.#max ??= count;
    if (count > this.#max) {
      this.#home.warn(
        `expects a demand of ${this.#max} at most, ${outlet.name} has asked for ${count}: the greediest consumer gets most, give all the same maxDemand`,
      );
    }
    const asked = this.#take(outlet);
    if (asked === undefined) return 0;
    asked.count += count;
    this.#put(asked);
    const sent = Math.min(this.#pending, count);
    this.#pending -= sent;
    return count - sent;
  }

  dispatch(events: readonly unknown[]): readonly unknown[] {
    if (this.#shuffle) this.#mix();
    let rest = events;
    while (rest.length > 0) {
      const first = this.#demands[0];
      if (first === undefined || first.count === 0) return rest;
      const now = rest.length <= first.count ? rest : rest.slice(0, first.count);
      rest = rest.length <= first.count ? [] : rest.slice(first.count);
      this.#demands.shift();
      first.count -= now.length;
      this.#put(first);
      first.outlet.send(now);
    }
    return rest;
  }

  info(message: unknown): void {
    this.#home.inform(message);
  }

  #take(outlet: Outlet): Asked | undefined {
    const at = this.#demands.findIndex((one) => one.outlet === outlet);
    return at < 0 ? undefined : this.#demands.splice(at, 1)[0];
  }

  /** Behind all that have asked for as much. */
  #put(asked: Asked): void {
    let at = 0;
    while (at < this.#demands.length && this.#demands[at].count >= asked.count) at++;
    this.#demands.splice(at, 0, asked);
  }

  #mix(): void {
    this.#shuffle = false;
    const list = this.#demands;
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.#home.random(i + 1);
      [list[i], list[j]] = [list[j], list[i]];
    }
  }
}
