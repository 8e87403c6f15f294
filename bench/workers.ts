/**
 * What workers bring, and what they cost: the same work on the node's own thread, on one worker and on two, in turns; and a call to a
 * process on a worker.
 *
 *     deno run -A bench/workers.ts        bun bench/workers.ts        node bench/workers.ts
 */

import { cpus } from "node:os";
import { atom, type Node, pool, startNode } from "../mod.ts";
import Cruncher from "../examples/workers/cruncher.ts";
import { CALLS, crunch, CRUNCHER, Crunchers, type Primes } from "./_crunch.ts";

const ROUNDS = 7;

/** Microseconds for a call, one after another. */
async function callTime(node: Node, size: number): Promise<number> {
  const server = await node.start<Cruncher>(CRUNCHER, []);
  for (let i = 0; i < 200; i++) await server.call("primes", 0, 0);
  const count = 2_000;
  const begin = performance.now();
  if (size === 1) {
    for (let i = 0; i < count; i++) await server.call("primes", 0, 0);
  } else {
    await Promise.all(Array.from({ length: size }, async () => {
      for (let i = 0; i < count / size; i++) await server.call("primes", 0, 0);
    }));
  }
  const time = (performance.now() - begin) / count * 1_000;
  node.exit(server.pid, atom("kill"));
  return time;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

await using alone = await startNode("alone@localhost", { network: false });
await using one = await startNode("one@localhost", { network: false, workers: 1 });
await using two = await startNode("two@localhost", { network: false, workers: 2 });
const pools: readonly [string, Primes][] = [
  ["on the node's own thread", await alone.start(pool(Cruncher, [], { size: 1 }), [])],
  ["on 1 worker", await one.start(Crunchers, [1])],
  ["on 2 workers", await two.start(Crunchers, [2])],
];
const times = new Map<string, number[]>(pools.map(([name]) => [name, []]));
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, crunchers] of pools) {
    const begin = performance.now();
    await crunch(crunchers);
    const ms = performance.now() - begin;
    if (round >= 0) times.get(name)!.push(ms);
  }
}
const best = (name: string): number => Math.min(...times.get(name)!);
console.log(`${cpus().length} cores, ${ROUNDS} rounds in turns, ${CALLS} calls each`);
for (const [name] of pools) {
  const middle = median(times.get(name)!);
  const ratio = (best("on 1 worker") / best(name)).toFixed(2);
  console.log(
    `${name.padEnd(26)} best ${best(name).toFixed(0).padStart(6)} ms, median ${
      middle.toFixed(0).padStart(6)
    } ms; ${ratio} x one worker by the best`,
  );
}
const single = [];
const many = [];
for (let round = 0; round < 5; round++) {
  single.push(await callTime(one, 1));
  many.push(await callTime(one, 50));
}
console.log(`a call to a worker         ${median(single).toFixed(1).padStart(8)} us`);
console.log(`the same, 50 callers       ${median(many).toFixed(1).padStart(8)} us each`);
