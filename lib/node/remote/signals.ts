import { Pid, Ref } from "../../etf/identifiers.ts";
import type { DecodeOptions } from "../../etf/options.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import {
  type AtomTerm,
  CONTROL,
  type Control,
  ControlError,
  isUrgentMessage,
} from "../../dist/control.ts";
import { DELIVERED, EXIT, MAILBOX_FULL, NOPROC } from "../atoms.ts";
import { type Core, nameOf } from "../core.ts";
import type { Node } from "../node.ts";
import type { Process } from "../process/process.ts";
import { mustBeOurs, mustBeTheirs } from "./_origin.ts";
import type { PeerAccess } from "./access.ts";
import type { Peer } from "./peer.ts";
import { MONITORED, spawnRequested } from "./spawn_request.ts";

/**
 * What is done with each signal of a peer. Order is kept: a signal is acted upon before the next one is read.
 *
 * - What concerns a process that is not there is answered as Erlang answers it: a link and a monitor with `noproc`, everything
 *   else with silence. Pids of another life of this node are such processes too.
 * - What the access rules close to the peer is such a process for it.
 * - Messages are for whom they name, whoever they say has sent them, as in OTP. Everything else has to be from a process of the
 *   peer and for one of this node.
 *
 * @throws {ControlError} where it is not: the connection is to be closed.
 */
export function receiveSignal(
  node: Node,
  peer: Peer,
  control: Control,
  payload: Term | undefined,
): void {
  const core = node._core;
  switch (control[0]) {
    case CONTROL.SEND:
    case CONTROL.SEND_SENDER:
      if (isClosed(node, peer, control[2])) return;
      if (isForgedExit(node, peer, control[2], payload)) return;
      return took(peer, control[1], core.receiveFor(control[2], payload, peer.name));
    case CONTROL.REG_SEND: {
      const process = named(node, peer, control[3]);
      if (process === undefined || isForgedExit(node, peer, process.pid, payload)) return;
      return took(peer, control[1], core.receiveFrom(peer.name, process, payload));
    }
    case CONTROL.ALIAS_SEND:
      if (isForgedExit(node, peer, control[2], payload)) return;
      return took(peer, control[1], core.receive(control[2], payload, peer.name));

    case CONTROL.LINK:
      checkPair(core, peer, control, control[1], control[2]);
      return linked(node, peer, control, control[1], control[2]);
    case CONTROL.UNLINK:
      checkPair(core, peer, control, control[1], control[2]);
      return unlinked(core, peer, control[1], control[2]);
    case CONTROL.UNLINK_ID:
      checkPair(core, peer, control, control[2], control[3]);
      unlinked(core, peer, control[2], control[3]);
      return peer.acknowledgeUnlink(control[1], control[3], control[2]);
    case CONTROL.UNLINK_ID_ACK:
      checkPair(core, peer, control, control[2], control[3]);
      return peer.links.acknowledged(control[1], control[2], control[3]);

    case CONTROL.EXIT:
      checkPair(core, peer, control, control[1], control[2]);
      return linkEnded(core, peer, control[1], control[2], control[3]);
    case CONTROL.PAYLOAD_EXIT:
      checkPair(core, peer, control, control[1], control[2]);
      return linkEnded(core, peer, control[1], control[2], payload!);
    case CONTROL.EXIT2:
      checkPair(core, peer, control, control[1], control[2]);
      return exitSignal(node, peer, control[1], reached(node, peer, control[2]), control[3]);
    case CONTROL.PAYLOAD_EXIT2:
      checkPair(core, peer, control, control[1], control[2]);
      return exitSignal(node, peer, control[1], reached(node, peer, control[2]), payload!);
    case CONTROL.ALTACT_SIG_SEND: // other messages have become other control messages before
      if (isUrgentMessage(control)) return urgent(node, peer, control, payload);
      return altactExit(node, peer, control, payload!);

    case CONTROL.MONITOR_P:
      checkPair(core, peer, control, control[1], control[2]);
      return monitored(node, peer, control, control[1], control[2], control[3]);
    case CONTROL.DEMONITOR_P:
      checkPair(core, peer, control, control[1], control[2]);
      return peer.removeWatcher(control[3]);
    case CONTROL.MONITOR_P_EXIT:
      checkDown(core, control, control[1], control[2]);
      return peer.monitorDown(control[3], control[4]);
    case CONTROL.PAYLOAD_MONITOR_P_EXIT:
      checkDown(core, control, control[1], control[2]);
      return peer.monitorDown(control[3], payload!);

    case CONTROL.SPAWN_REQUEST:
      mustBeTheirs(control, control[2], peer.origin);
      return spawnRequested(node, peer, accessOf(node, peer), control, payload!);
    case CONTROL.SPAWN_REPLY:
      return spawnReplied(core, peer, control);

    case CONTROL.GROUP_LEADER:
      return newLeader(node, peer, control[1], reached(node, peer, control[2]));
    case CONTROL.NODE_LINK:
      return;
  }
}

