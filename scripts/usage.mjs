import { readFileSync } from "node:fs";
import process from "node:process";

/** With `--help` prints the comment that a script begins with, which lists its options, and ends the program. */
export function tellUsage(url) {
  if (!process.argv.includes("--help")) return;
  const lines = readFileSync(new URL(url), "utf8").split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  console.log(lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, "")).join("\n"));
  process.exit(0);
}
