/** More powers of ten than that have lines that lie too close. */
const MANY = 6;

/** A logarithmic axis: it begins and ends at powers of ten. */
export class LogScale {
  readonly #from: number;
  readonly #to: number;
  readonly #begin: number;
  readonly #end: number;

  /**
   * @param values what is to fit; all are greater than 0.
   * @param least how many powers of ten there are at least, so that what hardly changes looks so.
   */
  constructor(values: readonly number[], begin: number, end: number, least = 1) {
    const logs = values.map(Math.log10);
    this.#from = Math.floor(Math.min(...logs));
    this.#to = Math.max(Math.ceil(Math.max(...logs)), this.#from + least);
    this.#begin = begin;
    this.#end = end;
  }

  /** Where a value is drawn. */
  at(value: number): number {
    const part = (Math.log10(value) - this.#from) / (this.#to - this.#from);
    return this.#begin + part * (this.#end - this.#begin);
  }

  /** The powers of ten. */
  get decades(): number[] {
    return Array.from({ length: this.#to - this.#from + 1 }, (_, i) => 10 ** (this.#from + i));
  }

  /** What is between them, in steps of one power: 2 to 9, 20 to 90; 2 and 5, 20 and 50 where there are many. */
  get between(): number[] {
    const { decades } = this;
    const steps = decades.length > MANY ? [2, 5] : [2, 3, 4, 5, 6, 7, 8, 9];
    return decades.slice(0, -1).flatMap((decade) => steps.map((n) => n * decade));
  }
}

const STEPS = {
  count: [[1e6, "M"], [1e3, "k"], [1, ""]],
  us: [[1e6, " s"], [1e3, " ms"], [1, " µs"], [1e-3, " ns"]],
  B: [[1e9, " GB"], [1e6, " MB"], [1e3, " kB"], [1, " B"]],
} as const;

/** A figure with its unit, as short as can be: `100 ms`, `10k`. */
export function labelOf(value: number, unit: keyof typeof STEPS): string {
  const steps: readonly (readonly [number, string])[] = STEPS[unit];
  const step = steps.find(([size]) => value >= size * 0.9999) ?? steps[steps.length - 1];
  return `${Number((value / step[0]).toPrecision(3))}${step[1]}`;
}
