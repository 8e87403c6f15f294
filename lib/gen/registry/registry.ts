import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { termKey } from "../../etf/term_key.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { NameError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { Events } from "../../node/remote/events.ts";
import { addressOf, type Target } from "../../node/target.ts";
import { PlainServer, unknownRequest } from "../server/plain_server.ts";
import { LocalOwner, type Owner, RemoteOwner } from "./_owners.ts";
import { RegistryRef } from "./registry_ref.ts";

const REGISTER = atom("register");
const UNREGISTER = atom("unregister");
const COUNT = atom("count");
const UNDEFINED = atom("undefined");

/** What a registry is like. */
export interface RegistryOptions {
  /** Whether a key belongs to one process at most, or to any number of them, each any number of times. */
  readonly keys: "unique" | "duplicate";
  /**
   * Names of processes of this node that get the messages `{register, Registry, Key, Pid, Value}` and `{unregister, Registry, Key, Pid}`,
   * where Registry is its name, or its pid where it has none.
   */
  readonly listeners?: readonly string[];
  /** What is kept for the users of the registry from the beginning, see {@linkcode RegistryRef.meta}. */
  readonly meta?: Iterable<readonly [key: Encodable, value: unknown]>;
}

/** What a process has registered. */
export interface RegistryEntry<V> {
  /** The key, as it was given. */
  readonly key: Term;
  /** Whose entry it is. */
  readonly pid: Pid;
  /** What was registered with it. */
  readonly value: V;
}

/** What happens to a registry. */
export type RegistryEvent<V> =
  | { readonly type: "registered"; readonly key: Term; readonly pid: Pid; readonly value: V }
  | { readonly type: "unregistered"; readonly key: Term; readonly pid: Pid };

/** The registries of this program, by the process that they are. */
const registries: WeakMap<object, Registry<unknown>> = new WeakMap();

/**
 * A local registry of processes by any term, as Elixir's `Registry`: with unique keys for names (`{ via: rooms, name: 7 }`), with duplicate
 * ones for those who are interested in something.
 *
 * - A process registers itself, and what it has registered goes with it: its keys are free when its end is told. Of processes of other
 *   nodes, which `registerName` takes too, the end is known when the message has come.
 * - Keys are compared as terms: `[1, "x"]` is `[1, "x"]`, and `1` is not `float(1)`. A string is a binary. Values are any JavaScript values.
 * - Look-ups are plain calls of {@linkcode RegistryRef}, without a message. Elsewhere `GenServer.call(registry, {:lookup, key})` gives `[{Pid, Value}]`,
 *   where values are terms, `{:whereis_name, key}` a pid or `undefined`, `{:keys, pid}` a list, `:count` a number.
 * - As in Elixir the processes are linked to the registry: where it crashes they end with it, and whoever supervises them starts them again.
 *   To be found also after a restart, `node.ref(Registry, "rooms")` looks for the registry by its name each time.
 *
 * @example
 * ```ts
 * import { atom, GenServer, Registry, startNode } from "@ergo-ts/ergo";
 *
 * class Room extends GenServer {
 *   override readonly calls = { title: () => "Lobby" };
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const rooms = await node.start(Registry<{ open: boolean }>, [{ keys: "unique" }], { register: "rooms" });
 * await node.start(Room, [], { register: rooms.via("lobby", { open: true }) });
 * rooms.get("lobby")?.value.open; //                          true
 * await node.call({ via: rooms, name: "lobby" }, atom("title")); // "Lobby"
 *
 * const topics = await node.start(Registry<null>, [{ keys: "duplicate" }]);
 * node.spawn(async (self) => {
 *   topics.register(self, "news", null);
 *   topics.dispatch("news", (entries) => entries.forEach(({ pid }) => node.send(pid, "hello")));
 *   console.log(await self.receive()); // hello
 * });
 * ```
 *
 * Not for names that other nodes are to know: those are `{ global: name }`, or groups of {@linkcode ProcessGroups}.
 */
export class Registry<V = unknown> extends PlainServer {
  /** @ignore @internal */
  declare readonly _refType: RegistryRef<V>;
  readonly #keys: Map<unknown, Set<RegistryEntry<V>>> = new Map();
  readonly #owners: Map<string, Owner<RegistryEntry<V>>> = new Map();
  readonly #changes: Events<RegistryEvent<V>> = new Events();
  readonly #metas: Map<unknown, unknown> = new Map();
  #listeners: readonly string[] = [];
  #isUnique = true;
  #count = 0;

