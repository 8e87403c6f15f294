import type { Process } from "./process.ts";

/** How many processes have their place in one page: few, since a page is kept while one of them lives. */
const PAGE = 32;

class Page {
  readonly number: number;
  readonly processes: (Process | null)[] = new Array(PAGE).fill(null);
  count = 0;

  constructor(number: number) {
    this.number = number;
  }
}

const NONE = new Page(-1);

/**
 * The processes of a node by their numbers. These are given one after another, so pages of neighbours take a fraction of the memory
 * and of the time that a `Map` takes, which is grown and shrunk, and all of it copied, by what processes come and go.
 */
export class ProcessTable {
  readonly #pages: Map<number, Page> = new Map();
  #size = 0;
  /** The page that was looked at last: the next look is mostly at the same. */
  #last: Page = NONE;
  /** The page that was made last. It is kept while it is empty, for it is where the next processes have their places. */
  #newest: Page = NONE;

  get size(): number {
    return this.#size;
  }

  get(number: number): Process | undefined {
    return this.#page(number)?.processes[number % PAGE] ?? undefined;
  }

  has(number: number): boolean {
    return this.get(number) !== undefined;
  }

  set(number: number, process: Process): void {
    const page = this.#page(number) ?? this.#add(pageOf(number));
    const place = number % PAGE;
    if (page.processes[place] === null) {
      page.count++;
      this.#size++;
    }
    page.processes[place] = process;
  }

  delete(number: number): void {
    const page = this.#page(number);
    const place = number % PAGE;
    if (page === undefined || page.processes[place] === null) return;
    page.processes[place] = null;
    this.#size--;
    if (--page.count === 0 && page !== this.#newest) this.#drop(page);
  }

  /** All of them: where one part of a node gives all numbers, those first that were made first. */
  *values(): IterableIterator<Process> {
    for (const { processes } of this.#pages.values()) {
      for (const process of processes) if (process !== null) yield process;
    }
  }

  #page(number: number): Page | undefined {
    const wanted = pageOf(number);
    if (this.#last.number === wanted) return this.#last;
    const page = this.#pages.get(wanted);
    if (page !== undefined) this.#last = page;
    return page;
  }

  #add(number: number): Page {
    if (this.#newest.count === 0) this.#drop(this.#newest);
    const page = this.#last = this.#newest = new Page(number);
    this.#pages.set(number, page);
    return page;
  }

  #drop(page: Page): void {
    this.#pages.delete(page.number);
    if (this.#last === page) this.#last = NONE;
  }
}

/** Numbers may be beyond 32 bits. */
function pageOf(number: number): number {
  return Math.floor(number / PAGE);
}
