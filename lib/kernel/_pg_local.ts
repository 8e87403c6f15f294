import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { RecurringMap } from "../_util/recurring_map.ts";

/** How often a process is in a group. */
export interface Membership {
  readonly key: unknown;
  readonly name: Term;
  count: number;
}

/** A process of this node that is in groups. */
interface Member {
  readonly pid: Pid;
  readonly monitor: Disposable;
  readonly groups: Map<unknown, Membership>;
}

/** The processes of this node, and the groups that they are in. */
export class LocalMembers {
  readonly #members: RecurringMap<string, Member> = new RecurringMap();
  readonly #monitor: (pid: Pid, ended: () => void) => Disposable;
  readonly #ended: (pid: Pid, groups: Iterable<Membership>) => void;

  /** @param ended is told of the end of a process with all groups that it has been in. */
  constructor(
    monitor: (pid: Pid, ended: () => void) => Disposable,
    ended: (pid: Pid, groups: Iterable<Membership>) => void,
  ) {
    this.#monitor = monitor;
    this.#ended = ended;
  }

  join(pid: Pid, key: unknown, name: Term): void {
    const { groups } = this.#members.get(pid.key) ?? this.#add(pid);
    const joined = groups.get(key);
    if (joined === undefined) groups.set(key, { key, name, count: 1 });
    else joined.count++;
  }

  /** @returns whether it was in that group. */
  leave(pid: Pid, key: unknown): boolean {
    const member = this.#members.get(pid.key);
    const joined = member?.groups.get(key);
    if (member === undefined || joined === undefined) return false;
    if (--joined.count === 0) member.groups.delete(key);
    if (member.groups.size === 0) {
      this.#members.delete(pid.key);
      member.monitor[Symbol.dispose]();
    }
    return true;
  }

  /** Every group with its members, each as often as it has joined. */
  groups(): [name: Term, pids: Pid[]][] {
    const found: Map<unknown, [name: Term, pids: Pid[]]> = new Map();
    for (const { pid, groups } of this.#members.values()) {
      for (const { key, name, count } of groups.values()) {
        let group = found.get(key);
        if (group === undefined) found.set(key, group = [name, []]);
        for (let i = 0; i < count; i++) group[1].push(pid);
      }
    }
    return [...found.values()];
  }

  #add(pid: Pid): Member {
    const monitor = this.#monitor(pid, () => {
      this.#members.delete(pid.key);
      this.#ended(pid, member.groups.values());
    });
    const member: Member = { pid, monitor, groups: new Map() };
    this.#members.set(pid.key, member);
    return member;
  }
}
