import type { Files } from "../../platform/files.ts";

/** What a storage is opened with. */
export interface RaftStorageContext {
  /** The files of the node's platform, which are virtual in a simulation. */
  files(): Promise<Files>;
  /** Says what was found that somebody should know of. */
  warn(message: string): void;
}

/**
 * Where a member of a {@linkcode Raft} keeps what it must not forget: a list of records, which are bytes.
 *
 * - A promise of `append` and `replace` settles when the record is safe: a member answers nobody before that. What a crash interrupts is there as a
 *   whole or not at all.
 * - The next one is only asked for when the one before is done. Where one rejects, the member ends, with that reason: what is in the storage then is
 *   known when it is opened again.
 * - A storage belongs to one member. Whoever comes with an empty one is somebody else for its group, also on the same node: it is taken in
 *   again by itself, gets everything, and votes when it has.
 */
export interface RaftStorage {
  /** All records, in their order; none where it is new. Called once for each start of a member. */
  open(context: RaftStorageContext): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** Puts a record behind the others. */
  append(record: Uint8Array): Promise<void> | void;
  /** Puts one record in the place of all: at once, or not. */
  replace(record: Uint8Array): Promise<void> | void;
  /** The member has ended. */
  close?(): Promise<void> | void;
}

/**
 * A storage in memory, which lasts as long as the value: the same value may be given to a member that is started again. For groups whose state
 * need not survive the end of all members at once, and for tests. Without storage a member has one of these.
 */
export function memoryStorage(): RaftStorage {
  let records: Uint8Array[] = [];
  return {
    open: () => records.slice(),
    append: (record) => void records.push(record),
    replace: (record) => void (records = [record]),
  };
}
