import { atom, exit, GenServer, type Node, on, type Simulation, t } from "../../mod.ts";

/** Counts what it is told to, and says who else has died. */
export class Counter extends GenServer {
  #count = 0;
  override readonly calls = {
    add: on(t.integer, (by) => this.#count += by),
    get: () => this.#count,
    crash: () => exit(atom("asked")),
    wait: on(t.integer, async (ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return Date.now();
    }),
  };
}

export const COUNTER = { name: "counter", node: "b@sim" } as const;

export function bootCounter(node: Node): Promise<unknown> {
  return node.start(Counter, [], { register: "counter" });
}

/** A cluster in which much happens. */
export async function busy(sim: Simulation): Promise<string> {
  const names = ["a@sim", "b@sim", "c@sim"];
  for (const name of names) await sim.startNode(name, {}, bootCounter);
  const results: string[] = [];
  for (let i = 0; i < 60; i++) {
    const [from, to] = sim.random.shuffle(names);
    const node = sim.node(from);
    await sim.sleep(sim.random.between(1, 400));
    if (node === null) continue;
    const asked = node.call({ name: "counter", node: to }, atom("get"), { timeout: 500 });
    results.push(await asked.then(String, (error: Error) => error.name));
    if (i % 10 === 0) {
      sim.note(`${new Date().toISOString()} ${Math.random()} ${crypto.randomUUID()}`);
    }
  }
  return results.join(" ");
}

export const ALL_FAULTS = {
  crash: { every: 3_000, lasts: [100, 2_000], storage: ["keep", "written", "lose"] },
  pause: { every: 4_000, lasts: [100, 1_500] },
  partition: { every: 4_000 },
  reset: { every: 2_000 },
  skew: { every: 3_000, by: 5_000 },
} as const;
