import type { Machine } from "../compare/results.ts";
import { summary } from "../compare/statistics.ts";
import type { Curve } from "./curves.ts";
import { growsTooFast, growth } from "./growth.ts";
import { labelOf } from "./scale.ts";
import { draw, type Series } from "./svg.ts";

/** A curve as it was measured. */
export interface Measured {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly series: readonly (Series & { readonly failed: string | null })[];
}

/** The drawing of a curve, with where it was measured below. */
export function picture(curve: Curve, { machine, date, series }: Measured): string {
  const counts = series.flatMap(({ points }) => points.map(({ samples }) => samples.length));
  const most = Math.max(...counts);
  const shade = most > 1 ? `; medians of ${most} samples, bars from least to greatest` : "";
  return draw(
    curve,
    series,
    `${date.slice(0, 10)}, ${machine.cores} cores (${machine.cpu})${shade}`,
  );
}

/** A table of the medians, with how they grow at the end. */
export function table(curve: Curve, { series }: Measured): string {
  const sizes = curve.sizes.map((size) => labelOf(size, curve.bytes ? "B" : "count"));
  const head = [`${curve.of}, by ${curve.along}`, ...sizes, "growth"];
  const lines = series.map(({ label, points }) => {
    const exponent = growth(points);
    const figures = curve.sizes.map((size) => {
      const samples = points.find((point) => point.size === size)?.samples ?? [];
      return samples.length === 0 ? "" : labelOf(summary(samples).median, curve.unit);
    });
    const verdict = exponent === null
      ? ""
      : `${exponent.toFixed(2)}${growsTooFast(curve, exponent) ? ", too fast" : ""}`;
    return [label, ...figures, verdict];
  });
  const align = head.map((_, column) => column === 0 ? "---" : "---:");
  const failures = series.flatMap(({ label, failed }) =>
    failed === null ? [] : [`- ${label} failed ${failed}`]
  );
  const rows = [head, align, ...lines].map((line) => `| ${line.join(" | ")} |`).join("\n");
  return [rows, ...failures].join("\n\n");
}

/** All curves on one page; the pictures are in that folder beside it. */
export function page(all: readonly (readonly [Curve, Measured])[], folder: string): string {
  const [, { versions }] = all[0];
  const about = Object.entries(versions).map(([name, version]) => `${name}: ${version}`).join("; ");
  const { machine } = all[0][1];
  const dates = [...new Set(all.map(([, { date }]) => date.slice(0, 10)))].join(", ");
  const parts = all.map(([curve, measured]) =>
    [
      `## ${curve.title}`,
      curve.because,
      `![${curve.of} by ${curve.along}](${folder}/${curve.name}.svg)`,
      table(curve, measured),
    ].join("\n\n")
  );
  return [
    "# What grows with the work, and what does not",
    `Measured ${dates} on ${machine.cores} cores (${machine.cpu}), ${machine.system}. ${about}.`,
    `Growth is the exponent over the last two powers of ten: 0 is a cost that stays, 1 one that grows as the size does. \`too fast\` marks what grows more than it should.`,
    ...parts,
  ].join("\n\n");
}
