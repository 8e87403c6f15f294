import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { ProcessError } from "../../node/errors.ts";

const TIMEOUT = atom("timeout");

/** A task has not ended in time. It runs on, unless its owner ends by this, or shuts it down. */
export class TaskTimeoutError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "TaskTimeoutError";
  /** How many milliseconds it had. */
  readonly timeout: number;

  /** @ignore @internal */
  constructor(timeout: number) {
    super(`Cannot await the task: it has not ended within ${timeout} ms, give it a longer timeout`);
    this.timeout = timeout;
  }

  /** The atom `timeout`. */
  get exitReason(): Term {
    return TIMEOUT;
  }
}
