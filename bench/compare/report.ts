import type { Machine } from "./results.ts";
import type { Row } from "./rows.ts";
import { tables } from "./table.ts";

/** What a run of the comparison gives. */
export interface Result {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly rounds: number;
  /** How many rows have in which a target was still undecided; those of older results none. */
  readonly most?: number;
  readonly warm: number;
  readonly ms: number;
  readonly count: number;
  readonly rows: readonly Row[];
}

/** The same as a page. */
export function report(result: Result): string {
  return `${heading(result)}\n\n${tables(result.rows)}`;
}

/** Where and how it was measured. */
export function heading(result: Result): string {
  const { date, machine, versions, rounds, most = rounds, warm, ms } = result;
  const [before, after] = machine.load.map((load) => load.toFixed(2));
  const memory = Math.round(machine.memory / 1024 ** 3);
  const about = Object.entries(versions).flatMap(([name, version]) =>
    version === null ? [] : [`${name}: ${version}`]
  );
  return [
    `Measured ${date.slice(0, 10)} on ${machine.cores} cores (${machine.cpu}), ${memory} GiB, ` +
    `${machine.system}, load ${before} before and ${after} after; ${rounds} rounds in turns` +
    (most > rounds ? `, up to ${most} where the quartiles leave a target open` : "") +
    `, each of ${ms} ms after ${warm} ms of warming up.`,
    `${about.join("; ")}.`,
  ].join("\n\n");
}
