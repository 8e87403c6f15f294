// Runs the interop matrix: every check of tests/interop between our node and nodes of Erlang and Elixir, for each release of OTP, each
// runtime and each way to be connected. Prints a table, and exits with 1 if a cell fails or has a hole.
//
//   interop.mjs [--otp 25,27,29] [--runtime deno,bun,node] [--mode visible,hidden,published,tls,mutual]
//               [--jobs N] [--folder DIR] [--verbose]
//
// - OTP 25 stands for the Erlang on PATH, whatever its release; the others come from otp_chroots.mjs, which makes them when they are
//   asked for the first time (--folder, ERGO_OTP_CHROOTS). Where that cannot be, their rows are skipped, and the reason is printed.
// - The modes are those of tests/_support/modes.ts. A cell runs whole test files: `25, node, tls` again alone is
//   `ERGO_TEST_MODE=tls scripts/test.mjs tests/interop/erlang.test.ts --runtime node`, with ERGO_TEST_CHROOT=DIR for another OTP.
// - A hole is a test that was skipped, a file without figures, or a cell with other figures than the same one of another release.
// - Without --otp and --mode, what is in tests/long runs too, once for each runtime: how long small calls take beside large messages, a
//   reader that is stopped for a minute, and RabbitMQ and ejabberd (Debian's packages), called from the examples, where they are installed.
// - ERGO_ALLOW_SKIP=0 makes what was skipped a failure.

import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import { chrootOf, chrootReleases } from "./otp_chroots.mjs";
import { command, installDependencies, root, runtimeNames } from "./runtimes/runtimes.mjs";

const MODES = ["visible", "hidden", "published", "tls", "mutual"];
/** Run in every cell. */
const IN_EVERY_MODE = [
  "tests/interop/erlang.test.ts",
  "tests/interop/elixir.test.ts",
  "tests/interop/our_side_erlang_calls.test.ts",
  "tests/interop/our_side_erlang_links.test.ts",
  "tests/interop/our_side_disconnects.test.ts",
  "tests/interop/our_side_elixir.test.ts",
];
/** Run once for each release and runtime, in the cell of the first mode. */
const IN_ONE_MODE = [
  "tests/dist/connection_erlang.test.ts",
  "tests/dist/dist_header_erlang.test.ts",
  "tests/interop/connects.test.ts",
  "tests/interop/flags_erlang.test.ts",
  "tests/interop/global.test.ts",
  "tests/interop/global_conflicts.test.ts",
  "tests/interop/global_locks.test.ts",
  "tests/interop/global_partitions.test.ts",
  "tests/interop/global_targets.test.ts",
  "tests/interop/sys.test.ts",
  "tests/interop/task_supervisor.test.ts",
  "tests/kernel/pg_erlang.test.ts",
];
const APPLICATIONS = {
  RabbitMQ: "tests/long/rabbitmq.test.ts",
  ejabberd: "tests/long/ejabberd.test.ts",
};
/** Programs that measure, with their arguments; run once for each runtime. They print figures and fail by their exit code. */
const MEASUREMENTS = {
  "48 MiB beside small calls": ["tests/long/large_beside_small.ts"],
  "a reader stopped for 60 s": ["tests/long/stopped_reader.ts", "60"],
};
/** For one file, in seconds. */
const TIMEOUT = 300;

/** The Erlang on PATH. */
function localOtp() {
  const ask = "{ok, Version} = file:read_file(filename:join([code:root_dir(), releases, " +
    "erlang:system_info(otp_release), 'OTP_VERSION'])), io:put_chars(Version), halt().";
  const { stdout, error } = spawnSync("erl", ["-noinput", "-eval", ask], { encoding: "utf8" });
  if (error) {
    throw new Error("Cannot use this machine's Erlang: there is no erl on PATH, install it");
  }
  return { version: stdout.trim(), folder: undefined };
}

