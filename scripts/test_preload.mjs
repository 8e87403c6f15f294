// Loaded before each test file by scripts/test.mjs, in Deno and in Node.

import { appendFileSync } from "node:fs";
import process from "node:process";

const report = process.env.ERGO_TEST_UNCAUGHT;

if (globalThis.Deno !== undefined) {
  // Once node:test is in use, Deno (2.9) swallows what nothing catches, even a throw at the top of
  // the file. Node and Bun fail the run by themselves.
  const note = (error) => {
    console.error("uncaught:", error);
    if (report) appendFileSync(report, "uncaught\n");
  };
  addEventListener("error", (event) => note(event.error));
  addEventListener("unhandledrejection", (event) => note(event.reason));
} else {
  // The runner asks on its way to kill a file that does not end.
  process.on("SIGUSR2", () => {
    console.error("still open:", process.getActiveResourcesInfo().join(", ") || "nothing");
  });
}
