import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import { KILLED, NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import type { Restart, Shutdown } from "./child.ts";
import type { Running } from "./_start.ts";

/** How a child is to end. */
export interface EndsBy {
  readonly restart: Restart;
  readonly shutdown: Shutdown;
}

/**
 * Ends a child, and waits for its end, killing it where its time is over.
 *
 * @returns its exit reason; at once where it has ended at once, so that thousands of them cost no promises.
 */
export function endChild(core: Core, running: Running, { shutdown }: EndsBy): Term | Promise<Term> {
  const { reason } = running;
  if (reason !== undefined) return reason;
  if (shutdown === "brutal_kill") running.kill();
  else running.shutDown();
  if (running.reason !== undefined) return running.reason;
  return new Promise((resolve) => {
    const patience = new Patience(running);
    if (shutdown !== "brutal_kill") core.setDeadline(patience, shutdown);
    running.onEnd(() => {
      core.clearDeadline(patience);
      resolve(running.reason!);
    });
  });
}

/** Ends children that are all alike, all at once; their time is counted for all together. `ended` is called for each that did not end at once, too. */
export async function endAll(
  core: Core,
  all: readonly Running[],
  how: EndsBy,
  ended: (running: Running) => void,
): Promise<void> {
  await Promise.all(all.map((running) => {
    const reason = endChild(core, running, how);
    if (!(reason instanceof Promise)) return ended(running);
    return reason.then(() => ended(running));
  }));
}

/** Whether a child that was told to end has ended as it should; else it is reported. */
export function endedWell(reason: Term, { restart, shutdown }: EndsBy): boolean {
  if (reason === (shutdown === "brutal_kill" ? KILLED : SHUTDOWN)) return true;
  return restart !== "permanent" && isInOrder(reason);
}

/** `normal`, `shutdown`, `{shutdown, _}`: a transient child that ends so is not started again. */
export function isInOrder(reason: Term): boolean {
  return reason === NORMAL || reason === SHUTDOWN ||
    (isTuple(reason) && reason.length === 2 && reason[0] === SHUTDOWN);
}

/** How long a child has to end. */
class Patience extends Deadline {
  readonly #running: Running;

  constructor(running: Running) {
    super();
    this.#running = running;
  }

  override expired(): void {
    this.#running.kill();
  }
}
