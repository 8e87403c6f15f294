import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { ProcessError } from "../../node/errors.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";

/** Which worker of a pool gets a request, of those that have room: the next one in turn, or that which has least to do. */
export type PoolStrategy = "round_robin" | "least_loaded";

/** How a pool treats its workers, and what waits for them. */
export interface PoolOptions {
  /** How many workers there are. Default 4. {@linkcode PoolRef.resize} changes it. */
  readonly size?: number;
  /** Default `"round_robin"`. */
  readonly strategy?: PoolStrategy;
  /**
   * How many requests a worker may have, those included that it has not begun and those that it answers later. Default: any number. With
   * 1 everything waits in the pool, and the worker that is free first takes it.
   */
  readonly maxPerWorker?: number;
  /** How many requests may wait in the pool while no worker takes one; further ones are refused. 0 refuses at once. Default: any number. */
  readonly maxWaiting?: number;
  /** How many restarts of workers are too many within `period`: the pool then ends with `shutdown`. Default 3. */
  readonly intensity?: number;
  /** Milliseconds. Default 5,000. */
  readonly period?: number;
  /** Milliseconds that a worker has to end when the pool does, after which it is killed. Default 5,000. */
  readonly shutdown?: number;
}

/** What a pool consists of: what the `init` of a {@linkcode Pool} gives. */
export interface PoolSpec<B extends Behaviour> extends PoolOptions {
  /**
   * The class of the workers; the module that has it (`new URL("./cruncher.ts", import.meta.url)`) where they are to run on the node's
   * workers, threads of their own, so that they compute on several cores at once. Then `B` is {@linkcode OnWorker} of that class.
   */
  readonly worker: (new () => B) | URL;
  /** What the `init` of each worker takes. */
  readonly args: Parameters<B["init"]>;
}

/** The figures of a pool, see {@linkcode PoolRef.stats}. */
export interface PoolStats {
  /** How many workers there are to be. */
  readonly size: number;
  /** Requests that wait in the pool. */
  readonly waiting: number;
  /** Requests that were refused because too many waited. */
  readonly refused: number;
  /** Requests that were given to another worker, because theirs ended before it had begun with them. */
  readonly moved: number;
  /** How often a worker has been started again. */
  readonly restarts: number;
  /** The workers, those included that are being started or stopped. */
  readonly workers: readonly WorkerStats[];
}

/** The figures of one worker of a pool. */
export interface WorkerStats {
  /** Its pid; that of its next life while it is being started. */
  readonly pid: Pid;
  /** What it is doing: `"stopping"` where the pool has become smaller and it only does what it has. */
  readonly state: "starting" | "running" | "stopping";
  /** Requests that it has. */
  readonly load: number;
  /** Requests that it is done with. */
  readonly handled: number;
}

/** Too much waits in a pool: the request was not taken, and nothing of it was done. */
export class PoolBusyError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "PoolBusyError";
  /** How many requests wait. */
  readonly waiting: number;

  /** @ignore @internal */
  constructor(pool: string, waiting: number) {
    super(
      `Cannot take a request for pool ${pool}: ${waiting} wait already, which is the limit (maxWaiting); try again later, or give it more workers`,
    );
    this.waiting = waiting;
  }

  /** `{system_limit, Text}`, which is what a caller of another node exits with. */
  get exitReason(): Term {
    return tuple(atom("system_limit"), this.message) as Term;
  }
}

const NUMBERS: Readonly<Record<string, number>> = {
  size: 0,
  maxPerWorker: 1,
  maxWaiting: 0,
  intensity: 0,
  period: 0,
  shutdown: 0,
};
const FINITE: readonly string[] = ["size"];

/** @throws {TypeError} where a pool of that kind cannot be. */
export function checkSpec(spec: unknown): asserts spec is PoolSpec<Behaviour> {
  if (typeof spec !== "object" || spec === null || !("worker" in spec)) {
    throw new TypeError(
      "Cannot start a pool: its init gave no { worker, args }, which say what its workers are",
    );
  }
  for (const [name, value] of Object.entries(spec) as [string, unknown][]) {
    if (name === "worker" || name === "args" || value === undefined) continue;
    if (name === "strategy") {
      if (value === "round_robin" || value === "least_loaded") continue;
      throw new TypeError(
        `Cannot start a pool with strategy ${value}: there are "round_robin" and "least_loaded"`,
      );
    }
    if (!Object.hasOwn(NUMBERS, name)) {
      throw new TypeError(
        `Cannot start a pool with option ${name}: there is none, there are strategy, ${
          Object.keys(NUMBERS).join(", ")
        }`,
      );
    }
    checkNumber("start a pool", name, value);
  }
}

/** @throws {RangeError} if an option is no number that it may be. */
export function checkNumber(verb: string, name: string, value: unknown): void {
  const least = NUMBERS[name];
  const isCount = typeof value === "number" && value >= least &&
    (Number.isInteger(value) || (value === Infinity && !FINITE.includes(name)));
  if (isCount) return;
  throw new RangeError(
    `Cannot ${verb} with ${name} ${String(value)}: a whole number from ${least} on is needed`,
  );
}
