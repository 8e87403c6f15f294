import type { Term } from "../../etf/term.ts";
import { SHUTDOWN } from "../atoms.ts";
import type { Core } from "../core.ts";
import { Deadline } from "./deadlines.ts";
import type { Process, Watcher } from "./process.ts";

/** Milliseconds that processes have to end in order where their node stops, as a child of OTP's supervisors has. */
export const SHUTDOWN_TIME = 5_000;

/**
 * Asks those processes to end that have no parent alive, the last started first, one after another: each gets the exit signal
 * `shutdown`, and those that trap exits have `ms` milliseconds together. What they have started is their business.
 */
export async function shutDown(core: Core, ms: number): Promise<void> {
  const late = new Late();
  core.setDeadline(late, ms);
  for (const process of [...core.processes.values()].reverse()) {
    if (late.isLate) break;
    if (process === core.main || process.exited || hasParent(core, process)) continue;
    process.shutDown(core.main.pid, SHUTDOWN);
    if (!process.exited) await Promise.race([ended(process), late.promise]);
  }
  core.clearDeadline(late);
}

function hasParent(core: Core, { parent }: Process): boolean {
  const process = parent === null ? undefined : core.process(parent);
  return process !== undefined && process !== core.main;
}

function ended(process: Process): Promise<Term> {
  return new Promise((resolve) => {
    const watcher: Watcher = { down: resolve };
    process.addWatcher(watcher);
  });
}

/** A time limit as a promise. */
class Late extends Deadline {
  isLate = false;
  #expire!: () => void;
  readonly promise: Promise<void> = new Promise((resolve) => this.#expire = resolve);

  override expired(): void {
    this.isLate = true;
    this.#expire();
  }
}
