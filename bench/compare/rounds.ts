import { cpus } from "node:os";
import { measure } from "./measure.ts";
import type { Epmd } from "./programs.ts";
import type { Cell, Row } from "./rows.ts";
import {
  type Effort,
  isOnPath,
  type Place,
  placesOf,
  prepare,
  type Ready,
  type Runtime,
  writeCorpus,
} from "./systems.ts";
import { isUndecided } from "./verdicts.ts";
import { CODEC_TARGETS, type Peer, type Workload } from "./workloads.ts";

/** What rows are measured with. */
export interface Bench {
  readonly runtimes: readonly Runtime[];
  readonly ready: ReadonlyMap<Peer, Ready>;
  /** How many samples a system gives. */
  readonly roundsOf: (workload: Workload, place: Place) => number;
  /** How many those give whose row has a target that is still undecided by then. Default: no more than the others. */
  readonly most?: number;
  readonly effort: Effort;
  readonly epmd: Epmd;
  readonly say: (text: string) => void;
}

/** The workloads of that name, or whose names begin so. */
export function chosen(
  workloads: readonly Workload[],
  only: string | undefined,
): readonly Workload[] {
  if (only === undefined) return workloads;
  return only.split(",").flatMap((name) => {
    const exact = workloads.filter((one) => one.name === name);
    if (exact.length > 0) return exact;
    const found = workloads.filter((one) => one.name.startsWith(`${name}-`));
    if (found.length > 0) return found;
    const names = workloads.map((one) => one.name).join(", ");
    throw new Error(`Cannot measure ${name}: there are ${names}, or the beginning of some`);
  });
}

/** Makes all peers ready that take part. */
export function prepareAll(
  workloads: readonly Workload[],
  say: (text: string) => void,
): Map<Peer, Ready> {
  const systems = new Set(workloads.flatMap(({ programs }) => Object.keys(programs)));
  systems.delete("ours");
  const ready = new Map(Array.from(systems as Set<Peer>, (peer) => [peer, prepare(peer)] as const));
  for (const [peer, state] of ready) {
    if ("missing" in state) say(`without ${peer}: ${state.missing}`);
  }
  if (workloads.some(({ file }) => file !== undefined)) writeCorpus();
  return ready;
}

/**
 * Measures a row round by round, in which all systems take turns, each round in another order. Where the quartiles leave open whether a target
 * is reached, those that give a sample in each round go on, up to `most`.
 */
export async function measureRow(workload: Workload, bench: Bench): Promise<Row> {
  const { epmd, say, most = 0 } = bench;
  const effort = effortOf(workload, bench.effort);
  const places = placesOf(workload, bench.runtimes);
  const cells = places.map((place): Cell => ({
    label: [place.peer, place.runtime].filter((part) => part !== null).join(" on "),
    peer: place.peer,
    runtime: place.runtime,
    samples: [],
    processor: [],
    missing: obstacle(workload) ?? needed(workload, place, bench.ready),
  }));
  const turns = places.map((place) => bench.roundsOf(workload, place));
  const rounds = Math.max(...turns);
  const failed = new Set<Cell>();
  const { name, title, group, unit, targets = [] } = workload;
  const row: Row = { name, title, group, unit, targets, cells };
  for (let round = 0; round < rounds || (round < most && isUndecided(row)); round++) {
    for (let turn = 0; turn < places.length; turn++) {
      const i = (turn + round) % places.length;
      const cell = cells[i];
      if (round >= turns[i] && (round < rounds || turns[i] < rounds)) continue;
      // What fails once may be an accident; what fails before it has given a figure, or twice, fails.
      if (cell.missing !== null && (!failed.has(cell) || cell.samples.length === 0)) continue;
      const result = await measure(workload, places[i], effort, epmd);
      if ("value" in result) {
        cell.samples.push(result.value);
        if (result.processor !== undefined) cell.processor.push(result.processor);
        continue;
      }
      cell.missing = result.missing;
      if (failed.has(cell)) failed.delete(cell);
      else failed.add(cell);
    }
    say(`${name}: round ${round + 1} of ${Math.max(rounds, round + 1)}`);
  }
  return row;
}

/**
 * How many samples a system gives: all of them where a target is about it, a third of them where it only stands beside. What is alive after
 * a garbage collection is the same each time.
 */
export function roundsOf({ group, targets = [] }: Workload, place: Place, rounds: number): number {
  if (group === "memory") return 1;
  const all = group === "codec" ? CODEC_TARGETS : targets;
  const counts = all.length > 0 && (place.peer === null ||
    all.some((target) => "peer" in target && target.peer === place.peer));
  return counts ? rounds : Math.ceil(rounds / 3);
}

/** What runs in one process is compiled in half the time; what takes part there is smaller. */
function effortOf({ far, group }: Workload, effort: Effort): Effort {
  return far === undefined && group !== "remote" ? { ...effort, warm: effort.warm / 2 } : effort;
}

/** Why a row cannot be measured here at all, null where it can. */
function obstacle(workload: Workload): string | null {
  if (workload.cores === undefined) return null;
  if (!isOnPath("taskset")) return "there is no taskset on PATH, which places programs on cores";
  if (cpus().length < 2) return "this machine has one core";
  return null;
}

/** Why a system cannot take part in a row: it, or Erlang on one side of ours, is not there. */
function needed(workload: Workload, place: Place, ready: ReadonlyMap<Peer, Ready>): string | null {
  const all: readonly (Peer | null)[] = [place.peer, workload.group === "erlang" ? "otp" : null];
  const states = all.flatMap((peer) => peer === null ? [] : ready.get(peer) ?? []);
  const without = states.find((state) => "missing" in state);
  return without !== undefined && "missing" in without ? without.missing : null;
}
