import { Queue } from "../../_util/queue.ts";

/**
 * Counts restarts in a sliding window, as OTP does: those that are not older than the period count, the one of now too. It keeps no
 * more of them than are allowed.
 */
export class Intensity {
  readonly #intensity: number;
  readonly #period: number;
  readonly #restarts: Queue<number> = new Queue();

  /** @param period milliseconds. */
  constructor(intensity: number, period: number) {
    this.#intensity = intensity;
    this.#period = period;
  }

  /** How many restarts count at present. */
  get count(): number {
    return this.#restarts.length;
  }

  /** @returns whether one more restart, now, is allowed. */
  allows(now: number): boolean {
    if (this.#intensity === Infinity) return true;
    const restarts = this.#restarts;
    restarts.push(now);
    const oldest = now - this.#period;
    while (restarts.peek()! < oldest) restarts.shift();
    return restarts.length <= this.#intensity;
  }
}
