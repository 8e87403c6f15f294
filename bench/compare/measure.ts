import process from "node:process";
import { type Epmd, Running } from "./programs.ts";
import { type Command, type Effort, type Place, programOf } from "./systems.ts";
import type { Workload } from "./workloads.ts";

export type Sample =
  | {
    readonly value: number;
    /** Microseconds of the processors that one of them took in the program that measures. */
    readonly processor?: number;
  }
  | { readonly missing: string };

/** One turn of one system: starts its programs, and reads the line that the one that measures prints. */
export async function measure(
  workload: Workload,
  place: Place,
  effort: Effort,
  epmd: Epmd,
): Promise<Sample> {
  const [nearCore, farCore] = coresOf(workload);
  const far = workload.far?.[place.peer ?? "ours"] === undefined ? null : Running.start(
    placed(programOf(workload, place, effort, { as: nextName() }), farCore),
    epmd,
  );
  try {
    const ready = far === null ? "" : await far.line();
    if (ready === null) return { missing: `failed: the far side ended: ${far?.errors()}` };
    const name = ready === "ready" ? `far_${names}_${process.pid}@localhost` : ready.slice(6);
    const end = { far: far === null ? null : name };
    const near = Running.start(placed(programOf(workload, place, effort, end), nearCore), epmd);
    try {
      const line = await near.line();
      if (line === null) return { missing: `failed: ${near.errors()}` };
      return sampleOf(line);
    } finally {
      await near.end();
    }
  } finally {
    await far?.end();
  }
}

/** What a program has printed. One that prints something else has failed, and takes no other with it. */
function sampleOf(line: string): Sample {
  try {
    const { value, processor, skipped } = JSON.parse(line);
    return typeof value === "number" ? { value, processor } : { missing: String(skipped) };
  } catch {
    return { missing: `failed: it printed ${line.slice(0, 100)}` };
  }
}

let names = 0;

/** A name that no node before had. */
function nextName(): string {
  return `far_${++names}_${process.pid}@localhost`;
}

function coresOf({ cores }: Workload): [near: number | null, far: number | null] {
  return cores === undefined ? [null, null] : cores === "one" ? [0, 0] : [0, 1];
}

function placed(command: Command, core: number | null): Command {
  return core === null ? command : ["taskset", "-c", String(core), ...command];
}