/** The mailbox of who was to get a message may have been full: whoever asks hears of it, see `delivery.ts`. */
function took(peer: Peer, from: Pid | AtomTerm | Term, taken: boolean): void {
  if (!taken) peer.refused = from instanceof Pid ? from : null;
  else if (peer.refused !== null) peer.refused = null;
}

/** A message by an alias, which goes before others where its process has made the alias for that. */
function urgent(
  node: Node,
  peer: Peer,
  [, , from, to]: Control<"ALTACT_SIG_SEND">,
  payload: Term | undefined,
): void {
  const { _core: core } = node;
  const alias = to as Ref;
  if (isForgedExit(node, peer, alias, payload)) return;
  const isUrgent = core.local(alias)?.urgentAliases?.has(core.refNumber(alias)) === true;
  took(peer, from, core.receive(alias, payload, peer.name, isUrgent ? "high" : "normal"));
}

/** How the receiver of a message wants its payload decoded; `null` where it is the node's way. */
export function receiverTerms(core: Core, control: Control): DecodeOptions | null {
  switch (control[0]) {
    case CONTROL.SEND:
    case CONTROL.SEND_SENDER:
    case CONTROL.PAYLOAD_EXIT:
    case CONTROL.PAYLOAD_EXIT2:
    case CONTROL.PAYLOAD_MONITOR_P_EXIT:
      return core.process(control[2])?.terms ?? null;
    case CONTROL.REG_SEND:
      return core.names.get(nameOf(control[3]))?.terms ?? null;
    case CONTROL.ALIAS_SEND:
      return core.local(control[2])?.terms ?? core.parts?.termsOf(core.refNumber(control[2])) ??
        null;
    case CONTROL.ALTACT_SIG_SEND:
      return control[3] instanceof Pid || control[3] instanceof Ref
        ? core.local(control[3])?.terms ?? null
        : null;
    default:
      return null;
  }
}

/** What a peer may do. */
function accessOf(node: Node, peer: Peer): PeerAccess {
  return peer.access ??= node._access.of(peer.name);
}

/** The process of that name, where the peer may know of it. */
function named(node: Node, peer: Peer, name: AtomTerm): Process | undefined {
  const access = peer.access ?? accessOf(node, peer);
  const text = nameOf(name);
  return access.allNames || access.mayReach(text) ? node._core.names.get(text) : undefined;
}

/** The process of that pid, where the peer may know of it. */
function reached(node: Node, peer: Peer, pid: Pid): Process | undefined {
  const process = node._core.process(pid);
  const access = peer.access ?? accessOf(node, peer);
  return access.allNames || process === undefined || access.mayReachPid(process)
    ? process
    : undefined;
}

/** Whether the peer may not send to that process. */
function isClosed(node: Node, peer: Peer, pid: Pid): boolean {
  const access = peer.access ?? accessOf(node, peer);
  if (access.allNames) return false;
  const process = node._core.process(pid);
  return process !== undefined && !access.mayReachPid(process);
}

/**
 * Whether it is a message that reads as an exit signal, of a peer whose exit signals the receiver does not get: servers would end with
 * their parent's, supervisors start a child anew that lives.
 */
function isForgedExit(node: Node, peer: Peer, to: Pid | Ref, payload: Term | undefined): boolean {
  const access = peer.access ?? accessOf(node, peer);
  if (access.signals || !isTuple(payload!) || payload.length !== 3 || payload[0] !== EXIT) {
    return false;
  }
  const process = node._core.local(to);
  return process !== undefined && !access.maySignal(process, "exit signals as messages");
}

/** From a process of the peer, for one of this node. Names are always of this node. */
function checkPair(core: Core, peer: Peer, control: Control, from: Pid, to: Pid | AtomTerm): void {
  mustBeTheirs(control, from, peer.origin);
  if (to instanceof Pid) mustBeOurs(control, to, core.name);
}

