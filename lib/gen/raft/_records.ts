import { decode } from "../../etf/decoder.ts";
import { encode } from "../../etf/encoder.ts";
import type { Encodable } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Stored } from "./_replica.ts";
import {
  count,
  elementsOf,
  entryIn,
  entryTerm,
  hardIn,
  hardTerm,
  listOf,
  sized,
  snapshotIn,
  snapshotTerm,
  textIn,
} from "./_terms.ts";
import type { Batch, Entry, HardState, Snapshot } from "./_types.ts";

/** The form of the records, so that another one can be told apart. */
const VERSION = 1;

/** Who a member is: of one group for ever, and the same one as long as it has its storage. */
export interface Identity {
  readonly id: string;
  /** `null` until it has been taken in. */
  readonly group: string | null;
}

/** What a member finds when it starts. */
export interface Recovered {
  /** `null` where the storage is new. */
  readonly identity: Identity | null;
  readonly stored: Stored;
}

/** What is made durable at once, as one record: all of it is there later, or nothing. */
export function recordOf(identity: Identity | null, batch: Batch | null): Uint8Array {
  return encode(
    tuple(
      VERSION,
      identity === null ? null : tuple(identity.id, identity.group),
      hardTerm(batch?.hard ?? null),
      snapshotTerm(batch?.snapshot ?? null),
      (batch?.entries ?? []).map(entryTerm),
    ) as Encodable,
  );
}

/** What all records, in their order, come to. @throws where they are not what was written. */
export function recover(records: readonly Uint8Array[]): Recovered {
  let identity: Identity | null = null;
  let hard: HardState = { term: 0, vote: null };
  let snapshot: Snapshot | null = null;
  let entries: Entry[] = [];
  for (const record of records) {
    const [version, who, state, latest, more] = sized(elementsOf(decode(record)), 5);
    if (count(version) !== VERSION) {
      throw new Error(
        `Cannot read the log of a member: it is of form ${version}, of which this program knows nothing`,
      );
    }
    if (who !== null) {
      const [id, group] = sized(elementsOf(who), 2);
      identity = { id: textIn(id), group: group === null ? null : textIn(group) };
    }
    hard = hardIn(state) ?? hard;
    const next = snapshotIn(latest);
    if (next !== null) [snapshot, entries] = [next, []];
    for (const one of listOf(more)) {
      const entry = entryIn(one);
      const first = entries.length === 0 ? entry.index : entries[0].index;
      entries.length = Math.min(entries.length, entry.index - first);
      entries.push(entry);
    }
  }
  return { identity, stored: { hard, snapshot, entries } };
}
