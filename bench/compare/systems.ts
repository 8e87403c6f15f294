import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { command, npm } from "../../scripts/runtimes/runtimes.mjs";
import { OF_OURS, type Peer, RUNTIME_PEERS, type Workload } from "./workloads.ts";

export type Runtime = "deno" | "bun" | "node";
export const RUNTIMES: readonly Runtime[] = ["deno", "bun", "node"];

const bench = fileURLToPath(new URL("..", import.meta.url));
/** What the peers are built into, outside of the repository. */
const cache = process.env.ERGO_BENCH_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ergo-ts-bench");
const corpus = join(cache, "corpus");

const COOKIE = "bench";
/** Garbage is collected before memory is measured. */
const FLAGS: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: [],
  node: ["--expose-gc"],
};

/** Whether a peer can run here, and in which version. */
export type Ready = { readonly version: string } | { readonly missing: string };

/** One program, ready to start. */
export type Command = readonly [file: string, ...args: string[]];

/** How long to measure. */
export interface Effort {
  /** What is not counted, because a just-in-time compiler is at work; the same for all. */
  readonly warm: number;
  readonly ms: number;
  /** How many processes there are where memory is measured. */
  readonly count: number;
}

/** Which system: one of our runtimes, or a peer, with its runtime where it has one. */
export interface Place {
  readonly peer: Peer | null;
  readonly runtime: Runtime | null;
}

/** Builds a peer where that has to be. Nothing fails: what cannot be had says why. */
export function prepare(peer: Peer): Ready {
  try {
    if (peer === "otp") return prepareOtp();
    if (peer === "ergo2" || peer === "ergo3") return prepareErgo(peer);
    if (peer === "tcp" || peer === "json") return { version: "the runtime's own" };
    if ((OF_OURS as readonly string[]).includes(peer)) return { version: "of this repository" };
    return preparePackage(peer);
  } catch (error) {
    return { missing: oneLine(error) };
  }
}

/** The corpus as files, for the codecs of others. */
export function writeCorpus(): void {
  const [node, ...args] = runtimeCommand("node", ["codec.ts", "write", corpus]);
  execFileSync(node, args, { stdio: ["ignore", "ignore", "inherit"] });
}

export function versionOf(runtime: Runtime): string {
  const [file, ...args] = command(runtime);
  return execFileSync(file, [...args, "--version"], { encoding: "utf8" }).split("\n")[0].trim();
}

/** The program that measures a workload, or is its far side, for a system. */
export function programOf(
  workload: Workload,
  { peer, runtime }: Place,
  effort: Effort,
  end: { readonly far: string | null } | { readonly as: string },
): Command {
  const isFar = "as" in end;
  const named = (isFar ? workload.far : workload.programs)?.[peer ?? "ours"];
  if (named === undefined) throw new Error(`Cannot run ${workload.name}: it has no such program`);
  const isErlang = peer !== "otp" && named[0] === "otp";
  const system = isErlang ? "otp" : peer ?? "ours";
  const what = isErlang ? named.slice(1) : named;
  const far = isFar ? null : end.far;
  const options = isFar ? [] : [
    "--unit",
    workload.unit,
    "--warm",
    String(effort.warm),
    "--ms",
    String(effort.ms),
    "--count",
    String(workload.count ?? effort.count),
    ...(far === null ? [] : ["--far", far]),
    ...(workload.file === undefined ? [] : ["--file", join(corpus, workload.file)]),
    ...(system === "ours" || system.startsWith("ergo") ? [] : ["--packages", join(cache, "npm")]),
  ];
  const as = isFar ? [end.as] : [];
  if (system === "otp") return otpCommand(what, workload, effort, end);
  if (system === "ergo2" || system === "ergo3") {
    return [join(cache, system), ...what, ...as, ...options];
  }
  return runtimeCommand(runtime ?? "node", [...what, ...as, ...options]);
}

/** A program of ours on a runtime; the file is one of bench/workloads, or has a whole path. */
export function runtimeCommand(runtime: Runtime, [file, ...args]: readonly string[]): Command {
  const [program, ...before] = command(runtime) as [string, ...string[]];
  return [program, ...before, ...FLAGS[runtime], resolve(bench, "workloads", file), ...args];
}

