/**
 * A million bare processes, and a million servers with three handlers, in one node: all of them are alive at once and answer. Prints what
 * each takes, and fails where that is more than it may be.
 *
 *     deno run -A --v8-flags=--expose-gc,--max-old-space-size=6000 tests/long/million_processes.ts
 *     bun tests/long/million_processes.ts
 *     node --expose-gc --max-old-space-size=6000 tests/long/million_processes.ts
 *
 * Another number comes as the argument.
 */
import process from "node:process";
import { BARE, bytesOf, type Kind, MOST, SERVERS } from "../_support/memory.ts";
import { startNode } from "../../mod.ts";

const count = Number(process.argv[2] ?? 1_000_000);

await using node = await startNode("million@localhost", { network: false });
await measure("process", BARE);
await measure("server", SERVERS);

async function measure<T>(name: keyof typeof MOST, kind: Kind<T>): Promise<void> {
  await bytesOf(node, kind, 2_000); // what is made once, as compiled code, counts for nobody
  const began = performance.now();
  const { heap, resident } = await bytesOf(node, kind, count);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${count} of: ${name}: ${heap} B of heap, ${resident} B resident, ${seconds} s`,
  );
  if (heap > MOST[name]) {
    throw new Error(`A ${name} takes ${heap} bytes, at most ${MOST[name]} were expected`);
  }
}
