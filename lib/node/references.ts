import { Ref } from "../etf/identifiers.ts";
import type { NumberBlock, Numbered } from "./numbers.ts";
import type { Part } from "./outside.ts";

/** The first word of a reference has 18 bits that old peers keep. */
const WORD = 262_144;
/** How many references a part of a node may make before it needs more numbers. The last number is below 2^50. */
const BLOCK = 2 ** 32;

/** Makes the references of a node, and finds the number by which one is kept in tables. */
export class References {
  /** 32 bits that nobody can guess, for whoever knows an alias may send to it. */
  readonly tail: number;
  readonly #node: Numbered;
  readonly #more: () => NumberBlock;
  #next: number;
  #end: number;
  #blocks = 1;

  /** @param more gives further numbers where `end` is reached; blocks of its own unless told otherwise. */
  constructor(
    node: Numbered,
    tail: number,
    { first, end = BLOCK }: { readonly first: number; readonly end?: number },
    more?: () => NumberBlock,
  ) {
    this.#node = node;
    this.tail = tail;
    this.#next = first;
    this.#end = end;
    this.#more = more ?? (() => this.block());
  }

  make(): Ref {
    if (this.#next === this.#end) {
      const { first, end } = this.#more();
      this.#next = first;
      this.#end = end;
    }
    return this.of(this.#next++);
  }

  /** Numbers for another part of the node. */
  block(): NumberBlock {
    const first = this.#blocks++ * BLOCK;
    return { first, end: first + BLOCK };
  }

  /** The reference of that number. */
  of(number: number): Ref {
    const words = [number % WORD, Math.floor(number / WORD), this.tail];
    return new Ref(this.#node.name, this.#node.creation, words);
  }

  /** The number of a reference that was made here, or by another part of the node; -1 for others. */
  numberOf({ _node, creation, words }: Ref): number {
    const node = this.#node;
    if (_node !== node.name || creation !== node.creation) return -1;
    if (words.length !== 3 || words[2] !== this.tail) return -1;
    return words[1] * WORD + words[0];
  }
}

/** @param random 12 bytes, of which the first four are another's. */
export function referencesOf(node: Numbered, part: Part | null, random: DataView): References {
  return part === null
    ? new References(node, random.getUint32(8), { first: random.getUint16(4) })
    : new References(node, part.tail, part.references, part.moreReferences);
}

/** Which block a number is of. */
export function blockOf(number: number): number {
  return Math.floor(number / BLOCK);
}
