import type { EpmdAlive, EpmdDumped, EpmdNode } from "./epmd_protocol.ts";

/** Names that are remembered after their node has gone, as in epmd. */
const MAX_OLD = 1000;
/** Creations 0 to 3 are what older nodes have; a node of version 6 gets none of them. */
const FIRST_CREATION = 4;
/** What epmd answers in the place of a creation where it refuses a name. */
export const NO_CREATION = 99;

interface Entry {
  readonly node: EpmdNode;
  /** The number of the connection that holds the name. */
  readonly fd: number;
}

/** The names of a host, and who holds them. Knows no socket. */
export class EpmdRegistry {
  readonly #active: Map<string, Entry> = new Map();
  readonly #old: Map<string, Entry> = new Map();
  #creation: number;

  /** @param seed An unsigned 32-bit random number, so that a new daemon does not repeat the creations of the last one. */
  constructor(seed: number) {
    this.#creation = Math.max(FIRST_CREATION, seed >>> 0);
  }

  get size(): number {
    return this.#active.size;
  }

  /** Registers a node for the connection `fd`, or refuses since the name is taken. */
  register(node: EpmdNode, fd: number): EpmdAlive {
    if (this.#active.has(node.name)) return { result: 1, creation: NO_CREATION };
    this.#old.delete(node.name);
    this.#active.set(node.name, { node, fd });
    const creation = this.#creation;
    this.#creation = creation === 0xffff_ffff ? FIRST_CREATION : creation + 1;
    // A node below version 6 has two bits for it, and 0 stands for none.
    return { result: 0, creation: node.highest >= 6 ? creation : creation % 3 + 1 };
  }

  /** Frees a name. `false` if nobody holds it. */
  unregister(name: string): boolean {
    const entry = this.#active.get(name);
    if (entry === undefined) return false;
    this.#active.delete(name);
    this.#old.set(name, entry);
    if (this.#old.size > MAX_OLD) this.#old.delete(this.#old.keys().next().value as string);
    return true;
  }

  find(name: string): EpmdNode | null {
    return this.#active.get(name)?.node ?? null;
  }

  /** The connection that holds a name, `null` if none does. */
  holder(name: string): number | null {
    return this.#active.get(name)?.fd ?? null;
  }

  nodes(): EpmdNode[] {
    return [...this.#active.values()].map(({ node }) => node);
  }

  dump(): EpmdDumped[] {
    const lines = (entries: Map<string, Entry>, active: boolean): EpmdDumped[] =>
      [...entries.values()].map(({ node: { name, port }, fd }) => ({ active, name, port, fd }));
    return [...lines(this.#active, true), ...lines(this.#old, false)];
  }
}
