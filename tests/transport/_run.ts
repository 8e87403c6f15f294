import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What a program did that ran by itself. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** The command line of a program in the runtime that the tests run on; in Deno with the network as its only permission. */
export function command(program: URL, args: readonly string[] = []): [string, ...string[]] {
  const flags = "Deno" in globalThis
    ? ["run", "--allow-net", "--no-prompt", "--no-check", "--quiet"]
    : [];
  return [process.execPath, ...flags, fileURLToPath(program), ...args];
}

/** Starts a program without an input, its faults going where ours go. */
export function start([file, ...args]: readonly string[]): ChildProcess {
  return spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a program to its end; one that does not come to its end within 100 s is killed, and has no code. */
export function run(commandLine: readonly string[]): Promise<Outcome> {
  const child = start(commandLine);
  let output = "";
  child.stdout!.on("data", (text) => output += text);
  child.stderr!.on("data", (text) => output += text);
  const timer = setTimeout(() => child.kill("SIGKILL"), 100_000);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output: output.trim() });
    });
  });
}
