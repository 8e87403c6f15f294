/**
 * A check against growth that needs no clock: `bench_gate.mjs [--runtime deno,bun,node] [--accept] [--json]`.
 *
 * What a call, a message and a process cost in turns, writes, bytes and control messages, beside what was accepted: bench/gate.json. It
 * fails where something has grown, where nothing was accepted, and where nothing measures any more what was. `--accept` takes what is there
 * now for the bounds; the difference in gate.json then tells reviewers.
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { optionsOf, runtimesOf } from "../compare/options.ts";
import { Running } from "../compare/programs.ts";
import { type Runtime, runtimeCommand, RUNTIMES } from "../compare/systems.ts";
import { accepted, type Checked, checkFigures, type Figure, unused, verdict } from "./figures.ts";
import { BOUNDS_FILE, readBounds } from "./bounds.ts";

const options = optionsOf({
  accept: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  runtime: { type: "string", default: RUNTIMES.join(",") },
});

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));
/** Room for what is young, so that nothing is collected while it is counted. */
const YOUNG = ["--min-semi-space-size=128", "--max-semi-space-size=256"];

async function measure(runtime: Runtime): Promise<Figure[]> {
  const [file, ...args] = withYoung(runtime, runtimeCommand(runtime, [PROGRAM]));
  const running = Running.start([file, ...args], null);
  const line = await running.line();
  await running.end();
  if (line === null) throw new Error(`Cannot measure on ${runtime}: ${running.errors()}`);
  return JSON.parse(line);
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

async function main(): Promise<void> {
  const runtimes = runtimesOf(options.runtime);
  const bounds = readBounds(BOUNDS_FILE, options.accept);
  const measured: Record<string, readonly Figure[]> = {};
  for (const runtime of runtimes) measured[runtime] = await measure(runtime);
  const checked = Object.fromEntries(
    Object.entries(measured).map(([runtime, figures]) => [
      runtime,
      checkFigures(figures, bounds, runtime),
    ]),
  );
  console.log(options.json ? JSON.stringify(checked) : table(checked));
  if (options.accept) {
    const text = JSON.stringify(accepted(bounds, measured), null, 2);
    writeFileSync(BOUNDS_FILE, `${text}\n`);
    return console.error(`accepted: ${BOUNDS_FILE} holds these now`);
  }
  const { faults, remarks } = verdict(checked, unused(bounds, measured));
  for (const line of [...faults, ...remarks]) console.error(`${line}; ${ADVICE}`);
  if (faults.length > 0) process.exitCode = 1;
}

const ADVICE = "if that is meant: deno task bench:gate --accept, and commit bench/gate.json";

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