/** Runs test files on a runtime: what the test runner's last line counts, and all that it has printed. */
function runTests(files, runtime, env, { verbose }) {
  const [node, ...options] = command("node");
  const args = [
    "scripts/test.mjs",
    ...files,
    "--runtime",
    runtime,
    ...verbose ? ["--verbose"] : [],
  ];
  const child = spawn(node, [...options, ...args], {
    cwd: root,
    env: {
      ...process.env,
      ERGO_TEST_TIMEOUT: String(TIMEOUT),
      ERGO_TEST_TOTAL: String(TIMEOUT * files.length),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let output = "";
  for (const [stream, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
    stream.on("data", (chunk) => {
      output += chunk;
      if (verbose) to.write(chunk);
    });
  }
  return new Promise((resolve) => {
    child.on("close", (code) => {
      children.delete(child);
      const sum = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(output);
      const [passed, failed, skipped] = [1, 2, 3].map((i) => Number(sum?.[i] ?? 0));
      const held = [...output.matchAll(/^ok +\w+ +\S+ {2}[1-9]\d* passed/gm)].length;
      resolve({
        passed,
        failed: sum === null || code !== 0 ? Math.max(failed, 1) : failed,
        skipped,
        holes: failed === 0 ? files.length - held : 0,
        output,
      });
    });
  });
}

const children = new Set();

/** Calls `work` for each item, so many at a time. */
async function inParallel(items, jobs, work) {
  const queue = [...items];
  const worker = async () => {
    while (queue.length > 0) await work(queue.shift());
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

function chosen(text, all, what) {
  const wanted = text?.split(",") ?? all;
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new Error(`Cannot run ${what} ${unknown}: there are ${all.join(", ")}`);
  }
  return wanted;
}

/** Runs a program of tests/long on a runtime. */
function measure(runtime, [file, ...rest]) {
  const [program, ...options] = command(runtime);
  const args = runtime === "deno" ? ["run", "-A", "--no-check", file] : [file];
  const { status, stdout, stderr } = spawnSync(program, [...options, ...args, ...rest], {
    cwd: root,
    encoding: "utf8",
    timeout: TIMEOUT * 1000,
  });
  return { failed: status !== 0, output: `${stdout}${stderr}`.trimEnd() };
}

/** What a cell shows. */
function text(cell) {
  if (cell === undefined) return "-";
  if (cell.reason !== undefined) return "skipped";
  const { passed, failed, skipped } = cell;
  return [`${passed}`, failed > 0 && `${failed} FAILED`, skipped > 0 && `${skipped} skipped`]
    .filter(Boolean).join(", ");
}

function printTable(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  console.log();
  for (const row of rows) {
    console.log(
      row.map((cell, i) =>
        i < 2 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])
      ).join("  "),
    );
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      otp: { type: "string" },
      runtime: { type: "string" },
      mode: { type: "string" },
      jobs: { type: "string", default: "1" },
      folder: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const releases = chosen(values.otp, ["25", ...chrootReleases], "OTP");
  const runtimes = chosen(values.runtime, runtimeNames, "runtime");
  const modes = chosen(values.mode, MODES, "mode");
  const isAll = values.otp === undefined && values.mode === undefined;
  installDependencies();
  for (const runtime of runtimes) command(runtime);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      for (const child of children) child.kill("SIGTERM");
      process.exit(130);
    });
  }

  const notes = [];
  let failed = 0;
  let skipped = 0;
  const otps = releases.map((release) => {
    try {
      return {
        release,
        ...(release === "25" ? localOtp() : chrootOf(release, { folder: values.folder })),
      };
    } catch (error) {
      notes.push(error.message);
      if (release === "25") failed++;
      return { release, version: release, reason: error.message };
    }
  });
  const cells = [];
  for (const otp of otps) {
    for (const runtime of runtimes) {
      for (const mode of modes) cells.push({ otp, runtime, mode });
    }
  }
  await inParallel(cells, Number(values.jobs), async (cell) => {
    const { otp, runtime, mode } = cell;
    if (otp.reason !== undefined) {
      skipped++;
      cell.reason = otp.reason;
      return;
    }
    const since = Date.now();
    const files = [...IN_EVERY_MODE, ...mode === modes[0] ? IN_ONE_MODE : []];
    const chroot = otp.folder === undefined ? {} : { ERGO_TEST_CHROOT: otp.folder };
    Object.assign(
      cell,
      await runTests(files, runtime, { ERGO_TEST_MODE: mode, ...chroot }, values),
    );
    const hole = cell.skipped + cell.holes > 0;
    if (cell.failed > 0 || hole) {
      failed++;
      if (!values.verbose) console.log(cell.output.trimEnd());
    }
    const seconds = ((Date.now() - since) / 1000).toFixed(0);
    console.log(
      `OTP ${otp.version}, ${runtime}, ${mode}: ${text(cell)}${
        hole ? ", a hole" : ""
      }, ${seconds} s`,
    );
  });
  for (const { otp, runtime, mode, passed, reason } of cells) {
    const first = cells.find((cell) =>
      cell.runtime === runtime && cell.mode === mode && cell.reason === undefined
    );
    if (reason !== undefined || first.failed > 0 || first.passed === passed) continue;
    failed++;
    notes.push(
      `A hole: ${runtime}, ${mode} has ${passed} checks with OTP ${otp.version}, ${first.passed} with OTP ${first.otp.version}`,
    );
  }

  const applications = [];
  if (isAll) {
    for (const [name, program] of Object.entries(MEASUREMENTS)) {
      for (const runtime of runtimes) {
        const { failed: fault, output } = measure(runtime, program);
        if (fault) failed++;
        console.log(
          `${name}, ${runtime}: ${fault ? "FAILED" : "ok"}\n${output.replaceAll(/^/gm, "  ")}`,
        );
      }
    }
    for (const [name, file] of Object.entries(APPLICATIONS)) {
      for (const runtime of runtimes) {
        const result = await runTests([file], runtime, {}, values);
        if (result.failed > 0) {
          failed++;
          if (!values.verbose) console.log(result.output.trimEnd());
        }
        skipped += result.skipped;
        applications.push({ name, runtime, ...result });
      }
    }
  }

  printTable([
    ["OTP", "runtime", ...modes],
    ...otps.flatMap((otp) =>
      runtimes.map((runtime) => [
        otp.version,
        runtime,
        ...modes.map((mode) =>
          text(
            cells.find((cell) =>
              cell.otp === otp && cell.runtime === runtime && cell.mode === mode
            ),
          )
        ),
      ])
    ),
  ]);
  if (applications.length > 0) {
    const row = (name) =>
      runtimes.map((runtime) =>
        text(applications.find((one) => one.name === name && one.runtime === runtime))
      );
    printTable([
      ["application", "", ...runtimes],
      ...Object.keys(APPLICATIONS).map((name) => [name, "", ...row(name)]),
    ]);
  }
  console.log();
  for (const note of notes) console.log(note);
  const passed = [...cells, ...applications].reduce((sum, cell) => sum + (cell.passed ?? 0), 0);
  if (process.env.ERGO_ALLOW_SKIP === "0") failed += skipped;
  console.log(
    `${passed} checks held, ${failed} cells failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
  );
  process.exit(failed > 0 ? 1 : 0);
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  await main().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
