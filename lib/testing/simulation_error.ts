import type { SimFault } from "./faults.ts";

/** What a {@linkcode SimulationError} knows. */
export interface SimulationFailure {
  /** With this seed it happens again. */
  readonly seed: number | string;
  /**
   * "error": the script or a timer has thrown, or nobody has handled a rejection. "invariant": one does not hold. "diverged": two runs of the seed were
   * not the same. "limit": the script did not end in time. "stuck": nothing was left to do.
   */
  readonly kind: "error" | "invariant" | "diverged" | "limit" | "stuck";
  /** Milliseconds since the beginning. */
  readonly time: number;
  /** How many steps were done. */
  readonly steps: number;
  /** All that has happened, a line each. */
  readonly trace: string;
  /** The faults that are enough to fail, as far as was tried. */
  readonly faults: readonly SimFault[];
}

/** A simulation has failed. The message says with which seed, why, which faults are enough, and what happened last. */
export class SimulationError extends Error implements SimulationFailure {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SimulationError";
  /** With this seed it happens again. */
  readonly seed: number | string;
  /** What kind of failure it is, see {@linkcode SimulationFailure}. */
  readonly kind: SimulationFailure["kind"];
  /** Milliseconds since the beginning. */
  readonly time: number;
  /** How many steps were done. */
  readonly steps: number;
  /** All that has happened, a line each; not shown where the error is printed. */
  readonly trace: string;
  /** The faults that are enough to fail, as far as was tried. */
  readonly faults: readonly SimFault[];

  /** @ignore @internal */
  constructor(message: string, failure: SimulationFailure, options?: ErrorOptions) {
    super(message, options);
    this.seed = failure.seed;
    this.kind = failure.kind;
    this.time = failure.time;
    this.steps = failure.steps;
    this.faults = failure.faults;
    this.trace = failure.trace;
    // Long: it is in the message as far as it helps.
    Object.defineProperty(this, "trace", { enumerable: false });
  }
}
