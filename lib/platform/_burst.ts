import type { Platform } from "./contract.ts";

type Level = Parameters<Platform["log"]>[0];

/** How many lines go through within one interval: as of OTP's logger. */
const MOST = 500;
/** Milliseconds. */
const INTERVAL = 1_000;

/**
 * Keeps a flood of log lines from filling disks, and from taking the time of everything else: peers may cause any number of them. What is
 * left out is counted, and told at the end of the interval.
 */
export class Burst {
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #write: (level: Level, line: string) => void;
  #since = -Infinity;
  #lines = 0;
  #left = 0;

  constructor(
    platform: Pick<Platform, "now" | "setTimer">,
    write: (level: Level, line: string) => void,
  ) {
    this.#platform = platform;
    this.#write = write;
  }

  log(level: Level, line: string): void {
    const now = this.#platform.now();
    if (now - this.#since >= INTERVAL) {
      this.#tell();
      this.#since = now;
      this.#lines = 0;
    }
    if (this.#lines < MOST) {
      this.#lines++;
      return this.#write(level, line);
    }
    if (this.#left++ > 0) return;
    this.#platform.setTimer(INTERVAL - (now - this.#since), () => this.#tell(), { unref: true });
  }

  #tell(): void {
    const left = this.#left;
    if (left === 0) return;
    this.#left = 0;
    this.#write("warning", `${left} more lines were left out: over ${MOST} in ${INTERVAL} ms`);
  }
}
