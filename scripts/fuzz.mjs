// Feeds mutated frames and terms to everything that reads what others send:
//
//   fuzz.mjs [--seconds 60] [--seed S] [--runtime deno,bun,node] [--target NAME] [--case N]
//
// Each runtime has so many seconds, which the targets share. A failure prints what to type to have that very case again. Without
// a seed each run has another one, which it prints.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  callingRuntime,
  command,
  installDependencies,
  runtimeNames,
} from "./runtimes/runtimes.mjs";

const FLAGS = {
  deno: ["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: [],
  node: ["--expose-gc"],
};

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    runtime: { type: "string" },
    target: { type: "string" },
    case: { type: "string" },
  },
});
const runtimes = values.runtime?.split(",") ?? [callingRuntime()];
const unknown = runtimes.find((name) => !runtimeNames.includes(name));
if (unknown !== undefined) {
  console.error(`Cannot run on ${unknown}: use deno, bun or node`);
  process.exit(1);
}
installDependencies();
for (const runtime of runtimes) {
  console.log(`${runtime}:`);
  const [file, ...before] = command(runtime);
  const { runtime: _, ...options } = values;
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { status } = spawnSync(
    file,
    [...before, ...FLAGS[runtime], "tests/fuzz/main.ts", ...args],
    {
      stdio: "inherit",
    },
  );
  if (status !== 0) process.exit(1);
}
