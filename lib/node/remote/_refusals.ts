import type { Platform } from "../../platform/contract.ts";

/** Milliseconds in which a refusal of one kind is logged once for a peer. */
const INTERVAL = 60_000;

/** Counts and logs what a peer was refused: at most one line a minute for each kind, so that nobody can fill a log. */
export class Refusals {
  readonly #platform: Pick<Platform, "now" | "log">;
  readonly #peer: string;
  readonly #kinds: Map<string, { unsaid: number; at: number }> = new Map();

  constructor(platform: Pick<Platform, "now" | "log">, peer: string) {
    this.#platform = platform;
    this.#peer = peer;
  }

  /**
   * @param kind the same text for what is told together.
   * @param what was refused this time; may come from the peer, and is cut.
   */
  add(kind: string, what: string): void {
    const now = this.#platform.now();
    const { unsaid, at } = this.#kinds.get(kind) ?? { unsaid: 0, at: -Infinity };
    if (now - at < INTERVAL) {
      this.#kinds.set(kind, { unsaid: unsaid + 1, at });
      return;
    }
    this.#kinds.set(kind, { unsaid: 0, at: now });
    const more = unsaid === 0 ? "" : `, and ${unsaid} more since the last such line`;
    const said = JSON.stringify(what.slice(0, 100));
    this.#platform.log(
      "warning",
      `${this.#peer} may not ${kind} ${said}${more}; see option access`,
    );
  }
}
