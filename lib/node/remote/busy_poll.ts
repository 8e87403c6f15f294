import type { Platform } from "../../platform/contract.ts";

/** The longest that a node may go on looking, in microseconds. */
export const MAX_BUSY_POLL = 10_000;
/** After so many times in a row that nothing came, looking does not pay. */
const PATIENCE = 3;
/** The most messages that have to follow each other closely before it is tried again. */
const MOST_DOUBT = 1024;
/** After so many times in a row that something came, earlier failures are forgotten. */
const TRUST = 64;

/** @throws {RangeError} if it is no time that a node can look for messages. */
export function checkBusyPoll(microseconds: number): void {
  if (microseconds >= 0 && microseconds <= MAX_BUSY_POLL) return;
  throw new RangeError(
    `Cannot use busyPoll ${microseconds}: it must be 0 to ${MAX_BUSY_POLL} microseconds`,
  );
}

/**
 * Looks for messages of other nodes again and again instead of sleeping until one comes, for a while after one has come or an answer was
 * asked for: to be woken up takes longer than a message's way.
 *
 * - Where nothing came three times in a row it stops, so that an idle node takes no time of the processor. It begins again when messages
 *   come as closely as it would have found them; and where that was vain again only after twice as many, because on a busy processor it may be just
 *   the looking that keeps the peer from answering.
 * - A clock that stands still ends it, too: a turn takes a microsecond at least.
 */
export class BusyPoll {
  readonly #platform: Pick<Platform, "now">;
  readonly #poll: (fn: () => void) => void;
  /** How long one look takes at the most, in milliseconds, and in turns. */
  readonly #limit: number;
  readonly #mostTurns: number;
  /** Whether a turn is to come. */
  #looking = false;
  /** Since the last turn: whether something came, and whether the time is to begin anew. */
  #found = false;
  #again = false;
  #until = 0;
  #turns = 0;
  /** In a row. */
  #misses = 0;
  #hits = 0;
  /** While it does not pay: when a message came or was sent last, how many came closely behind that, and how many have to. */
  #last = -Infinity;
  #close = 0;
  #needed = 1;
  #stopped = false;

  /**
   * @param poll a turn of the event loop, see `Platform.poll`.
   * @param microseconds how long to look for the next message.
   */
  constructor(
    platform: Pick<Platform, "now">,
    poll: (fn: () => void) => void,
    microseconds: number,
  ) {
    this.#platform = platform;
    this.#poll = poll;
    this.#limit = microseconds / 1000;
    this.#mostTurns = Math.ceil(microseconds);
  }

  /** Something has come, one message or several at once. */
  came(): void {
    this.#again = true;
    if (this.#looking) this.#found = true;
    else if (this.#pays(true)) this.#begin();
  }

  /** Something was asked that is to be answered. */
  asked(): void {
    this.#again = true;
    if (!this.#looking && this.#pays(false)) this.#begin();
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(): void {
    if (this.#stopped) return;
    this.#looking = true;
    this.#poll(this.#turn);
  }

  readonly #turn = (): void => {
    if (this.#again) {
      const now = this.#platform.now();
      this.#again = false;
      this.#until = now + this.#limit;
      this.#turns = this.#mostTurns;
      if (this.#found) this.#hit();
    } else if (--this.#turns <= 0 || this.#platform.now() >= this.#until) {
      return this.#miss();
    }
    if (this.#stopped) this.#looking = false;
    else this.#poll(this.#turn);
  };

  #hit(): void {
    this.#found = false;
    this.#misses = 0;
    if (++this.#hits === TRUST) this.#needed = 1;
  }

  #miss(): void {
    this.#looking = false;
    this.#hits = 0;
    if (++this.#misses === PATIENCE) {
      this.#close = 0;
      this.#last = -Infinity;
    }
  }

  /** Whether looking has found something lately, or would have. */
  #pays(came: boolean): boolean {
    if (this.#misses < PATIENCE) return true;
    const now = this.#platform.now();
    if (came) this.#close = now - this.#last <= this.#limit ? this.#close + 1 : 0;
    this.#last = now;
    if (this.#close < this.#needed) return false;
    this.#needed = Math.min(2 * this.#needed, MOST_DOUBT);
    this.#misses = PATIENCE - 1; // one more is enough
    return true;
  }
}

/** What a node with that option uses; `null` where it is off, or the platform's loop does not look at sockets in between. */
export function busyPollOf(platform: Platform, microseconds: number | undefined): BusyPoll | null {
  if (microseconds === undefined) return null;
  checkBusyPoll(microseconds);
  const { poll } = platform;
  return poll === undefined || microseconds === 0
    ? null
    : new BusyPoll(platform, (fn) => poll.call(platform, fn), microseconds);
}
