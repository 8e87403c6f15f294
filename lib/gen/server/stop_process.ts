import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Core } from "../../node/core.ts";
import { checkReason, ExitError, NoProcessError } from "../../node/errors.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import type { Process, Watcher } from "../../node/process/process.ts";
import { checkTimeout } from "../../node/process/start_options.ts";
import { describe } from "../../node/target.ts";

/** How long to wait for the end of a process. */
export interface StopOptions {
  /** Milliseconds; after that the process is not waited for, and ends when it comes to it. Default `Infinity`, as in OTP. */
  readonly timeout?: number;
}

/** Every option, so that a misspelt one is not taken for its default. */
const FIELDS: FieldsOf<StopOptions> = { timeout: true };

/**
 * Ends a process of this node in order, when the messages that it has got before are done, and waits for its end.
 *
 * @throws {NoProcessError} if it has ended before.
 * @throws {ExitError} if it ends with another reason, or takes longer than `timeout`: with `timeout`.
 */
// deno-lint-ignore require-await -- a fault is to be a rejection
export async function stopProcess(
  core: Core,
  from: Process,
  pid: Pid,
  reason: Term,
  options: StopOptions = {},
): Promise<void> {
  from.mustLive("stop a process");
  checkReason(reason);
  checkFields("stop a process", options, FIELDS);
  const { timeout = Infinity } = options;
  checkTimeout("stop a process", timeout);
  if (pid.equals(from.pid)) {
    throw new Error("Cannot stop the process that waits for it: call this.stop() in it");
  }
  const process = core.process(pid);
  if (process === undefined) throw new NoProcessError(describe(pid));
  if (process === core.main) {
    throw new Error("Cannot stop the process that stands for the node: call node.stop()");
  }
  const stopping = new Stopping(core, process, reason, timeout);
  process.stopInTurn(reason);
  return stopping.promise;
}

/** Somebody who waits for the end of a process. */
class Stopping extends Deadline implements Watcher {
  readonly promise: Promise<void>;
  readonly #core: Core;
  readonly #process: Process;
  readonly #reason: Term;
  readonly #timeout: number;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor(core: Core, process: Process, reason: Term, timeout: number) {
    super();
    this.#core = core;
    this.#process = process;
    this.#reason = reason;
    this.#timeout = timeout;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    process.addWatcher(this);
    if (timeout !== Infinity) core.setDeadline(this, timeout);
  }

  down(ended: Term): void {
    this.#core.clearDeadline(this);
    if (equal(ended, this.#reason)) this.#resolve();
    else this.#reject(new ExitError(ended));
  }

  override expired(): void {
    this.#process.removeWatcher(this);
    this.#reject(
      new ExitError(
        atom("timeout"),
        `Cannot stop ${
          describe(this.#process.pid)
        }: it has not ended within ${this.#timeout} ms, and ends when it comes to it; node.exit(pid, atom("kill")) ends it now`,
      ),
    );
  }
}
