import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { json, keep } from "../compare/results.ts";
import { type Curve, CURVES } from "./curves.ts";
import { type Measured, page, picture } from "./page.ts";

/** What a folder has of a curve; null if it has none. */
export function kept(folder: string, { name }: Curve): Measured | null {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

/** Writes NAME.json of what was measured. */
export function keepMeasured(folder: string, { name }: Curve, measured: Measured): void {
  keep(join(folder, `${name}.json`), json(measured));
}

/**
 * Writes NAME.svg of each of these curves that the folder has, and FOLDER.md beside it of all. Nothing is drawn from anything but
 * NAME.json, where figures are rounded, so that drawing again changes nothing.
 */
export function drawKept(folder: string, curves: readonly Curve[]): void {
  for (const curve of curves) {
    const measured = kept(folder, curve);
    if (measured?.series.some(({ points }) => points.some(({ samples }) => samples.length > 0))) {
      keep(join(folder, `${curve.name}.svg`), picture(curve, measured));
    }
  }
  const there = CURVES.flatMap((curve): [Curve, Measured][] => {
    const measured = kept(folder, curve);
    return measured === null ? [] : [[curve, measured]];
  });
  if (there.length > 0) keep(`${folder}.md`, page(there, basename(folder)));
}
