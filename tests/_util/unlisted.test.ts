import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { atom, ExitError, tuple } from "../../mod.ts";

test("console.log shows the terms of an error in its message, and no parts of them", () => {
  const script = fileURLToPath(new URL("./_print_errors.ts", import.meta.url));
  const isDeno = "Deno" in globalThis;
  const run = spawnSync(process.execPath, isDeno ? ["run", "--no-check", script] : [script], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  assertEquals(run.stderr, "");
  const texts = run.stdout.split("<app@host.1.0>").length - 1;
  assert(texts >= 3 * 7, run.stdout);
  for (const part of ["Pid {", "Atom {", "[Object", "[Array", "serial", "reason:", "pid: <"]) {
    assert(!run.stdout.includes(part), `${part} in ${run.stdout}`);
  }
});

test("the fields are there all the same", () => {
  const reason = tuple(atom("shutdown"), 1) as never;
  assertEquals(new ExitError(reason).reason, reason);
});
