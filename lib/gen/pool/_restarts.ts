/** Counts restarts as a supervisor does: within the last `period` milliseconds there may be `intensity` of them. */
export class Restarts {
  readonly #intensity: number;
  readonly #period: number;
  #times: number[] = [];

  constructor(intensity: number, period: number) {
    this.#intensity = intensity;
    this.#period = period;
  }

  /** @returns whether one more is too many. */
  add(now: number): boolean {
    this.#times = this.#times.filter((at) => now - at <= this.#period);
    this.#times.push(now);
    return this.#times.length > this.#intensity;
  }
}
