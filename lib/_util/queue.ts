/** A first-in first-out queue in a ring buffer. `undefined` cannot be queued: it is what an empty queue gives. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    const capacity = this.#items.length;
    if (this.#length === capacity) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length++;
  }

  /** The item that `shift` would take. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length--;
    // A queue that was long once gives its memory back.
    if (this.#length === 0 && this.#items.length > 1024) this.clear();
    return item;
  }

  /** Takes out the first item that fits. What stands before it keeps its order. */
  remove(fits: (item: T) => boolean): T | undefined {
    const last = this.#items.length - 1;
    for (let i = 0; i < this.#length; i++) {
      const at = (this.#head + i) & last;
      const item = this.#items[at]!;
      if (!fits(item)) continue;
      for (let j = i; j > 0; j--) {
        this.#items[(this.#head + j) & last] = this.#items[(this.#head + j - 1) & last];
      }
      this.shift(); // what is there now was moved, or is the item itself
      return item;
    }
    return undefined;
  }

  /** Puts items before those that are there. */
  putBefore(items: readonly T[]): void {
    const behind = [...this];
    this.clear();
    for (const item of items) this.push(item);
    for (const item of behind) this.push(item);
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#length = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) {
      yield this.#items[(this.#head + i) & (this.#items.length - 1)]!;
    }
  }

  #grow(): void {
    const items = this.#items;
    const grown: (T | undefined)[] = new Array(Math.max(4, items.length * 2)).fill(undefined);
    for (let i = 0; i < this.#length; i++) {
      grown[i] = items[(this.#head + i) & (items.length - 1)];
    }
    this.#items = grown;
    this.#head = 0;
  }
}
