/** Lets so many in at once, lets so many wait, and turns the others away. */
export class Gate {
  readonly #concurrency: number;
  readonly #queue: number;
  readonly #waiting: Set<(inside: boolean) => void> = new Set();
  #running = 0;

  constructor(concurrency: number, queue: number) {
    this.#concurrency = concurrency;
    this.#queue = queue;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** @returns whether it is inside; then `leave` is to be called once. `false` where it was turned away, or the signal aborted. */
  enter(signal: AbortSignal): true | Promise<boolean> | false {
    if (this.#running < this.#concurrency) {
      this.#running++;
      return true;
    }
    if (this.#waiting.size >= this.#queue) return false;
    return new Promise((resolve) => {
      const done = (inside: boolean): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", giveUp);
        resolve(inside);
      };
      const giveUp = (): void => done(false);
      signal.addEventListener("abort", giveUp);
      this.#waiting.add(done);
    });
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#running--;
    else next(true);
  }

  /** Turns away all that wait. */
  clear(): void {
    for (const done of [...this.#waiting]) done(false);
  }
}
