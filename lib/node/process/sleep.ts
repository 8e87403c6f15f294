import type { Atom } from "../../etf/atom.ts";
import { Deadline } from "./deadlines.ts";
import { NodeStoppedError } from "../errors.ts";
import type { Process } from "./process.ts";

interface SleepHome {
  /** The node's name. */
  readonly name: Atom;
  setDeadline(deadline: Deadline, ms: number): void;
  clearDeadline(deadline: Deadline): void;
}

/** What cuts a wait short: an end of the process that waits, or a signal. */
export interface SleepUntil {
  readonly process?: Process;
  readonly signal?: AbortSignal;
}

/** One wait. */
export class Sleep extends Deadline implements Disposable {
  readonly promise: Promise<void>;
  #home: SleepHome;
  #until: SleepUntil;
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;

  constructor(home: SleepHome, ms: number, until: SleepUntil) {
    super();
    this.#home = home;
    this.#until = until;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { process, signal } = until;
    if (signal?.aborted) return this.#refused(signal.reason);
    try {
      home.setDeadline(this, ms);
    } catch (error) {
      return this.#refused(error);
    }
    signal?.addEventListener("abort", this);
    process?.own(this);
  }

  override expired(): void {
    this.#end();
    this.#resolve();
  }

  /** The node has stopped. */
  override abandoned(): void {
    this.#end();
    this.#reject(new NodeStoppedError("go on sleeping", this.#home.name.name));
  }

  /** The signal has aborted. */
  handleEvent(): void {
    this.#end();
    this.#reject(this.#until.signal!.reason);
  }

  /** The process has ended. It may not be waiting for this, so that it is nobody's fault if nobody handles it. */
  [Symbol.dispose](): void {
    this.#end();
    this.promise.catch(() => {});
    this.#reject(this.#until.process!.gone("go on sleeping"));
  }

  #end(): void {
    this.#home.clearDeadline(this);
    this.#until.signal?.removeEventListener("abort", this);
    this.#until.process?.disown(this);
  }

  #refused(error: unknown): this {
    this.#reject(error);
    return this;
  }
}
