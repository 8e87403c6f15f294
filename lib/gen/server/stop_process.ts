import { equal } from "../../etf/equal.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Core } from "../../node/core.ts";
import { checkReason, ExitError, NoProcessError } from "../../node/errors.ts";
import type { Process } from "../../node/process/process.ts";
import { describe } from "../../node/target.ts";

/**
 * Ends a process of this node in order, when the messages that it has got before are done, and waits for its end.
 *
 * @throws {NoProcessError} if it has ended before.
 * @throws {ExitError} if it ends with another reason.
 */
// deno-lint-ignore require-await -- a fault is to be a rejection
export async function stopProcess(
  core: Core,
  from: Process,
  pid: Pid,
  reason: Term,
): Promise<void> {
  from.mustLive("stop a process");
  checkReason(reason);
  if (pid.equals(from.pid)) {
    throw new Error("Cannot stop the process that waits for it: call this.stop() in it");
  }
  const process = core.process(pid);
  if (process === undefined) throw new NoProcessError(describe(pid));
  if (process === core.main) {
    throw new Error("Cannot stop the process that stands for the node: call node.stop()");
  }
  return new Promise((resolve, reject) => {
    process.addWatcher({
      down: (ended) => equal(ended, reason) ? resolve() : reject(new ExitError(ended)),
    });
    process.stopInTurn(reason);
  });
}
