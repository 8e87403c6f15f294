import type { Ref } from "../../etf/identifiers.ts";

interface Referred {
  readonly ref: Ref;
}

/** How many are found without a `Map`, a power of two. */
const PLACES = 256;
const NONE: readonly null[] = [];

/**
 * A table by references of other nodes.
 *
 * One is found by a number that its words make, since text of them would cost more than all else that is done with it. Those that come one after
 * another have places of their own, which are left and taken again in a fraction of the time of a `Map`; where the place is taken, it goes into a `Map`.
 * Where two make the same number, which a peer can bring about, the second one is found by its text: so nobody can make the table slow.
 */
export class RefTable<T extends Referred> {
  #places: (T | null)[] = NONE as never;
  #placed = 0;
  readonly #first: Map<number, T> = new Map();
  readonly #others: Map<string, T> = new Map();

  get size(): number {
    return this.#placed + this.#first.size + this.#others.size;
  }

  get(ref: Ref): T | undefined {
    if (this.size === 0) return undefined;
    const number = numberOf(ref);
    const placed = this.#places[number & (PLACES - 1)];
    if (placed !== null && placed.ref.equals(ref)) return placed;
    if (this.#first.size === 0 && this.#others.size === 0) return undefined;
    const first = this.#first.get(number);
    if (first !== undefined && first.ref.equals(ref)) return first;
    return this.#others.size === 0 ? undefined : this.#others.get(ref.key);
  }

  /** Adds what has a reference that is not in the table. */
  add(value: T): void {
    if (this.#places === NONE as never) this.#places = new Array(PLACES).fill(null);
    const number = numberOf(value.ref);
    const place = number & (PLACES - 1);
    if (this.#places[place] === null) {
      this.#places[place] = value;
      this.#placed++;
    } else if (this.#first.has(number)) {
      this.#others.set(value.ref.key, value);
    } else {
      this.#first.set(number, value);
    }
  }

  /** @returns what was there. */
  delete(ref: Ref): T | undefined {
    if (this.size === 0) return undefined;
    const number = numberOf(ref);
    const place = number & (PLACES - 1);
    const placed = this.#places[place];
    if (placed !== null && placed.ref.equals(ref)) {
      this.#places[place] = null;
      this.#placed--;
      return placed;
    }
    if (this.#first.size === 0 && this.#others.size === 0) return undefined;
    const first = this.#first.get(number);
    if (first !== undefined && first.ref.equals(ref)) {
      this.#first.delete(number);
      return first;
    }
    if (this.#others.size === 0) return undefined;
    const { key } = ref;
    const other = this.#others.get(key);
    this.#others.delete(key);
    return other;
  }

  values(): T[] {
    const placed = this.#places.filter((value) => value !== null);
    return [...placed, ...this.#first.values(), ...this.#others.values()];
  }
}

function numberOf({ words }: Ref): number {
  let number = 0;
  for (let i = 0; i < words.length; i++) number = (Math.imul(number, 0x01000193) + words[i]) | 0;
  return number;
}
