import { Deadline } from "./deadlines.ts";
import type { Process } from "./process.ts";
import { Turn } from "./turn.ts";

/** Runs a process's function when it has had nothing to do for a while: once, until something has come again. */
export class IdleTimeout extends Turn {
  readonly ms: number;
  /** Whether it has run since the last message. */
  over = false;
  readonly #process: Process;
  readonly #fn: () => unknown;

  constructor(process: Process, ms: number, fn: () => unknown) {
    super();
    this.#process = process;
    this.ms = ms;
    this.#fn = fn;
  }

  /** What came meanwhile sets the deadline anew when it is done. */
  override expired(): void {
    if (this.#process.status === "idle" && !this.#process.suspended) this.#process.deliver(this);
  }

  run(): unknown {
    if (this.#process.idleTimeout !== this) return undefined; // another one was set meanwhile
    this.over = true;
    return this.#fn();
  }
}

/** Lets a process hibernate when nothing has come for a while. */
export class Hibernation extends Deadline {
  readonly ms: number;
  readonly #process: Process;

  constructor(process: Process, ms: number) {
    super();
    this.#process = process;
    this.ms = ms;
  }

  /** What came meanwhile sets the deadline anew when it is done. */
  override expired(): void {
    if (this.#process.status !== "idle") return;
    this.#process._rare!.hibernates = true;
    this.#process._clear();
  }
}
