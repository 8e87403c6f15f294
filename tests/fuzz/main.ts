// What scripts/fuzz.mjs runs: main.ts [--seconds N] [--seed S] [--target NAME] [--case N]

import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz, type FuzzFigures } from "./fuzz.ts";
import { nodeTarget, prepare } from "./node_target.ts";
import { PARSERS } from "./targets.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    target: { type: "string" },
    case: { type: "string" },
  },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  throw new Error("Cannot fuzz: --seconds and --seed are numbers");
}
await prepare();
const all = [...PARSERS, nodeTarget("node", false), nodeTarget("node_headers", true)];
const targets = all.filter(({ name }) => values.target === undefined || name === values.target);
if (targets.length === 0) {
  throw new Error(
    `Cannot fuzz ${values.target}: there are ${all.map(({ name }) => name).join(", ")}`,
  );
}
console.log(`seed ${seed}`);
const only = values.case === undefined ? undefined : Number(values.case);
const done: FuzzFigures[] = [];
for (const target of targets) {
  try {
    done.push(await fuzz(target, { seed, only, time: 1000 * seconds / targets.length }));
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
  const { cases, bytes, slowest, heap } = done.at(-1)!;
  const figures = [
    `${cases} cases`,
    `${Math.round(bytes / 1024)} KiB`,
    `slowest ${slowest.toFixed(1)} ms`,
    `heap +${heap.toFixed(1)} MiB`,
  ];
  console.log(`ok ${target.name.padEnd(13)} ${figures.join(", ")}`);
}
process.exit(0);
