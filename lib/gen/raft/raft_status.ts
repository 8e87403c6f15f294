import type { Term } from "../../etf/term.ts";

/** What a member knows. */
export interface RaftStatus {
  /** What it is: who stands for election is a candidate. */
  readonly role: "leader" | "follower" | "candidate";
  /** The node that leads, as far as it knows. */
  readonly leader: string | null;
  /** How many times a leader was sought. */
  readonly term: number;
  /** Up to which entry of the log its state is. */
  readonly serial: number;
  /** The nodes that are members. */
  readonly members: {
    /** Those whose majority decides. */
    readonly voters: readonly string[];
    /** Those that only follow, or do not vote yet. */
    readonly learners: readonly string[];
  };
}

/**
 * What happens in a group, as one member sees it.
 *
 * - `leader`: another one leads, or nobody.
 * - `applied`: a command was carried out. `command()` is its term; binaries that are text are strings.
 * - `restored`: the state was put in the place of the one that was there, up to that entry: what was applied in between is not told.
 * - `members`: others are members than before.
 */
export type RaftEvent =
  | { readonly type: "leader"; readonly leader: string | null; readonly term: number }
  | { readonly type: "applied"; readonly serial: number; readonly command: () => Term }
  | { readonly type: "restored"; readonly serial: number }
  | {
    readonly type: "members";
    readonly voters: readonly string[];
    readonly learners: readonly string[];
  };
