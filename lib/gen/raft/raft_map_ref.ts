import { checkFields } from "../../_util/fields.ts";
import type { Encodable } from "../../etf/term.ts";
import type { RaftMap } from "./raft_map.ts";
import { RaftRef } from "./raft_ref.ts";

/** A value, and the entry of the log that has set it. */
export interface RaftMapEntry<V> {
  /** What was set. */
  readonly value: V;
  /** For {@linkcode RaftMapRef.setIf}. */
  readonly serial: number;
}

/** What happens to a map, as one member sees it. `restored`: much may be otherwise than before, for the member was late; read what matters. */
export type RaftMapEvent<V> =
  | { readonly type: "set"; readonly key: string; readonly value: V; readonly serial: number }
  | { readonly type: "deleted"; readonly key: string; readonly serial: number }
  | { readonly type: "restored" };

/**
 * A reference to the member of a {@linkcode RaftMap} on this node. All of its methods but `getLocal` are linearizable, and reject as those of
 * {@linkcode RaftRef} do.
 */
export class RaftMapRef<S, V> extends RaftRef<S> {
  /** Sets a key. @returns the entry of the log that has set it. */
  async set(key: string, value: V & Encodable): Promise<number> {
    return await this._append("set", [key, value]) as number;
  }

  /** What was set last; `undefined` where the key is not there. */
  async get(key: string): Promise<V | undefined> {
    return (await this.entry(key))?.value;
  }

  /** As {@linkcode RaftMapRef.get}, with the entry that has set it. */
  async entry(key: string): Promise<RaftMapEntry<V> | undefined> {
    return entryIn(await this._read("get", [key]));
  }

  /** As {@linkcode RaftMapRef.get}, from the member of this node as it is: at once, and perhaps out of date. */
  async getLocal(key: string): Promise<V | undefined> {
    return entryIn<V>(await this._read("get", [key], true))?.value;
  }

  /** Removes a key. @returns whether it was there. */
  async delete(key: string): Promise<boolean> {
    return await this._append("delete", [key]) as boolean;
  }

  /** Removes all keys. */
  async clear(): Promise<void> {
    await this._append("clear", []);
  }

  /** Whether a key is there. */
  async has(key: string): Promise<boolean> {
    return await this.entry(key) !== undefined;
  }

  /**
   * Sets a key whose value is `old`, compared as terms; `undefined` where it must not be there.
   *
   * @returns whether it was so, and is set.
   */
  async compareAndSet(
    key: string,
    old: (V & Encodable) | undefined,
    value: V & Encodable,
  ): Promise<boolean> {
    const olds = old === undefined ? [] : [old];
    return await this._append("compare_and_set", [key, olds, value]) as boolean;
  }

  /**
   * Sets a key that nobody has set since.
   *
   * @param serial what {@linkcode RaftMapRef.entry} or `set` has told; 0 where the key must not be there.
   * @returns the entry that has set it; `null` where somebody else has in the meantime.
   */
  async setIf(key: string, serial: number, value: V & Encodable): Promise<number | null> {
    return await this._append("set_if", [key, serial, value]) as number | null;
  }

  /** All keys, in the order in which they were set first. */
  async keys(): Promise<string[]> {
    return await this._read("keys", []) as string[];
  }

  /** All keys with their values. */
  async entries(): Promise<[key: string, value: V][]> {
    return (await this._read("entries", []) as [string, V][]).map(([key, value]) => [key, value]);
  }

  /** How many keys there are. */
  async size(): Promise<number> {
    return await this._read("size", []) as number;
  }

  /**
   * What changes from now on, on this member, until the loop is left, the signal aborts or the member ends. Unread events are kept for the reader.
   *
   * @param key only what happens to that one. Default: to all.
   */
  watch(
    key?: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<RaftMapEvent<V>> {
    checkFields("watch a map", options, { signal: true });
    if (key !== undefined && typeof key !== "string") {
      throw new TypeError(`Cannot watch a map: a key is a string, ${typeof key} came`);
    }
    return (this._member as unknown as RaftMap<V & Encodable>)._watch(key, options.signal);
  }
}

function entryIn<V>(found: unknown): RaftMapEntry<V> | undefined {
  if (found === null) return undefined;
  const [value, serial] = found as [V, number];
  return { value, serial };
}
