import { summary } from "../compare/statistics.ts";
import type { Curve } from "./curves.ts";

/** What was measured at one size, once a round. */
export interface Point {
  readonly size: number;
  readonly samples: readonly number[];
}

/**
 * How a curve grows at its end: the exponent between its median at the largest size and that at the greatest size of a hundredth of it or
 * less. 0 is not at all, 1 as the size does. Null with fewer than two points.
 */
export function growth(points: readonly Point[]): number | null {
  const measured = points.filter(({ samples }) => samples.length > 0);
  const last = measured.at(-1);
  const before = measured.findLast(({ size }) => last !== undefined && size * 100 <= last.size);
  if (last === undefined || before === undefined) return null;
  const cost = (point: Point): number => summary(point.samples).median;
  return Math.log(cost(last) / cost(before)) / Math.log(last.size / before.size);
}

/**
 * The greatest exponents. A `Map` of the runtimes itself comes to 0.55 where what it holds no longer fits into the caches of the processor;
 * what looks through everything comes to 1 more than it should.
 */
const ALLOWED = { not: 0.65, linearly: 1.5 } as const;

/** Whether the cost grows faster at the end than it should. */
export function growsTooFast({ grows }: Curve, exponent: number): boolean {
  return exponent > ALLOWED[grows];
}
