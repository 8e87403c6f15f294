/** Items of a queue, and in the last place the chunk behind it. An object for both would be another step at every item. */
type Chunk = unknown[];

/** A chunk has room for twice as many as are queued when it is made; for these at least and at most. */
const LEAST = 4;
const MOST = 512;

function chunkOf(size: number): Chunk {
  return new Array(size + 1).fill(undefined);
}

/**
 * A first-in first-out queue. `undefined` cannot be queued: it is what an empty queue gives.
 *
 * It is a chain of chunks: what is queued is never copied, and a queue that was long once gives its memory back.
 */
export class Queue<T> {
  /** Where items are taken, and from which place on; `null` where nothing was queued yet. */
  #head: Chunk | null = null;
  #from = 0;
  /** Where items are put, and in which place. */
  #tail: Chunk | null = null;
  #to = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    const tail = this.#tail;
    this.#length++;
    if (tail !== null && this.#to < tail.length - 1) tail[this.#to++] = item;
    else this.#extend(item);
  }

  /** The item that `shift` would take. */
  peek(): T | undefined {
    if (this.#length === 0) return undefined;
    const head = this.#head!;
    const item = head[this.#from];
    return (this.#from === head.length - 1 ? (item as Chunk)[0] : item) as T;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    let head = this.#head!;
    if (this.#from === head.length - 1) {
      head = this.#head = head[this.#from] as Chunk;
      this.#from = 0;
    }
    const item = head[this.#from];
    head[this.#from++] = undefined;
    if (--this.#length === 0) this.#emptied();
    return item as T;
  }

  /** Takes out the first item that fits. What stands before it keeps its order. */
  remove(fits: (item: T) => boolean): T | undefined {
    let found = false;
    let at = 0;
    for (const item of this) {
      found = fits(item);
      if (found) break;
      at++;
    }
    if (!found) return undefined;
    // Each of those before it goes one place on, into that of the one behind.
    let chunk = this.#head!;
    let place = this.#from;
    let moved: unknown = undefined;
    for (let i = 0; i <= at; i++) {
      if (place === chunk.length - 1) {
        chunk = chunk[place] as Chunk;
        place = 0;
      }
      const item = chunk[place];
      chunk[place++] = moved;
      moved = item;
    }
    this.shift(); // the place of the first one, which is empty now
    return moved as T;
  }

  /** Puts items before those that are there. */
  putBefore(items: readonly T[]): void {
    const behind = [...this];
    this.clear();
    for (const item of items) this.push(item);
    for (const item of behind) this.push(item);
  }

  clear(): void {
    this.#head = this.#tail = null;
    this.#from = this.#to = this.#length = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    let chunk = this.#head;
    let place = this.#from;
    for (let i = 0; i < this.#length; i++) {
      if (place === chunk!.length - 1) {
        chunk = chunk![place] as Chunk;
        place = 0;
      }
      yield chunk![place++] as T;
    }
  }

  #extend(item: T): void {
    const tail = this.#tail;
    const made = chunkOf(Math.max(LEAST, Math.min(MOST, 2 * this.#length)));
    made[0] = item;
    if (tail === null) this.#head = made;
    else tail[tail.length - 1] = made;
    this.#tail = made;
    this.#to = 1;
  }

  #emptied(): void {
    const tail = this.#tail!;
    if (tail.length > MOST) {
      this.clear();
    } else {
      this.#head = tail;
      this.#from = this.#to = 0;
    }
  }
}
