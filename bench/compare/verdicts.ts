import { codecMeans, ratioTo, ratioToBound, type Row } from "./rows.ts";
import type { Ratio } from "./statistics.ts";
import { CODEC_TARGETS, type Target } from "./workloads.ts";

/** Whether the best of our runtimes reaches a target, by the medians. */
export type Outcome = "yes" | "no" | "no figure";

/** What came of one target. */
export interface Verdict {
  readonly title: string;
  /** `3 x otp`, `at most 600 B`. */
  readonly target: string;
  /** What each of our runtimes comes to: how many times as good as the peer; of a bound, how many times it would go into it. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly outcome: Outcome;
  /** The best of them as a part of the target, from worse to better quartiles: 1 and more is reached. Null without a figure. */
  readonly best: Ratio | null;
  /** The worst of our runtimes as a part of the best: it is to be a half at least. Null with fewer than two. */
  readonly share: number | null;
}

export const LEAST_SHARE = 1 / 2;

/** Whether the quartiles of a row leave open if one of its targets is reached. */
export function isUndecided(row: Row): boolean {
  return verdictsOf(row).some(({ best }) => best !== null && best.least < 1 && best.most > 1);
}

/** Each target of each row, and of the codec's means. */
export function verdicts(rows: readonly Row[]): Verdict[] {
  const means = codecMeans(rows);
  const ofMeans = [...new Set(means.map(({ title }) => title))].flatMap((title) =>
    CODEC_TARGETS.map((target) => {
      const ratios = means.flatMap((mean) =>
        mean.title === title && "peer" in target && mean.peer === target.peer
          ? [[mean.label, mean.ratio] as const]
          : []
      );
      return verdict(title, target, "/s", new Map(ratios));
    })
  );
  return [...rows.flatMap(verdictsOf), ...ofMeans];
}

function verdictsOf(row: Row): Verdict[] {
  return row.targets.map((target) => {
    const ratios = row.cells.filter(({ peer }) => peer === null).flatMap((cell) => {
      const ratio = "most" in target
        ? ratioToBound(cell, target.most)
        : ratioTo(row, cell, target.peer);
      return ratio === null ? [] : [[cell.label, ratio] as const];
    });
    return verdict(row.title, target, row.unit, new Map(ratios));
  });
}

function verdict(
  title: string,
  target: Target,
  unit: string,
  ratios: ReadonlyMap<string, Ratio>,
): Verdict {
  const all = [...ratios.values()].toSorted((a, b) => b.median - a.median);
  const best = all.length === 0 ? null : part(all[0], "most" in target ? 1 : target.times);
  return {
    title,
    target: "most" in target
      ? `at most ${target.most.toLocaleString("en")} ${unit}`
      : `${target.times} x ${target.peer}`,
    ratios: Object.fromEntries(Array.from(ratios, ([label, { median }]) => [label, median])),
    outcome: best === null ? "no figure" : best.median >= 1 ? "yes" : "no",
    best,
    share: all.length < 2 ? null : all.at(-1)!.median / all[0].median,
  };
}

function part({ median, least, most }: Ratio, wanted: number): Ratio {
  return { median: median / wanted, least: least / wanted, most: most / wanted };
}
