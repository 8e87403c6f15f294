import { checkFields } from "../_util/fields.ts";
import {
  checkBoolean,
  checkNetwork,
  checkNodes,
  checkNumber,
  checkSeed,
  SIMULATION_FIELDS,
} from "./_check.ts";
import { checkFaults, faultText, type SimFault } from "./faults.ts";
import { kindOf, once, type Outcome, sortOf } from "./_once.ts";
import type { Plan } from "./_run.ts";
import { differenceOf } from "./_same.ts";
import { shrink } from "./_shrink.ts";
import type { Simulation, SimulationOptions } from "./simulation.ts";
import { SimulationError, type SimulationFailure } from "./simulation_error.ts";

/** What has come of a simulation. */
export interface SimulationResult<T> {
  /** The seed that it ran with. */
  readonly seed: number | string;
  /** What the script has returned. */
  readonly value: T;
  /** Virtual milliseconds that it took. */
  readonly time: number;
  /** Steps that were done. */
  readonly steps: number;
  /** A number for all that has happened, the same on every runtime. */
  readonly hash: string;
  /** The faults that have happened by themselves. */
  readonly faults: readonly SimFault[];
  /** All that has happened, a line each. Made when it is asked for. */
  trace(): string;
}

const ALL: Plan = { faults: null, skipped: new Set() };
/** So many of the last events are in the message of a failure. */
const LAST = 40;
const AROUND = 6;

/**
 * Runs a cluster in this process, on a clock, a network, disks and randomness that follow from a seed: the same seed does the same, step by step, on every
 * runtime, faster than time, and a failure happens again.
 *
 * - The nodes are real ones; what they take from outside is not. Which of the processes that can run runs next, the seed decides.
 * - `Date`, `Temporal.Now`, `Math.random`, the global timers, `performance.now`, `crypto.getRandomValues` and `AbortSignal.timeout` are virtual for the script
 *   and all code of the nodes, and stay what they are for the rest of the program. What comes from elsewhere (`fetch`, `node:fs`, `node:timers`,
 *   `crypto.subtle`, `performance.mark`, `process.hrtime`, `Intl.DateTimeFormat` without a date) is real: code that uses it does not belong here.
 * - Each seed runs twice, and fails where the second run is not the same, with the event at which they part. What the script returns is compared, too,
 *   as far as it is data: terms, plain objects, lists, maps, sets, dates, bytes; of other objects only the class is.
 * - An error that a timer throws ends the run, and so does a rejection that nobody handles. Test runners that look for such rejections by themselves (bun test,
 *   node:test on Deno) fail the test in their own words, too.
 * - One simulation at a time; those that come meanwhile are refused.
 *
 * @example
 * ```ts
 * import { atom, GenServer, simulate } from "@ergo-ts/ergo";
 *
 * class Counter extends GenServer {
 *   count = 0;
 *   override readonly calls = { add: () => ++this.count };
 * }
 *
 * await simulate({ seed: 7 }, async (sim) => {
 *   const a = await sim.startNode("a@sim");
 *   await sim.startNode("b@sim", {}, (node) => node.start(Counter, [], { register: "counter" }));
 *   sim.partition(["a@sim"]);
 *   const reply = a.call({ name: "counter", node: "b@sim" }, atom("add")).catch((error) => error.name);
 *   await sim.sleep(2_000);
 *   sim.heal();
 *   console.log(await reply, sim.now);
 * });
 * ```
 *
 * @param script is done when its promise settles; then the simulation ends, whatever still runs.
 * @throws {SimulationError} if the script throws, an invariant does not hold, the script does not end, or the seed does not do the same twice.
 */
export async function simulate<T>(
  options: SimulationOptions,
  script: (sim: Simulation) => T,
): Promise<SimulationResult<Awaited<T>>> {
  check(options, script);
  const first = await once(options, script, ALL, false);
  if (options.twice !== false) {
    const second = await once(options, script, ALL, first.failed);
    const parted = partOf(first, second);
    if (parted >= 0) throw diverged(options.seed, first, second, parted);
    if (second.failed) throw await failed(options, script, second);
    if (!first.failed) compareValues(options.seed, first, second);
  }
  if (first.failed) throw await failed(options, script, first);
  const { trace, steps, time, faults, value } = first;
  return {
    ...{ seed: options.seed, value: value as Awaited<T>, time, steps, hash: trace.hash, faults },
    trace: () => trace.text(),
  };
}

