import type { Pid } from "../../etf/identifiers.ts";
import type { Call } from "../call.ts";
import type { Linked, Watcher } from "./body.ts";
import { WithMailbox } from "./_mailbox.ts";
import { processId } from "./process.ts";
import { Watchers } from "./watchers.ts";

/** What binds a process to others, and what is its own. It is made when it is first needed: of a million processes most have none of it. */
export class Ties {
  /** Who started it; an exit signal of the parent ends a GenServer even if it traps exits. */
  parent: Pid | null = null;
  /** The other end of its first link: most have one at most, to whoever has started them. */
  link: Linked | null = null;
  /** Those of its other links, those of this node by their numbers. */
  links: Map<string | number, Linked> | null = null;
  watchers: Watchers | null = null;
  /** Those that are answered after their handler has returned. */
  calls: Set<Call> | null = null;
  /** What lives as long as the process at most. */
  owned: Set<Disposable> | null = null;

  /** The other ends of all links, in their order. */
  get linked(): Linked[] {
    const others = this.links === null ? [] : [...this.links.values()];
    return this.link === null ? others : [this.link, ...others];
  }
}

/** How a process gets at what binds it to others. */
export abstract class WithTies extends WithMailbox {
  abstract readonly pid: Pid;
  /** @internal */
  _ties: Ties | null = null;

  get parent(): Pid | null {
    return this._ties === null ? null : this._ties.parent;
  }

  set parent(parent: Pid | null) {
    (this._ties ??= new Ties()).parent = parent;
  }

  addLink(other: Linked): void {
    const ties = this._ties ??= new Ties();
    const isFirst = ties.link === null ? ties.links === null : ties.link.pid.equals(other.pid);
    if (isFirst) ties.link = other;
    else (ties.links ??= new Map()).set(keyOf(other.pid, this.pid), other);
  }

  removeLink(pid: Pid): boolean {
    const ties = this._ties;
    if (ties === null) return false;
    if (ties.link === null || !ties.link.pid.equals(pid)) {
      return ties.links?.delete(keyOf(pid, this.pid)) ?? false;
    }
    ties.link = null;
    return true;
  }

  isLinked(pid: Pid): boolean {
    const ties = this._ties;
    if (ties === null) return false;
    return ties.link?.pid.equals(pid) || (ties.links?.has(keyOf(pid, this.pid)) ?? false);
  }

  get links(): Pid[] {
    return this._ties === null ? [] : this._ties.linked.map((linked) => linked.pid);
  }

  addWatcher(watcher: Watcher): void {
    ((this._ties ??= new Ties()).watchers ??= new Watchers()).add(watcher);
  }

  removeWatcher(watcher: Watcher): void {
    this._ties?.watchers?.delete(watcher);
  }

  get watchers(): Iterable<Watcher> {
    return this._ties?.watchers ?? [];
  }

  /** How many monitors are on this process. */
  get watcherCount(): number {
    return this._ties?.watchers?.size ?? 0;
  }

  /** Something that lives as long as the process at most: a timer, a monitor. */
  own(owned: Disposable): void {
    ((this._ties ??= new Ties()).owned ??= new Set()).add(owned);
  }

  disown(owned: Disposable): void {
    this._ties?.owned?.delete(owned);
  }

  /** What lives as long as the process at most. */
  get owned(): Iterable<Disposable> {
    return this._ties?.owned ?? [];
  }

  /** How many timers and monitors this process has. */
  get ownedCount(): number {
    return this._ties?.owned?.size ?? 0;
  }
}

/** What a pid is found by: the number of a process of the same node. */
function keyOf(pid: Pid, own: Pid): string | number {
  return pid._node === own._node && pid.creation === own.creation ? processId(pid) : pid.key;
}
