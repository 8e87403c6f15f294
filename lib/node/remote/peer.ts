import { type Atom, atom } from "../../etf/atom.ts";
import { decode } from "../../etf/decoder.ts";
import { encode } from "../../etf/encoder.ts";
import { EncodeError } from "../../etf/errors.ts";
import { Pid, type Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import type { Connection } from "../../dist/connection.ts";
import { type AtomTerm, CONTROL, type OutgoingControl } from "../../dist/control.ts";
import { hasFlag } from "../../dist/flags.ts";
import { NOCONNECTION } from "../atoms.ts";
import type { Core, RemoteNode } from "../core.ts";
import type { Linked, Process, Watcher } from "../process.ts";
import { type Address, Name } from "../target.ts";

/** What stands in a control message where the protocol says `Unused`. */
const UNUSED = atom("");
/** In front of what was wrong with it, in the place of a reason that cannot be sent. */
const BAD_REASON = atom("bad_reason");

/** A process of the peer that watches one of ours. */
class RemoteWatcher implements Watcher {
  readonly peer: Peer;
  readonly process: Process;
  readonly watcher: Pid;
  readonly object: Pid | AtomTerm;
  readonly ref: Ref;

  constructor(peer: Peer, process: Process, watcher: Pid, object: Pid | AtomTerm, ref: Ref) {
    this.peer = peer;
    this.process = process;
    this.watcher = watcher;
    this.object = object;
    this.ref = ref;
  }

  down(reason: Term): void {
    this.peer.forgetWatcher(this.ref);
    this.peer.sendDown(this.object, this.watcher, this.ref, reason);
  }
}

/** The far end of a link between one of our processes and one of the peer. */
class RemoteLink implements Linked {
  readonly peer: Peer;
  readonly process: Process;
  readonly pid: Pid;

  constructor(peer: Peer, process: Process, pid: Pid) {
    this.peer = peer;
    this.process = process;
    this.pid = pid;
  }

  linkBroken(from: Pid, reason: Term): void {
    this.peer.forgetLink(this.process, this.pid);
    this.peer.sendLinkExit(from, this.pid, reason);
  }
}

/** One of our monitors on a process of the peer. */
interface OutMonitor {
  readonly watcher: Watcher;
  readonly from: Pid;
  readonly to: Pid | Atom;
}

/** Who waits for the answer to a spawn request: a pid, or an atom that says why there is none. */
export type SpawnReply = (result: Pid | AtomTerm, cause?: Error) => void;

/**
 * Another node: what our processes have to do with its processes, and the connection while there is one.
 *
 * Signals go out in the order in which they were sent, those included that were sent while the connection was being made.
 */
export class Peer implements RemoteNode {
  readonly name: string;
  readonly core: Core;
  connection: Connection | null = null;
  #connect: (peer: Peer) => void;
  /** What was sent before the connection was up. */
  #waiting: (() => void)[] = [];
  #monitors: Map<number, OutMonitor> = new Map();
  #watchers: Map<string, RemoteWatcher> = new Map();
  #links: Map<string, RemoteLink> = new Map();
  #spawns: Map<number, SpawnReply> = new Map();
  #unlinks = 0;
  // What the peer understands; set when the connection is up.
  #sendSender = true;
  #exitPayload = true;
  #unlinkId = true;

  /** @param connect begins to connect; must end in `up` or in `down`. */
  constructor(name: string, core: Core, connect: (peer: Peer) => void) {
    this.name = name;
    this.core = core;
    this.#connect = connect;
  }

  /** The connection is up: what waited goes out first. */
  up(connection: Connection): void {
    this.connection = connection;
    const { flags } = connection.peer;
    this.#sendSender = hasFlag(flags, "SEND_SENDER");
    this.#exitPayload = hasFlag(flags, "EXIT_PAYLOAD");
    this.#unlinkId = hasFlag(flags, "UNLINK_ID");
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const send of waiting) {
      try {
        send();
      } catch (error) {
        this.core.fault(`Cannot send to ${this.name} what waited for the connection`, error);
      }
    }
  }

  /** The connection is gone or could not be made, for that cause: every link and monitor to that node ends with `noconnection`. */
  down(cause?: Error): void {
    this.connection = null;
    this.#waiting = [];
    for (const { ref } of [...this.#watchers.values()]) this.removeWatcher(ref);
    const monitors = [...this.#monitors.values()];
    this.#monitors.clear();
    const links = [...this.#links.values()];
    this.#links.clear();
    const spawns = [...this.#spawns.values()];
    this.#spawns.clear();
    for (const { watcher } of monitors) watcher.down(NOCONNECTION, cause);
    for (const reply of spawns) reply(NOCONNECTION, cause);
    for (const link of links) link.process.linkBroken(link.pid, NOCONNECTION);
  }

  /** Begins to connect where there is no connection. */
  connect(): void {
    if (this.connection === null && this.#waiting.length === 0) {
      this.#waiting.push(() => {});
      this.#connect(this);
    }
  }

  // What our processes send

  send(from: Pid, to: Address, message: Encodable): void {
    if (this.connection === null) return this.#later(message, (copy) => this.send(from, to, copy));
    if (to instanceof Pid) {
      if (this.#sendSender) this.#signal([CONTROL.SEND_SENDER, from, to], message);
      else this.#signal([CONTROL.SEND, UNUSED, to], message);
    } else if (to instanceof Name) {
      this.#signal([CONTROL.REG_SEND, from, UNUSED, to.name], message);
    } else {
      this.#signal([CONTROL.ALIAS_SEND, from, to], message);
    }
  }

  monitor(from: Pid, to: Pid | Atom, ref: Ref, watcher: Watcher): void {
    this.#monitors.set(this.core.refNumber(ref), { watcher, from, to });
    this.#control([CONTROL.MONITOR_P, from, to, ref]);
  }

  demonitor(ref: Ref): void {
    const number = this.core.refNumber(ref);
    const monitor = this.#monitors.get(number);
    if (monitor === undefined) return;
    this.#monitors.delete(number);
    this.#control([CONTROL.DEMONITOR_P, monitor.from, monitor.to, ref]);
  }

  link(process: Process, to: Pid): void {
    this.addLink(process, to);
    this.#control([CONTROL.LINK, process.pid, to]);
  }

  unlink(process: Process, to: Pid): void {
    if (!process.removeLink(to)) return;
    this.forgetLink(process, to);
    this.#whenUp(() => {
      if (this.#unlinkId) this.#signal([CONTROL.UNLINK_ID, ++this.#unlinks, process.pid, to]);
      else this.#signal([CONTROL.UNLINK, process.pid, to]);
    });
  }

  exit(from: Pid, to: Pid, reason: Term): void {
    if (this.connection === null) {
      return this.#later(reason, (copy) => this.exit(from, to, copy));
    }
    if (this.#exitPayload) this.#signal([CONTROL.PAYLOAD_EXIT2, from, to], reason);
    else this.#signal([CONTROL.EXIT2, from, to, reason]);
  }

  /** Asks the peer to spawn. `reply` is called once; `noconnection` where the node is lost before it answers. */
  spawn(
    from: Pid,
    id: Ref,
    mfa: Tuple<[Atom, Atom, number]>,
    args: readonly Encodable[],
    options: readonly Encodable[],
    reply: SpawnReply,
  ): void {
    const number = this.core.refNumber(id);
    this.#spawns.set(number, reply);
    const leader = this.core.groupLeader ?? from;
    const send = (list: readonly Encodable[]): void =>
      this.#signal([CONTROL.SPAWN_REQUEST, id, from, leader, mfa, options], list);
    try {
      if (this.connection === null) this.#later(args, send);
      else send(args);
    } catch (error) {
      this.#spawns.delete(number); // nothing was asked
      throw error;
    }
  }

  /** The peer has answered a spawn request. */
  spawned(id: Ref, result: Pid | AtomTerm): void {
    const number = this.core.refNumber(id);
    const reply = this.#spawns.get(number);
    this.#spawns.delete(number);
    reply?.(result);
  }

  /** Expects the end of a process that a spawn request with `monitor` has made: the request's id is the monitor. */
  expectDown(id: Ref, from: Pid, pid: Pid, watcher: Watcher): void {
    this.#monitors.set(this.core.refNumber(id), { watcher, from, to: pid });
  }

  // What the peer asks for

  addWatcher(process: Process, watcher: Pid, object: Pid | AtomTerm, ref: Ref): void {
    this.removeWatcher(ref); // a reference stands for one monitor, however often it comes
    const made = new RemoteWatcher(this, process, watcher, object, ref);
    this.#watchers.set(ref.key, made);
    process.addWatcher(made);
  }

  removeWatcher(ref: Ref): void {
    const watcher = this.#watchers.get(ref.key);
    if (watcher === undefined) return;
    this.#watchers.delete(ref.key);
    watcher.process.removeWatcher(watcher);
  }

  forgetWatcher(ref: Ref): void {
    this.#watchers.delete(ref.key);
  }

  addLink(process: Process, to: Pid): void {
    const link = new RemoteLink(this, process, to);
    this.#links.set(linkKey(process, to), link);
    process.addLink(link);
  }

  forgetLink(process: Process, to: Pid): void {
    this.#links.delete(linkKey(process, to));
  }

  /** The process that one of our monitors watches has ended. */
  monitorDown(ref: Ref, reason: Term): void {
    const number = this.core.refNumber(ref);
    const monitor = this.#monitors.get(number);
    this.#monitors.delete(number);
    monitor?.watcher.down(reason);
  }

  // What is answered. None of these connects: where the connection is lost, the peer has been told already.

  sendDown(object: Pid | AtomTerm, watcher: Pid, ref: Ref, reason: Term): void {
    this.#answerReason(reason, (sent) => {
      if (this.#exitPayload) {
        this.#answer([CONTROL.PAYLOAD_MONITOR_P_EXIT, object, watcher, ref], sent);
      } else this.#answer([CONTROL.MONITOR_P_EXIT, object, watcher, ref, sent]);
    });
  }

  /**
   * Ends a caller's monitor on one of our processes with that reason, though the process lives: how a caller of gen_server
   * is told that it must exit. Does nothing where the reference is no monitor of that peer.
   */
  failCaller(ref: Ref, reason: Term): void {
    const watcher = this.#watchers.get(ref.key);
    if (watcher === undefined) return;
    this.removeWatcher(ref);
    this.sendDown(watcher.object, watcher.watcher, ref, reason);
  }

  sendLinkExit(from: Pid, to: Pid, reason: Term): void {
    this.#answerReason(reason, (sent) => {
      if (this.#exitPayload) this.#answer([CONTROL.PAYLOAD_EXIT, from, to], sent);
      else this.#answer([CONTROL.EXIT, from, to, sent]);
    });
  }

  acknowledgeUnlink(id: number | bigint, from: Pid, to: Pid): void {
    this.#answer([CONTROL.UNLINK_ID_ACK, id, from, to]);
  }

  sendSpawnReply(id: Ref, to: Pid, flags: number, result: Pid | AtomTerm): void {
    this.#answer([CONTROL.SPAWN_REPLY, id, to, flags, result]);
  }

  #answer(control: OutgoingControl, payload?: Encodable): void {
    this.connection?.send(control, payload);
  }

  /** The peer must learn of an end whose reason cannot be sent, too: it is no term, or too large. */
  #answerReason(reason: Term, answer: (reason: Term) => void): void {
    try {
      answer(reason);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      this.core.fault(`Cannot tell ${this.name} why a process has ended`, error);
      answer(tuple(BAD_REASON, error.message));
    }
  }

  // The way out

  #signal(control: OutgoingControl, payload?: Encodable): void {
    this.connection!.send(control, payload);
  }

  /** A signal that looks the same to every peer and carries no value of a user's. */
  #control(control: OutgoingControl): void {
    this.#whenUp(() => this.#signal(control));
  }

  #whenUp(send: () => void): void {
    if (this.connection !== null) return send();
    this.#waiting.push(send);
    if (this.#waiting.length === 1) this.#connect(this);
  }

  /** Keeps a value for when the connection is up: a copy, so that a bad value is the sender's error and later changes do not count. */
  #later<T extends Encodable>(value: T, send: (copy: T) => void): void {
    const copy = decode(encode(value), { floats: "wrap" }) as T;
    this.#whenUp(() => send(copy));
  }
}

function linkKey(process: Process, to: Pid): string {
  return `${process.id}:${to.key}`;
}
