/**
 * A bug that no ordinary test finds, found by the simulator: how to use it, step by step.
 *
 *     deno run -A examples/simulated_lock.ts        bun examples/simulated_lock.ts        node examples/simulated_lock.ts
 *
 * Two workers count in a store: each reads the count, thinks for a while, and writes one more. That this goes well is the task of a lock: only
 * who holds it may count. So that a worker that dies does not keep the lock for ever it is a lease: after a second it is free again.
 */

import {
  atom,
  explore,
  GenServer,
  on,
  simulate,
  type Simulation,
  SimulationError,
  t,
  tagged,
  tuple,
} from "../mod.ts";

const LEASE = 1_000;

/** Gives the lock to one at a time, with a number that grows: the token. */
class Lock extends GenServer {
  #token = 0;
  #held = false;
  override readonly calls = {
    take: () => {
      if (this.#held) return null;
      const token = ++this.#token;
      this.#held = true;
      this.after(LEASE, () => this.#free(token));
      return token;
    },
    release: on(t.integer, (token) => this.#free(token)),
  };
  #free(token: number): boolean {
    if (token !== this.#token) return false;
    this.#held = false;
    return true;
  }
}

/** What the store has, where the simulation can look at it. */
interface Seen {
  count: number;
  writes: number;
}

/** Keeps the count. With `careful` it takes nothing from who has an older token than somebody before him. */
class Store extends GenServer {
  #careful = false;
  #seen!: Seen;
  #newest = 0;
  override init(careful: boolean, seen: Seen): void {
    this.#careful = careful;
    this.#seen = seen;
  }
  override readonly calls = {
    read: on(t.integer, (token) => {
      this.#newest = Math.max(this.#newest, token);
      return this.#seen.count;
    }),
    write: on(t.integer, t.integer, (token, count) => {
      if (this.#careful && token < this.#newest) return false;
      this.#seen.count = count;
      this.#seen.writes++;
      return true;
    }),
  };
}

const LOCK = { name: "lock", node: "home@sim" };
const STORE = { name: "store", node: "home@sim" };

/** Counts whenever it gets the lock. */
class Worker extends GenServer {
  override init(): void {
    this.every(300, () => this.#work());
  }
  async #work(): Promise<void> {
    try {
      const token = await this.call(LOCK, atom("take"), t.nilable(t.integer));
      if (token === null) return;
      const count = await this.call(STORE, tagged("read", token), t.integer);
      await this.sleep(100); // it thinks
      await this.call(STORE, tuple(atom("write"), token, count + 1));
      await this.call(LOCK, tagged("release", token));
    } catch {
      // The others cannot be reached now; the lock will be free again.
    }
  }
}

// What is simulated is a script, like a test: it starts nodes, and says what must hold. The nodes are real ones; their clocks, their network and
// all that is left to chance follow from a seed.
function script(careful: boolean): (sim: Simulation) => Promise<number> {
  return async (sim) => {
    const seen: Seen = { count: 0, writes: 0 };
    await sim.startNode("home@sim", {}, async (node) => {
      await node.start(Lock, [], { register: "lock" });
      await node.start(Store, [careful, seen], { register: "store" });
    });
    for (const name of ["ann@sim", "bob@sim"]) {
      await sim.startNode(name, {}, (node) => node.start(Worker, []));
    }
    // Looked at after every step, so that the trace ends where it goes wrong.
    sim.invariant("every write counts", () => seen.count === seen.writes);
    await sim.sleep(10_000);
    return seen.count;
  };
}

console.log("without faults all is well:");
const { value, steps, time } = await simulate({ seed: 1 }, script(false));
console.log(
  `  counted to ${value} in ${steps} steps, ${Math.round(time / 1000)} s that took no time`,
);

// Now the workers stand still now and then, as under a debugger, a swapping disk, a suspended machine. Nothing crashes, nothing is lost.
const faults = {
  pause: { every: 4_000, lasts: [50, 1_500] },
  nodes: ["ann@sim", "bob@sim"],
} as const;

console.log("\nwith workers that stand still now and then:");
let seed: number | string = 0;
try {
  await explore({ seeds: 60, faults }, script(false));
} catch (error) {
  if (!(error instanceof SimulationError)) throw error;
  seed = error.seed;
  // The message says with which seed, which of the faults are enough for it, and what happened last.
  const lines = error.message.split("\n");
  console.log(lines.filter((_, i) => i < 5 || i > lines.length - 9).join("\n"));
}
console.log(`\nfound with seed ${seed}`);

// What the trace shows: who stands still while it has the lock does not see that its second is over. Another one gets the lock, reads and writes; then the
// first one goes on, and writes what it had in mind. No lease can prevent that: the store has to refuse who comes too late.
const again = await simulate({ seed, faults, shrink: 0 }, script(true));
console.log(`the careful store with the same seed: counted to ${again.value}`);
const many = await explore({ seeds: 25, faults }, script(true));
console.log(`and with ${many.seeds} seeds: ${many.faults} faults, and every write counts`);
