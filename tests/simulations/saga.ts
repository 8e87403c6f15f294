/**
 * Sagas on four nodes carry out transactions while their nodes crash, without power or not, start again, stand still and lose their connections: every transaction ends the same on all that live, within
 * its lifespan, and what was cancelled is taken back.
 */

import { type Node, Saga, type Simulation, type Transaction } from "../../mod.ts";

const LIFESPAN = 3_000;
const BELOW: Readonly<Record<string, readonly string[]>> = {
  o: ["a", "b"],
  a: ["c"],
  b: [],
  c: [],
};

/** What one life of a saga did for a transaction. */
interface Part {
  readonly name: string;
  readonly began: number;
  end: "committed" | "cancelled" | null;
  kept: boolean;
  /** Whether its node has crashed before the end. */
  lost: boolean;
}

/** What the simulation sees of all sagas. */
class Ledger {
  readonly transactions: Map<string, Part[]> = new Map();
  /** How many transactions have ended, and how. */
  readonly ends: Record<string, number> = { committed: 0, cancelled: 0 };

  begin(key: string, part: Part): void {
    const parts = this.transactions.get(key);
    if (parts === undefined) this.transactions.set(key, [part]);
    else parts.push(part);
  }

  /** What a node did that is down now does not count. */
  lose(node: string): void {
    for (const parts of this.transactions.values()) {
      for (const part of parts) if (part.name === node[0] && part.end === null) part.lost = true;
    }
  }

  /** @throws {Error} where a transaction is half done. */
  check(now: number): void {
    for (const [key, parts] of this.transactions) {
      const living = parts.filter((part) => !part.lost);
      const ends = new Set(living.map((part) => part.end));
      ends.delete(null);
      if (ends.size > 1) throw new Error(`${key} is half done: ${JSON.stringify(parts)}`);
      // Half a second is for what was just sent and the handlers.
      if (parts.some((part) => now <= part.began + LIFESPAN + 500)) continue;
      for (const { name, end, kept } of living) {
        if (end === null) {
          throw new Error(`${key} has not ended on ${name}: ${JSON.stringify(parts)}`);
        }
        if (kept !== (end === "committed")) {
          throw new Error(`${key} ${end} on ${name}, kept ${kept}`);
        }
      }
      this.ends[living[0]?.end ?? "cancelled"]++;
      this.transactions.delete(key);
    }
  }
}

class Participant extends Saga<string, string> {
  #name = "";
  #ledger!: Ledger;
  #sim!: Simulation;

  override init(name: string, ledger: Ledger, sim: Simulation): void {
    this.#name = name;
    this.#ledger = ledger;
    this.#sim = sim;
  }

  override async handleTransaction(tx: Transaction<string>, value: string): Promise<string> {
    const part: Part = {
      name: this.#name,
      began: this.#sim.now,
      end: null,
      kept: true,
      lost: false,
    };
    tx.data = part;
    this.#ledger.begin(tx.id.key, part);
    tx.compensate(() => void (part.kept = false));
    const below = BELOW[this.#name];
    const parts = below.map((name) => tx.next({ name, node: `${name}@sim` }, `${value}${name}`));
    if (this.#sim.random.chance(0.03)) throw new Error("not today");
    for (const next of parts) await next;
    return value;
  }

  override handleCommit(tx: Transaction<string>): void {
    (tx.data as Part).end = "committed";
  }

  override handleCancel(tx: Transaction<string>): void {
    (tx.data as Part).end = "cancelled";
  }
}

export default {
  options: {
    network: { latency: [0.1, 20] },
    faults: {
      crash: { every: 1_200, lasts: [20, 800] },
      reset: { every: 700 },
      pause: { every: 2_000, lasts: [20, 500] },
      maxDown: 2,
      until: 20_000,
    },
    maxSteps: 5_000_000,
  },
  /** In the normal tests, on each runtime. */
  seeds: 4,
  script: async (sim: Simulation): Promise<void> => {
    const ledger = new Ledger();
    const up = new Map<string, Node>();
    const boot = async (node: Node): Promise<void> => {
      const name = node.name[0];
      await node.start(Participant, [name, ledger, sim], { register: name });
      up.set(node.name, node);
    };
    sim.invariant("no transaction is half done, and all end in time", () => {
      for (const [name, node] of up) {
        if (sim.node(name) === node) continue;
        up.delete(name);
        ledger.lose(name);
      }
      ledger.check(sim.now);
    });
    for (const name of Object.keys(BELOW)) await sim.startNode(`${name}@sim`, {}, boot);
    const client = async (): Promise<void> => {
      while (sim.now < 20_000) {
        await sim.sleep(sim.random.between(1, 50));
        const node = sim.node("o@sim");
        if (node === null || up.get("o@sim") !== node) continue;
        const saga = node.ref(Participant, "o") as unknown as {
          run(value: string, options: object): Promise<string>;
        };
        await sim.whileUp(node, saga.run("o", { lifespan: LIFESPAN })).catch(() => {});
      }
    };
    await Promise.all([client(), client(), client()]);
    await sim.sleep(LIFESPAN + 1_000);
    ledger.check(sim.now);
    sim.note(`${ledger.ends.committed} committed, ${ledger.ends.cancelled} cancelled`);
    if (ledger.ends.committed < 20 || ledger.ends.cancelled < 5) {
      throw new Error(`nothing was tried: ${JSON.stringify(ledger.ends)}`);
    }
  },
};
