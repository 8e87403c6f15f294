import type { Pid, Ref } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Term } from "../etf/term.ts";
import type { Receiver } from "./core_options.ts";
import type { NumberBlock } from "./numbers.ts";
import type { Names } from "./process/names.ts";
import type { Process } from "./process/process.ts";
import type { RemoteNode } from "./remote/remote_node.ts";
import type { Address } from "./target.ts";

/** What is around a part of a node that runs on a thread of its own: all of the node that is not in it. */
export interface Outside {
  /** The way to an address of this node; `null` where it is in this part. */
  routeOf(address: Address): RemoteNode | null;
  /** A process of this part has begun, and others may get to know its pid. */
  spawned(process: Process): void;
  /** Two processes of this part have been linked, or are linked no more. */
  linked(a: Pid, b: Pid): void;
  unlinked(a: Pid, b: Pid): void;
  /** See `remote/caller_monitor.ts`: the monitors of other nodes are not in this part. */
  failByName(server: Pid, caller: Pid, reason: Term): void;
  /** It has ended, with that reason. */
  ended(process: Process, reason: Term): void;
}

/** Where a part of a node gets its numbers from, so that no two parts have one in common. */
export interface Part {
  readonly outside: Outside;
  readonly names: Names;
  readonly pids: NumberBlock;
  /** Further numbers for processes. */
  morePids(): NumberBlock;
  readonly references: NumberBlock;
  moreReferences(): NumberBlock;
  /** What all references of the node have in common. */
  readonly tail: number;
}

/** The parts of a node that run on threads of their own, as the core sees them that has everything else. */
export interface Parts {
  /** What takes the messages to a reference that another part has made; `undefined` where none has. */
  receiverOf(ref: Ref, number: number): Receiver | undefined;
  /** How messages to such a reference are decoded; `null` where no other part has made it. */
  termsOf(number: number): DecodeOptions | null;
}
