import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";

const POINT = fileURLToPath(new URL("../point.ts", import.meta.url));

/** Starts the other side of a curve on this runtime, and gives its first line. It ends with this program. */
export async function startFar(...args: readonly string[]): Promise<string> {
  const before = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  const child: ChildProcess = spawn(process.execPath, [...before, POINT, "far", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  let output = "";
  while (!output.includes("\n")) output += (await once(child.stdout!, "data"))[0];
  return output.trim();
}

/** What the other side does at last: it waits for its end. */
export function serve(line: string): void {
  console.log(line);
  process.stdin.resume().on("end", () => process.exit());
}
