import { heading, type Result } from "../compare/report.ts";
import { ratioTo, type Row } from "../compare/rows.ts";
import { summary } from "../compare/statistics.ts";
import { details, markdown, number } from "../compare/table.ts";
import type { Peer } from "../compare/workloads.ts";
import type { Floor, Limit } from "./limits.ts";

/** Measured rows with what bounds them, as a page. */
export function report(result: Result, limits: readonly Limit[]): string {
  return [
    "# What bounds the targets that are not reached",
    heading(result),
    ABOUT,
    boundsTable(result.rows, limits),
    "Time of the processors, of the program that measures alone (where there are two the one that calls or sends), with all its threads; it is Erlang's where Erlang calls or sends. Where all processors are busy with it, no receiver can make it quicker.",
    processorTable(result.rows),
    details(result.rows),
  ].join("\n\n");
}

const ABOUT =
  `A floor is what is left when everything is taken away that could be done better, or not at all. Where it is below the target, no change of ours can
reach that, on this machine and these runtimes; where it is above, the difference is what our features and our code cost. Each figure is the best of the runtimes.`;

interface Best {
  readonly ratio: number;
  readonly label: string;
}

/** The best of the runtimes, of ours (`null`) or of a floor, as a multiple of what the peer does. */
export function best(row: Row, system: Floor | null, peer: Peer): Best | null {
  const all = row.cells.flatMap((cell): Best[] => {
    const ratio = cell.peer === system ? ratioTo(row, cell, peer) : null;
    return ratio === null ? [] : [{ ratio: ratio.median, label: cell.runtime ?? cell.label }];
  });
  return all.sort((a, b) => b.ratio - a.ratio)[0] ?? null;
}

/** One line for each floor of each target. */
function boundsTable(rows: readonly Row[], limits: readonly Limit[]): string {
  const head = ["workload", "target", "ours", "floor", "comes to", "floor / target", "so"];
  const align = ["---", "---", "---:", "---", "---:", "---:", "---"];
  const lines = rows.flatMap((row) => {
    const { floors } = limits.find(({ workload }) => workload.name === row.name)!;
    return row.targets.flatMap((target) => {
      if ("most" in target) return [];
      const ours = best(row, null, target.peer);
      return Object.entries(floors).map(([name, what]) => {
        const floor = best(row, name as Floor, target.peer);
        const part = floor === null ? null : floor.ratio / target.times;
        return [
          row.title,
          `${target.times} x ${target.peer}`,
          text(ours),
          `${what} (${name})`,
          text(floor),
          part?.toPrecision(3) ?? "",
          part === null ? "no figure" : so(part, ours, target.times),
        ];
      });
    });
  });
  return markdown([head, align, ...lines]);
}

function text(one: Best | null): string {
  return one === null ? "" : `${one.ratio.toPrecision(3)} (${one.label})`;
}

function so(part: number, ours: Best | null, times: number): string {
  if (ours !== null && ours.ratio >= times) return "reached";
  return part < 1 ? "out of reach here" : "the floor would reach it";
}

/** What each program that measures takes of the processors for one, and how many of them it keeps busy. */
function processorTable(rows: readonly Row[]): string {
  const head = ["workload", "system", "processor time of each (us)", "processors busy"];
  const lines = rows.flatMap(({ title, unit, cells }) =>
    cells.filter(({ processor }) => processor.length > 0).map(
      ({ label, samples, processor }, i) => {
        const each = summary(processor).median;
        const value = summary(samples).median;
        const passed = unit === "us" ? value : 1e6 / value;
        return [i === 0 ? title : "", label, number(each), (each / passed).toFixed(2)];
      },
    )
  );
  return markdown([head, ["---", "---", "---:", "---:"], ...lines]);
}
