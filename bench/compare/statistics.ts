import type { Unit } from "./workloads.ts";

/** What the samples of one cell come to. */
export interface Summary {
  readonly median: number;
  /** The quartiles: half of the samples lie between them. */
  readonly lower: number;
  readonly upper: number;
}

export function summary(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new Error("Cannot sum up no samples: there has to be one");
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 1 / 2),
    lower: quantile(sorted, 1 / 4),
    upper: quantile(sorted, 3 / 4),
  };
}

/** The value under which that part of sorted samples lies, in between two of them where it falls there. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (next - sorted[below]) * (place - below);
}

/** How many times better the first is than the second: of microseconds and bytes less is better. */
export function ratio(unit: Unit, ours: number, theirs: number): number {
  return unit === "/s" ? ours / theirs : theirs / ours;
}

/** A ratio of medians, with what it would be if the one were at its worse quartile and the other at its better one, and the other way. */
export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function ratioOf(unit: Unit, ours: readonly number[], theirs: readonly number[]): Ratio {
  const [a, b] = [summary(ours), summary(theirs)];
  const extremes = [ratio(unit, a.lower, b.upper), ratio(unit, a.upper, b.lower)];
  return {
    median: ratio(unit, a.median, b.median),
    least: Math.min(...extremes),
    most: Math.max(...extremes),
  };
}

export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) {
    throw new Error("Cannot take the mean of no values: there has to be one");
  }
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The geometric means of ratios, each of its three. */
export function meanRatio(ratios: readonly Ratio[]): Ratio {
  const mean = (read: (ratio: Ratio) => number): number => geometricMean(ratios.map(read));
  return {
    median: mean(({ median }) => median),
    least: mean(({ least }) => least),
    most: mean(({ most }) => most),
  };
}
