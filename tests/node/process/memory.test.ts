import { test } from "node:test";
import process from "node:process";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { assertMatch } from "@std/assert";
import { selfCommand } from "../../_support/runtime.ts";

const SCRIPT = fileURLToPath(new URL("../../long/million_processes.ts", import.meta.url));

test("processes and servers take no more memory than they may, and all of them answer", () => {
  const [runtime, ...args] = selfCommand(SCRIPT, "20000");
  const exposed = process.versions.deno !== undefined
    ? [args[0], "--v8-flags=--expose-gc", ...args.slice(1)]
    : process.versions.bun !== undefined
    ? args
    : ["--expose-gc", ...args];
  const said = execFileSync(runtime, exposed, { encoding: "utf8" });
  assertMatch(said, /^20000 of: process: \d+ B of heap.*\n20000 of: server: \d+ B of heap.*\n$/);
});
