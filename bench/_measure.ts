/** One line of the table. */
export interface Row {
  readonly name: string;
  /** Median of the samples. */
  readonly value: number;
  readonly unit: string;
  /** Least and greatest sample. */
  readonly least: number;
  readonly most: number;
}

/** Says how long one run of a piece of work takes, in milliseconds, and how many times it did the thing that is measured. */
export interface Work {
  (): Promise<number> | number;
}

const SAMPLES = 7;

/** Times `work`, which returns how often it did its thing: microseconds each. One run is not counted. */
export function eachTakes(name: string, work: Work): Promise<Row> {
  return sample(name, "us", (ms, count) => ms * 1000 / count, work);
}

/** Times `work`: how many per second. */
export function perSecond(name: string, work: Work): Promise<Row> {
  return sample(name, "/s", (ms, count) => count / ms * 1000, work);
}

/** A figure that is measured by other means. */
export function figure(name: string, unit: string, value: number): Row {
  return { name, unit, value, least: value, most: value };
}

async function sample(
  name: string,
  unit: string,
  read: (ms: number, count: number) => number,
  work: Work,
): Promise<Row> {
  await work();
  const values: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const began = performance.now();
    const count = await work();
    values.push(read(performance.now() - began, count));
  }
  values.sort((a, b) => a - b);
  return { name, unit, value: values[SAMPLES >> 1], least: values[0], most: values[SAMPLES - 1] };
}
