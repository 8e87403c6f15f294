/**
 * Ours and its peers, in one run: `bench_compare.mjs [--json] [--only NAME,...] [--runtime deno,bun,node] [--rounds N] [--warm N] [--ms N] [--count N]
 * [--list] [--out FILE]`. What comes of it is written to FILE.json and FILE.md, which is in bench/results/ if nothing else is said.
 *
 * Each row is measured round by round, in which all systems take turns in another order each, every time in processes of their own. The
 * figures of one run can be compared with each other, not with those of another machine or hour.
 */

import { cpus, loadavg } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { measure } from "./measure.ts";
import { Epmd } from "./programs.ts";
import {
  type Effort,
  isOnPath,
  type Place,
  placesOf,
  prepare,
  type Ready,
  type Runtime,
  RUNTIMES,
  versionOf,
  writeCorpus,
} from "./systems.ts";
import { positive, runtimesOf } from "./options.ts";
import { json, keep, machine, nextFile } from "./results.ts";
import { report, type Result } from "./report.ts";
import type { Cell, Row } from "./rows.ts";
import { type Peer, type Workload, WORKLOADS } from "./workloads.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    only: { type: "string" },
    runtime: { type: "string", default: RUNTIMES.join(",") },
    rounds: { type: "string", default: "5" },
    warm: { type: "string", default: "2000" },
    ms: { type: "string", default: "500" },
    count: { type: "string", default: "100000" },
    out: { type: "string" },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function chosen(only: string | undefined): readonly Workload[] {
  if (only === undefined) return WORKLOADS;
  return only.split(",").flatMap((name) => {
    const exact = WORKLOADS.filter((one) => one.name === name);
    if (exact.length > 0) return exact;
    const found = WORKLOADS.filter((one) => one.name.startsWith(`${name}-`));
    if (found.length > 0) return found;
    const names = WORKLOADS.map((one) => one.name).join(", ");
    throw new Error(`Cannot measure ${name}: there are ${names}, or the beginning of some`);
  });
}

/** Why a row cannot be measured here at all, null where it can. */
function obstacle(workload: Workload): string | null {
  if (workload.cores === undefined) return null;
  if (!isOnPath("taskset")) return "there is no taskset on PATH, which places programs on cores";
  if (cpus().length < 2) return "this machine has one core";
  return null;
}

async function measureRow(
  workload: Workload,
  runtimes: readonly Runtime[],
  ready: ReadonlyMap<Peer, Ready>,
  rounds: number,
  effort: Effort,
  epmd: Epmd,
): Promise<Row> {
  const places = placesOf(workload, runtimes);
  const cells = places.map((place): Cell => ({
    label: [place.peer, place.runtime].filter((part) => part !== null).join(" on "),
    peer: place.peer,
    runtime: place.runtime,
    samples: [],
    missing: obstacle(workload) ?? needed(workload, place, ready),
  }));
  const failed = new Set<Cell>();
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < places.length; turn++) {
      const i = (turn + round) % places.length;
      const cell = cells[i];
      // What fails once may be an accident; what fails before it has given a figure, or twice, fails.
      if (cell.missing !== null && (!failed.has(cell) || cell.samples.length === 0)) continue;
      const result = await measure(workload, places[i], effort, epmd);
      if ("value" in result) {
        cell.samples.push(result.value);
        continue;
      }
      cell.missing = result.missing;
      if (failed.has(cell)) failed.delete(cell);
      else failed.add(cell);
    }
    say(`${workload.name}: round ${round + 1} of ${rounds}`);
  }
  const { name, title, group, unit, targets = [] } = workload;
  return { name, title, group, unit, targets, cells };
}

/** Why a system cannot take part in a row: it, or Erlang on one side of ours, is not there. */
function needed(workload: Workload, place: Place, ready: ReadonlyMap<Peer, Ready>): string | null {
  const peer = place.peer ?? (workload.group === "erlang" ? "otp" : null);
  const state = peer === null ? undefined : ready.get(peer);
  return state !== undefined && "missing" in state ? state.missing : null;
}

async function main(): Promise<void> {
  const workloads = chosen(options.only);
  if (options.list) {
    for (const { name, title, unit } of workloads) {
      console.log(`${name.padEnd(28)} ${title} (${unit})`);
    }
    return;
  }
  const runtimes = runtimesOf(options.runtime);
  const rounds = positive("rounds", options.rounds);
  const effort = {
    warm: positive("warm", options.warm),
    ms: positive("ms", options.ms),
    count: positive("count", options.count),
  };
  const peers = new Set(
    workloads.flatMap(({ programs }) => Object.keys(programs)).filter((name) => name !== "ours"),
  ) as Set<Peer>;
  const ready = new Map(Array.from(peers, (peer) => [peer, prepare(peer)] as const));
  for (const [peer, state] of ready) {
    if ("missing" in state) say(`without ${peer}: ${state.missing}`);
  }
  if (workloads.some(({ file }) => file !== undefined)) writeCorpus();

  const rows: Row[] = [];
  const load = loadavg()[0];
  await using epmd = await Epmd.start();
  for (const workload of workloads) {
    rows.push(await measureRow(workload, runtimes, ready, rounds, effort, epmd));
  }
  const result: Result = {
    date: new Date().toISOString(),
    machine: machine(load),
    versions: {
      ...Object.fromEntries(runtimes.map((runtime) => [runtime, versionOf(runtime)])),
      ...Object.fromEntries(
        Array.from(ready, ([peer, state]) => [peer, "version" in state ? state.version : null]),
      ),
    },
    rounds,
    ...effort,
    rows,
  };
  const file = options.out ?? nextFile("compare", result.date);
  const text = report(result);
  keep(`${file}.json`, json(result));
  keep(`${file}.md`, text);
  say(`written to ${file}.json and .md`);
  console.log(options.json ? json(result) : text);
  const ours = rows.flatMap(({ cells }) => cells).filter(({ peer }) => peer === null);
  if (ours.some(({ missing }) => missing?.startsWith("failed") ?? false)) process.exitCode = 1;
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
