import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { command, run } from "../transport/_run.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { runtime } from "../_support/runtime.ts";

test("who only looks at a signal sees that it has aborted, though all else is collected", async () => {
  const [file, ...args] = command(new URL("./_signals_program.ts", import.meta.url));
  const exposed = {
    deno: [args[0], "--v8-flags=--expose-gc", ...args.slice(1)],
    node: ["--expose-gc", ...args],
    bun: args,
  }[runtime];
  assertEquals(await run([file, ...exposed]), {
    code: 0,
    output: [
      "killed leader true",
      "stopped leader true",
      "lead taken back true",
      "killed job true",
      "cancelled job true",
    ].join("\n"),
  });
});

testNothingIsLeft();
