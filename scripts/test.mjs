// Runs the tests and sums the figures of the runtimes' own test runners.
//
//   test.mjs [--runtime deno,bun,node] [--jobs N] [--verbose] [FILTER...]
//
// - Without --runtime: all three when called through npm, else the runtime that was called.
// - FILTER is a part of a test file's path: `tests/etf`, `decoder`. What is in tests/long runs only where a filter begins with that:
//   the task `interop` runs it.
// - Every test file runs in a process of its own, so that a crash, a leak or a hang is charged to
//   its file. The figures come from the runner's JUnit report. No report, no test in it, an exit
//   code that contradicts it, a process left behind: each counts as one failure.
// - A file that does not end in time is killed with all that it started. Node is not told to exit
//   after the last test, so that a timer, socket or process left open shows here.
// - ERGO_ALLOW_SKIP=0 makes every skipped test a failure. ERGO_TEST_TIMEOUT is the time for one
//   file in seconds (400), ERGO_TEST_TOTAL for all (3600). Without --jobs as many files run at once as
//   there are cores, four at most.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  callingRuntime,
  command,
  installDependencies,
  root,
  runtimeNames,
} from "./runtimes/runtimes.mjs";

const preload = join(root, "scripts", "test_preload.mjs");

/** How each runtime's test runner is asked to run one file and report to another. */
const runners = {
  deno: (file, report) => [
    "test",
    "--allow-all",
    "--no-check",
    "--quiet",
    `--preload=${preload}`,
    `--junit-path=${report}`,
    file,
  ],
  // Bun's limit for one test is 5 s unless told otherwise, also for node:test. Here the file's counts.
  bun: (file, report) => [
    "test",
    "--timeout=3600000",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    `./${file}`,
  ],
  node: (file, report) => [
    `--import=${preload}`,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    file,
  ],
};

/** The figures in a JUnit report as each runner writes it, undefined when it is not complete. */
export function readReport(runtime, xml) {
  const skips = xml.split("<skipped").length - 1;
  if (runtime === "node") {
    const total = (name) => Number(new RegExp(`<!-- ${name} (\\d+) -->`).exec(xml)?.[1]);
    const passed = total("pass");
    const failed = total("fail") + total("cancelled");
    const skipped = total("skipped") + total("todo");
    return Number.isNaN(passed + failed + skipped) ? undefined : { passed, failed, skipped };
  }
  const head = /<testsuites [^>]*>/.exec(xml)?.[0];
  if (head === undefined || !xml.trimEnd().endsWith("</testsuites>")) return undefined;
  const total = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = total("failures") + total("errors");
  return { passed: total("tests") - failed - skips, failed, skipped: skips };
}

/** What one run of a file counts for: the report's figures, and what else speaks against it. */
export function judge(figures, { code, timedOut, uncaught, leftBehind }) {
  const problems = [];
  if (timedOut) {
    problems.push("did not end in time: a test hangs, or a timer, socket or process was left open");
  } else if (figures === undefined) {
    problems.push(`ended without a report (exit code ${code})`);
  } else if (figures.passed + figures.failed + figures.skipped === 0) {
    problems.push("no test was executed");
  } else if (code !== 0 && figures.failed === 0 && uncaught === 0) {
    problems.push(`every test passed, yet the exit code is ${code}`);
  }
  if (uncaught > 0) problems.push(`${uncaught} uncaught errors`);
  if (leftBehind) problems.push("left a process behind");
  const counted = figures ?? { passed: 0, failed: 0, skipped: 0 };
  return { ...counted, failed: counted.failed + problems.length, problems };
}

async function runFile(runtime, file, { folder, limit, verbose }) {
  const name = `${runtime}-${file.replaceAll("/", "-")}`;
  const report = join(folder, `${name}.xml`);
  const uncaughtFile = join(folder, `${name}.uncaught`);
  const [binary, ...options] = command(runtime);
  const child = spawn(binary, [...options, ...runners[runtime](file, report)], {
    cwd: root,
    detached: true, // a process group of its own, to be killed whole
    env: { ...environment(), ERGO_TEST_UNCAUGHT: uncaughtFile },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child.pid);
  const output = [];
  for (const [stream, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
    stream.on("data", (chunk) => verbose ? to.write(chunk) : output.push(chunk));
  }
  const closed = new Promise((resolve) => child.on("close", resolve));
  const exited = new Promise((resolve) => {
    child.on("exit", (code, signal) => resolve(code ?? signal));
    child.on("error", (error) => resolve(error.message));
  });
  const timer = new AbortController();
  const timeout = sleep(limit, "timeout", { signal: timer.signal }).catch(() => {});
  let code = await Promise.race([exited, timeout]);
  const timedOut = code === "timeout";
  if (timedOut) {
    if (runtime === "node") signalGroup(child.pid, "SIGUSR2", child.pid);
    await sleep(500);
    signalGroup(-child.pid, "SIGKILL");
    code = await exited;
  }
  timer.abort();
  const leftBehind = !timedOut && await outlives(child.pid);
  if (leftBehind) signalGroup(-child.pid, "SIGKILL");
  running.delete(child.pid);
  // A process that escaped the group may still hold the pipes: do not wait for it.
  await Promise.race([closed, sleep(1000)]);
  const figures = existsSync(report)
    ? readReport(runtime, readFileSync(report, "utf8"))
    : undefined;
  const uncaught = existsSync(uncaughtFile)
    ? readFileSync(uncaughtFile, "utf8").split("\n").length - 1
    : 0;
  return {
    ...judge(figures, { code, timedOut, uncaught, leftBehind }),
    output: Buffer.concat(output).toString(),
  };
}

/** Whether the process group still has members some time after its leader's end. */
async function outlives(group) {
  for (let tries = 0; tries < 200; tries++) {
    if (!isRunning(group)) return false;
    await sleep(50);
  }
  return true;
}

function isRunning(group) {
  if (!signalGroup(-group, 0)) return false;
  if (!existsSync("/proc/self/stat")) return true;
  // In a container without an init process the dead stay in the group, as zombies.
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, , its] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(its) === group && state !== "Z";
    } catch {
      return false; // gone in the meantime
    }
  });
}

