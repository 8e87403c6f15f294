// Runs the benchmarks on Deno, Bun and Node, one after the other, and prints one table:
//
//   bench.mjs [local] [remote] [codec]

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { command, installDependencies } from "./runtimes/runtimes.mjs";
import { tellUsage } from "./usage.mjs";

const RUNTIMES = {
  deno: ["run", "-A", "--v8-flags=--expose-gc"],
  bun: [],
  node: ["--expose-gc"],
};

tellUsage(import.meta.url);
installDependencies();
const table = new Map();
let running = null;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => running?.kill(signal));
for (const [runtime, flags] of Object.entries(RUNTIMES)) {
  const [file, ...before] = command(runtime);
  const args = [...before, ...flags, "bench/main.ts", "--json", ...process.argv.slice(2)];
  running = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  running.stdout.setEncoding("utf8").on("data", (more) => text += more);
  const [status] = await once(running, "close");
  if (status !== 0) process.exit(1);
  for (const { name, unit, value } of JSON.parse(text.trim().split("\n").at(-1))) {
    const key = `${name} (${unit})`;
    if (!table.has(key)) table.set(key, {});
    table.get(key)[runtime] = value >= 100
      ? Math.round(value).toLocaleString("en")
      : value.toPrecision(3);
  }
}
console.log(`| | ${Object.keys(RUNTIMES).join(" | ")} |`);
console.log(`| --- | ${Object.keys(RUNTIMES).map(() => "---:").join(" | ")} |`);
for (const [name, row] of table) {
  console.log(`| ${name} | ${Object.keys(RUNTIMES).map((runtime) => row[runtime]).join(" | ")} |`);
}
