import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { NORMAL } from "../../node/atoms.ts";
import { selfOf } from "../../node/caller.ts";
import { NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { ExitReason } from "../../node/process/process.ts";
import type { Addressed, Target, ViaRegistry, ViaTarget } from "../../node/target.ts";
import { type StopOptions, stopProcess } from "../server/stop_process.ts";
import type { Registry, RegistryEntry, RegistryEvent } from "./registry.ts";

/**
 * A reference to a {@linkcode Registry} of this node. What it does is done when it returns, and all look-ups are without a message.
 *
 * It stands behind `via`: `node.call({ via: rooms, name: 7 }, ...)`, `node.start(Room, [], { register: { via: rooms, name: 7 } })`.
 */
export class RegistryRef<V> implements Addressed, ViaRegistry {
  /** Where the registry is: its pid, or the name that it was asked for by. */
  readonly target: Target;
  readonly #node: Node;
  readonly #find: () => Registry<V> | undefined;

  /** @ignore @internal */
  constructor(node: Node, target: Target, find: () => Registry<V> | undefined) {
    this.#node = node;
    this.target = target;
    this.#find = find;
  }

  // What a process does in its own name

  /**
   * Registers a process under a key, until it ends or unregisters. It is linked to the registry from now on.
   *
   * @param self the process that registers itself.
   * @throws {NameError} where keys are unique and another process, or the same one, has it; its `pid` tells which.
   * @throws {TypeError} if the key is no term.
   */
  register(self: ProcessContext, key: Encodable, value: V): void {
    const owner = selfOf(self, "register", "registry.register(this, key, value)");
    owner._process.mustLive("register");
    this.#registry._register(key, owner.pid, value);
  }

  /**
   * Takes back all that a process has registered under a key.
   *
   * @returns whether there was something.
   */
  unregister(self: ProcessContext, key: Encodable): boolean {
    const { pid } = selfOf(self, "unregister", "registry.unregister(this, key)");
    return this.#registry._unregister(key, pid, () => true);
  }

  /** As {@linkcode RegistryRef.unregister}, only the entries whose value the function likes. */
  unregisterMatch(self: ProcessContext, key: Encodable, wanted: (value: V) => boolean): boolean {
    const { pid } = selfOf(self, "unregister", "registry.unregisterMatch(this, key, wanted)");
    return this.#registry._unregister(key, pid, wanted);
  }

  /**
   * Changes the value that a process has registered under a unique key.
   *
   * @returns the new value; `undefined` where it has none under that key.
   * @throws {TypeError} where keys are not unique.
   */
  updateValue(self: ProcessContext, key: Encodable, change: (value: V) => V): V | undefined {
    const { pid } = selfOf(self, "update a value", "registry.updateValue(this, key, change)");
    return this.#registry._update(key, pid, change);
  }

  // Look-ups

  /** The entries of a key: one at most where keys are unique, in the order of registration where they are not. */
  lookup(key: Encodable): RegistryEntry<V>[] {
    return this.#registry._lookup(key);
  }

  /** The first entry of a key; `undefined` where there is none. */
  get(key: Encodable): RegistryEntry<V> | undefined {
    return this.#registry._first(key);
  }

  /** The entries of a key that the function likes. */
  match(key: Encodable, wanted: (value: V, pid: Pid) => boolean): RegistryEntry<V>[] {
    return this.lookup(key).filter(({ value, pid }) => wanted(value, pid));
  }

  /** How many entries of a key the function likes. */
  countMatch(key: Encodable, wanted: (value: V, pid: Pid) => boolean): number {
    return this.match(key, wanted).length;
  }

  /** What the function makes of all entries; `undefined` leaves one out. */
  select<T>(choose: (entry: RegistryEntry<V>) => T | undefined): T[] {
    const chosen: T[] = [];
    for (const entry of this.#registry._entries()) {
      const one = choose(entry);
      if (one !== undefined) chosen.push(one);
    }
    return chosen;
  }

  /** How many entries the function likes. */
  countSelect(wanted: (entry: RegistryEntry<V>) => boolean): number {
    return this.select((entry) => wanted(entry) || undefined).length;
  }

  /** How many entries there are. */
  count(): number {
    return this.#registry._count;
  }

  /** The keys of a process, each as often as it is registered under it. */
  keys(pid: Pid): Term[] {
    return this.#registry._of(pid).map(({ key }) => key);
  }

  /** The values of a process under a key. */
  values(key: Encodable, pid: Pid): V[] {
    return this.match(key, (_, owner) => owner.equals(pid)).map(({ value }) => value);
  }

  /** Calls the function once with all entries of a key, where there are some: a registry of subscribers sends to each. */
  dispatch(key: Encodable, fn: (entries: readonly RegistryEntry<V>[]) => void): void {
    const entries = this.lookup(key);
    if (entries.length > 0) fn(entries);
  }

  /**
   * What is registered and unregistered from now on, until the loop is left, the signal aborts or the registry ends. Unread events
   * are kept for the reader.
   */
  events(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<RegistryEvent<V>> {
    return this.#registry._events(options.signal);
  }

  // What is kept beside the entries

  /** Something that the registry keeps for its users; `undefined` where there is nothing of that name. */
  meta(key: Encodable): unknown {
    return this.#registry._meta(key);
  }

  /** Keeps something for all who use the registry, until it ends. */
  putMeta(key: Encodable, value: unknown): void {
    this.#registry._putMeta(key, value);
  }

  /** Forgets what {@linkcode RegistryRef.putMeta} has kept. */
  deleteMeta(key: Encodable): void {
    this.#registry._deleteMeta(key);
  }

  // For { via: registry, name }

  /** A target, or what a process is registered as when it starts: `{ register: rooms.via(7, { open: true }) }`. */
  via(key: Encodable, value?: V): ViaTarget {
    if (value === undefined) return { via: this, name: key };
    return {
      via: {
        whereisName: (name) => this.whereisName(name),
        registerName: (name, pid) =>
          this.#registry._unique("register")._registerName(name, pid, value),
        unregisterName: (name) => this.unregisterName(name),
      },
      name: key,
    };
  }

  /**
   * The process of that key; `undefined` where there is none, or no registry.
   *
   * @throws {TypeError} where keys are not unique.
   */
  whereisName(name: Encodable): Pid | undefined {
    return this.#find()?._unique("look up")._first(name)?.pid;
  }

  /**
   * Registers a process, which may be one of another node, with the value `null`.
   *
   * @returns whether the key was free.
   * @throws {TypeError} where keys are not unique.
   */
  registerName(name: Encodable, pid: Pid): boolean {
    return this.#registry._unique("register")._registerName(name, pid, null as V);
  }

  /** Takes a unique key back, whoever has it. */
  unregisterName(name: Encodable): void {
    const registry = this.#find()?._unique("unregister");
    const pid = registry?._first(name)?.pid;
    if (pid !== undefined) registry!._unregister(name, pid, () => true);
  }

  /**
   * Ends the registry in order. The processes that are registered get its reason as that of a link.
   *
   * @throws {NoProcessError} if it has ended before.
   */
  async stop(reason: ExitReason = NORMAL, options: StopOptions = {}): Promise<void> {
    const core = this.#node._core;
    await stopProcess(core, core.main, this.#registry.pid, reason, options);
  }

  get #registry(): Registry<V> {
    const registry = this.#find();
    if (registry !== undefined) return registry;
    throw new NoProcessError(
      typeof this.target === "string" ? `registry ${this.target}` : "that registry",
    );
  }
}
