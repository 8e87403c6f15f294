import type { Atom } from "../etf/atom.ts";
import type { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { BusyError } from "../node/errors.ts";
import type { CallPlace } from "../node/call.ts";
import type { Priority } from "../node/process/mailbox.ts";
import type { Process, Watcher } from "../node/process/process.ts";
import type { RemoteNode } from "../node/remote/remote_node.ts";
import { type Address, Name } from "../node/target.ts";
import type { Hub } from "./hub.ts";
import { OP, PRIORITIES } from "./_signals.ts";
import { addressTerm } from "./_targets.ts";

/** A node as a thread beside the node's own sees it, also its own node as far as it is on other threads. All goes by way of the node's own thread. */
export class FarNode implements RemoteNode {
  readonly name: string;
  readonly plainTags = false;
  /** Whether too much waits to be sent to it. */
  busy = false;
  readonly #node: Atom;
  readonly #hub: Hub;

  constructor(hub: Hub, node: Atom) {
    this.name = node.name;
    this.#node = node;
    this.#hub = hub;
  }

  send(from: Pid, to: Address, message: Encodable, _receiver?: Pid, priority?: Priority): void {
    this.admit();
    this.#send(from, to, message, priority);
  }

  mustSend(from: Pid, to: Address, message: Encodable): void {
    this.#send(from, to, message);
  }

  #send(from: Pid, to: Address, message: Encodable, priority: Priority = "normal"): void {
    this.#hub.mail.write(
      OP.SEND,
      [from, addressTerm(to), PRIORITIES.indexOf(priority)],
      message,
    );
  }

  admit(): void {
    if (this.busy) throw new BusyError(this.name, 0);
  }

  monitor(from: Pid, to: Pid | Atom, ref: Ref, watcher: Watcher): CallPlace {
    const target = "serial" in to ? to : addressTerm(new Name(to.name, this.#node));
    this.#hub.mail.write(OP.MONITOR, [from, target, ref]);
    this.#hub.watch(ref, watcher);
    return { callEnded: () => this.demonitor(ref) };
  }

  demonitor(ref: Ref): void {
    if (this.#hub.unwatch(ref)) this.#hub.mail.write(OP.DEMONITOR, [ref]);
  }

  link(process: Process, to: Pid): void {
    process.addLink(new FarEnd(to));
    this.#hub.mail.write(OP.LINK, [process.pid, to]);
  }

  unlink(process: Process, to: Pid): void {
    if (process.removeLink(to)) this.#hub.mail.write(OP.UNLINK, [process.pid, to]);
  }

  exit(from: Pid, to: Pid, reason: Term): void {
    this.#hub.mail.write(OP.EXIT, [from, to], reason);
  }

  setGroupLeader(leader: Pid, of: Pid): void {
    this.#hub.mail.write(OP.LEADER, [leader, of]);
  }

  failCaller(ref: Ref, reason: Term): void {
    this.#hub.tellReason(OP.FAIL, [ref], reason);
  }
}

/** The other end of a link, on another thread, where the end of our process is known by itself. */
export class FarEnd {
  readonly pid: Pid;

  constructor(pid: Pid) {
    this.pid = pid;
  }

  linkBroken(): void {}
}
