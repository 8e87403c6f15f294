import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { selfCommand } from "../_support/runtime.ts";
import { run } from "../transport/_run.ts";

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

for (const name of ["bench", "bench_compare", "bench_curves", "bench_gate", "bench_limits"]) {
  test(`${name} tells its options, and runs nothing`, async () => {
    const { code, output } = await run(selfCommand(path(`scripts/${name}.mjs`), "--help"));
    assertEquals(code, 0, output);
    assert(output.includes(`\n  ${name}.mjs [`), output);
  });
}

test("an option or a suite that there is not is no wish for all benchmarks", async () => {
  for (const word of ["--jsn", "everything"]) {
    const { code, output } = await run(selfCommand(path("bench/main.ts"), word));
    assertEquals(code, 1, output);
    assert(output.includes(`Cannot run ${word}: there are local, remote, codec`), output);
  }
});
