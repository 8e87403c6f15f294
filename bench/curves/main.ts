/**
 * Cost as work grows: `bench_curves.mjs [--only NAME,...] [--runtime deno,bun,node] [--rounds N] [--samples N] [--warm N] [--ms N] [--json]
 * [--list] [--out FOLDER] [--draw]`.
 *
 * Each curve is measured round by round, in which the runtimes take turns at each size, every point in a process of its own, which gives
 * some samples. All of it takes 8 minutes on two cores with nothing else to do. For each NAME.json and NAME.svg are written to the folder,
 * bench/results/curves if nothing else is said, and beside it FOLDER.md, a page with all curves that are there. `--draw` measures nothing and
 * draws again what the folder has.
 */

import { loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { optionsOf, positive, runtimesOf } from "../compare/options.ts";
import { Running } from "../compare/programs.ts";
import { json, machine, RESULTS } from "../compare/results.ts";
import { type Runtime, runtimeCommand, RUNTIMES, versionOf } from "../compare/systems.ts";
import { type Curve, CURVES } from "./curves.ts";
import { drawKept, keepMeasured, kept } from "./files.ts";
import { type Measured, table } from "./page.ts";

const options = optionsOf({
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  draw: { type: "boolean", default: false },
  only: { type: "string" },
  runtime: { type: "string", default: RUNTIMES.join(",") },
  rounds: { type: "string", default: "1" },
  samples: { type: "string", default: "3" },
  warm: { type: "string", default: "200" },
  ms: { type: "string", default: "100" },
  out: { type: "string", default: join(RESULTS, "curves") },
});

const POINT = fileURLToPath(new URL("./point.ts", import.meta.url));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

function chosen(only: string | undefined): readonly Curve[] {
  if (only === undefined) return CURVES;
  return only.split(",").flatMap((name) => {
    const found = CURVES.filter((curve) => curve.name === name);
    if (found.length > 0) return found;
    const names = CURVES.map((curve) => curve.name).join(", ");
    throw new Error(`Cannot measure ${name}: there are ${names}`);
  });
}

interface Effort {
  readonly rounds: number;
  readonly samples: number;
  readonly warm: number;
  readonly ms: number;
}

async function measureCurve(
  curve: Curve,
  runtimes: readonly Runtime[],
  { rounds, samples: perRound, warm, ms }: Effort,
): Promise<Measured> {
  const before = loadavg()[0];
  const series = runtimes.map((label) => ({
    label,
    points: curve.sizes.map((size) => ({ size, samples: [] as number[] })),
    failed: null as string | null,
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [i] of curve.sizes.entries()) {
      for (const one of series) {
        const { size, samples } = one.points[i];
        const effort = { warm, ms, samples: perRound };
        const options = Object.entries(effort).flatMap(([key, value]) => [`--${key}`, `${value}`]);
        const args = [POINT, curve.name, String(size), ...options];
        const running = Running.start(runtimeCommand(one.label, args), null);
        const line = await running.line();
        if (line === null) one.failed ??= `at ${size}: ${running.errors()}`;
        else samples.push(...JSON.parse(line).values);
        await running.end();
      }
    }
    say(`${curve.name}: round ${round + 1} of ${rounds}`);
  }
  return {
    date: new Date().toISOString(),
    machine: machine(before),
    versions: Object.fromEntries(runtimes.map((runtime) => [runtime, versionOf(runtime)])),
    rounds,
    series,
  };
}

async function main(): Promise<void> {
  const curves = chosen(options.only);
  if (options.list) {
    for (const { name, title, of, along } of curves) {
      console.log(`${name.padEnd(20)} ${title}: ${of} by ${along}`);
    }
    return;
  }
  const runtimes = runtimesOf(options.runtime);
  const effort = {
    rounds: positive("rounds", options.rounds),
    samples: positive("samples", options.samples),
    warm: positive("warm", options.warm),
    ms: positive("ms", options.ms),
  };
  const all: Record<string, Measured> = {};
  for (const curve of curves) {
    if (!options.draw) {
      keepMeasured(options.out, curve, await measureCurve(curve, runtimes, effort));
    }
    const measured = kept(options.out, curve);
    if (measured === null) continue;
    all[curve.name] = measured;
    drawKept(options.out, [curve]);
    if (!options.json) {
      console.log(`**${curve.title}** (${curve.name})\n\n${table(curve, measured)}\n`);
    }
    if (measured.series.some(({ failed }) => failed !== null)) process.exitCode = 1;
  }
  if (options.json) console.log(json(all));
  say(`written to ${options.out} and ${options.out}.md`);
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
