import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { termKey } from "../etf/term_key.ts";
import { Bag } from "./_pg_members.ts";

/** What changes in a group when another node tells of it. */
export type Change = (key: unknown, name: Term, pids: readonly Pid[]) => void;

/** A scope's half on another node, with the members that it has told of. */
export class RemoteScope {
  readonly pid: Pid;
  /** Whether it knows our members, and is told what changes. */
  told = false;
  readonly #groups: Map<unknown, { readonly name: Term; readonly pids: Bag }> = new Map();
  readonly #joined: Change;
  readonly #left: Change;

  constructor(pid: Pid, joined: Change, left: Change) {
    this.pid = pid;
    this.#joined = joined;
    this.#left = left;
  }

  join(name: Term, pids: readonly Pid[]): void {
    if (pids.length === 0) return;
    const key = termKey(name);
    this.#add(key, name, pids);
    this.#joined(key, name, pids);
  }

  leave(name: Term, pids: readonly Pid[]): void {
    const key = termKey(name);
    const group = this.#groups.get(key);
    if (group === undefined) return;
    const left = pids.filter((pid) => group.pids.remove(pid));
    if (group.pids.isEmpty) this.#groups.delete(key);
    if (left.length > 0) this.#left(key, name, left);
  }

  /** All its members, in the place of those that were known. */
  sync(groups: readonly (readonly [name: Term, pids: readonly Pid[]])[]): void {
    const before = new Map(this.#groups);
    this.#groups.clear();
    for (const [name, pids] of groups) if (pids.length > 0) this.#add(termKey(name), name, pids);
    for (const [key, { name, pids }] of before) {
      const left = pids.without(this.#groups.get(key)?.pids ?? NOBODY);
      if (left.length > 0) this.#left(key, name, left);
    }
    for (const [key, { name, pids }] of this.#groups) {
      const joined = pids.without(before.get(key)?.pids ?? NOBODY);
      if (joined.length > 0) this.#joined(key, name, joined);
    }
  }

  #add(key: unknown, name: Term, pids: readonly Pid[]): void {
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, group = { name, pids: new Bag() });
    for (const pid of pids) group.pids.add(pid);
  }
}

const NOBODY = new Bag();
