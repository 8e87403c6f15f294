import type { Atom } from "../../etf/atom.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { NOCONNECTION } from "../atoms.ts";
import type { CallPlace } from "../call.ts";
import type { Priority } from "../process/mailbox.ts";
import type { Process, Watcher } from "../process/process.ts";
import type { Address } from "../target.ts";

/** Another node, as the processes of this one see it. Whatever is sent connects first where there is no connection. */
export interface RemoteNode {
  readonly name: string;
  /** Whether it is known to have no aliases (OTP 23 and before, C nodes): a call's tag is a reference as it was then. */
  readonly plainTags: boolean;
  /**
   * @param receiver the process behind an alias, where it is known: else a large message holds up all that `from` sends there.
   * @param priority counts where an alias is that of a process which takes urgent messages by it.
   * @throws {BusyError} where too much waits to be sent already.
   */
  send(from: Pid, to: Address, message: Encodable, receiver?: Pid, priority?: Priority): void;
  /** As `send`, but never refused: for the node's own processes. */
  mustSend(from: Pid, to: Address, message: Encodable): void;
  /** @throws {BusyError} where nothing more can be sent. */
  admit(): void;
  /** @returns takes the monitor back when it is told that a call is over. */
  monitor(from: Pid, to: Pid | Atom, ref: Ref, watcher: Watcher): CallPlace;
  demonitor(ref: Ref): void;
  link(process: Process, to: Pid): void;
  unlink(process: Process, to: Pid): void;
  exit(from: Pid, to: Pid, reason: Term): void;
  setGroupLeader(leader: Pid, of: Pid): void;
  /** Fires a monitor of theirs on one of our processes, which lives on. */
  failCaller(ref: Ref, reason: Term): void;
}

/** Finds other nodes. */
export interface RemoteNodes {
  remote(node: string): RemoteNode;
  /** One to which something was sent, or which is connected; nothing is made for others, which anybody can name. */
  known(node: string): RemoteNode | undefined;
}

/** Every other node where there is no network: it is down. */
class Unreachable implements RemoteNode {
  readonly name: string;
  readonly plainTags = false;

  constructor(name: string) {
    this.name = name;
  }

  send(): void {}

  mustSend(): void {}

  admit(): void {}

  monitor(_from: Pid, _to: Pid | Atom, _ref: Ref, watcher: Watcher): CallPlace {
    watcher.down(NOCONNECTION);
    return NOWHERE;
  }

  demonitor(): void {}

  link(process: Process, to: Pid): void {
    process.exitSignal(to, NOCONNECTION, true);
  }

  unlink(): void {}

  exit(): void {}

  setGroupLeader(): void {}

  failCaller(): void {}
}

const NOWHERE: CallPlace = { callEnded() {} };

/** What a node without a network sees of the others. */
export const NO_NETWORK: RemoteNodes = {
  remote: (node) => new Unreachable(node),
  known: () => undefined,
};