/** A peer that tells of the end of a process of ours has lost its way. Which monitor it is the reference tells. */
function checkDown(core: Core, control: Control, object: Pid | AtomTerm, watcher: Pid): void {
  mustBeOurs(control, watcher, core.name);
  if (object instanceof Pid && object._node === core.name) {
    throw new ControlError("it tells of the end of a process of this node", control[0]);
  }
}

function linked(node: Node, peer: Peer, control: Control, from: Pid, to: Pid): void {
  const process = reached(node, peer, to);
  if (process === undefined || !accessOf(node, peer).maySignal(process, "links")) {
    peer.sendLinkExit(to, from, NOPROC);
  } else if (peer.links.mayBeMade(process, from)) {
    checkRoom(node, peer, control);
    peer.links.add(process, from, true);
  }
}

function unlinked(core: Core, peer: Peer, from: Pid, to: Pid): void {
  const process = core.process(to);
  if (process?.removeLink(from)) peer.links.forget(process, from);
}

function linkEnded(core: Core, peer: Peer, from: Pid, to: Pid, reason: Term): void {
  if (!peer.links.mayEnd(from, to)) return;
  const process = core.process(to);
  if (process === undefined) return;
  peer.links.forget(process, from);
  process.linkBroken(from, reason);
}

function exitSignal(
  node: Node,
  peer: Peer,
  from: Pid,
  process: Process | undefined,
  reason: Term,
): void {
  if (process !== undefined && accessOf(node, peer).maySignal(process, "exit signals")) {
    process.exitSignal(from, reason, false);
  }
}

/** An exit signal for a pid, a name, or an alias, which is one for its process. */
function altactExit(
  node: Node,
  peer: Peer,
  control: Control<"ALTACT_SIG_SEND">,
  reason: Term,
): void {
  const [, , from, to] = control;
  mustBeTheirs(control, from, peer.origin);
  if (to instanceof Pid) mustBeOurs(control, to, node._core.name);
  const process = to instanceof Pid
    ? reached(node, peer, to)
    : to instanceof Ref
    ? node._core.local(to)
    : named(node, peer, to);
  exitSignal(node, peer, from, process, reason);
}

function monitored(
  node: Node,
  peer: Peer,
  control: Control,
  from: Pid,
  to: Pid | AtomTerm,
  ref: Ref,
): void {
  const process = to instanceof Pid ? reached(node, peer, to) : to === DELIVERED
    ? undefined // is nobody's name: that it is asked for is no breach of a rule
    : named(node, peer, to);
  if (process !== undefined) peer.refused = null;
  if (process === undefined) return peer.sendDown(to, from, ref, absence(peer, from, to));
  checkRoom(node, peer, control);
  peer.addWatcher(process, from, to, ref);
}

/** Why there is no such process; to who asks by the name that is for it, whether the message before was refused. */
function absence(peer: Peer, from: Pid, to: Pid | AtomTerm): Term {
  const { refused } = peer;
  peer.refused = null;
  return to === DELIVERED && refused !== null && refused.equals(from) ? MAILBOX_FULL : NOPROC;
}

/** @throws {ControlError} where the peer has as many monitors and links here as it may. */
function checkRoom(node: Node, peer: Peer, control: Control): void {
  const { maxWatched } = accessOf(node, peer);
  if (peer.watched >= maxWatched) {
    throw new ControlError(
      `the peer has ${maxWatched} monitors and links here, see maxWatched of option access`,
      control[0],
    );
  }
}

function spawnReplied(core: Core, peer: Peer, control: Control<"SPAWN_REPLY">): void {
  const [, id, to, flags, result] = control;
  mustBeOurs(control, to, core.name);
  if (id._node !== core.name) {
    throw new ControlError(`it answers a request of ${id.node}`, control[0]);
  }
  if (result instanceof Pid) mustBeTheirs(control, result, peer.origin);
  peer.spawned(id, result, (Number(flags) & MONITORED) !== 0);
}

function newLeader(node: Node, peer: Peer, leader: Pid, process: Process | undefined): void {
  if (process === undefined || process === node._core.main) return; // the node's own is not theirs to set
  if (accessOf(node, peer).maySignal(process, "changes of the group leader")) {
    process.groupLeader = leader;
  }
}
