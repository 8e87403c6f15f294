// Runs the simulations of tests/simulations with many seeds.
//
//   simulate.mjs [--seeds N] [--from N] [--seed S] [--only NAME,...] [--runtime deno,bun,node] [--jobs N] [--once] [--trace]
//
// - --seeds: how many, from --from (1) on. Default 100. They are shared out among --jobs processes (1) of each runtime.
// - --seed: that one alone, again; with --trace all that happened is printed.
// - --only: those of that name. --runtime: the one that was called unless told otherwise.
// - --once: no seed runs twice, which is half the time, and nobody looks whether it does the same again.
// - A seed that fails is printed with its faults and what happened last; the others go on. The exit code is 1 then.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { callingRuntime, command, root } from "./runtimes/runtimes.mjs";

const folder = join(root, "tests", "simulations");

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    only: { type: "string" },
    runtime: { type: "string", default: callingRuntime() },
    jobs: { type: "string", default: "1" },
    once: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    work: { type: "string" }, // of the processes that this one starts: first seed, step, end
  },
});

function names() {
  const all = readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !/^_|\.test\.ts$/.test(name))
    .map((name) => name.slice(0, -".ts".length)).sort();
  const only = options.only?.split(",") ?? all;
  const unknown = only.find((name) => !all.includes(name));
  if (unknown === undefined) return only;
  throw new Error(`Cannot simulate ${unknown}: there are ${all.join(", ")}`);
}

/** Runs seeds here. @returns how many have failed. */
async function run(name, seeds) {
  const { simulate } = await import("../mod.ts");
  const { default: simulation } = await import(`../tests/simulations/${name}.ts`);
  const sums = { seeds: 0, steps: 0, time: 0, faults: 0, failed: 0 };
  const twice = !options.once;
  const begun = performance.now();
  for (const seed of seeds) {
    sums.seeds++;
    try {
      if (simulation.run !== undefined) { // without nodes
        const { steps, faults } = await simulation.run(seed);
        sums.steps += steps;
        sums.faults += faults;
        continue;
      }
      const result = await simulate({ ...simulation.options, seed, twice }, simulation.script);
      sums.steps += result.steps;
      sums.time += result.time;
      sums.faults += result.faults.length;
      if (options.trace) console.log(result.trace());
    } catch (error) {
      sums.failed++;
      console.log(`${name}, seed ${seed}: ${error?.message ?? error}`);
      if (options.trace && error?.trace) console.log(error.trace);
    }
  }
  return { ...sums, real: performance.now() - begun };
}

function* range(from, step, end) {
  for (let seed = from; seed < end; seed += step) yield seed;
}

/** Runs a part of the seeds in a process of its own, and gives what it has counted. */
function part(runtime, name, work) {
  const [binary, ...before] = command(runtime);
  const how = runtime === "deno" ? ["run", "-A", "--no-check"] : [];
  const args = ["--only", name, "--work", work.join()];
  if (options.once) args.push("--once");
  const child = spawn(binary, [...before, ...how, import.meta.filename, ...args], { cwd: root });
  let printed = "";
  child.stdout.on("data", (text) => printed += text);
  child.stderr.on("data", (text) => process.stderr.write(text));
  return new Promise((resolve) =>
    child.on("close", (code) => {
      const lines = printed.trimEnd().split("\n");
      const last = lines.pop() ?? "";
      if (lines.length > 0) console.log(lines.join("\n"));
      if (last.startsWith("{")) return resolve(JSON.parse(last));
      console.log(`${last}\n${runtime}: ${name} ended with ${code} and no result`);
      resolve({ seeds: 0, steps: 0, time: 0, faults: 0, failed: 1, real: 0 });
    })
  );
}

async function main() {
  if (options.work !== undefined) {
    const [from, step, end] = options.work.split(",").map(Number);
    console.log(JSON.stringify(await run(options.only, range(from, step, end))));
    return;
  }
  if (options.seed !== undefined) {
    const seed = Number.isNaN(Number(options.seed)) ? options.seed : Number(options.seed);
    for (const name of names()) {
      const { failed, steps, time } = await run(name, [seed]);
      console.log(
        `${name}, seed ${seed}: ${failed ? "fails" : `${steps} steps, ${time.toFixed(3)} ms`}`,
      );
      if (failed) process.exitCode = 1;
    }
    return;
  }
  const [from, count, jobs] = [options.from, options.seeds, options.jobs].map(Number);
  for (const runtime of options.runtime.split(",")) {
    for (const name of names()) {
      const parts = Array.from(
        { length: jobs },
        (_, i) => part(runtime, name, [from + i, jobs, from + count]),
      );
      const sum = { seeds: 0, steps: 0, time: 0, faults: 0, failed: 0, real: 0 };
      for (const one of await Promise.all(parts)) {
        for (const key of Object.keys(sum)) sum[key] += one[key];
      }
      const virtual = `${(sum.time / 3_600_000).toFixed(1)} h`;
      const real = `${(sum.real / 1000 / jobs).toFixed(1)} s`;
      console.log(
        `${name.padEnd(16)} ${
          runtime.padEnd(5)
        } ${sum.seeds} seeds, ${sum.failed} failed, ${sum.steps} steps, ${sum.faults} faults, ${virtual} in ${real}`,
      );
      if (sum.failed > 0) process.exitCode = 1;
    }
  }
}

await main();
