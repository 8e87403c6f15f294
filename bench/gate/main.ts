/**
 * A check against growth that needs no clock: `bench_gate.mjs [--runtime deno,bun,node] [--accept] [--json]`.
 *
 * What a call, a message and a process cost in turns, writes, bytes and control messages, beside what was accepted: bench/gate.json. It
 * fails where something has grown. `--accept` takes what is there now for the bounds; the difference in gate.json then tells reviewers.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runtimesOf } from "../compare/options.ts";
import { type Runtime, runtimeCommand, RUNTIMES } from "../compare/systems.ts";
import {
  accepted,
  type Bounds,
  type Checked,
  checkFigures,
  type Figure,
  unused,
} from "./figures.ts";
import { BOUNDS_FILE } from "./bounds.ts";

const { values: options } = parseArgs({
  options: {
    accept: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    runtime: { type: "string", default: RUNTIMES.join(",") },
  },
});

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));
/** Room for what is young, so that nothing is collected while it is counted. */
const YOUNG = ["--min-semi-space-size=128", "--max-semi-space-size=256"];

function measure(runtime: Runtime): Figure[] {
  const [file, ...args] = withYoung(runtime, runtimeCommand(runtime, [PROGRAM]));
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 300_000 });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  throw new Error(
    `Cannot measure on ${runtime}: ${stderr.trim().split("\n").slice(0, 5).join("; ")}`,
  );
}

function withYoung(runtime: Runtime, command: readonly string[]): string[] {
  return command.flatMap((arg) => {
    if (runtime === "node" && arg === "--expose-gc") return [arg, ...YOUNG];
    if (runtime === "deno" && arg.startsWith("--v8-flags=")) return [[arg, ...YOUNG].join(",")];
    return [arg];
  });
}

function table(checked: Readonly<Record<string, readonly Checked[]>>): string {
  const runtimes = Object.keys(checked);
  const names = [...new Set(Object.values(checked).flat().map(({ name }) => name))];
  const cell = (runtime: string, name: string): string => {
    const found = checked[runtime].find((figure) => figure.name === name);
    if (found === undefined) return "";
    const value = found.value.toLocaleString("en");
    return found.state === "as before"
      ? value
      : `${value} (${found.state}${
        found.bound === null ? "" : `, was ${found.bound.toLocaleString("en")}`
      })`;
  };
  const lines = [
    ["", ...runtimes],
    ["---", ...runtimes.map(() => "---:")],
    ...names.map((name) => [name, ...runtimes.map((runtime) => cell(runtime, name))]),
  ];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

const bounds: Bounds = existsSync(BOUNDS_FILE) ? JSON.parse(readFileSync(BOUNDS_FILE, "utf8")) : {};
const measured = Object.fromEntries(
  runtimesOf(options.runtime).map((runtime) => [runtime, measure(runtime)]),
);
const checked = Object.fromEntries(
  Object.entries(measured).map(([runtime, figures]) => [
    runtime,
    checkFigures(figures, bounds, runtime),
  ]),
);
console.log(options.json ? JSON.stringify(checked) : table(checked));
const all = Object.values(checked).flat();
const grown = all.filter(({ state }) => state === "grown").length;
if (options.accept) {
  const text = JSON.stringify(accepted(bounds, measured), null, 2);
  writeFileSync(BOUNDS_FILE, `${text}\n`);
  console.error(`accepted: ${BOUNDS_FILE} holds these now`);
} else {
  const advice = "if that is meant: deno task bench:gate --accept, and commit bench/gate.json";
  if (grown > 0) console.error(`${grown} have grown; ${advice}`);
  if (all.some(({ state }) => state === "new" || state === "less")) {
    console.error(`some are new or less, which is not held before it is accepted; ${advice}`);
  }
  const left = unused(bounds, measured);
  if (left.length > 0) console.error(`nothing measures ${left.join(", ")} any more; ${advice}`);
  if (grown > 0) process.exitCode = 1;
}
