import { Deadline } from "../../node/process/deadlines.ts";
import type { Process } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";

/** A function that runs in a process when its turn comes, as a message would; also as a deadline. */
export class Act extends Turn {
  readonly #process: Process;
  readonly #fn: () => unknown;

  constructor(process: Process, fn: () => unknown) {
    super();
    this.#process = process;
    this.#fn = fn;
  }

  override expired(): void {
    this.#process.deliver(this);
  }

  run(): unknown {
    return this.#fn();
  }
}

/** A deadline that needs no turn of a process: what is to be done also while a handler waits. */
export class Alarm extends Deadline {
  readonly #fn: () => void;

  constructor(fn: () => void) {
    super();
    this.#fn = fn;
  }

  expired(): void {
    this.#fn();
  }
}
