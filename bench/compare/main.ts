/**
 * Ours and its peers, in one run: `bench_compare.mjs [--json] [--only NAME,...] [--runtime deno,bun,node] [--rounds N] [--ms N] [--count N]
 * [--list] [--out FILE]`.
 *
 * Each row is measured round by round, in which all systems take turns in another order each, every time in processes of their own. The
 * figures of one run can be compared with each other, not with those of another machine or hour.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Epmd, measure } from "./measure.ts";
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
import { type Cell, type Row, tables } from "./table.ts";
import { type Peer, type Workload, WORKLOADS } from "./workloads.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    only: { type: "string" },
    runtime: { type: "string", default: RUNTIMES.join(",") },
    rounds: { type: "string", default: "5" },
    ms: { type: "string", default: "500" },
    count: { type: "string", default: "100000" },
    out: { type: "string" },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function chosen(only: string | undefined): readonly Workload[] {
  if (only === undefined) return WORKLOADS;
  return only.split(",").flatMap((name) => {
    const found = WORKLOADS.filter((one) => one.name === name || one.name.startsWith(`${name}-`));
    if (found.length > 0) return found;
    const names = WORKLOADS.map((one) => one.name).join(", ");
    throw new Error(`Cannot measure ${name}: there are ${names}, or the beginning of some`);
  });
}

function runtimesOf(text: string): readonly Runtime[] {
  return text.split(",").map((name) => {
    const found = RUNTIMES.find((runtime) => runtime === name);
    if (found === undefined) throw new Error(`Cannot run on ${name}: there are ${RUNTIMES}`);
    return found;
  });
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`Cannot use --${name} ${text}: it is a number greater than 0`);
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
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < places.length; turn++) {
      const i = (turn + round) % places.length;
      const cell = cells[i];
      if (cell.missing !== null) continue;
      const result = await measure(workload, places[i], effort, epmd);
      if ("value" in result) cell.samples.push(result.value);
      else cell.missing = result.missing;
    }
    say(`${workload.name}: round ${round + 1} of ${rounds}`);
  }
  const { name, title, group, unit } = workload;
  return { name, title, group, unit, cells };
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
  const effort = { ms: positive("ms", options.ms), count: positive("count", options.count) };
  const peers = new Set(
    workloads.flatMap(({ programs }) => Object.keys(programs)).filter((name) => name !== "ours"),
  ) as Set<Peer>;
  const ready = new Map(Array.from(peers, (peer) => [peer, prepare(peer)] as const));
  for (const [peer, state] of ready) {
    if ("missing" in state) say(`without ${peer}: ${state.missing}`);
  }
  if (workloads.some(({ file }) => file !== undefined)) writeCorpus();

  const rows: Row[] = [];
  await using epmd = await Epmd.start();
  for (const workload of workloads) {
    rows.push(await measureRow(workload, runtimes, ready, rounds, effort, epmd));
  }
  const result = {
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memory: totalmem(),
      system: `${process.platform} ${release()} ${process.arch}`,
    },
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
  const json = JSON.stringify(result, null, 2);
  const file = options.out ?? join(
    fileURLToPath(new URL("../results", import.meta.url)),
    `${result.date.replace(/\.\d+Z$/, "Z").replaceAll(":", "")}.json`,
  );
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${json}\n`);
  say(`written to ${file}`);
  console.log(options.json ? json : tables(rows));
  const ours = rows.flatMap(({ cells }) => cells).filter(({ peer }) => peer === null);
  if (ours.some(({ missing }) => missing?.startsWith("failed") ?? false)) process.exitCode = 1;
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
