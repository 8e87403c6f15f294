import type { Ref } from "../../etf/identifiers.ts";

interface Referred {
  readonly ref: Ref;
}

/**
 * A table by references of other nodes.
 *
 * One is found by a number that its words make, since text of them would cost more than all else that is done with it. Where two make the same
 * number, which a peer can bring about, the second one is found by its text: so nobody can make the table slow.
 */
export class RefTable<T extends Referred> {
  readonly #first: Map<number, T> = new Map();
  readonly #others: Map<string, T> = new Map();

  get size(): number {
    return this.#first.size + this.#others.size;
  }

  get(ref: Ref): T | undefined {
    const first = this.#first.get(numberOf(ref));
    if (first !== undefined && first.ref.equals(ref)) return first;
    return this.#others.size === 0 ? undefined : this.#others.get(ref.key);
  }

  /** Adds what has a reference that is not in the table. */
  add(value: T): void {
    const number = numberOf(value.ref);
    if (this.#first.has(number)) this.#others.set(value.ref.key, value);
    else this.#first.set(number, value);
  }

  /** @returns what was there. */
  delete(ref: Ref): T | undefined {
    const number = numberOf(ref);
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
    return [...this.#first.values(), ...this.#others.values()];
  }
}

function numberOf({ words }: Ref): number {
  let number = 0;
  for (let i = 0; i < words.length; i++) number = (Math.imul(number, 0x01000193) + words[i]) | 0;
  return number;
}
