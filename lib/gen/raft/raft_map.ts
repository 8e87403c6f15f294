import { decode } from "../../etf/decoder.ts";
import { encodeToKeep } from "../../etf/encoder.ts";
import { equal } from "../../etf/equal.ts";
import type { Pid } from "../../etf/identifiers.ts";
import * as t from "../../etf/schema/t.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Node } from "../../node/node.ts";
import { Events } from "../../node/remote/events.ts";
import { on } from "../server/handlers.ts";
import { Raft } from "./raft.ts";
import { type RaftMapEvent, RaftMapRef } from "./raft_map_ref.ts";
import { partsOf } from "./raft_ref.ts";

/** What is kept of a key: its value, encoded, and the entry that has set it. */
type Kept = readonly [value: Uint8Array, serial: number];

const TEXTS = { binaries: "text" } as const;
const EXACT = { floats: "wrap" } as const;

/**
 * A map that several nodes have: keys are strings, values any terms. What was set stays while a majority of the members lives, and whoever reads sees
 * what was set last, on every node. A {@linkcode Raft} that is ready for use.
 *
 * - {@linkcode RaftMapRef.compareAndSet} and {@linkcode RaftMapRef.setIf} change a key only where nobody else has in the meantime.
 * - {@linkcode RaftMapRef.watch} tells of changes, on every node.
 * - Values come back as terms, where binaries that are text are strings. `null` is a value as any other.
 * - From Erlang: `gen_server:call(map, {'$raft_append', {set, <<"key">>, Value}})`, `{delete, Key}`, `{'$raft_read', {get, Key}}`.
 *
 * @example
 * ```ts
 * import { RaftMap, startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("a@localhost", { cookie: "secret" });
 * const map = await node.start(RaftMap<number>, [{ members: ["a@localhost"] }], { register: "map" });
 * await map.set("visits", 1);
 * await map.compareAndSet("visits", 1, 2); // true
 * await map.get("visits"); //                 2
 * ```
 *
 * Not for what has rules of its own: that is a class that extends {@linkcode Raft}, whose commands check them on every member.
 */
export class RaftMap<V extends Encodable = Term> extends Raft {
  /** @ignore @internal */
  declare readonly _refType: RaftMapRef<this, V>;
  #values: Map<string, Kept> = new Map();
  #serial = 0;
  readonly #changes: Events<RaftMapEvent<V>> = new Events();
  /** @ignore @internal */
  readonly _floats = "wrap" as const;

  /** @ignore @internal */
  override readonly commands: Record<never, never> = {
    set: on(t.text, t.term, (key, value) => this.#set(key, value)),
    delete: on(t.text, (key) => this.#delete(key)),
    compare_and_set: on(t.text, t.list(t.term), t.term, (key, old, value) => {
      const kept = this.#values.get(key);
      const isSame = kept === undefined
        ? old.length === 0
        : old.length === 1 && equal(decode(kept[0], EXACT), old[0]);
      if (isSame) this.#set(key, value);
      return isSame;
    }),
    set_if: on(t.text, t.integer, t.term, (key, serial, value) => {
      const isSame = (this.#values.get(key)?.[1] ?? 0) === serial;
      return isSame ? this.#set(key, value) : null;
    }),
    clear: () => {
      for (const key of [...this.#values.keys()]) this.#delete(key);
    },
  };
  /** @ignore @internal */
  override readonly queries: Record<never, never> = {
    get: on(t.text, (key) => {
      const kept = this.#values.get(key);
      return kept === undefined ? null : tuple(decode(kept[0]), kept[1]);
    }),
    keys: () => [...this.#values.keys()],
    size: () => this.#values.size,
    entries: () => [...this.#values].map(([key, [value]]) => tuple(key, decode(value))),
  };

  /** @ignore @internal */
  override apply(command: Term, serial: number): Encodable {
    this.#serial = serial;
    return super.apply(command, serial);
  }

  /** The map as a term. */
  override snapshot(): Encodable {
    return [...this.#values].map(([key, kept]) => tuple(key, ...kept)) as Encodable;
  }

  /** Takes another map. */
  override restore(state: Term): void {
    const entries = t.list(t.tuple(t.text, t.bytes, t.integer)).parse(state);
    this.#values = new Map(entries.map(([key, value, serial]) => [key, [value, serial]]));
    this.#changes.emit({ type: "restored" });
  }

  /** How many keys there are: the map itself may be large. */
  override formatState(): unknown {
    return { size: this.#values.size };
  }

  /** @ignore @internal */
  override _ended(): void {
    super._ended();
    this.#changes.close();
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): RaftMapRef<this, V> {
    return new RaftMapRef<this, V>(node, pid, node._core.main, {}, partsOf(node, this));
  }

  /** @ignore @internal */
  _watch(
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): AsyncIterableIterator<RaftMapEvent<V>> {
    return this.#changes.listen(
      signal,
      key === undefined ? undefined : (event) => event.type === "restored" || event.key === key,
    );
  }

  #set(key: string, value: Term): number {
    const serial = this.#serial;
    const bytes = encodeToKeep(value);
    this.#values.set(key, [bytes, serial]);
    this.#changes.emit({ type: "set", key, value: decode(bytes, TEXTS) as V, serial });
    return serial;
  }

  #delete(key: string): boolean {
    const isThere = this.#values.delete(key);
    if (isThere) this.#changes.emit({ type: "deleted", key, serial: this.#serial });
    return isThere;
  }
}
