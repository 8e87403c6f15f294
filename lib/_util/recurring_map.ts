/** From so many places without a value on they are looked after. */
const SWEEP_FROM = 64;

/**
 * A map for keys that go and come back, again and again. A `Map` of the runtimes keeps what was deleted in its chains until it is made
 * anew: each time that a key comes back the same chain is longer, until a look takes tens of microseconds in a map of 10,000.
 *
 * Here a key that goes leaves its place, and comes back to that. There are never more such places than keys, or a few.
 */
export class RecurringMap<K, V extends object> {
  readonly #places: Map<K, V | undefined> = new Map();
  #left = 0;

  get size(): number {
    return this.#places.size - this.#left;
  }

  get(key: K): V | undefined {
    return this.#places.get(key);
  }

  set(key: K, value: V): void {
    const before = this.#places.size;
    const had = this.#places.get(key) !== undefined;
    this.#places.set(key, value);
    if (!had && this.#places.size === before) this.#left--;
  }

  /** @returns whether it was there. */
  delete(key: K): boolean {
    if (this.#places.get(key) === undefined) return false;
    this.#places.set(key, undefined);
    this.#left++;
    if (this.#left >= SWEEP_FROM && this.#left > this.size) this.#sweep();
    return true;
  }

  clear(): void {
    this.#places.clear();
    this.#left = 0;
  }

  /** In the order in which their keys came first. */
  *values(): IterableIterator<V> {
    for (const value of this.places()) if (value !== undefined) yield value;
  }

  /** As `values`, and `undefined` in the places that were left: half the time, for those who go through many and often. */
  places(): IterableIterator<V | undefined> {
    return this.#places.values();
  }

  #sweep(): void {
    for (const [key, value] of this.#places) if (value === undefined) this.#places.delete(key);
    this.#left = 0;
  }
}