  /** @ignore @internal A registry of this node by its pid or name, looked for each time. */
  static override _refer<V>(node: Node, target: Target): RegistryRef<V> {
    return new RegistryRef<V>(node, target, () => {
      const process = node._core.local(addressOf(target));
      return process && registries.get(process) as Registry<V> | undefined;
    });
  }

  /** Sets up an empty registry. */
  override init(options: RegistryOptions): void {
    checkOptions(options);
    this.#isUnique = options.keys === "unique";
    this.#listeners = options.listeners ?? [];
    for (const [key, value] of options.meta ?? []) this._putMeta(key, value);
    const process = this._process;
    process.terms = { ...process.terms, floats: "wrap" }; // a key from elsewhere is the term that it is
    registries.set(process, this as Registry<unknown>);
    process.own({ [Symbol.dispose]: () => this.#end() });
  }

  /** @ignore @internal */
  override get _takes(): string {
    return "{lookup, Key}, {whereis_name, Key}, {keys, Pid} and count";
  }

  /** @ignore @internal */
  override _answer(request: Term): unknown {
    if (request === COUNT) return this._count;
    if (!isTuple(request) || request.length !== 2) return unknownRequest;
    const [, what] = request as Term[];
    switch (request.tag) {
      case "lookup":
        return this._lookup(what).map(({ pid, value }) => tuple(pid, value));
      case "whereis_name":
        return this._first(what)?.pid ?? UNDEFINED;
      case "keys":
        return what instanceof Pid ? this._of(what).map(({ key }) => key) : unknownRequest;
      default:
        return unknownRequest;
    }
  }

  /** Its entries, `{Key, Pid, Value}` each. */
  override formatState(): unknown {
    const entries = Array.from(this._entries(), ({ key, pid, value }) => tuple(key, pid, value));
    return { keys: atom(this.#isUnique ? "unique" : "duplicate"), entries };
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): RegistryRef<V> {
    return new RegistryRef<V>(node, pid, () => this);
  }

  /** @ignore @internal @throws {TypeError} where keys are not unique. */
  _unique(verb: string): this {
    if (this.#isUnique) return this;
    throw new TypeError(
      `Cannot ${verb} by a key of registry ${
        format(this.#name)
      }: its keys are duplicate, one with { keys: "unique" } is needed`,
    );
  }

  /** @ignore @internal */
  get _count(): number {
    return this.#count;
  }

  /** @ignore @internal */
  *_entries(): IterableIterator<RegistryEntry<V>> {
    for (const entries of this.#keys.values()) yield* entries;
  }

  /** @ignore @internal */
  _lookup(key: Encodable): RegistryEntry<V>[] {
    return [...this.#keys.get(termKey(key)) ?? []];
  }

  /** @ignore @internal */
  _first(key: Encodable): RegistryEntry<V> | undefined {
    const entries = this.#keys.get(termKey(key));
    return entries === undefined ? undefined : entries.values().next().value;
  }

  /** @ignore @internal */
  _of(pid: Pid): RegistryEntry<V>[] {
    return [...this.#owners.get(pid.key)?.entries ?? []];
  }

  /** @ignore @internal */
  _register(key: Encodable, pid: Pid, value: V): void {
    if (this._registerName(key, pid, value)) return;
    const other = this._first(key)!.pid;
    const whose = other.equals(pid) ? "that process has it already" : `${format(other)} has it`;
    throw new NameError(
      `Cannot register a process as ${format(key, { maxLength: 100 })} in registry ${
        format(this.#name)
      }: ${whose}, choose another key`,
      other,
    );
  }

  /** @ignore @internal @returns whether that could be. */
  _registerName(key: Encodable, pid: Pid, value: V): boolean {
    this._process.mustLive("register a process");
    const indexed = termKey(key);
    let entries = this.#keys.get(indexed);
    if (entries !== undefined && this.#isUnique) return false;
    const owner = this.#owner(pid);
    const entry: RegistryEntry<V> = { key: key as Term, pid, value };
    if (entries === undefined) this.#keys.set(indexed, entries = new Set());
    entries.add(entry);
    owner.entries.add(entry);
    this.#count++;
    this.#changes.emit({ type: "registered", key: entry.key, pid, value });
    this.#tell(tuple(REGISTER, this.#name, entry.key, pid, value) as Term);
    return true;
  }

  /** @ignore @internal @returns whether there was something. */
  _unregister(key: Encodable, pid: Pid, wanted: (value: V) => boolean): boolean {
    const indexed = termKey(key);
    const owner = this.#owners.get(pid.key);
    const entries = this.#keys.get(indexed);
    if (owner === undefined || entries === undefined) return false;
    let any = false;
    for (const entry of [...entries]) {
      if (!entry.pid.equals(pid) || !wanted(entry.value)) continue;
      owner.entries.delete(entry);
      this.#remove(indexed, entry);
      any = true;
    }
    if (owner.entries.size === 0 && this.#owners.delete(pid.key)) owner.release();
    return any;
  }

  /** @ignore @internal */
  _update(key: Encodable, pid: Pid, change: (value: V) => V): V | undefined {
    this._unique("update a value");
    const entry = this._first(key);
    if (entry === undefined || !entry.pid.equals(pid)) return undefined;
    const changed = { ...entry, value: change(entry.value) };
    const owner = this.#owners.get(pid.key)!;
    owner.entries.delete(entry);
    owner.entries.add(changed);
    this.#keys.set(termKey(key), new Set([changed]));
    return changed.value;
  }

  /** @ignore @internal */
  _events(signal: AbortSignal | undefined): AsyncIterableIterator<RegistryEvent<V>> {
    return this.#changes.listen(signal);
  }

  /** @ignore @internal */
  _meta(key: Encodable): unknown {
    return this.#metas.get(termKey(key));
  }

  /** @ignore @internal */
  _putMeta(key: Encodable, value: unknown): void {
    this.#metas.set(termKey(key), value);
  }

  /** @ignore @internal */
  _deleteMeta(key: Encodable): void {
    this.#metas.delete(termKey(key));
  }

  get #name(): Term {
    const { name } = this._process;
    return name === null ? this.pid : atom(name);
  }

  #owner(pid: Pid): Owner<RegistryEntry<V>> {
    let owner = this.#owners.get(pid.key);
    if (owner !== undefined) return owner;
    const ended = (): void => this.#gone(pid);
    owner = pid.node === this.node.name
      ? new LocalOwner(this._process, this.node._local(pid), ended)
      : new RemoteOwner(this, pid, ended);
    this.#owners.set(pid.key, owner);
    return owner;
  }

  /** A process has ended. */
  #gone(pid: Pid): void {
    const owner = this.#owners.get(pid.key);
    if (owner === undefined || !this.#owners.delete(pid.key)) return;
    for (const entry of owner.entries) this.#remove(termKey(entry.key), entry);
  }

  #remove(indexed: unknown, entry: RegistryEntry<V>): void {
    const entries = this.#keys.get(indexed)!;
    entries.delete(entry);
    this.#count--;
    if (entries.size === 0) this.#keys.delete(indexed);
    this.#changes.emit({ type: "unregistered", key: entry.key, pid: entry.pid });
    this.#tell(tuple(UNREGISTER, this.#name, entry.key, entry.pid) as Tuple);
  }

  #tell(message: Term): void {
    for (const name of this.#listeners) {
      try {
        this.send({ name }, message);
      } catch (error) {
        this._core.fault(`Cannot tell listener ${name} of a registry`, error);
      }
    }
  }

  /** It has ended: nobody is registered any more, and those who were are told by their links. */
  #end(): void {
    this.#changes.close();
    for (const owner of this.#owners.values()) {
      if (owner instanceof LocalOwner) owner.forget();
    }
    this.#owners.clear();
    this.#keys.clear();
    this.#count = 0;
  }
}

const OPTIONS = ["keys", "listeners", "meta"];

function checkOptions(options: RegistryOptions): void {
  const { keys } = options ?? {};
  if (keys !== "unique" && keys !== "duplicate") {
    throw new TypeError(
      'Cannot start a registry: { keys: "unique" } or { keys: "duplicate" } is needed',
    );
  }
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name)) continue;
    throw new TypeError(
      `Cannot start a registry with option ${name}: there is none, there are ${OPTIONS.join(", ")}`,
    );
  }
}
