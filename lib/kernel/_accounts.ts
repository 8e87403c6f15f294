import { sizeOf } from "../etf/term_size.ts";

/** Bytes of a name that count as one. */
const PER_NAME = 256;
/** The most that is counted of one name. */
const MOST = 2 ** 30;

/** What keeping something costs under that name: one, and more where the name is long. */
export function costOf(name: unknown): number {
  return 1 + Math.floor(sizeOf(name, MOST) / PER_NAME);
}

/**
 * How much of this node's memory the other nodes take, each by itself. One that wants more than it may have is refused: told of once,
 * and disconnected.
 */
export class Accounts {
  readonly #max: number;
  readonly #refused: (node: string) => void;
  readonly #costs: Map<string, number> = new Map();
  readonly #closed: Set<string> = new Set();

  /** @param refused is called once for a node, until it is forgotten. */
  constructor(max: number, refused: (node: string) => void) {
    this.#max = max;
    this.#refused = refused;
  }

  /** @returns whether it may have that much more. */
  take(node: string, cost: number): boolean {
    if (this.#closed.has(node)) return false;
    const sum = (this.#costs.get(node) ?? 0) + cost;
    if (sum > this.#max) {
      this.#closed.add(node);
      this.#refused(node);
      return false;
    }
    this.#costs.set(node, sum);
    return true;
  }

  give(node: string, cost: number): void {
    const left = (this.#costs.get(node) ?? 0) - cost;
    if (left > 0) this.#costs.set(node, left);
    else this.#costs.delete(node);
  }

  /** The node is lost: when it comes again it may try again. */
  reopen(node: string): void {
    this.#closed.delete(node);
  }
}
