/** How long it is known that a node has lost another one. */
const KEPT = 60 * 60 * 1_000;
/** How many such facts are known at most: the oldest are forgotten first. */
const MOST = 10_000;

interface Lost {
  readonly creation: number | bigint;
  readonly operation: number | bigint;
  readonly at: number;
}

/** What nodes have said about connections that they have lost, so that each is heeded and passed on once. */
export class LostConnections {
  readonly #now: () => number;
  readonly #lost: Map<string, Lost> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes note of it. @returns whether it is new. */
  add(
    from: string,
    to: string,
    creation: number | bigint,
    operation: number | bigint,
  ): boolean {
    const key = `${from} ${to}`;
    const old = this.#lost.get(key);
    // One integer may be a number here and a bigint there.
    if (old !== undefined && old.creation == creation && operation <= old.operation) return false;
    const at = this.#now();
    this.#lost.delete(key); // so that the oldest come first
    for (const [oldest, { at: then }] of this.#lost) {
      if (this.#lost.size < MOST && at - then < KEPT) break;
      this.#lost.delete(oldest);
    }
    this.#lost.set(key, { creation, operation, at });
    return true;
  }
}