function check(options: SimulationOptions, script: unknown): void {
  const what = "simulate";
  checkFields(what, options, SIMULATION_FIELDS);
  const { seed, nodes, faults, network, maxTime, maxSteps, drift = 0, nodeOptions } = options;
  checkSeed(what, seed);
  if (typeof script !== "function") {
    throw new TypeError(`Cannot ${what}: a function is needed that gets the simulation`);
  }
  checkNodes(what, nodes);
  if (network !== undefined) checkNetwork(network);
  if (faults !== undefined) checkFaults(faults);
  if (nodeOptions !== undefined && (typeof nodeOptions !== "object" || nodeOptions === null)) {
    throw new TypeError(`Cannot ${what}: nodeOptions must be an object, as startNode takes it`);
  }
  if (maxTime !== undefined && !(typeof maxTime === "number" && maxTime > 0)) {
    throw new RangeError(`Cannot ${what}: maxTime must be milliseconds above 0`);
  }
  checkNumber(what, "maxSteps", maxSteps, 1);
  if (!(typeof drift === "number" && drift >= 0 && drift < 0.5)) {
    throw new RangeError(`Cannot ${what}: drift must be at least 0 and under 0.5`);
  }
  checkBoolean(what, "twice", options.twice);
  checkNumber(what, "shrink", options.shrink);
}

/** The first event at which two runs are not the same; -1 where there is none. */
function partOf<T>(first: Outcome<T>, second: Outcome<T>): number {
  const [a, b] = [first.trace.marks, second.trace.marks];
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : length;
}

function diverged<T>(
  seed: number | string,
  first: Outcome<T>,
  second: Outcome<T>,
  at: number,
): SimulationError {
  const line = (outcome: Outcome<T>): string =>
    outcome.trace.text(at, Math.min(at + 1, outcome.trace.length)) || "(the end)";
  const message = [
    `Simulation with seed ${seed} does not do the same twice: something in it is not virtual (a clock, randomness, a counter of a module, real input)`,
    `  the last that was the same:`,
    indented(first.trace.text(Math.max(0, at - AROUND), at)),
    `  then, in the first run:`,
    indented(line(first)),
    `  and in the second:`,
    indented(line(second)),
    ...[first, second].flatMap((run, i) =>
      run.failed
        ? [`  the ${i === 0 ? "first" : "second"} run has failed: ${whyOf(run.error)}`]
        : []
    ),
  ].join("\n");
  const { steps, time, trace } = first;
  const fallen = [first, second].find((run) => run.failed);
  const cause = fallen === undefined ? undefined : { cause: fallen.error };
  return new SimulationError(message, {
    ...{ seed, kind: "diverged", steps, time, faults: [], trace: trace.text() },
  }, cause);
}

/** What is returned is the same twice, as far as it is data. */
function compareValues<T>(seed: number | string, first: Outcome<T>, second: Outcome<T>): void {
  const difference = differenceOf(first.value, second.value);
  if (difference === null) return;
  const { path, a, b } = difference;
  const { steps, time, trace } = first;
  const message = [
    `Simulation with seed ${seed} does not return the same twice: something in it is not virtual (a clock, randomness, a counter of a module, real input)`,
    `  in the first run, ${path} is ${a}`,
    `  in the second, it is ${b}`,
  ].join("\n");
  throw new SimulationError(message, {
    ...{ seed, kind: "diverged", steps, time, faults: [], trace: trace.text() },
  });
}

/** The failure, with as few faults as it needs. */
async function failed<T>(
  options: SimulationOptions,
  script: (sim: Simulation) => T,
  outcome: Outcome<Awaited<T>>,
): Promise<SimulationError> {
  const { seed } = options;
  let shown = outcome;
  const sort = sortOf(outcome.error);
  const { faults, caused } = outcome;
  let skipped: ReadonlySet<number> = new Set();
  const { shrink: most = 100 } = options;
  if (most > 0 && faults.length + caused.length > 0) {
    const fails = async (plan: Plan): Promise<boolean> => {
      const again = await once(options, script, plan, true);
      if (!again.failed || sortOf(again.error) !== sort) return false;
      [shown, skipped] = [again, plan.skipped];
      return true;
    };
    await shrink({ faults, caused: caused.length }, fails, most);
  }
  const needed = [
    ...shown.faults.map(faultText),
    ...shown.caused.filter((_, i) => !skipped.has(i)),
  ];
  const kind = kindOf(shown.error);
  const { steps, time, trace, error } = shown;
  const why = whyOf(error);
  const all = faults.length + caused.length;
  const message = [
    `Simulation with seed ${seed} failed after ${time.toFixed(3)} ms and ${steps} steps: ${why}`,
    all === 0
      ? "  without any fault"
      : needed.length === 0
      ? `  none of the ${all} faults is needed for it`
      : `  with ${needed.length} of ${all} faults:\n${indented(needed.join("\n"))}`,
    `  what happened last:`,
    indented(trace.text(Math.max(0, trace.length - LAST))),
    `  again: simulate({ seed: ${JSON.stringify(seed)}, ... })`,
  ].join("\n");
  const failure: SimulationFailure = {
    ...{ seed, kind, steps, time, trace: trace.text(), faults: shown.faults },
  };
  return new SimulationError(message, failure, { cause: error });
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name === "SimulationFault" ? "" : `${error.name}: `}${error.message}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
