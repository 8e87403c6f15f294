import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import { NORMAL, SHUTDOWN } from "../atoms.ts";
import type { Home, Watcher } from "./body.ts";
import type { Process } from "./process.ts";
import { Turn } from "./turn.ts";

/** Waits in the mailbox as a message does, and ends the process when its turn comes. */
export class Stop extends Turn {
  #process: Process;
  #reason: Term;

  constructor(process: Process, reason: Term) {
    super();
    this.#process = process;
    this.#reason = reason;
  }

  run(): void {
    this.#process.stop(this.#reason);
  }
}

/** Whether it is something that somebody has sent, and not a turn of the process's own. */
export function isMessage(waiting: unknown): boolean {
  return !(waiting instanceof Turn);
}

/** A message that waits for an answer tells its sender that none will come. */
export function fail(message: unknown, reason: Term): void {
  if (message !== null && typeof message === "object" && "undelivered" in message) {
    (message as Undelivered).undelivered(reason);
  }
}

/** A message whose sender is told where the process ends before it is answered. */
export interface Undelivered {
  undelivered(reason: Term): void;
}

/** Whether OTP would write a crash report: every reason but `normal`, `shutdown` and `{shutdown, _}`. */
export function isCrash(reason: Term): boolean {
  return reason !== NORMAL && reason !== SHUTDOWN &&
    !(isTuple(reason) && reason.length === 2 && reason[0] === SHUTDOWN);
}

/** Takes back what a process had. */
export function disposeAll(home: Home, owned: Iterable<Disposable>): void {
  for (const one of owned) {
    try {
      one[Symbol.dispose]();
    } catch (error) {
      home.fault("Cannot take back what a process had", error);
    }
  }
}

/** Tells those who watch a process of its end. */
export function tellAll(home: Home, watchers: Iterable<Watcher>, reason: Term): void {
  for (const watcher of watchers) {
    try {
      watcher.down(reason);
    } catch (error) {
      home.fault("Cannot tell of the end of a process", error);
    }
  }
}
