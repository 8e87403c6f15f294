import type { Atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import { PID_ID_BITS } from "./process/process.ts";

/** Numbers from `first` up to, and without, `end`. */
export interface NumberBlock {
  readonly first: number;
  readonly end: number;
}

/** Whose pids and references are made. */
export interface Numbered {
  readonly name: Atom;
  readonly creation: number;
}

const ALL: NumberBlock = { first: 0, end: Infinity };

/** Counts out the numbers of a node's processes, or, on a thread of its own, those of a part of them. */
export class PidNumbers {
  readonly #node: Numbered;
  readonly #more: (() => NumberBlock) | null;
  #next: number;
  #end: number;

  /** @param more gives further numbers where `block` has no more. */
  constructor(node: Numbered, block: NumberBlock = ALL, more: (() => NumberBlock) | null = null) {
    this.#node = node;
    this.#next = block.first;
    this.#end = block.end;
    this.#more = more;
  }

  take(): number {
    if (this.#next === this.#end) {
      const { first, end } = this.#more!();
      this.#next = first;
      this.#end = end;
    }
    return this.#next++;
  }

  /** Takes so many, for another part of the node. */
  block(size: number): NumberBlock {
    const first = this.#next;
    this.#next += size;
    return { first, end: this.#next };
  }

  /** The pid of that number. */
  pid(number: number): Pid {
    const { name, creation } = this.#node;
    return new Pid(name, number % PID_ID_BITS, Math.floor(number / PID_ID_BITS), creation);
  }
}
