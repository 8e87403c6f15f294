import { NumberTable } from "../../_util/number_table.ts";
import { type Atom, atom } from "../../etf/atom.ts";
import { encodeToKeep } from "../../etf/encoder.ts";
import { EncodeError } from "../../etf/errors.ts";
import { Pid, type Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import { type Connection, DEFAULT_MAX_MESSAGE } from "../../dist/connection.ts";
import { DEFAULT_MAX_QUEUE } from "../../dist/outbox.ts";
import {
  ALTACT,
  type AtomTerm,
  CONTROL,
  type OutgoingControl,
  UNUSED,
} from "../../dist/control.ts";
import { hasFlag } from "../../dist/flags.ts";
import { NOCONNECTION } from "../atoms.ts";
import type { Core, RemoteNode } from "../core.ts";
import { BusyError } from "../errors.ts";
import { isUrgent, type Priority } from "../process/mailbox.ts";
import type { Process, Watcher } from "../process/process.ts";
import { type Address, Name } from "../target.ts";
import { substituteFor } from "../provided/unsendable.ts";
import type { PeerAccess } from "./access.ts";
import type { BusyPoll } from "./busy_poll.ts";
import { ReadyWaiters } from "./_ready.ts";
import { Waiting } from "./_waiting.ts";
import { OutMonitor, RemoteWatcher } from "./_far_ends.ts";
import { PeerLinks } from "./_links.ts";
import { RefTable } from "./_ref_table.ts";
import type { PeerStats } from "./stats.ts";

/** Why nothing can be spawned on a peer that does not know how (OTP 22 and before, C nodes). */
const NOTSUP = atom("notsup");
/** The exit reason of what was spawned with a link for somebody who waits no longer. */
const ABANDONED = atom("abandoned");
/** Bytes of an exit reason, as a term, that goes though a queue is full. */
const SMALL_REASON = 1024;
/** In front of what was wrong with it, in the place of a reason that cannot be sent. */
const BAD_REASON = atom("bad_reason");

/** Who waits for the answer to a spawn request: a pid, or an atom that says why there is none. */
export type SpawnReply = (result: Pid | AtomTerm, cause?: Error) => void;

/** A spawn request that has not been answered. */
interface Spawn {
  readonly from: Pid;
  readonly reply: SpawnReply;
}

/**
 * Another node: what our processes have to do with its processes, and the connection while there is one.
 *
 * Signals go out in the order in which they were sent, those included that were sent while the connection was being made.
 */
export class Peer implements RemoteNode {
  readonly name: string;
  readonly core: Core;
  connection: Connection | null = null;
  /** The name of the node that speaks, as it is in its pids; set when the connection is up. */
  origin: Atom | null = null;
  /** What it may do; set when the connection is up, or it is asked for before. */
  access: PeerAccess | null = null;
  #connect: (peer: Peer) => void;
  readonly #poll: BusyPoll | null;
  /** Who of the peer has sent the last message that a full mailbox had no room for, see `delivery.ts`. */
  refused: Pid | null = null;
  /** What was sent before the connection was up. */
  readonly #waiting: Waiting;
  /** Those who want to send more. */
  readonly #ready: ReadyWaiters = new ReadyWaiters();
  /** While nothing is refused: what waited for the connection goes out, or a process of the node's own sends. */
  #taking = false;
  #monitors: NumberTable<OutMonitor> = new NumberTable();
  readonly #watchers: RefTable<RemoteWatcher> = new RefTable();
  readonly links: PeerLinks = new PeerLinks(this);
  #spawns: Map<number, Spawn> = new Map();
  // What the peer understands; set when the connection is up.
  #sendSender = true;
  #exitPayload = true;
  #unlinkId = true;
  #spawn = true;
  #alias = true;
  #altact = true;
  #monitored = true;
  /** Whether some names are closed to it, so that it matters which pids it has been told. */
  #tells = false;

  /**
   * @param connect begins to connect; must end in `up` or in `down`.
   * @param maxQueue how many bytes may wait to be sent, also before the connection is up.
   * @param maxMessage how many bytes a message may have, also before the connection is up.
   */
  constructor(
    name: string,
    core: Core,
    connect: (peer: Peer) => void,
    maxQueue: number = DEFAULT_MAX_QUEUE,
    poll: BusyPoll | null = null,
    maxMessage: number = DEFAULT_MAX_MESSAGE,
  ) {
    this.name = name;
    this.#waiting = new Waiting(name, maxQueue, maxMessage);
    this.core = core;
    this.#connect = connect;
    this.#poll = poll;
  }

  /** The connection is up: what waited goes out first. */
  up(connection: Connection): void {
    this.connection = connection;
    this.origin = atom(connection.peer.name);
    const { flags } = connection.peer;
    this.#sendSender = hasFlag(flags, "SEND_SENDER");
    this.#exitPayload = hasFlag(flags, "EXIT_PAYLOAD");
    this.#unlinkId = hasFlag(flags, "UNLINK_ID");
    this.#spawn = hasFlag(flags, "SPAWN");
    this.#alias = hasFlag(flags, "ALIAS");
    this.#altact = hasFlag(flags, "ALTACT_SIG");
    this.#monitored = hasFlag(flags, "DIST_MONITOR") && hasFlag(flags, "DIST_MONITOR_NAME");
    this.#tells = this.access !== null && !this.access.allNames;
    if (this.access !== null) this.access.connected = true;
    this.#taking = true;
    for (const send of this.#waiting.take()) {
      try {
        send();
      } catch (error) {
        this.core.fault(`Cannot send to ${this.name} what waited for the connection`, error);
      }
    }
    this.#taking = false;
    if (!connection.busy) this.#ready.go();
  }

  /** More waits to be sent than the connection takes, or all of it is out. */
  busy(isBusy: boolean): void {
    if (!isBusy) this.#ready.go();
  }

  /** Figures of its connection; `null` while there is none. */
  get stats(): PeerStats | null {
    const { connection } = this;
    if (connection === null) return null;
    const { hidden } = connection.peer;
    const { busy, since } = connection;
    return { node: this.name, hidden, since, busy, ...connection.stats };
  }

  admit(): void {
    const { connection } = this;
    if (connection === null ? this.#waiting.isFull : connection.queueIsFull) {
      throw new BusyError(this.name, connection?.queued ?? this.#waiting.bytes);
    }
  }

  sendReady(signal?: AbortSignal): Promise<void> {
    const busy = this.connection?.busy ?? this.#waiting.busy;
    return busy ? this.#ready.wait(signal) : Promise.resolve();
  }

  /** The connection is gone or could not be made, for that cause: every link and monitor to that node ends with `noconnection`. */
  down(cause?: Error): void {
    this.connection = null;
    if (this.access !== null) this.access.connected = false;
    this.#waiting.take();
    this.#ready.fail(this.name, cause);
    for (const { ref } of this.#watchers.values()) this.removeWatcher(ref);
    const monitors = [...this.#monitors.values()];
    this.#monitors.clear();
    const links = this.links.take();
    const spawns = [...this.#spawns.values()];
    this.#spawns.clear();
    for (const { watcher } of monitors) watcher.down(NOCONNECTION, cause);
    for (const { reply } of spawns) reply(NOCONNECTION, cause);
    for (const link of links) link.process.linkBroken(link.pid, NOCONNECTION);
  }

  /** Begins to connect where there is no connection. */
  connect(): void {
    if (this.connection === null && this.#waiting.length === 0) {
      this.#waiting.push(() => {});
      this.#connect(this);
    }
  }

  get plainTags(): boolean {
    return !this.#alias;
  }

  // What our processes send

  send(from: Pid, to: Address, message: Encodable, receiver?: Pid, priority?: Priority): void {
    if (this.connection === null) {
      const place = to instanceof Name ? to.name : to;
      return this.#later(
        [from, place],
        message,
        (copy) => this.send(from, to, copy, receiver, priority),
      );
    }
    this.#told(from);
    if (to instanceof Pid) {
      if (this.#sendSender) this.#offer([CONTROL.SEND_SENDER, from, to], message);
      else this.#offer([CONTROL.SEND, UNUSED, to], message, to, from);
    } else if (to instanceof Name) {
      this.#offer([CONTROL.REG_SEND, from, UNUSED, to.name], message);
    } else if (this.#altact) {
      const flags = ALTACT.ALIAS | (isUrgent(priority) ? ALTACT.PRIO : 0);
      this.#offer([CONTROL.ALTACT_SIG_SEND, flags, from, to], message, receiver);
    } else {
      this.#offer([CONTROL.ALIAS_SEND, from, to], message, receiver);
    }
  }

  mustSend(from: Pid, to: Address, message: Encodable): void {
    const before = this.#taking;
    this.#taking = true;
    try {
      this.send(from, to, message);
    } finally {
      this.#taking = before;
    }
  }

  monitor(from: Pid, to: Pid | Atom, ref: Ref, watcher: Watcher): OutMonitor {
    const monitor = new OutMonitor(this, watcher, from, to, ref);
    this.#monitors.set(this.core.refNumber(ref), monitor);
    this.#monitoring([CONTROL.MONITOR_P, from, to, ref], from);
    this.#poll?.asked();
    return monitor;
  }

  demonitor(ref: Ref): void {
    const number = this.core.refNumber(ref);
    const monitor = this.#monitors.get(number);
    if (monitor === undefined) return;
    this.#monitors.delete(number);
    this.#monitoring([CONTROL.DEMONITOR_P, monitor.from, monitor.to, ref]);
  }

  link(process: Process, to: Pid): void {
    this.links.make(process, to);
    this.#control([CONTROL.LINK, process.pid, to], process.pid);
  }

  unlink(process: Process, to: Pid): void {
    if (!process.removeLink(to)) return;
    const { pid } = process;
    const id = this.links.unlink(process, to);
    this.#whenUp(() => {
      if (this.#unlinkId) return this.#signal([CONTROL.UNLINK_ID, id, pid, to]);
      this.links.acknowledged(id, to, pid); // nobody will acknowledge it
      this.#signal([CONTROL.UNLINK, pid, to]);
    });
  }

  /** Refused by a full queue only with a large reason: whoever ends a process, as a supervisor does, relies on it. */
  exit(from: Pid, to: Pid, reason: Term): void {
    const { connection } = this;
    const mustGo = (): boolean => this.#taking || encodeToKeep(reason).length <= SMALL_REASON;
    if (connection === null) {
      const copy = this.#waiting.keep([from, to], reason, mustGo());
      return this.#whenUp(() => this.exit(from, to, copy));
    }
    this.#told(from);
    const control: OutgoingControl = this.#exitPayload
      ? [CONTROL.PAYLOAD_EXIT2, from, to]
      : [CONTROL.EXIT2, from, to, reason];
    const payload = this.#exitPayload ? reason : undefined;
    if (connection.offer(control, payload)) return;
    if (!mustGo()) throw new BusyError(this.name, connection.queued);
    connection.send(control, payload);
  }

  setGroupLeader(leader: Pid, of: Pid): void {
    this.#control([CONTROL.GROUP_LEADER, leader, of], leader);
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
    const asking = this.core.process(from);
    const leader = asking?.groupLeader ?? from;
    if (asking !== undefined) args = this.core.outgoing(asking, args);
    const send = (list: readonly Encodable[]): void => {
      if (this.#spawn) {
        this.#told(from);
        this.#told(leader);
        this.#offer([CONTROL.SPAWN_REQUEST, id, from, leader, mfa, options], list);
      } else if (this.#spawns.delete(number)) {
        reply(NOTSUP);
      }
    };
    this.#spawns.set(number, { from, reply });
    try {
      if (this.connection === null) this.#later([id, from, leader, mfa, options], args, send);
      else send(args);
    } catch (error) {
      this.#spawns.delete(number); // nothing was asked
      throw error;
    }
  }

  /**
   * The peer has answered a spawn request.
   *
   * @param monitored whether it has set up the monitor that was asked for.
   */
  spawned(id: Ref, result: Pid | AtomTerm, monitored: boolean): void {
    const number = this.core.refNumber(id);
    const spawn = this.#spawns.get(number);
    if (spawn === undefined) return;
    this.#spawns.delete(number);
    // As in OTP: nobody is left whom the monitor could tell.
    if (monitored && result instanceof Pid && this.core.process(spawn.from) === undefined) {
      this.#answer([CONTROL.DEMONITOR_P, spawn.from, result, id]);
    }
    spawn.reply(result);
  }

  /** Ends what was spawned with a link for somebody who waits no longer, as `spawn_request_abandon` does. */
  abandon(from: Pid, spawned: Pid): void {
    this.sendLinkExit(from, spawned, ABANDONED);
  }

  /** Expects the end of a process that a spawn request with `monitor` has made: the request's id is the monitor. */
  expectDown(id: Ref, from: Pid, pid: Pid, watcher: Watcher): void {
    this.#monitors.set(this.core.refNumber(id), new OutMonitor(this, watcher, from, pid, id));
  }

  // What the peer asks for

  addWatcher(process: Process, watcher: Pid, object: Pid | AtomTerm, ref: Ref): void {
    this.removeWatcher(ref); // a reference stands for one monitor, however often it comes
    const made = new RemoteWatcher(this, process, watcher, object, ref);
    this.#watchers.add(made);
    process.addWatcher(made);
  }

  removeWatcher(ref: Ref): void {
    const watcher = this.#watchers.delete(ref);
    watcher?.process.removeWatcher(watcher);
  }

  forgetWatcher(ref: Ref): void {
    this.#watchers.delete(ref);
  }

  /** How many monitors and links the peer has made on our processes. */
  get watched(): number {
    return this.#watchers.size + this.links.theirs;
  }

  /** The process that one of our monitors watches has ended. */
  monitorDown(ref: Ref, reason: Term): void {
    const number = this.core.refNumber(ref);
    const monitor = this.#monitors.get(number);
    this.#monitors.delete(number);
    monitor?.watcher.down(reason);
  }

  // What is answered. None of these connects: where the connection is lost, the peer has been told already.

  /** @param ended the process, where `object` is only its name. */
  sendDown(object: Pid | AtomTerm, watcher: Pid, ref: Ref, reason: Term, ended?: Pid): void {
    this.#answerReason(reason, (sent) => {
      if (this.#exitPayload) {
        this.#answer([CONTROL.PAYLOAD_MONITOR_P_EXIT, object, watcher, ref], sent, ended);
      } else this.#answer([CONTROL.MONITOR_P_EXIT, object, watcher, ref, sent], undefined, ended);
    });
  }

  /**
   * Ends a caller's monitor on one of our processes with that reason, though the process lives: how a caller of gen_server
   * is told that it must exit. Does nothing where the reference is no monitor of that peer.
   */
  failCaller(ref: Ref, reason: Term): void {
    const watcher = this.#watchers.get(ref);
    if (watcher === undefined) return;
    this.removeWatcher(ref);
    this.sendDown(watcher.object, watcher.watcher, ref, reason, watcher.process.pid);
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

  #answer(control: OutgoingControl, payload?: Encodable, sender?: Pid): void {
    this.connection?.send(control, payload, null, sender);
  }

  /** The peer must learn of an end whose reason cannot be sent, too: it is no term, or too large. */
  #answerReason(reason: Term, answer: (reason: Term) => void): void {
    try {
      answer(reason);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      this.core.fault(`Cannot tell ${this.name} why a process has ended`, error);
      answer(substituteFor(reason, error) ?? tuple(BAD_REASON, error.message));
    }
  }

  // The way out

  #signal(control: OutgoingControl): void {
    this.connection!.send(control);
  }

  /** What users send, and can be told that it does not go. @throws {BusyError} where it does not. */
  #offer(control: OutgoingControl, payload?: Encodable, receiver?: Pid, sender?: Pid): void {
    const connection = this.connection!;
    if (this.#taking) connection.send(control, payload, receiver, sender);
    else if (!connection.offer(control, payload, receiver, sender)) {
      throw new BusyError(this.name, connection.queued);
    }
  }

  /** A signal that looks the same to every peer and carries no value of a user's. `pid` is the one of ours that it tells. */
  #control(control: OutgoingControl, pid: Pid): void {
    this.#whenUp(() => {
      this.#told(pid);
      this.#signal(control);
    });
  }

  /** The peer learns of that process by what is sent to it: it may answer, whatever the process is called. */
  #told(pid: Pid): void {
    if (!this.#tells) return;
    const process = this.core.process(pid);
    if (process !== undefined) this.access!.knows(process);
  }

  /** As OTP does: a peer that does not know monitors hears of none. They fire when the connection is lost. */
  #monitoring(control: OutgoingControl, pid?: Pid): void {
    if (this.connection === null) return this.#whenUp(() => this.#monitoring(control, pid));
    if (!this.#monitored) return;
    if (pid !== undefined) this.#told(pid);
    this.#signal(control);
  }

  #whenUp(send: () => void): void {
    if (this.connection !== null) return send();
    this.#waiting.push(send);
    if (this.#waiting.length === 1) this.#connect(this);
  }

  /** Keeps a value for when the connection is up, behind which the control message has at least those terms. */
  #later<T extends Encodable>(
    control: readonly Encodable[],
    value: T,
    send: (copy: T) => void,
  ): void {
    const copy = this.#waiting.keep(control, value, this.#taking);
    this.#whenUp(() => send(copy));
  }
}
