import { isThenable } from "../../_util/thenable.ts";
import type { Process } from "./process.ts";
import { Turn } from "./turn.ts";

/** What a process's timers need of its node. */
export interface TimerHome {
  setDeadline(timer: ProcessTimer, ms: number): void;
  clearDeadline(timer: ProcessTimer): void;
}

/** A timer of a process: its function runs as a message does, in turn. It ends with the process. */
export class ProcessTimer extends Turn implements Disposable {
  #home: TimerHome;
  #process: Process;
  #fn: () => unknown;
  #every: number | null;
  #over = false;

  constructor(
    home: TimerHome,
    process: Process,
    ms: number,
    fn: () => unknown,
    options: { readonly repeat: boolean },
  ) {
    super();
    if (typeof ms !== "number" || !(ms >= 0)) {
      throw new RangeError(`Cannot set a timer in ${String(ms)} ms: 0 or more is needed`);
    }
    if (typeof fn !== "function") {
      throw new TypeError("Cannot set a timer: a function is needed, which is called then");
    }
    this.#home = home;
    this.#process = process;
    this.#fn = fn;
    this.#every = options.repeat ? Math.max(1, ms) : null;
    process.own(this);
    home.setDeadline(this, ms);
  }

  override expired(): void {
    this.#process.deliver(this);
  }

  run(): unknown {
    if (this.#over) return;
    if (this.#every === null) {
      this.#over = true;
      this.#process.disown(this);
      return this.#fn();
    }
    const result = this.#fn();
    if (isThenable(result)) return result.then(() => this.#again());
    this.#again();
  }

  #again(): void {
    if (!this.#over) this.#home.setDeadline(this, this.#every!);
  }

  /** Takes the timer back; its function is not called any more. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#home.clearDeadline(this);
    this.#process.disown(this);
  }
}