function otpCommand(
  what: readonly string[],
  { unit, file, group, count }: Workload,
  effort: Effort,
  end: { readonly far: string | null } | { readonly as: string },
): Command {
  const name = "as" in end ? end.as : end.far === null ? null : `near_${process.pid}@localhost`;
  const node = name === null
    ? []
    : ["-sname", name, "-setcookie", COOKIE, "-start_epmd", "false", "-connect_all", "false"];
  const path = ["-pa", join(cache, "otp")];
  if ("as" in end) return ["erl", "-noshell", ...path, ...node, "-eval", "bench_remote:far()."];
  const [suite, task] = what;
  const argument = group === "codec"
    ? JSON.stringify(join(corpus, file ?? ""))
    : end.far === null
    ? String(count ?? effort.count)
    : `'${end.far}'`;
  const times = `{${effort.warm}, ${effort.ms}}`;
  const call = `bench:main(${suite}, ${JSON.stringify(task)}, "${unit}", ${times}, ${argument}).`;
  // The table of processes has room for a million and some.
  return ["erl", "-noinput", "+P", "2000000", ...path, ...node, "-eval", call];
}

function prepareOtp(): Ready {
  for (const program of ["erl", "erlc", "epmd"]) {
    if (!isOnPath(program)) return { missing: `there is no ${program} on PATH` };
  }
  const from = join(bench, "peers", "otp");
  const out = join(cache, "otp");
  mkdirSync(out, { recursive: true });
  const sources = readdirSync(from).filter((name) => name.endsWith(".erl"));
  execFileSync("erlc", ["-o", out, ...sources.map((name) => join(from, name))], { stdio: "pipe" });
  const ask = "io:put_chars(erlang:system_info(otp_release)), halt().";
  const args = ["-noinput", "-eval", ask];
  return { version: `OTP ${execFileSync("erl", args, { encoding: "utf8" })}` };
}

function prepareErgo(peer: "ergo2" | "ergo3"): Ready {
  if (!isOnPath("go")) return { missing: "there is no go on PATH" };
  // In a copy, because go completes go.sum.
  const cwd = join(cache, "src", peer);
  cpSync(join(bench, "peers", peer), cwd, { recursive: true });
  const args = ["build", "-mod=mod", "-buildvcs=false", "-o", join(cache, peer), "."];
  const { status, stderr } = spawnSync("go", args, { cwd, encoding: "utf8", timeout: 300_000 });
  const [, module = "", version = ""] =
    /(\S+\/ergo) (v\S+)/.exec(readFileSync(join(cwd, "go.mod"), "utf8")) ?? [];
  if (status === 0) return { version };
  const [, refusal] = /: (40\d [A-Z]\w+|410 Gone)/.exec(stderr) ?? [];
  return {
    missing: refusal === undefined
      ? `go cannot build it: ${oneLine(stderr)}`
      : `the module proxy refuses ${module} ${version} (${refusal}); bench/peers/${peer} is measured where it can be had`,
  };
}

function preparePackage(peer: Peer): Ready {
  const folder = join(cache, "npm");
  const wanted = join(bench, "peers", "npm", "package.json");
  const version = JSON.parse(readFileSync(wanted, "utf8")).dependencies[peer];
  const there = join(folder, "node_modules", peer, "package.json");
  if (!existsSync(there) || JSON.parse(readFileSync(there, "utf8")).version !== version) {
    mkdirSync(folder, { recursive: true });
    cpSync(wanted, join(folder, "package.json"));
    const args = ["install", "--no-audit", "--no-fund", "--no-package-lock"];
    execFileSync(npm(), args, { cwd: folder, stdio: "pipe", timeout: 300_000 });
  }
  return { version };
}

/** The peers that a workload asks for, each where it runs. */
export function placesOf(workload: Workload, runtimes: readonly Runtime[]): Place[] {
  const onRuntimes = (peer: Peer | null): Place[] => runtimes.map((runtime) => ({ peer, runtime }));
  return Object.keys(workload.programs).flatMap((system) => {
    if (system === "ours") return onRuntimes(null);
    const peer = system as Peer;
    return (RUNTIME_PEERS as readonly string[]).includes(peer)
      ? onRuntimes(peer)
      : [{ peer, runtime: null }];
  });
}

export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) =>
    existsSync(join(folder, program))
  );
}

/** The line of an error that says most. */
function oneLine(error: unknown): string {
  const text = typeof error === "string" ? error : String((error as Error).message ?? error);
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return (lines.find((line) => /403|404|error|cannot|ERR/i.test(line)) ?? lines[0] ?? "").slice(
    0,
    200,
  );
}
