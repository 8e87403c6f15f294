import type { Pid } from "../../etf/identifiers.ts";
import { termKey } from "../../etf/term_key.ts";
import type { Term } from "../../etf/term.ts";
import type { Child } from "./child.ts";
import type { Retry } from "./_retry.ts";
import type { Running } from "./_start.ts";

/** One child of a supervisor. */
export class Entry {
  readonly spec: Child<never>;
  /** What a simple_one_for_one supervisor was given for this one. */
  readonly extra: readonly unknown[];
  /** The node that has asked for it, among whose processes it counts; `null` for this one. */
  readonly peer: string | null;
  running: Running | null = null;
  /** Its restart has failed, and is to be tried again. */
  restarting = false;
  /** What it was then, by whose pid it is still known. */
  awaited: Running | null = null;
  /** What waits to try it again; `null` where that is in the mailbox already. */
  retry: Retry | null = null;
  /** It was disabled: nothing starts it until it is enabled. */
  disabled = false;
  /** Its key in its table; `null` where it is in none. */
  key: unknown = null;

  constructor(spec: Child<never>, extra: readonly unknown[] = [], peer: string | null = null) {
    this.spec = spec;
    this.extra = extra;
    this.peer = peer;
  }

  /** It has left its table. */
  gone(): void {}
}

/**
 * The children of a supervisor in the order in which they are started, by key and by pid. What is done to one takes the same time
 * however many there are.
 */
export class Children {
  readonly #entries: Map<unknown, Entry> = new Map();
  readonly #byPid: Map<string, Entry> = new Map();
  /** How many each other node has asked for, those among them that do not run. */
  readonly #asked: Map<string, number> = new Map();
  #lastKey = 0;
  /** How many of them wait to be restarted. */
  restarting = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** In start order. */
  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }

  byId(id: Term): Entry | undefined {
    return this.#entries.get(termKey(id));
  }

  /** The child that has that pid, or had it and waits to be restarted; or whose end an exit signal of that process tells. */
  byPid(pid: Pid): Entry | undefined {
    return this.#byPid.get(pid.key);
  }

  has(entry: Entry): boolean {
    return entry.key !== null;
  }

  /** How many a node has asked for. */
  askedBy(peer: string): number {
    return this.#asked.get(peer) ?? 0;
  }

  /** Adds one behind all others. */
  add(entry: Entry): void {
    this.#add(entry, termKey(entry.spec._id));
  }

  /** Adds one that has no id of its own. */
  addNameless(entry: Entry): void {
    this.#add(entry, ++this.#lastKey);
  }

  /** It runs now. */
  runs(entry: Entry, running: Running): void {
    this.stops(entry);
    entry.running = running;
    this.#setPid(running, entry);
  }

  /** It does not run any more. */
  stops(entry: Entry): void {
    const { running, awaited } = entry;
    if (running !== null) this.#deletePid(running);
    if (awaited !== null) this.#deletePid(awaited);
    if (entry.restarting) this.restarting--;
    entry.retry?.[Symbol.dispose]();
    entry.running = entry.awaited = entry.retry = null;
    entry.restarting = false;
  }

  /** It does not run any more, and its restart is to be tried again. */
  awaits(entry: Entry, former: Running | null): void {
    this.stops(entry);
    entry.restarting = true;
    entry.awaited = former;
    this.restarting++;
    if (former !== null) this.#setPid(former, entry);
  }

  remove(entry: Entry): void {
    this.stops(entry);
    if (!this.#entries.delete(entry.key)) return;
    entry.key = null;
    this.#count(entry, -1);
    entry.gone();
  }

  /** Those from `entry` on, it included, in start order. */
  from(entry: Entry): Entry[] {
    const entries = [...this.#entries.values()];
    return entries.slice(entries.indexOf(entry));
  }

  #add(entry: Entry, key: unknown): void {
    entry.key = key;
    this.#entries.set(key, entry);
    this.#count(entry, 1);
    if (entry.running !== null) this.#setPid(entry.running, entry);
  }

  #count({ peer }: Entry, more: number): void {
    if (peer === null) return;
    const count = this.askedBy(peer) + more;
    if (count === 0) this.#asked.delete(peer);
    else this.#asked.set(peer, count);
  }

  #setPid({ pid, linked }: Running, entry: Entry): void {
    this.#byPid.set(pid.key, entry);
    if (linked !== pid) this.#byPid.set(linked.key, entry);
  }

  #deletePid({ pid, linked }: Running): void {
    this.#byPid.delete(pid.key);
    if (linked !== pid) this.#byPid.delete(linked.key);
  }
}
