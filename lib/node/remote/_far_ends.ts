import type { AtomTerm } from "../../dist/control.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Atom } from "../../etf/atom.ts";
import type { CallPlace } from "../call.ts";
import type { Linked, Process, Watcher } from "../process/process.ts";
import { ChainedWatcher } from "../process/watchers.ts";
import type { Peer } from "./peer.ts";

/** One of our monitors on a process of the peer. For a call it is also what the call tells that it is over. */
export class OutMonitor implements CallPlace {
  readonly peer: Peer;
  readonly watcher: Watcher;
  readonly from: Pid;
  readonly to: Pid | Atom;
  readonly ref: Ref;

  constructor(peer: Peer, watcher: Watcher, from: Pid, to: Pid | Atom, ref: Ref) {
    this.peer = peer;
    this.watcher = watcher;
    this.from = from;
    this.to = to;
    this.ref = ref;
  }

  callEnded(): void {
    this.peer.demonitor(this.ref);
  }
}

/** A process of the peer that watches one of ours. */
export class RemoteWatcher extends ChainedWatcher {
  readonly peer: Peer;
  readonly process: Process;
  readonly watcher: Pid;
  readonly object: Pid | AtomTerm;
  readonly ref: Ref;

  constructor(peer: Peer, process: Process, watcher: Pid, object: Pid | AtomTerm, ref: Ref) {
    super();
    this.peer = peer;
    this.process = process;
    this.watcher = watcher;
    this.object = object;
    this.ref = ref;
  }

  get by(): Pid {
    return this.watcher;
  }

  down(reason: Term): void {
    this.peer.forgetWatcher(this.ref);
    this.peer.sendDown(this.object, this.watcher, this.ref, reason, this.process.pid);
  }
}

/** The far end of a link between one of our processes and one of the peer. */
export class RemoteLink implements Linked {
  readonly peer: Peer;
  readonly process: Process;
  readonly pid: Pid;
  /** Whether the peer has made it. */
  readonly theirs: boolean;

  constructor(peer: Peer, process: Process, pid: Pid, theirs: boolean) {
    this.peer = peer;
    this.process = process;
    this.pid = pid;
    this.theirs = theirs;
  }

  linkBroken(from: Pid, reason: Term): void {
    this.peer.links.forget(this.process, this.pid);
    this.peer.sendLinkExit(from, this.pid, reason);
  }
}
