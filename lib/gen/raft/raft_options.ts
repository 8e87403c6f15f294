import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import type { CarrierOptions } from "./_carrier.ts";
import { MAX_VOTERS } from "./_types.ts";
import type { RaftStorage } from "./storage.ts";

/** How a member of a {@linkcode Raft} is. All members of a group are given the same, but for the storage. */
export interface RaftOptions {
  /**
   * The nodes whose members found the group, 1 to 11, better an odd number from 3 on. They all have to be there when the group is founded, and only
   * then. Who was added later, see {@linkcode RaftRef.addMember}, is given these, too: to find the others.
   */
  readonly members: readonly string[];
  /** Where it keeps its log. Default {@linkcode memoryStorage}, which does not outlive the process. */
  readonly storage?: RaftStorage;
  /**
   * Milliseconds without a leader after which a member stands for election: it waits for so long, or up to twice. Several times what a message, a write
   * to the storage and the longest handler take. Default 1,000.
   */
  readonly electionTimeout?: number;
  /** Milliseconds between two messages of a leader that has nothing to say. Default a fifth of the election timeout. */
  readonly heartbeat?: number;
  /** After so many entries a snapshot takes their place. Default 10,000. */
  readonly snapshotEvery?: number;
  /** So many entries stay behind a snapshot, for members that are a little late: others get the snapshot. Default 1,000. */
  readonly keep?: number;
  /** Commands that may be under way; beyond that callers are told to come again. Default 1,024. */
  readonly maxPending?: number;
  /** Bytes of entries in one message between members; a larger entry goes alone. Default 262,144. */
  readonly maxBatch?: number;
}

const FIELDS: FieldsOf<RaftOptions> = {
  members: true,
  storage: true,
  electionTimeout: true,
  heartbeat: true,
  snapshotEvery: true,
  keep: true,
  maxPending: true,
  maxBatch: true,
};

const WHAT = "start a member of a Raft";
/** A piece of a snapshot. */
const CHUNK = 256 * 1024;
/** Messages with entries that may be under way to one member. */
const WINDOW = 16;

/** @throws {TypeError} and {RangeError} that say what is needed. */
export function checkRaftOptions(options: RaftOptions): CarrierOptions {
  if (options === undefined) {
    throw new TypeError(
      `Cannot ${WHAT}: its options are needed, node.start(Class, [{ members: [...] }]), or what init returns`,
    );
  }
  checkFields(WHAT, options, FIELDS);
  const { members, storage, electionTimeout = 1_000 } = options;
  if (!Array.isArray(members) || members.length === 0 || members.length > MAX_VOTERS) {
    throw new TypeError(
      `Cannot ${WHAT}: option members must be the names of 1 to ${MAX_VOTERS} nodes`,
    );
  }
  for (const node of members) {
    if (typeof node !== "string" || !node.includes("@")) {
      throw new TypeError(
        `Cannot ${WHAT}: ${String(node)} is no name of a node, as app@localhost`,
      );
    }
  }
  if (new Set(members).size !== members.length) {
    throw new TypeError(`Cannot ${WHAT}: a node is twice in option members`);
  }
  const isStorage = storage === undefined ||
    typeof storage?.open === "function" && typeof storage.append === "function" &&
      typeof storage.replace === "function";
  if (!isStorage) {
    throw new TypeError(
      `Cannot ${WHAT}: option storage must be fileStorage(folder), memoryStorage(), or have open, append and replace`,
    );
  }
  const { heartbeat = electionTimeout / 5, snapshotEvery = 10_000, keep = 1_000 } = options;
  const { maxPending = 1_024, maxBatch = 262_144 } = options;
  const numbers = { electionTimeout, heartbeat, snapshotEvery, keep, maxPending, maxBatch };
  for (const [name, value] of Object.entries(numbers)) {
    const least = name === "keep" ? 0 : 1;
    if (typeof value !== "number" || !(value >= least && value < 2 ** 31)) {
      throw new RangeError(
        `Cannot ${WHAT}: option ${name} must be a number from ${least} on, ${String(value)} came`,
      );
    }
  }
  if (heartbeat * 2 > electionTimeout) {
    throw new RangeError(
      `Cannot ${WHAT}: option heartbeat must be at most half of electionTimeout, ${heartbeat} of ${electionTimeout} came`,
    );
  }
  return { ...numbers, founders: [...members], chunk: CHUNK, window: WINDOW };
}
