import type { Term } from "../../etf/term.ts";

/** Somebody of this node, or of another one, who listens to an event. */
export interface Listener {
  value(term: Term): void;
  /** So many values before the next one are lost. */
  dropped(count: number): void;
  /** There is no more. */
  ended(reason: Term): void;
}

/** An event as those see it who listen: its last values, and all that come. */
export class Feed {
  readonly listeners: Set<Listener> = new Set();
  /** How many values are kept for those who come later. */
  size: number;
  #last: Term[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** How many values are kept now. */
  get kept(): number {
    return this.#last.length;
  }

  /** Begins with the values that are kept. */
  add(listener: Listener): void {
    for (const term of this.#last) listener.value(term);
    this.listeners.add(listener);
  }

  push(term: Term): void {
    if (this.size > 0) {
      this.#last.push(term);
      if (this.#last.length > this.size) this.#last.shift();
    }
    for (const listener of this.listeners) listener.value(term);
  }

  dropped(count: number): void {
    for (const listener of this.listeners) listener.dropped(count);
  }

  end(reason: Term): void {
    const listeners = [...this.listeners];
    this.listeners.clear();
    this.#last = [];
    for (const listener of listeners) listener.ended(reason);
  }
}
