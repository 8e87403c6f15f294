import type { Atom } from "../etf/atom.ts";
import { Ref } from "../etf/identifiers.ts";

/** The first word of a reference has 18 bits that old peers keep. */
const WORD = 262_144;

/** Makes the references of a node, and finds the number by which one is kept in tables. */
export class References {
  #node: { readonly name: Atom; readonly creation: number };
  #next: number;
  readonly #tail: number;

  /** @param tail 32 bits that nobody can guess, for whoever knows an alias may send to it. */
  constructor(
    node: { readonly name: Atom; readonly creation: number },
    first: number,
    tail: number,
  ) {
    this.#node = node;
    this.#next = first;
    this.#tail = tail;
  }

  make(): Ref {
    return this.of(this.#next++);
  }

  /** The reference of that number. */
  of(number: number): Ref {
    const words = [number % WORD, Math.floor(number / WORD), this.#tail];
    return new Ref(this.#node.name, this.#node.creation, words);
  }

  /** The number of a reference that was made here; -1 for others. */
  numberOf({ _node, creation, words }: Ref): number {
    const node = this.#node;
    if (_node !== node.name || creation !== node.creation) return -1;
    if (words.length !== 3 || words[2] !== this.#tail) return -1;
    return words[1] * WORD + words[0];
  }
}
