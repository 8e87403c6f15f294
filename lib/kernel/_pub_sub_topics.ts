import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { RecurringMap } from "../_util/recurring_map.ts";

/** What is called with the messages of a topic: callbacks and loops of this program. */
export interface Listener {
  message(term: Term): void;
  /** There will be no more. */
  end(): void;
}

interface Subscriber {
  readonly pid: Pid;
  /** How often it has subscribed: it gets each message as often. */
  count: number;
}

interface Followers {
  readonly processes: RecurringMap<string, Subscriber>;
  readonly listeners: Set<Listener>;
}

interface Known {
  readonly monitor: Disposable;
  readonly topics: Set<unknown>;
}

/** Who has subscribed to which topics of this node. A topic is known by its term's key, and is there while it has subscribers. */
export class Topics {
  readonly #topics: Map<unknown, Followers> = new Map();
  readonly #processes: RecurringMap<string, Known> = new RecurringMap();
  readonly #monitor: (pid: Pid, ended: () => void) => Disposable;

  constructor(monitor: (pid: Pid, ended: () => void) => Disposable) {
    this.#monitor = monitor;
  }

  get size(): number {
    return this.#topics.size;
  }

  /** How many subscriptions there are to a topic. */
  count(topic: unknown): number {
    const found = this.#topics.get(topic);
    if (found === undefined) return 0;
    let count = found.listeners.size;
    for (const subscriber of found.processes.values()) count += subscriber.count;
    return count;
  }

  add(topic: unknown, pid: Pid): void {
    const { processes } = this.#followers(topic);
    const subscriber = processes.get(pid.key);
    if (subscriber !== undefined) {
      subscriber.count++;
      return;
    }
    processes.set(pid.key, { pid, count: 1 });
    let known = this.#processes.get(pid.key);
    if (known === undefined) {
      known = { monitor: this.#monitor(pid, () => this.#ended(pid)), topics: new Set() };
      this.#processes.set(pid.key, known);
    }
    known.topics.add(topic);
  }

  /** Takes one subscription of a process back, or all that it has to the topic. @returns how many. */
  remove(topic: unknown, pid: Pid, all: boolean): number {
    const subscriber = this.#topics.get(topic)?.processes.get(pid.key);
    if (subscriber === undefined) return 0;
    const taken = all ? subscriber.count : 1;
    subscriber.count -= taken;
    if (subscriber.count === 0) {
      this.#drop(topic, pid);
      const known = this.#processes.get(pid.key)!;
      known.topics.delete(topic);
      if (known.topics.size === 0) {
        this.#processes.delete(pid.key);
        known.monitor[Symbol.dispose]();
      }
    }
    return taken;
  }

  listen(topic: unknown, listener: Listener): void {
    this.#followers(topic).listeners.add(listener);
  }

  unlisten(topic: unknown, listener: Listener): void {
    const followers = this.#topics.get(topic);
    if (followers === undefined) return;
    followers.listeners.delete(listener);
    this.#forgetEmpty(topic, followers);
  }

  /** Hands a message to all subscribers of a topic, to processes by `send`. Throws what that has thrown first, when all others have it. */
  deliver(topic: unknown, message: Term, except: Pid | null, send: (pid: Pid) => void): void {
    const followers = this.#topics.get(topic);
    if (followers === undefined) return;
    let fault: { readonly error: unknown } | null = null;
    for (const subscriber of followers.processes.places()) {
      if (subscriber === undefined) continue;
      const { pid, count } = subscriber;
      if (except !== null && pid.equals(except)) continue;
      try {
        for (let i = 0; i < count; i++) send(pid);
      } catch (error) {
        fault ??= { error };
      }
    }
    // Whoever begins to listen in a callback gets the next message first.
    for (const listener of [...followers.listeners]) listener.message(message);
    if (fault !== null) throw fault.error;
  }

  end(): void {
    for (const { listeners } of [...this.#topics.values()]) {
      for (const listener of [...listeners]) listener.end();
    }
    this.#topics.clear();
    this.#processes.clear();
  }

  #followers(topic: unknown): Followers {
    let followers = this.#topics.get(topic);
    if (followers === undefined) {
      this.#topics.set(topic, followers = { processes: new RecurringMap(), listeners: new Set() });
    }
    return followers;
  }

  #ended(pid: Pid): void {
    const known = this.#processes.get(pid.key);
    this.#processes.delete(pid.key);
    for (const topic of known?.topics ?? []) this.#drop(topic, pid);
  }

  #drop(topic: unknown, pid: Pid): void {
    const followers = this.#topics.get(topic)!;
    followers.processes.delete(pid.key);
    this.#forgetEmpty(topic, followers);
  }

  #forgetEmpty(topic: unknown, { processes, listeners }: Followers): void {
    if (processes.size === 0 && listeners.size === 0) this.#topics.delete(topic);
  }
}
