/**
 * A counter that is kept on disk, asked by clients of other nodes, while nodes crash, stand still and lose each other: what was
 * acknowledged is never lost, and nothing is counted twice unless its client has asked twice.
 */

import { type Files, GenServer, type Node, on, type Simulation, t, tagged } from "../../mod.ts";

const LOG = "data/counter.log";

class DurableCounter extends GenServer {
  #files!: Files;
  #count = 0;
  override async init(): Promise<void> {
    this.#files = await this._core.platform.files();
    const log = await this.#files.read(LOG);
    if (log === null) return;
    // A record is four bytes: the count, and 255 minus each; one that is torn was not acknowledged.
    let whole = 0;
    while (
      whole + 4 <= log.length && log[whole] + log[whole + 2] === 255 &&
      log[whole + 1] + log[whole + 3] === 255
    ) {
      this.#count = log[whole] * 256 + log[whole + 1];
      whole += 4;
    }
    await this.#files.truncate(LOG, whole);
    await this.#files.sync(LOG);
  }
  override readonly calls = {
    add: on(t.integer, async (by) => {
      const count = this.#count + by;
      const [high, low] = [count >> 8, count & 255];
      await this.#files.append(LOG, new Uint8Array([high, low, 255 - high, 255 - low]));
      await this.#files.sync(LOG);
      return this.#count = count;
    }),
  };
}

async function boot(node: Node): Promise<void> {
  await node.start(DurableCounter, [], { register: "counter" });
}

export default {
  options: {
    network: { latency: [0.1, 10] },
    faults: {
      crash: { every: 1_500, lasts: [50, 1_000], storage: ["keep", "written"] },
      pause: { every: 3_000, lasts: [50, 500] },
      partition: { every: 2_000, lasts: [50, 2_000] },
      reset: { every: 1_000 },
      until: 20_000,
    },
  },
  /** In the normal tests, on each runtime. */
  seeds: 4,
  script: async (sim: Simulation): Promise<void> => {
    await sim.startNode("store@sim", {}, boot);
    for (const name of ["a@sim", "b@sim"]) await sim.startNode(name);
    let asked = 0;
    let acknowledged = 0;
    let highest = 0;
    sim.invariant("what is acknowledged was asked for", () => highest <= asked);
    const client = async (name: string): Promise<void> => {
      while (sim.now < 20_000) {
        await sim.sleep(sim.random.between(1, 200));
        const node = sim.node(name);
        if (node === null) continue;
        asked++;
        const target = { name: "counter", node: "store@sim" };
        const count = await node.call(target, tagged("add", 1), { timeout: 1_000 }).catch(() =>
          null
        );
        if (count === null) continue;
        acknowledged++;
        highest = Math.max(highest, Number(count));
      }
    };
    await Promise.all([client("a@sim"), client("b@sim"), client("a@sim")]);
    await sim.until(() => sim.node("a@sim") !== null && sim.node("store@sim") !== null);
    const last = await sim.node("a@sim")!.call(
      { name: "counter", node: "store@sim" },
      tagged("add", 0),
    );
    sim.note(`${asked} asked, ${acknowledged} acknowledged, ${last} counted`);
    if (Number(last) < acknowledged || Number(last) > asked) {
      throw new Error(`${asked} were asked for, ${acknowledged} acknowledged, ${last} counted`);
    }
  },
};
