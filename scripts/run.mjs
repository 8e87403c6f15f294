// Runs something with a runtime of this repository, installing it first where it is missing:
//
//   run.mjs examples/start.ts     with the runtime whose command was typed
//   run.mjs deno task ok          with the one that is named: deno, bun, node or tsc

import { spawn } from "node:child_process";
import process from "node:process";
import {
  callingRuntime,
  command,
  installDependencies,
  runtimeNames,
} from "./runtimes/runtimes.mjs";

const args = process.argv.slice(2);

/** The whole command, as an array. */
function wanted() {
  if ([...runtimeNames, "tsc"].includes(args[0])) {
    installDependencies();
    return [...command(args[0]), ...args.slice(1)];
  }
  const name = callingRuntime();
  return [...command(name), ...(name === "deno" ? ["run", "-A"] : []), ...args];
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}

try {
  const [file, ...rest] = wanted();
  const child = spawn(file, rest, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : code));
  child.on("error", fail);
} catch (error) {
  fail(error);
}
