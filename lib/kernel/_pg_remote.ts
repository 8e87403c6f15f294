import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { termKey } from "../etf/term_key.ts";
import { costOf } from "./_accounts.ts";
import { Bag } from "./_pg_members.ts";

/** What changes in a group when another node tells of it. */
export type Change = (key: unknown, name: Term, pids: readonly Pid[]) => void;

/** A scope's half on another node, with the members that it has told of. */
export class RemoteScope {
  readonly pid: Pid;
  /** Whether it knows our members, and is told what changes. */
  told = false;
  readonly #max: number;
  /** What its members and the names of their groups cost. */
  #cost = 0;
  #groups: Map<unknown, RemoteGroup> = new Map();
  readonly #joined: Change;
  readonly #left: Change;

  /** @param max what it may cost. */
  constructor(pid: Pid, max: number, joined: Change, left: Change) {
    this.pid = pid;
    this.#max = max;
    this.#joined = joined;
    this.#left = left;
  }

  /** @returns whether there was room; else nothing has changed. */
  join(name: Term, pids: readonly Pid[]): boolean {
    if (pids.length === 0) return true;
    const key = termKey(name);
    if (!this.#add(key, name, pids)) return false;
    this.#joined(key, name, pids);
    return true;
  }

  leave(name: Term, pids: readonly Pid[]): void {
    const key = termKey(name);
    const group = this.#groups.get(key);
    if (group === undefined) return;
    const left = pids.filter((pid) => group.pids.remove(pid));
    this.#cost -= left.length;
    if (group.pids.isEmpty) {
      this.#groups.delete(key);
      this.#cost -= group.cost;
    }
    if (left.length > 0) this.#left(key, name, left);
  }

  /**
   * All its members, in the place of those that were known.
   *
   * @returns whether there was room; else nothing has changed.
   */
  sync(groups: readonly (readonly [name: Term, pids: readonly Pid[]])[]): boolean {
    const [before, cost] = [this.#groups, this.#cost];
    this.#groups = new Map();
    this.#cost = 0;
    for (const [name, pids] of groups) {
      if (pids.length === 0 || this.#add(termKey(name), name, pids)) continue;
      this.#groups = before;
      this.#cost = cost;
      return false;
    }
    for (const [key, { name, pids }] of before) {
      const left = pids.without(this.#groups.get(key)?.pids ?? NOBODY);
      if (left.length > 0) this.#left(key, name, left);
    }
    for (const [key, { name, pids }] of this.#groups) {
      const joined = pids.without(before.get(key)?.pids ?? NOBODY);
      if (joined.length > 0) this.#joined(key, name, joined);
    }
    return true;
  }

  #add(key: unknown, name: Term, pids: readonly Pid[]): boolean {
    const known = this.#groups.get(key);
    const group = known ?? { name, pids: new Bag(), cost: costOf(name) };
    const cost = this.#cost + pids.length + (known === undefined ? group.cost : 0);
    if (cost > this.#max) return false;
    this.#cost = cost;
    this.#groups.set(key, group);
    for (const pid of pids) group.pids.add(pid);
    return true;
  }
}

interface RemoteGroup {
  readonly name: Term;
  readonly pids: Bag;
  /** Of the group, without its members. */
  readonly cost: number;
}

const NOBODY = new Bag();
