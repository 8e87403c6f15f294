/** Somebody who waits until some nodes have the same names as this one. */
interface Syncer {
  readonly nodes: Set<string>;
  readonly done: () => void;
}

/** Who waits for nodes to have the same names as this one. */
export class Syncers {
  readonly #syncers: Set<Syncer> = new Set();

  get size(): number {
    return this.#syncers.size;
  }

  /** Calls `done` when each of those nodes has settled. */
  add(nodes: readonly string[], done: () => void): void {
    if (nodes.length === 0) done();
    else this.#syncers.add({ nodes: new Set(nodes), done });
  }

  /** A node has the same names, or it is lost: nobody need wait for it. */
  settle(node: string): void {
    for (const syncer of [...this.#syncers]) {
      if (!syncer.nodes.delete(node) || syncer.nodes.size > 0) continue;
      this.#syncers.delete(syncer);
      syncer.done();
    }
  }
}
