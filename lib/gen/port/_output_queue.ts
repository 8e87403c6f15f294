import type { Binary } from "../../etf/binary.ts";
import { Queue } from "../../_util/queue.ts";

/** From so many bytes on that nobody has taken the program is held back. */
const HIGH = 256 * 1024;
/** A packet counts for so many bytes more, so that many small ones are bounded too. */
const EACH = 64;

/** Packets of a program that wait for whoever reads them: each goes to one reader. */
export class OutputQueue {
  readonly #packets: Queue<Binary> = new Queue();
  readonly #hold: (held: boolean) => void;
  #bytes = 0;
  #ended = false;
  #readers: ((result: IteratorResult<Binary, undefined>) => void)[] = [];

  /** @param hold holds the program back, or lets it go on. */
  constructor(hold: (held: boolean) => void) {
    this.#hold = hold;
  }

  push(packet: Binary): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader({ done: false, value: packet });
    this.#packets.push(packet);
    this.#bytes += packet.length + EACH;
    if (this.#bytes >= HIGH) this.#hold(true);
  }

  /** No more will come. What waits can still be read. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader(DONE);
  }

  /** A reader. One that is left leaves what waits to the next one. */
  read(): AsyncIterableIterator<Binary> {
    let left = false;
    const iterator: AsyncIterableIterator<Binary> = {
      next: () => left ? Promise.resolve(DONE) : this.#next(),
      return: () => {
        left = true;
        return Promise.resolve(DONE);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(): Promise<IteratorResult<Binary, undefined>> {
    const value = this.#packets.shift();
    if (value === undefined) {
      if (this.#ended) return Promise.resolve(DONE);
      return new Promise((resolve) => this.#readers.push(resolve));
    }
    this.#bytes -= value.length + EACH;
    if (this.#bytes < HIGH) this.#hold(false);
    return Promise.resolve({ done: false, value });
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
