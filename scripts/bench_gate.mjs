// Checks figures that need no clock against what was accepted: see bench/gate/main.ts, which Node runs.
//
//   bench_gate.mjs [--runtime deno,bun,node] [--accept] [--json]

import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { command, installDependencies, root } from "./runtimes/runtimes.mjs";
import { tellUsage } from "./usage.mjs";

tellUsage(import.meta.url);
installDependencies();
const [file, ...before] = command("node");
const main = join(root, "bench", "gate", "main.ts");
const child = spawn(file, [...before, main, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
