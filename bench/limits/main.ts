/**
 * What bounds the targets that are not reached: `bench_limits.mjs [--json] [--only NAME,...] [--runtime deno,bun,node] [--rounds N] [--warm N]
 * [--ms N] [--list] [--out FILE]`. Rows of the comparison, measured as there, with a floor beside each: see limits.ts. Written to
 * FILE.json and FILE.md where a FILE is named, as bench/results/limits. Takes 8 minutes on two cores with nothing else to do.
 */

import process from "node:process";
import { optionsOf, positive, runtimesOf } from "../compare/options.ts";
import { json, keepPage } from "../compare/results.ts";
import { chosen } from "../compare/rounds.ts";
import { hasFailed, measureAll } from "../compare/run.ts";
import { RUNTIMES } from "../compare/systems.ts";
import { LIMITS } from "./limits.ts";
import { report } from "./report.ts";

const options = optionsOf({
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  only: { type: "string" },
  runtime: { type: "string", default: RUNTIMES.join(",") },
  rounds: { type: "string", default: "2" },
  warm: { type: "string", default: "2000" },
  ms: { type: "string", default: "200" },
  out: { type: "string" },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const workloads = chosen(LIMITS.map(({ workload }) => workload), options.only);
  if (options.list) {
    for (const { name, title } of workloads) console.log(`${name.padEnd(28)} ${title}`);
    return;
  }
  const runtimes = runtimesOf(options.runtime);
  const rounds = positive("rounds", options.rounds);
  const effort = {
    warm: positive("warm", options.warm),
    ms: positive("ms", options.ms),
    count: 0,
  };
  const result = await measureAll(workloads, rounds, {
    ...{ runtimes, effort, say },
    roundsOf: () => rounds,
  });
  const page = report(result, LIMITS);
  if (options.out !== undefined) {
    say(`written to ${keepPage(options.out, result, page)}.json and .md`);
  }
  console.log(options.json ? json(result) : page);
  if (hasFailed(result)) process.exitCode = 1;
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
