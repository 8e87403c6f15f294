import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { phash2 } from "../../etf/phash2.ts";
import { termKey } from "../../etf/term_key.ts";
import { tuple } from "../../etf/tuple.ts";
import { Queue } from "../../_util/queue.ts";
import { type Dispatcher, type DispatcherHome, none, type Outlet } from "./dispatcher.ts";
import type { SubscriptionOptions } from "./subscription.ts";

/** An info that waits in several partitions, until the last has come to it. */
class Waiting {
  readonly message: unknown;
  partitions = 0;

  constructor(message: unknown) {
    this.message = message;
  }
}

/** One partition: it is owed events, or has some that wait, never both. */
class Partition {
  readonly queue: Queue<{ readonly event: unknown } | Waiting> = new Queue();
  outlet: Outlet | null = null;
  demand = 0;
  batch: unknown[] = [];
}

/** Each event goes to the consumer of its partition. */
export class PartitionDispatcher implements Dispatcher {
  readonly #home: DispatcherHome;
  readonly #hash: (event: unknown) => Encodable | typeof none;
  readonly #names: readonly Encodable[];
  readonly #partitions: Map<unknown, Partition> = new Map();
  readonly #of: Map<Outlet, Partition> = new Map();
  /** What was asked for and has not come. */
  #waiting = 0;
  /** What those have asked for that have gone. */
  #pending = 0;

  constructor(
    home: DispatcherHome,
    names: readonly Encodable[],
    hash: ((event: unknown) => Encodable | typeof none) | null,
  ) {
    this.#home = home;
    this.#names = names;
    for (const name of names) this.#partitions.set(termKey(name), new Partition());
    this.#hash = hash ?? ((event) => phash2(event as Encodable, names.length));
  }

  subscribe(outlet: Outlet, { partition }: SubscriptionOptions): Term | undefined {
    const known = this.#names.map((name) => format(name)).join(", ");
    if (partition === undefined) {
      return this.#refused(
        `${outlet.name} has named no partition, the option partition is needed: one of ${known}`,
      );
    }
    const found = this.#partitions.get(termKey(partition));
    if (found === undefined) {
      const named = format(partition, { maxLength: 100 });
      return this.#refused(`${outlet.name} has named partition ${named}, there are ${known}`);
    }
    if (found.outlet !== null) {
      return this.#refused(
        `${outlet.name} cannot have partition ${format(partition)}: ${found.outlet.name} has it`,
      );
    }
    found.outlet = outlet;
    this.#of.set(outlet, found);
    return undefined;
  }

  cancel(outlet: Outlet): number {
    const partition = this.#of.get(outlet);
    if (partition === undefined) return 0;
    this.#of.delete(outlet);
    partition.outlet = null;
    if (partition.queue.length === 0) {
      this.#pending += partition.demand;
      partition.demand = 0;
      return 0;
    }
    // What waits for a consumer that has gone is lost, as in GenStage; the others get as much in its place.
    let lost = 0;
    for (let one = partition.queue.shift(); one !== undefined; one = partition.queue.shift()) {
      if (one instanceof Waiting) this.#came(one);
      else lost++;
    }
    this.#home.discard(lost, `which waited for ${outlet.name}`);
    this.#waiting += lost;
    return lost;
  }

  ask(outlet: Outlet, count: number): number {
    const partition = this.#of.get(outlet);
    if (partition === undefined) return 0;
    partition.demand += count;
    this.#drain(partition);
    const sent = Math.min(this.#pending, count);
    this.#pending -= sent;
    this.#waiting += count - sent;
    return count - sent;
  }

  dispatch(events: readonly unknown[]): readonly unknown[] {
    const count = Math.min(events.length, this.#waiting);
    this.#waiting -= count;
    let unknown = 0;
    let nobody = 0;
    let last: Encodable = null;
    for (let i = 0; i < count; i++) {
      const name = this.#hash(events[i]);
      if (name === none) {
        nobody++;
        continue;
      }
      const key = typeof name === "string" ? atom(name) : name;
      const partition = this.#partitions.get(termKey(key));
      if (partition !== undefined) partition.batch.push(events[i]);
      else [unknown, last] = [unknown + 1, key];
    }
    if (unknown > 0) {
      this.#home.discard(
        unknown,
        `whose partition, the last ${format(last, { maxLength: 100 })}, is not there`,
      );
    }
    for (const partition of this.#partitions.values()) this.#send(partition);
    if (unknown + nobody > 0) {
      // Who has asked has got none of them: without others in their place it would wait for ever.
      this.#waiting += unknown + nobody;
      this.#home.more(unknown + nobody);
    }
    return count === events.length ? [] : events.slice(count);
  }

  info(message: unknown): void {
    const info = new Waiting(message);
    for (const { queue } of this.#partitions.values()) {
      if (queue.length === 0) continue;
      queue.push(info);
      info.partitions++;
    }
    if (info.partitions === 0) this.#home.inform(message);
  }

  #send(partition: Partition): void {
    const { batch, outlet, demand } = partition;
    if (batch.length === 0) return;
    partition.batch = [];
    const now = outlet === null || partition.queue.length > 0 ? 0 : Math.min(demand, batch.length);
    partition.demand -= now;
    for (let i = now; i < batch.length; i++) partition.queue.push({ event: batch[i] });
    if (now > 0) outlet!.send(now === batch.length ? batch : batch.slice(0, now));
  }

  #drain(partition: Partition): void {
    const { queue, outlet } = partition;
    let batch: unknown[] = [];
    while (partition.demand > 0) {
      const one = queue.shift();
      if (one === undefined) break;
      if (one instanceof Waiting) {
        if (batch.length > 0) outlet!.send(batch);
        batch = [];
        this.#came(one);
        continue;
      }
      batch.push(one.event);
      partition.demand--;
    }
    if (batch.length > 0) outlet!.send(batch);
    // An info behind the last event has nothing to wait for.
    while (queue.peek() instanceof Waiting) this.#came(queue.shift() as Waiting);
  }

  #came(info: Waiting): void {
    info.partitions--;
    if (info.partitions === 0) this.#home.inform(info.message);
  }

  #refused(text: string): Term {
    this.#home.warn(text);
    return tuple(atom("bad_opts"), text) as unknown as Term;
  }
}
