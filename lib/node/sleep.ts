import { Deadline } from "./deadlines.ts";

interface SleepHome {
  setDeadline(deadline: Deadline, ms: number): void;
  clearDeadline(deadline: Deadline): void;
}

/** One wait, which a signal may cut short. */
export class Sleep extends Deadline {
  #home: SleepHome;
  #signal: AbortSignal | undefined;
  #resolve: () => void;
  #reject: (reason: unknown) => void;

  constructor(
    home: SleepHome,
    ms: number,
    signal: AbortSignal | undefined,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    super();
    this.#home = home;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    if (signal?.aborted) {
      reject(signal.reason);
    } else {
      signal?.addEventListener("abort", this.#aborted);
      home.setDeadline(this, ms);
    }
  }

  expired(): void {
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#resolve();
  }

  #aborted = (): void => {
    this.#home.clearDeadline(this);
    this.#reject(this.#signal!.reason);
  };
}
