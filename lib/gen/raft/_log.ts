import { NOBODY } from "./_members.ts";
import type { Entry, Members, Snapshot } from "./_types.ts";

const OVERHEAD = 32;

/** How large an entry is, as far as limits are concerned. */
export function sizeOf({ payload }: Entry): number {
  return OVERHEAD + (payload.type === "command" ? payload.bytes.length : 0);
}

/** The entries of a member: a snapshot, and what comes behind it; a few entries before it may be there, too. */
export class Log {
  #entries: Entry[] = [];
  /** The entry before the first one that is there. */
  #baseIndex = 0;
  #baseTerm = 0;
  #snapshot: Snapshot | null;
  /** From which index on who was a member. */
  #members: { readonly index: number; readonly members: Members }[];

  constructor(snapshot: Snapshot | null, entries: readonly Entry[]) {
    this.#snapshot = snapshot;
    this.#members = [{ index: snapshot?.index ?? 0, members: snapshot?.members ?? NOBODY }];
    if (entries.length > 0) {
      this.#baseIndex = entries[0].index - 1;
      // The term before the first entry is only asked for where it is that of the snapshot, or nothing is before it.
      this.#baseTerm = this.#baseIndex === snapshot?.index ? snapshot.term : 0;
    } else if (snapshot !== null) {
      this.#baseIndex = snapshot.index;
      this.#baseTerm = snapshot.term;
    }
    if (this.#baseIndex > (snapshot?.index ?? 0)) {
      throw new Error(
        `Cannot use a log that begins at ${this.#baseIndex + 1}: entries are missing before it`,
      );
    }
    for (const entry of entries) this.#push(entry);
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.term(this.lastIndex)!;
  }

  get firstIndex(): number {
    return this.#baseIndex + 1;
  }

  /** The members now, whether they are committed or not. */
  get members(): Members {
    return this.#members[this.#members.length - 1].members;
  }

  /** Since which entry the members are what they are. */
  get membersIndex(): number {
    return this.#members[this.#members.length - 1].index;
  }

  /** The members as of an entry that is not before the snapshot. */
  membersAt(index: number): Members {
    for (let i = this.#members.length - 1; i > 0; i--) {
      if (this.#members[i].index <= index) return this.#members[i].members;
    }
    return this.#members[0].members;
  }

  /** The term of an entry; `undefined` where it is not known, or there is none. */
  term(index: number): number | undefined {
    if (index === this.#baseIndex) {
      return index === 0 || this.#baseTerm !== 0 ? this.#baseTerm : undefined;
    }
    if (index === this.#snapshot?.index) return this.#snapshot.term;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  get(index: number): Entry | undefined {
    return this.#entries[index - this.#baseIndex - 1];
  }

  /** Entries from an index on, up to a size; one at least where there is one. */
  slice(from: number, maxBytes = Infinity, until: number = this.lastIndex): Entry[] {
    const slice: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= until; index++) {
      const entry = this.get(index)!;
      bytes += sizeOf(entry);
      if (slice.length > 0 && bytes > maxBytes) break;
      slice.push(entry);
    }
    return slice;
  }

  /** Puts an entry behind the last one, or in the place of another one and all behind that. */
  put(entry: Entry): void {
    if (entry.index <= this.lastIndex) {
      this.#entries.length = entry.index - this.#baseIndex - 1;
      while (this.#members.length > 1 && this.membersIndex >= entry.index) this.#members.pop();
    }
    this.#push(entry);
  }

  /** The last index up to `index` whose term is not above `term`: where two logs may be the same. */
  lastWithin(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#baseIndex && (this.term(at) ?? 0) > term) at--;
    return at;
  }

  /** Makes a snapshot of what is there, and forgets entries before it. */
  compact(index: number, bytes: Uint8Array, keep: number): Snapshot {
    const term = this.term(index);
    if (term === undefined || index <= (this.#snapshot?.index ?? 0)) {
      throw new Error(`Cannot make a snapshot at ${index}: there is no such entry`);
    }
    const snapshot = { index, term, members: this.membersAt(index), bytes };
    const base = Math.max(this.#baseIndex, index - keep);
    this.#baseTerm = this.term(base)!;
    this.#entries.splice(0, base - this.#baseIndex);
    this.#baseIndex = base;
    this.#snapshot = snapshot;
    this.#settle(snapshot);
    return snapshot;
  }

  /** Takes another one's snapshot in the place of all. */
  install(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#entries = [];
    this.#baseIndex = snapshot.index;
    this.#baseTerm = snapshot.term;
    this.#members = [{ index: snapshot.index, members: snapshot.members }];
  }

  #settle({ index, members }: Snapshot): void {
    const later = this.#members.filter((one) => one.index > index);
    this.#members = [{ index, members }, ...later];
  }

  #push(entry: Entry): void {
    if (entry.index !== this.lastIndex + 1) {
      throw new Error(`Cannot put entry ${entry.index} behind entry ${this.lastIndex}`);
    }
    this.#entries.push(entry);
    const { payload } = entry;
    if (payload.type === "members" && entry.index > this.#members[0].index) {
      this.#members.push({ index: entry.index, members: payload.members });
    }
  }
}
