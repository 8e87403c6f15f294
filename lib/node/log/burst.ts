import type { Platform } from "../../platform/contract.ts";

/** Milliseconds. */
const INTERVAL = 1_000;

/**
 * Keeps a flood of log events from filling disks, and from taking the time of everything else: peers may cause any number of them. What is
 * left out is counted, and told at the end of the interval.
 */
export class Burst {
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #most: number;
  readonly #tell: (text: string) => void;
  #since = -Infinity;
  #events = 0;
  #left = 0;

  /** @param most how many go through within a second. */
  constructor(
    platform: Pick<Platform, "now" | "setTimer">,
    most: number,
    tell: (text: string) => void,
  ) {
    this.#platform = platform;
    this.#most = most;
    this.#tell = tell;
  }

  /** Whether there is room for one more. */
  admit(): boolean {
    const now = this.#platform.now();
    if (now - this.#since >= INTERVAL) {
      this.#close();
      this.#since = now;
      this.#events = 0;
    }
    if (this.#events < this.#most) {
      this.#events++;
      return true;
    }
    if (this.#left++ === 0) {
      const ms = INTERVAL - (now - this.#since);
      this.#platform.setTimer(ms, () => this.#close(), { unref: true });
    }
    return false;
  }

  #close(): void {
    const left = this.#left;
    if (left === 0) return;
    this.#left = 0;
    this.#tell(`${left} more lines were left out: over ${this.#most} in ${INTERVAL} ms`);
  }
}
