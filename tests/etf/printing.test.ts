import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("console.log prints terms as Erlang does, on the runtime of this test", () => {
  const script = fileURLToPath(new URL("./_print.ts", import.meta.url));
  const isDeno = "Deno" in globalThis;
  const run = spawnSync(process.execPath, isDeno ? ["run", "--no-check", script] : [script], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  assertEquals(run.stderr, "");
  const lines = run.stdout.trimEnd().split("\n");
  assertEquals(lines.slice(0, 9), [
    "ok",
    '{ok,<<"bob">>,#Ref<app@host.3.2.1>}',
    '<<"bob">>',
    "<<1:3>>",
    "1.0",
    "<app@host.1.0>",
    "#{a => [{1}]}",
    "[1|2]",
    "fun lists:map/2",
  ]);
  // How arrays and objects around them are laid out is the runtime's own affair, and how deep it goes.
  const nested = lines.slice(9, -2).join(" ").replace(/\s+/g, " ");
  for (const part of ["{1,2}", '<<"bob">>', "{x}"]) assert(nested.includes(part), nested);
  assertEquals(lines.at(-2), "bob ok");
  const last = lines.at(-1)!;
  assert(
    last.startsWith("{12345,12345,") && last.endsWith("...}") && last.length < 11_000,
    last.slice(-50),
  );
});
