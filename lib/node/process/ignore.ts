import { NORMAL } from "../atoms.ts";
import { ExitError } from "../errors.ts";

/**
 * What `init` returns where its process does not want to run, though nothing is wrong: OTP's `ignore`. The process ends with `normal`,
 * and its start with {@linkcode IgnoredError}; a supervisor takes that for a child that has started, and has no process.
 */
export const ignore: unique symbol = Symbol("ignore");

/** A process did not want to run: its `init` has returned {@linkcode ignore}. */
export class IgnoredError extends ExitError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "IgnoredError";

  /** @ignore @internal */
  constructor(behaviour: string) {
    super(NORMAL, `Cannot start ${behaviour}: its init returned ignore, it does not want to run`);
  }
}
