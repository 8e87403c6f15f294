import { readdirSync } from "node:fs";
import { test } from "node:test";
import { explore, type Simulation, type SimulationOptions } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** What a file of this folder gives as its default. */
interface Registered {
  readonly options: Omit<SimulationOptions, "seed">;
  readonly script: (sim: Simulation) => unknown;
  /** In place of these two: runs a seed without nodes. */
  readonly run?: (seed: number) => unknown;
  /** How many seeds the normal tests run on each runtime; `deno task simulate` runs more. */
  readonly seeds: number;
}

const folder = new URL(".", import.meta.url);
const files = readdirSync(folder).filter((name) =>
  name.endsWith(".ts") && !/^_|\.test\.ts$/.test(name)
);

for (const file of files.sort()) {
  test(`${file.replace(".ts", "")} holds with the first seeds`, async () => {
    const { default: simulation } = await import(new URL(file, folder).href) as {
      readonly default: Registered;
    };
    if (simulation.run !== undefined) {
      for (let seed = 1; seed <= simulation.seeds; seed++) await simulation.run(seed);
      return;
    }
    await explore({ ...simulation.options, seeds: simulation.seeds }, simulation.script);
  });
}

testNothingIsLeft();
