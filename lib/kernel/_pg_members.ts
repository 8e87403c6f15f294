import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { RecurringMap } from "../_util/recurring_map.ts";

/** Processes, each as often as it was added. */
export class Bag {
  readonly #pids: RecurringMap<string, { readonly pid: Pid; count: number }> = new RecurringMap();

  get isEmpty(): boolean {
    return this.#pids.size === 0;
  }

  add(pid: Pid): void {
    const { key } = pid;
    const entry = this.#pids.get(key);
    if (entry === undefined) this.#pids.set(key, { pid, count: 1 });
    else entry.count++;
  }

  /** @returns whether it was there. */
  remove(pid: Pid): boolean {
    const { key } = pid;
    const entry = this.#pids.get(key);
    if (entry === undefined) return false;
    if (--entry.count === 0) this.#pids.delete(key);
    return true;
  }

  *[Symbol.iterator](): IterableIterator<Pid> {
    for (const entry of this.#pids.places()) {
      if (entry === undefined) continue;
      for (let i = 0; i < entry.count; i++) yield entry.pid;
    }
  }

  /** Those that this has more often than the other. */
  without(other: Bag): Pid[] {
    const more: Pid[] = [];
    for (const { pid, count } of this.#pids.values()) {
      const times = count - (other.#pids.get(pid.key)?.count ?? 0);
      for (let i = 0; i < times; i++) more.push(pid);
    }
    return more;
  }
}

/** A group as one node knows it. */
export interface Group {
  readonly name: Term;
  readonly local: Bag;
  readonly remote: Bag;
}

/** The groups of a scope, by their keys. A group is there as long as it has members. */
export class Groups {
  readonly #groups: RecurringMap<unknown, Group> = new RecurringMap();

  get(key: unknown): Group | undefined {
    return this.#groups.get(key);
  }

  [Symbol.iterator](): IterableIterator<Group> {
    return this.#groups.values();
  }

  add(key: unknown, name: Term, where: "local" | "remote", pids: Iterable<Pid>): void {
    let group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, group = { name, local: new Bag(), remote: new Bag() });
    }
    for (const pid of pids) group[where].add(pid);
    this.#forgetEmpty(key, group);
  }

  remove(key: unknown, where: "local" | "remote", pids: Iterable<Pid>): void {
    const group = this.#groups.get(key);
    if (group === undefined) return;
    for (const pid of pids) group[where].remove(pid);
    this.#forgetEmpty(key, group);
  }

  #forgetEmpty(key: unknown, group: Group): void {
    if (group.local.isEmpty && group.remote.isEmpty) this.#groups.delete(key);
  }
}
