/**
 * Ours and its peers, in one run: `bench_compare.mjs [--json] [--only NAME,...] [--runtime deno,bun,node] [--rounds N] [--most N] [--warm N] [--ms N] [--count N]
 * [--list] [--out FILE]`. What comes of it is written to FILE.json and FILE.md, which is in bench/results/ if nothing else is said.
 *
 * Each row is measured round by round, in which all systems take turns in another order each, every time in processes of their own. The
 * figures of one run can be compared with each other, not with those of another machine or hour.
 */

import process from "node:process";
import { optionsOf, positive, runtimesOf } from "./options.ts";
import { report } from "./report.ts";
import { json, keepPage, nextFile } from "./results.ts";
import { chosen, roundsOf } from "./rounds.ts";
import { hasFailed, measureAll } from "./run.ts";
import { RUNTIMES } from "./systems.ts";
import { WORKLOADS } from "./workloads.ts";

const options = optionsOf({
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  only: { type: "string" },
  runtime: { type: "string", default: RUNTIMES.join(",") },
  rounds: { type: "string", default: "2" },
  most: { type: "string" },
  warm: { type: "string", default: "2000" },
  ms: { type: "string", default: "400" },
  count: { type: "string", default: "100000" },
  out: { type: "string" },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const workloads = chosen(WORKLOADS, options.only);
  if (options.list) {
    for (const { name, title, unit } of workloads) {
      console.log(`${name.padEnd(28)} ${title} (${unit})`);
    }
    return;
  }
  const runtimes = runtimesOf(options.runtime);
  const rounds = positive("rounds", options.rounds);
  const most = options.most === undefined ? rounds : positive("most", options.most);
  const effort = {
    warm: positive("warm", options.warm),
    ms: positive("ms", options.ms),
    count: positive("count", options.count),
  };
  const result = await measureAll(workloads, rounds, {
    ...{ runtimes, effort, say, most },
    roundsOf: (workload, place) => roundsOf(workload, place, rounds),
  });
  const text = report(result);
  const file = keepPage(options.out ?? nextFile("compare", result.date), result, text);
  say(`written to ${file}.json and .md`);
  console.log(options.json ? json(result) : text);
  if (hasFailed(result)) process.exitCode = 1;
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
