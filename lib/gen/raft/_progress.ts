import type { Log } from "./_log.ts";
import type { Message, ReplicaOptions, Snapshot } from "./_types.ts";

type Append = Extract<Message, { type: "append" }>;
type Install = Extract<Message, { type: "install" }>;

/** What of the leader goes into each message. */
export interface Sending {
  readonly term: number;
  readonly commit: number;
  readonly round: number;
  readonly log: Log;
  readonly options: ReplicaOptions;
}

/**
 * What a leader knows of one member, and what it sends it.
 *
 * | mode | it is known | under way |
 * | --- | --- | --- |
 * | `probe` | nothing | one message, from where the logs may be the same |
 * | `flow` | up to `match` the logs are the same | up to `window` messages with entries |
 * | `install` | its log is too short | one piece of a snapshot |
 *
 * What gets lost is noticed by the next heartbeat: in `flow` it is an append behind all that was sent, which is refused; in the others it goes from the
 * same place as what is under way, with one entry at most, or no bytes, and its answer tells where to go on. So no batch and no piece is sent
 * twice because a member is slow, or is not there.
 */
export class Progress {
  match = 0;
  next: number;
  /** When something has come from it. */
  heard: number;
  /** The latest round that it has answered. */
  round = 0;
  /** It goes when it has been told of this entry, by which it was removed; 0 while it stays. */
  leaving = 0;
  #mode: "probe" | "flow" | "install" = "probe";
  /** A probe, or a piece, is under way. */
  #waits = false;
  /** The last indices of the messages that are under way. */
  #flying: number[] = [];
  #told = -1;
  #snapshot: Snapshot | null = null;
  #offset = 0;
  /** The round in which the piece went that is under way. */
  #pieceRound = 0;

  constructor(next: number, now: number) {
    this.next = next;
    this.heard = now;
  }

  get mode(): "probe" | "flow" | "install" {
    return this.#mode;
  }

  /** Up to which entry it was told that entries are committed. */
  get told(): number {
    return this.#told;
  }

  /** What is to be sent now. @param always something in any case: a heartbeat. */
  send(from: Sending, always: boolean): Message[] {
    if (this.#mode === "install") return this.#sendPiece(from, always);
    if (from.log.term(this.next - 1) === undefined) {
      this.#mode = "install";
      this.#snapshot = from.log.snapshot;
      this.#offset = 0;
      this.#waits = false;
      return this.#sendPiece(from, always);
    }
    if (this.#mode === "probe") {
      if (this.#waits && !always) return [];
      // One entry at least, where there is one: who does not know the leader for a member hears only what is new to it.
      const entries = from.log.slice(this.next, this.#waits ? 0 : from.options.maxBatch);
      this.#waits = true;
      return [this.#append(from, entries)];
    }
    const messages: Message[] = [];
    while (this.next <= from.log.lastIndex && this.#flying.length < from.options.window) {
      const entries = from.log.slice(this.next, from.options.maxBatch);
      messages.push(this.#append(from, entries));
      this.next += entries.length;
      this.#flying.push(this.next - 1);
    }
    const tells = Math.min(from.commit, this.next - 1);
    if (messages.length === 0 && (always || this.#told < tells)) {
      messages.push(this.#append(from, []));
    }
    return messages;
  }

  /** Its log is the same up to an index. @returns whether that is news. */
  matched(index: number): boolean {
    while (this.#flying.length > 0 && this.#flying[0] <= index) this.#flying.shift();
    const isNews = index > this.match;
    if (isNews) this.match = index;
    if (this.next <= this.match) this.next = this.match + 1;
    if (this.#mode === "install" && this.match < this.#snapshot!.index) return isNews;
    if (this.#mode !== "flow") {
      this.#mode = "flow";
      this.#snapshot = null;
      this.next = this.match + 1;
    }
    return isNews;
  }

  /** It has no such entry at `index`, and may have the same up to `hint`. */
  refused(index: number, hint: number): void {
    if (this.#mode === "install" || index <= this.match) return; // of a time that is over
    if (this.#mode === "probe" && index !== this.next - 1) return;
    this.#mode = "probe";
    this.#waits = false;
    this.#flying = [];
    this.next = Math.max(this.match + 1, Math.min(index, hint + 1));
  }

  /** It has so many bytes of a snapshot, says an answer to a message of that round. */
  installed(index: number, offset: number, round: number): void {
    if (this.#mode !== "install" || index !== this.#snapshot!.index) return;
    // Where the piece is not there behind a later message it was lost.
    if (this.#waits && offset === this.#offset && round <= this.#pieceRound) return;
    this.#offset = Math.min(offset, this.#snapshot!.bytes.length);
    this.#waits = false;
  }

  #append(from: Sending, entries: Append["entries"]): Append {
    const { term, commit, round, log } = from;
    const prevIndex = this.next - 1;
    this.#told = Math.max(this.#told, Math.min(commit, prevIndex + entries.length));
    return {
      type: "append",
      term,
      prevIndex,
      prevTerm: log.term(prevIndex)!,
      commit,
      round,
      entries,
    };
  }

  #sendPiece({ term, round, options }: Sending, always: boolean): Install[] {
    if (this.#waits && !always) return [];
    const { index, term: lastTerm, members, bytes } = this.#snapshot!;
    const offset = this.#offset;
    const end = this.#waits ? offset : offset + options.chunk;
    if (!this.#waits) this.#pieceRound = round;
    this.#waits = true;
    return [{
      type: "install",
      term,
      round,
      index,
      lastTerm,
      members,
      total: bytes.length,
      offset,
      bytes: bytes.subarray(offset, end),
    }];
  }
}
