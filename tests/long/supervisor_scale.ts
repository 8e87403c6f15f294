/**
 * What supervisors of many children cost: prints milliseconds, and memory after each of ten rounds of restarts.
 *
 *     deno run -A --v8-flags=--expose-gc tests/long/supervisor_scale.ts
 *     bun tests/long/supervisor_scale.ts
 *     node --expose-gc tests/long/supervisor_scale.ts
 */
import process from "node:process";
import {
  child,
  GenServer,
  type Pid,
  startNode,
  supervisor,
  type SupervisorRef,
} from "../../mod.ts";
import { atom } from "../../mod.ts";

class Idle extends GenServer {}
class Trapping extends GenServer {
  override init(): void {
    this.trapExit = true;
  }
}

const MANY = 10_000;
const BOOM = atom("boom");

await using node = await startNode("scale@localhost", {
  cookie: "a long cookie",
  listen: false,
  epmd: false,
  log: { sinks: {} }, // ten thousand crashes are ten thousand lines
});

async function timed(what: string, fn: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await fn();
  console.log(`${what.padEnd(60)} ${(performance.now() - begin).toFixed(0).padStart(7)} ms`);
}

async function pidsOf(sup: SupervisorRef): Promise<Pid[]> {
  return (await sup.whichChildren()).map(({ pid }) => pid!);
}

async function crashAll(sup: SupervisorRef): Promise<void> {
  for (const pid of await pidsOf(sup)) node.exit(pid, BOOM);
  await sup.countChildren();
}

for (const behaviour of [Idle, Trapping]) {
  const children = Array.from({ length: MANY }, (_, id) => child(behaviour, [], { id }));
  let sup!: SupervisorRef;
  await timed(`start 10,000 children (${behaviour.name})`, async () => {
    sup = await node.start(supervisor({ intensity: 10 * MANY, children }), []);
  });
  if (behaviour === Idle) {
    await timed("10,000 crash at once and are restarted", () => crashAll(sup));
  }
  await timed("ordered shutdown of 10,000 children", () => sup.stop());
}

const Rooms = supervisor({
  strategy: "simple_one_for_one",
  intensity: Infinity,
  children: [child(Idle, [])],
});
const rooms = await node.start(Rooms, []) as unknown as SupervisorRef;
await timed("start 10,000 children (simple_one_for_one)", async () => {
  for (let i = 0; i < MANY; i++) await rooms.startChild([]);
});
const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(sync: boolean): void } };
const sizes: number[] = [];
await timed("100,000 restarts", async () => {
  for (let round = 0; round < 10; round++) {
    await crashAll(rooms);
    Bun === undefined ? gc?.() : Bun.gc(true);
    sizes.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
});
console.log(
  `memory after each 10,000 of them: ${sizes.map((size) => size.toFixed(1)).join(" ")} MiB`,
);
await timed("shutdown of 10,000 children (simple_one_for_one)", () => rooms.stop());
