import { spawnSync } from "node:child_process";
import process from "node:process";

/** The runtime that runs this test. */
export const runtime: "deno" | "bun" | "node" = process.versions.deno !== undefined
  ? "deno"
  : process.versions.bun !== undefined
  ? "bun"
  : "node";

/**
 * A reason to skip a test where one of the programs is not on PATH, `false` where all are:
 * `test("...", { skip: needs("erl") }, async () => {...})`.
 */
export function needs(...programs: string[]): string | false {
  const missing = programs.filter((name) => {
    return spawnSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" }).status !== 0;
  });
  return missing.length === 0 ? false : `not on PATH: ${missing.join(", ")}`;
}

/** The command, as an array, that runs a script with the runtime that runs this test. */
export function selfCommand(script: string, ...args: string[]): string[] {
  const options = runtime === "deno" ? ["run", "--allow-all", "--no-check"] : [];
  return [process.execPath, ...options, script, ...args];
}
