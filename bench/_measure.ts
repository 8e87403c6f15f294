import process from "node:process";

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

/** One run of a piece of work: how many times it did the thing that is measured, with the time that took where not all of it counts. */
export interface Work {
  (): Promise<number | Timed> | number | Timed;
}

export interface Timed {
  readonly count: number;
  readonly ms: number;
}

/** Milliseconds from any beginning. */
export type Clock = () => number;
export const wallTime: Clock = () => performance.now();
/** What this program has taken of the processors, which other programs change much less. */
export const processorTime: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Runs `work` once. */
async function timed(work: Work, clock: Clock): Promise<Timed> {
  const began = clock();
  const done = await work();
  return typeof done === "number" ? { count: done, ms: clock() - began } : done;
}

/** What a row of runs came to. */
export interface Sum extends Timed {
  /** What this program has taken of the processors meanwhile, in milliseconds. */
  readonly processor: number;
}

/** Runs `work` over and over for about `ms` milliseconds, after `warm` which do not count, and gives the sum. */
export async function runFor(
  warm: number,
  ms: number,
  work: Work,
  clock: Clock = wallTime,
): Promise<Sum> {
  await repeat(warm, work, clock);
  return await measureFor(ms, work, clock);
}

/** As {@linkcode runFor}, where all is warm. */
export async function measureFor(ms: number, work: Work, clock: Clock = wallTime): Promise<Sum> {
  const before = processorTime();
  const sum = await repeat(ms, work, clock);
  return { ...sum, processor: processorTime() - before };
}

async function repeat(ms: number, work: Work, clock: Clock): Promise<Timed> {
  const sum = { count: 0, ms: 0 };
  do {
    const run = await timed(work, clock);
    sum.count += run.count;
    sum.ms += run.ms;
  } while (sum.ms < ms);
  return sum;
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
    const { count, ms } = await timed(work, wallTime);
    values.push(read(ms, count));
  }
  values.sort((a, b) => a - b);
  return { name, unit, value: values[SAMPLES >> 1], least: values[0], most: values[SAMPLES - 1] };
}
