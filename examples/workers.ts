/**
 * Work for several cores: servers on threads of their own, which are called, watched and supervised as all others.
 *
 *     deno run -A examples/workers.ts        bun examples/workers.ts        node examples/workers.ts
 */

import {
  atom,
  child,
  format,
  type OnWorker,
  Pool,
  type PoolSpec,
  startNode,
  supervisor,
  tuple,
} from "../mod.ts";
import type Cruncher from "./workers/cruncher.ts"; // its type only: the class itself is loaded over there

const CRUNCHER = new URL("./workers/cruncher.ts", import.meta.url);

/** Each of the two has one piece of work at a time; the rest waits in the pool. */
class Crunchers extends Pool<OnWorker<Cruncher>> {
  override init(): PoolSpec<OnWorker<Cruncher>> {
    return { worker: CRUNCHER, args: [], size: 2, maxPerWorker: 1 };
  }
}

await using node = await startNode("primes@localhost", {
  cookie: "only for this example",
  workers: 2, // threads besides the node's own, which start when they are needed
});

console.log("a pool of two servers, each on a thread of its own");
const crunchers = await node.start(Crunchers, [], { register: "crunchers" });
// From Elixir: GenServer.call({:crunchers, :primes@localhost}, {:primes, 0, 1000})
const step = 50_000;
const parts = Array.from(
  { length: 8 },
  (_, i) => crunchers.call("primes", i * step, (i + 1) * step),
);
let turns = 0;
const timer = node.spawn(async (self) => {
  for (;;) {
    await self.sleep(1);
    turns++;
  }
});
const counts = await Promise.all(parts);
node.exit(timer, atom("kill"));
console.log(`  ${counts.reduce((a, b) => a + b)} primes below ${8 * step}`);
console.log(`  meanwhile the node did something else: ${turns > 1 ? "yes" : "no"}`);

console.log(
  "\na thread ends by an error that nobody catches: its processes end, the node does not",
);
const sup = await node.start(
  supervisor({ children: [child<Cruncher>(CRUNCHER, [], { id: "one", register: "one" })] }),
  [],
);
const before = node.whereis("one")!;
const reason = await new Promise<string>((resolve) => {
  node.monitor(before, (down) => resolve(format(down.reason).slice(0, 57)));
  void node.call("one", atom("fail"));
});
console.log(`  ${reason}...`);
await sup.whichChildren(); // it answers when the child runs again
console.log(`  started again on a fresh one: ${!node.whereis("one")!.equals(before)}`);
const ten = await node.call("one", tuple(atom("primes"), 0, 30));
console.log(`  and it counts ${ten} primes below 30`);
