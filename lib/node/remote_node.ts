import type { Atom } from "../etf/atom.ts";
import type { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import type { Process, Watcher } from "./process.ts";
import type { Address } from "./target.ts";

/** Another node, as the processes of this one see it. Whatever is sent connects first where there is no connection. */
export interface RemoteNode {
  readonly name: string;
  send(from: Pid, to: Address, message: Encodable): void;
  monitor(from: Pid, to: Pid | Atom, ref: Ref, watcher: Watcher): void;
  demonitor(ref: Ref): void;
  link(process: Process, to: Pid): void;
  unlink(process: Process, to: Pid): void;
  exit(from: Pid, to: Pid, reason: Term): void;
  /** Fires a monitor of theirs on one of our processes, which lives on. */
  failCaller(ref: Ref, reason: Term): void;
}

/** Finds other nodes. */
export interface RemoteNodes {
  remote(node: string): RemoteNode;
}
