/** How many neighbours have their places in one page: few, since a page is kept while one of them is there. */
const PAGE = 32;

class Page<T> {
  readonly number: number;
  /** The number of its first place. */
  readonly first: number;
  readonly places: (T | null)[] = new Array(PAGE).fill(null);
  count = 0;

  constructor(number: number) {
    this.number = number;
    this.first = number * PAGE;
  }
}

/** No number of the table is of this page. */
const NONE = new Page<never>(-1);

/**
 * A table by numbers that are given one after another, from 0 on: of the processes of a node, of the references that messages can be sent to.
 *
 * Pages of neighbours take a fraction of the memory and of the time that a `Map` takes, which is grown and shrunk, and all of it copied, by what
 * comes and goes. And what was in a `Map` is kept by the tables that it has left behind, once V8 has moved one of them to its old generation:
 * calls that were over took twice their time by being collected late.
 */
export class NumberTable<T extends object> {
  readonly #pages: Map<number, Page<T>> = new Map();
  #size = 0;
  /** The page that was looked at last: the next look is mostly at the same. */
  #last: Page<T> = NONE;
  /** The page that was made last. It is kept while it is empty, for it is where the next ones have their places. */
  #newest: Page<T> = NONE;

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    const page = this.#page(number);
    return page === undefined ? undefined : page.places[number - page.first] ?? undefined;
  }

  has(number: number): boolean {
    return this.get(number) !== undefined;
  }

  set(number: number, value: T): void {
    const page = this.#page(number) ?? this.#add(pageOf(number));
    const place = number - page.first;
    if (page.places[place] === null) {
      page.count++;
      this.#size++;
    }
    page.places[place] = value;
  }

  /** @returns whether it was there. */
  delete(number: number): boolean {
    const page = this.#page(number);
    if (page === undefined) return false;
    const place = number - page.first;
    if (page.places[place] === null) return false;
    page.places[place] = null;
    this.#size--;
    if (--page.count === 0 && page !== this.#newest) this.#drop(page);
    return true;
  }

  clear(): void {
    this.#pages.clear();
    this.#size = 0;
    this.#last = this.#newest = NONE;
  }

  /** All of them: where one part of a node gives all numbers, those first that were made first. */
  *values(): IterableIterator<T> {
    for (const { places } of this.#pages.values()) {
      for (const value of places) if (value !== null) yield value;
    }
  }

  #page(number: number): Page<T> | undefined {
    const wanted = pageOf(number);
    if (this.#last.number === wanted) return this.#last;
    if (this.#newest.number === wanted) return this.#newest;
    const page = this.#pages.get(wanted);
    if (page !== undefined) this.#last = page;
    return page;
  }

  #add(number: number): Page<T> {
    if (this.#newest.count === 0) this.#drop(this.#newest);
    const page = this.#newest = new Page(number);
    this.#pages.set(number, page);
    return page;
  }

  #drop(page: Page<T>): void {
    this.#pages.delete(page.number);
    if (this.#last === page) this.#last = NONE;
  }
}

/** Numbers may be beyond 32 bits. */
function pageOf(number: number): number {
  return Math.floor(number / PAGE);
}
