import type { Term } from "../../etf/term.ts";
import type { Watcher } from "./body.ts";

/**
 * A watcher that comes and goes with each call of another node. It is a link in a chain, because a `Set` costs several times as much: it is made anew
 * by all that comes and goes, and gives each thing a number first.
 */
export abstract class ChainedWatcher implements Watcher {
  /** @internal Its neighbours; `null` where it is in no chain. */
  _before: ChainedWatcher | null = null;
  /** @internal */
  _behind: ChainedWatcher | null = null;

  abstract down(reason: Term): void;
}

/** Begins and ends a chain. */
class Anchor extends ChainedWatcher {
  constructor() {
    super();
    this._before = this._behind = this;
  }

  down(): void {}
}

/** Those who are told when a process ends. */
export class Watchers implements Iterable<Watcher> {
  #others: Set<Watcher> | null = null;
  #chain: ChainedWatcher | null = null;
  #chained = 0;

  get size(): number {
    return this.#chained + (this.#others === null ? 0 : this.#others.size);
  }

  /** A chained one must be in no chain. */
  add(watcher: Watcher): void {
    if (!(watcher instanceof ChainedWatcher)) {
      (this.#others ??= new Set()).add(watcher);
      return;
    }
    const chain = this.#chain ??= new Anchor();
    const last = chain._before!;
    last._behind = chain._before = watcher;
    watcher._before = last;
    watcher._behind = chain;
    this.#chained++;
  }

  /** A chained one must be of these, or in no chain. */
  delete(watcher: Watcher): void {
    if (!(watcher instanceof ChainedWatcher)) {
      this.#others?.delete(watcher);
      return;
    }
    const before = watcher._before;
    if (before === null) return;
    before._behind = watcher._behind;
    watcher._behind!._before = before;
    watcher._before = watcher._behind = null;
    this.#chained--;
  }

  /** All that are there when it begins, those that are chained last. */
  [Symbol.iterator](): IterableIterator<Watcher> {
    const all = this.#others === null ? [] : [...this.#others];
    const chain = this.#chain;
    if (chain !== null) {
      for (let next = chain._behind!; next !== chain; next = next._behind!) all.push(next);
    }
    return all.values();
  }
}
