import type { AsyncContext } from "../../platform/contract.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isThenable } from "../../_util/thenable.ts";
import { NodeStoppedError } from "../errors.ts";
import { Process } from "./process.ts";
import type { Runnable } from "./scheduler.ts";
import { Turn } from "./turn.ts";

/**
 * Stands for the node where something is done from outside of any process.
 *
 * It is not to be harmed: it takes no messages, no exit signal ends it, and what it runs (the handlers of the node's own monitors)
 * neither waits for each other nor ends it when it throws.
 */
export class MainProcess extends Process {
  override deliver(message: unknown): void {
    if (message instanceof Turn && !this.exited) {
      this.home.scheduler.schedule(new Alone(this, message));
    }
  }

  /** Where processes know what is theirs: what runs here is nobody's, though a process may have set it off. */
  tracks: AsyncContext | null = null;

  override _handle(turn: Turn): unknown {
    return this.tracks === null ? turn.run(this) : this.tracks.run(null, () => turn.run(this));
  }

  override exitSignal(): void {}

  override linkBroken(from: Pid): void {
    this.removeLink(from);
  }

  override stop(_reason: Term): void {}

  override crash(error: unknown): void {
    this.home.fault("A handler of the node's own failed", error);
  }

  override gone(verb: string): Error {
    return new NodeStoppedError(verb, this.pid.node);
  }
}

class Alone implements Runnable {
  #main: MainProcess;
  #turn: Turn;

  constructor(main: MainProcess, turn: Turn) {
    this.#main = main;
    this.#turn = turn;
  }

  run(): void {
    if (this.#main.exited) return;
    try {
      const result = this.#main._handle(this.#turn);
      if (isThenable(result)) {
        Promise.resolve(result).then(undefined, (error) => this.#main.crash(error));
      }
    } catch (error) {
      this.#main.crash(error);
    }
  }
}
