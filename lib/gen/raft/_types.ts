/** A member of a group: its node, and an identity that a member gets once and keeps with its storage, as `a@host#3f9c...`. */
export type MemberId = string;

/** Who belongs to a group. The lists have nothing in common. */
export interface Members {
  /** Those whose majority decides. */
  readonly voters: readonly MemberId[];
  /** Those that only follow. */
  readonly learners: readonly MemberId[];
  /** Those that follow until they have caught up, and are voters then. */
  readonly rising: readonly MemberId[];
}

/** What an entry of the log does. */
export type Payload =
  /** Nothing: the first entry of a leader. */
  | { readonly type: "none" }
  /** Opens a session of a client, which has drawn its number at random. */
  | { readonly type: "open"; readonly session: number }
  /** From this entry on, before it is committed, these are the members. */
  | { readonly type: "members"; readonly members: Members }
  /** A command of the state machine, encoded. */
  | {
    readonly type: "command";
    /** 0 for none. */
    readonly session: number;
    /** Which request of the session it is, from 1. */
    readonly serial: number;
    /** Up to here the client has its replies. */
    readonly done: number;
    readonly bytes: Uint8Array;
  };

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly payload: Payload;
}

/** What a member must not forget, besides its log. */
export interface HardState {
  readonly term: number;
  /** Who has got its vote in this term. */
  readonly vote: MemberId | null;
}

/** The state of the machine after the entry of that index, in the place of all entries up to there. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly members: Members;
  readonly bytes: Uint8Array;
}

/** What is to be made durable, at once. */
export interface Batch {
  readonly hard: HardState | null;
  /** Where it is not `null`, `entries` are all that the log has besides it. */
  readonly snapshot: Snapshot | null;
  /** They replace everything from the index of the first one on. */
  readonly entries: readonly Entry[];
}

/** What members tell each other. */
export type Message =
  | {
    readonly type: "vote";
    readonly term: number;
    readonly lastIndex: number;
    readonly lastTerm: number;
    /** Only asks whether it would be elected. */
    readonly pre: boolean;
    /** The leader wants it to be elected. */
    readonly forced: boolean;
  }
  | {
    readonly type: "voted";
    readonly term: number;
    readonly pre: boolean;
    readonly granted: boolean;
  }
  | {
    readonly type: "append";
    readonly term: number;
    readonly prevIndex: number;
    readonly prevTerm: number;
    readonly commit: number;
    /** Goes back in the reply: who replies took the sender for the leader after it was sent. */
    readonly round: number;
    readonly entries: readonly Entry[];
  }
  | {
    readonly type: "appended";
    readonly term: number;
    readonly round: number;
    readonly ok: boolean;
    /** Up to here the logs are the same; where they are not, the index that was looked at. */
    readonly index: number;
    /** The last index at which they may be the same, where it is not ok. */
    readonly hint: number;
  }
  | {
    readonly type: "install";
    readonly term: number;
    readonly round: number;
    readonly index: number;
    readonly lastTerm: number;
    readonly members: Members;
    readonly total: number;
    readonly offset: number;
    readonly bytes: Uint8Array;
  }
  | {
    readonly type: "installed";
    readonly term: number;
    readonly round: number;
    readonly index: number;
    /** How many bytes it has. */
    readonly offset: number;
  }
  | { readonly type: "elect"; readonly term: number };

/** Why a request was not served. */
export type Refusal =
  /** Ask the leader; nothing has happened. */
  | "not_leader"
  /** Too much is under way; nothing has happened. */
  | "overloaded"
  /** Another change of members is under way, or this leader is too new; nothing has happened. */
  | "busy"
  /** The members that the change asks for cannot be. */
  | "bad_change"
  /** Another leader has put something else in its place: it has not happened. */
  | "dropped"
  /** This member leads no more: it may happen, or not. */
  | "unknown";

/** Something that a caller waits for, known to the caller. */
export type Ticket = number;

/** What a replica wants done: first `save`, durably; then the rest, in this order. */
export interface Effects {
  readonly save: Batch | null;
  readonly messages: readonly { readonly to: MemberId; readonly message: Message }[];
  /** Put in the place of the machine's state. */
  readonly restore: Snapshot | null;
  readonly committed: readonly { readonly entry: Entry; readonly ticket: Ticket | null }[];
  /** May be answered from the state behind that index. */
  readonly reads: readonly { readonly ticket: Ticket; readonly index: number }[];
  readonly refused: readonly { readonly ticket: Ticket; readonly why: Refusal }[];
}

/** How a replica behaves; milliseconds and bytes. */
export interface ReplicaOptions {
  /** Without a leader for so long, up to twice, a member stands for election. */
  readonly electionTimeout: number;
  readonly heartbeat: number;
  /** Entries in one message, in bytes; one entry goes in any case. */
  readonly maxBatch: number;
  /** Messages with entries that may be under way to one member. */
  readonly window: number;
  /** Commands that may be under way. */
  readonly maxPending: number;
  /** A piece of a snapshot. */
  readonly chunk: number;
  /** Entries that stay in the log behind a snapshot, for members that are a little late. */
  readonly keep: number;
}

export const MAX_VOTERS = 11;
