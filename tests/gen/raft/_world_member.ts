import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { type Machine, type Outcome, ReplicatedState } from "../../../lib/gen/raft/_machine.ts";
import type { Replica, Stored } from "../../../lib/gen/raft/_replica.ts";
import type { Effects, MemberId, Ticket } from "../../../lib/gen/raft/_types.ts";
import { type Input, step } from "./_linearizability.ts";

/** One of a group: its disk, and what runs on it while it has not crashed. */
export interface Member {
  id: MemberId;
  readonly name: string;
  disk: Stored;
  /** What is on its way to the disk. */
  flushing: Effects | null;
  replica: Replica | null;
  state: ReplicatedState;
  pausedUntil: number;
  /** What comes while it is paused. */
  held: (() => void)[];
  /** How fast its clock runs, and how far it is off. */
  rate: number;
  offset: number;
  /** Counts its starts, so that what was planned before a crash is not done. */
  life: number;
  waiting: Map<Ticket, (effect: "read" | Outcome | { refused: string }) => void>;
}

/** Keys and values, as the checker knows them. */
class Store implements Machine {
  values: Map<string, string> = new Map();

  apply(command: Term): Encodable {
    const [key, type, value, old] = (command as unknown as Term[]).map(textOf) as string[];
    const input = { type, value, old } as unknown as Input;
    const [output, after] = step(this.values.get(key) ?? null, input);
    if (after !== null) this.values.set(key, after);
    return output;
  }

  snapshot(): Encodable {
    return this.values;
  }

  restore(state: Term): void {
    this.values = new Map(
      [...state as unknown as Iterable<[Term, Term]>].map(([k, v]) => [textOf(k)!, textOf(v)!]),
    );
  }
}

export function textOf(term: Term): string | null {
  return term === null ? null : String(term);
}

const stores: WeakMap<ReplicatedState, Store> = new WeakMap();

export function newState(): ReplicatedState {
  const machine = new Store();
  const state = new ReplicatedState(machine);
  stores.set(state, machine);
  return state;
}

export function store(member: Member): Store {
  return stores.get(member.state)!;
}

export function nameOf(id: MemberId): string {
  return id.slice(0, id.indexOf("#"));
}
