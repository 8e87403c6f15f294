import { simulate } from "./simulate.ts";
import type { Simulation, SimulationOptions } from "./simulation.ts";

/** How seeds are tried. */
export interface ExploreOptions extends Omit<SimulationOptions, "seed"> {
  /** How many, from `from` on; or which. */
  readonly seeds: number | Iterable<number | string>;
  /** The first one. Default 1. */
  readonly from?: number;
}

/** What has come of all seeds; none has failed. */
export interface ExploreResult {
  /** How many there were. */
  readonly seeds: number;
  /** Steps of all together. */
  readonly steps: number;
  /** Virtual milliseconds of all together. */
  readonly time: number;
  /** How many faults have happened by themselves. */
  readonly faults: number;
}

/**
 * Runs a simulation with many seeds, one after another.
 *
 * @example
 * ```ts
 * import { explore } from "@ergo-ts/ergo";
 *
 * await explore({ seeds: 20 }, async (sim) => {
 *   const a = await sim.startNode("a@sim");
 *   const b = await sim.startNode("b@sim");
 *   await a.connect(b.name);
 *   sim.invariant("both know each other, or neither", () => sim.now < 1000 || a.nodes().length === b.nodes().length);
 * });
 * ```
 *
 * @throws {SimulationError} of the first seed that fails: run it again by {@linkcode simulate}.
 */
export async function explore(
  options: ExploreOptions,
  script: (sim: Simulation) => unknown,
): Promise<ExploreResult> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot explore: its options must be an object, as { seeds: 100 }");
  }
  const { seeds, from = 1, ...rest } = options;
  const all = { seeds: 0, steps: 0, time: 0, faults: 0 };
  for (const seed of seedsOf(seeds, from)) {
    const { steps, time, faults } = await simulate({ ...rest, seed }, script);
    all.seeds++;
    all.steps += steps;
    all.time += time;
    all.faults += faults.length;
  }
  return all;
}

function* seedsOf(seeds: unknown, from: number): Iterable<number | string> {
  if (typeof seeds === "number" && seeds >= 1) {
    for (let i = 0; i < seeds; i++) yield from + i;
  } else if (typeof seeds === "object" && seeds !== null && Symbol.iterator in seeds) {
    yield* seeds as Iterable<number | string>;
  } else {
    throw new TypeError(
      `Cannot explore ${String(seeds)} seeds: a number of at least 1 is needed, or a list of seeds`,
    );
  }
}
