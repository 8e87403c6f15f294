import { highestOfMajority } from "../../../lib/gen/raft/_leading.ts";
import { Replica } from "../../../lib/gen/raft/_replica.ts";
import type { Fault } from "./_world.ts";

/** Faults that a Raft can have, each in an otherwise good one. The runs have to find every one of them. */
export const MUTANTS: Readonly<Record<string, Fault>> = {
  "votes twice in a term": {
    Replica: class extends Replica {
      override _mayVote(): boolean {
        return true;
      }
    },
  },
  "votes for whoever has less": {
    Replica: class extends Replica {
      override _isUpToDate(): boolean {
        return true;
      }
    },
  },
  "commits without a majority": {
    Replica: class extends Replica {
      override _committable(matches: readonly number[]): number {
        return highestOfMajority([...matches].sort((a, b) => b - a).slice(0, matches.length - 1));
      }
    },
  },
  "commits what only the leader has": {
    Replica: class extends Replica {
      override _committable(matches: readonly number[]): number {
        return Math.max(...matches);
      }
    },
  },
  "commits entries of former leaders by counting": {
    Replica: class extends Replica {
      override _mayCount(): boolean {
        return true;
      }
    },
  },
  "takes entries behind a gap or another log": {
    Replica: class extends Replica {
      override _matches(prevIndex: number): boolean {
        return prevIndex <= this.log.lastIndex;
      }
    },
  },
  "reads without asking the others": {
    Replica: class extends Replica {
      override _confirms(): boolean {
        return true;
      }
    },
  },
  "answers before it is on disk": { noFsync: true },
  "forgets its vote in a crash": { forgetsVote: true },
  "comes back without its storage as the same": { sameIdentity: true },
  "does not know a request again": { noSessions: true },
};
