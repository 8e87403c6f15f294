import { Deadline } from "./deadlines.ts";
import type { Process } from "./process.ts";

/** Something other than a message that waits in a mailbox and runs when its turn comes: a timer, a monitor's handler, a start. */
export abstract class Turn extends Deadline {
  /** Runs inside the process, as a handler does: a promise holds the mailbox, a throw is a crash. */
  abstract run(process: Process): unknown;

  expired(): void {}
}
