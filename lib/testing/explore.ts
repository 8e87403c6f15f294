import { checkFields } from "../_util/fields.ts";
import { SIMULATION_FIELDS, textOf } from "./_check.ts";
import { simulate } from "./simulate.ts";
import type { Simulation, SimulationOptions } from "./simulation.ts";

/** How seeds are tried. */
export interface ExploreOptions extends Omit<SimulationOptions, "seed"> {
  /** How many, from `from` on; or which. */
  readonly seeds: number | Iterable<number | string>;
  /** The first one, a whole number. Default 1. Goes with a number of seeds only. */
  readonly from?: number;
}

const { seed: _, ...ONE } = SIMULATION_FIELDS;
const FIELDS = { ...ONE, seeds: 0, from: 0 };

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
 * @throws {TypeError | RangeError} if there are no seeds, or options cannot be meant.
 * @throws {SimulationError} of the first seed that fails: run it again by {@linkcode simulate}.
 */
export async function explore(
  options: ExploreOptions,
  script: (sim: Simulation) => unknown,
): Promise<ExploreResult> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot explore: its options must be an object, as { seeds: 100 }");
  }
  checkFields("explore", options, FIELDS);
  const { seeds, from, ...rest } = options;
  const all = { seeds: 0, steps: 0, time: 0, faults: 0 };
  for (const seed of seedsOf(seeds, from)) {
    const { steps, time, faults } = await simulate({ ...rest, seed }, script);
    all.seeds++;
    all.steps += steps;
    all.time += time;
    all.faults += faults.length;
  }
  if (all.seeds === 0) {
    throw new RangeError("Cannot explore no seeds: the list is empty, at least one is needed");
  }
  return all;
}

function* seedsOf(seeds: unknown, from: unknown): Iterable<number | string> {
  if (typeof seeds === "number" && seeds >= 1 && (Number.isInteger(seeds) || seeds === Infinity)) {
    const first = from ?? 1;
    if (typeof first !== "number" || !Number.isSafeInteger(first)) {
      throw new TypeError(`Cannot explore from ${textOf(from)}: a whole number is needed`);
    }
    for (let i = 0; i < seeds; i++) yield first + i;
  } else if (typeof seeds === "object" && seeds !== null && Symbol.iterator in seeds) {
    if (from !== undefined) {
      throw new TypeError("Cannot explore a list from somewhere: from goes with a number of seeds");
    }
    yield* seeds as Iterable<number | string>;
  } else {
    throw new TypeError(
      `Cannot explore ${
        String(seeds)
      } seeds: a whole number of at least 1 is needed, or a list of seeds`,
    );
  }
}
