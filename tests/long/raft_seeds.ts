// Runs of the core of Raft under everything that can happen to it, see tests/gen/raft/_world.ts: as many as are asked for.
//
//     deno run -A tests/long/raft_seeds.ts [--seeds N] [--from N]
import process from "node:process";
import { World } from "../gen/raft/_world.ts";

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const [from, seeds] = [option("from", 1), option("seeds", 10_000)];
const sum = { steps: 0, elections: 0, crashes: 0, snapshots: 0, operations: 0, unknown: 0 };
let failed = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const world = new World({ seed, members: seed % 2 === 0 ? 5 : 3 });
  try {
    world.run();
  } catch (error) {
    failed++;
    console.log(`seed ${seed}: ${(error as Error).stack}`);
  }
  sum.steps += world.steps;
  sum.elections += world.elections;
  sum.crashes += world.crashes;
  sum.snapshots += world.installed;
  sum.operations += world.history.length;
  sum.unknown += world.history.filter(({ end }) => end === Infinity).length;
  if ((seed - from + 1) % 10_000 === 0) console.log(`${seed - from + 1} seeds, ${failed} failed`);
}
console.log({ seeds, failed, ...sum });
process.exitCode = failed > 0 ? 1 : 0;
