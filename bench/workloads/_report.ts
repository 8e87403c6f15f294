import process from "node:process";
import { parseArgs } from "node:util";
import { runFor, type Work } from "../_measure.ts";

/** How a program of the comparison is called: `PROGRAM NAME... --unit UNIT --warm N --ms N [--far NODE] [--file PATH] [--packages FOLDER]`. */
export interface Task {
  readonly names: readonly string[];
  readonly unit: string;
  /** About how long to let it run before, in milliseconds. */
  readonly warm: number;
  /** About how long to measure, in milliseconds. */
  readonly ms: number;
  /** The node on the other side; this program starts it itself where there is none. */
  readonly far: string | undefined;
  /** The term to encode or decode. */
  readonly file: string;
  /** Where npm's packages are installed. */
  readonly packages: string;
  readonly count: number;
}

export function task(): Task {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      unit: { type: "string", default: "/s" },
      warm: { type: "string", default: "2000" },
      ms: { type: "string", default: "500" },
      far: { type: "string" },
      file: { type: "string", default: "" },
      packages: { type: "string", default: "" },
      count: { type: "string", default: "100000" },
    },
  });
  return {
    ...values,
    names: positionals,
    warm: Number(values.warm),
    ms: Number(values.ms),
    far: values.far,
    count: Number(values.count),
  };
}

/** Measures, and prints the one line that the comparison reads. */
export async function report({ names, unit, warm, ms }: Task, work: Work): Promise<void> {
  const { count, ms: took, processor } = await runFor(warm, ms, work);
  const value = unit === "us" ? took * 1000 / count : count / took * 1000;
  print(names, unit, value, processor * 1000 / count);
}

/** @param processor the microseconds of the processors that one of them took in this program. */
export function print(
  names: readonly string[],
  unit: string,
  value: number,
  processor?: number,
): void {
  console.log(JSON.stringify({ name: names.join(" "), value, unit, processor }));
}

/** Says that there is no figure, and why. */
export function skip(names: readonly string[], reason: string): void {
  console.log(JSON.stringify({ name: names.join(" "), skipped: reason }));
}

/** The entry of a table of workloads. */
export function pick<T extends object>(table: T, name: string): T[keyof T] {
  if (!Object.hasOwn(table, name)) {
    throw new Error(`Cannot measure ${name}: there are ${Object.keys(table).join(", ")}`);
  }
  return table[name as keyof T];
}

/** A node's name that no other program has. */
export function ownName(role: string): string {
  return `${role}_${process.pid}@localhost`;
}
