// Measures ours beside its peers (OTP, Ergo, raw TCP, other codecs) and prints tables: see bench/compare/main.ts, which Node runs.
//
//   bench_compare.mjs [--json] [--only NAME,...] [--runtime deno,bun,node] [--rounds N] [--most N] [--warm N] [--ms N] [--count N] [--list] [--out FILE]

import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { command, installDependencies, root } from "./runtimes/runtimes.mjs";
import { tellUsage } from "./usage.mjs";

tellUsage(import.meta.url);
installDependencies();
const [file, ...before] = command("node");
const main = join(root, "bench", "compare", "main.ts");
const child = spawn(file, [...before, main, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