function signalGroup(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function environment() {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  // Without a UTF-8 locale Erlang and Elixir print Latin-1.
  const common = { ...env, LC_ALL: "C.UTF-8" };
  return process.stdout.isTTY ? { ...common, FORCE_COLOR: "1" } : { ...common, NO_COLOR: "1" };
}

function testFiles(filters) {
  return readdirSync(join(root, "tests"), { recursive: true })
    .map((name) => `tests/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".test.ts"))
    .filter((name) => filters.length === 0 || filters.some((part) => name.includes(part)))
    .filter((name) =>
      !name.startsWith("tests/long/") || filters.some((part) => part.startsWith("tests/long"))
    )
    .sort();
}

async function runSuite(runtime, files, { jobs, ...options }) {
  const started = Date.now();
  const sum = { runtime, files: files.length, passed: 0, failed: 0, skipped: 0, seconds: 0 };
  const queue = [...files];
  const worker = async () => {
    while (queue.length > 0) {
      const file = queue.shift();
      const since = Date.now();
      const limit = Math.max(1000, Math.min(options.limit, options.deadline - since));
      const result = await runFile(runtime, file, { ...options, limit });
      for (const key of ["passed", "failed", "skipped"]) sum[key] += result[key];
      printFile(runtime, file, result, Date.now() - since);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  sum.seconds = (Date.now() - started) / 1000;
  return sum;
}

function printFile(runtime, file, { passed, failed, skipped, problems, output }, ms) {
  const verdict = failed > 0 ? "FAIL" : "ok  ";
  const figures = `${passed} passed` + (failed ? `, ${failed} failed` : "") +
    (skipped ? `, ${skipped} skipped` : "");
  if (failed > 0 && output !== "") console.log(output.trimEnd());
  console.log(`${verdict} ${runtime.padEnd(4)} ${file}  ${figures}  ${(ms / 1000).toFixed(1)} s`);
  for (const problem of problems) console.log(`     ${problem}`);
}

function printTable(sums) {
  const rows = [["runtime", "files", "passed", "failed", "skipped", "seconds"]];
  for (const sum of sums) {
    const { runtime, files, passed, failed, skipped, seconds } = sum;
    rows.push([runtime, files, passed, failed, skipped, seconds.toFixed(1)].map(String));
  }
  console.log();
  for (const row of rows) {
    console.log(row.map((cell, i) => i === 0 ? cell.padEnd(8) : cell.padStart(9)).join(""));
  }
  console.log();
}

const running = new Set();

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: "string", short: "r" },
      jobs: { type: "string", short: "j", default: String(Math.min(4, availableParallelism())) },
      verbose: { type: "boolean", short: "v", default: false },
    },
  });
  const called = callingRuntime();
  const runtimes = values.runtime?.split(",") ?? (called === "node" ? runtimeNames : [called]);
  const unknown = runtimes.find((name) => !runtimeNames.includes(name));
  if (unknown !== undefined) throw new Error(`Cannot run on ${unknown}: use deno, bun or node`);
  const files = testFiles(positionals);
  if (files.length === 0) throw new Error(`Cannot run: no test file matches ${positionals}`);
  installDependencies();
  for (const runtime of runtimes) command(runtime); // installs now, before any clock runs

  const folder = mkdtempSync(join(tmpdir(), "ergo-test-"));
  const cleanUp = () => {
    for (const pid of running) signalGroup(-pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      cleanUp();
      process.exit(130);
    });
  }
  const options = {
    folder,
    jobs: Number(values.jobs),
    verbose: values.verbose,
    limit: Number(process.env.ERGO_TEST_TIMEOUT ?? 400) * 1000,
    deadline: Date.now() + Number(process.env.ERGO_TEST_TOTAL ?? 3600) * 1000,
  };
  const sums = [];
  for (const runtime of runtimes) sums.push(await runSuite(runtime, files, options));
  cleanUp();

  printTable(sums);
  const total = (key) => sums.reduce((sum, row) => sum + row[key], 0);
  const skipped = total("skipped");
  const skipFails = process.env.ERGO_ALLOW_SKIP === "0";
  const failed = total("failed") + (skipFails ? skipped : 0);
  const note = skipped > 0 && !skipFails ? `, ${skipped} skipped` : "";
  if (skipped > 0 && skipFails) console.log(`${skipped} skipped tests count as failed`);
  console.log(`${total("passed")} passed, ${failed} failed${note}`);
  process.exit(failed > 0 ? 1 : 0);
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  await main().catch((error) => {
    console.error(error.message);
    console.log("0 passed, 1 failed");
    process.exit(1);
  });
}
