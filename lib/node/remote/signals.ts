import { Pid, type Ref } from "../../etf/identifiers.ts";
import type { DecodeOptions } from "../../etf/options.ts";
import type { Term } from "../../etf/term.ts";
import { type AtomTerm, CONTROL, type Control } from "../../dist/control.ts";
import { NOPROC } from "../atoms.ts";
import { type Core, nameOf } from "../core.ts";
import type { Node } from "../node.ts";
import type { Peer } from "./peer.ts";
import type { Process } from "../process.ts";
import { spawnRequested } from "./spawn_request.ts";

/**
 * What is done with each signal of a peer. Order is kept: a signal is acted upon before the next one is read.
 *
 * What concerns a process that is not there is answered as Erlang answers it: a link and a monitor with `noproc`, everything
 * else with silence. Pids of another life of this node are such processes too.
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
      return core.receiveFor(control[2], payload);
    case CONTROL.REG_SEND:
      return core.names.get(nameOf(control[3]))?.deliver(payload);
    case CONTROL.ALIAS_SEND:
      return core.receive(control[2], payload);

    case CONTROL.LINK:
      return linked(core, peer, control[1], control[2]);
    case CONTROL.UNLINK:
      return unlinked(core, peer, control[1], control[2]);
    case CONTROL.UNLINK_ID:
      unlinked(core, peer, control[2], control[3]);
      return peer.acknowledgeUnlink(control[1], control[3], control[2]);
    case CONTROL.UNLINK_ID_ACK:
      return; // the link was forgotten when the unlink was sent: an exit signal that crossed it finds none

    case CONTROL.EXIT:
      return linkEnded(core, peer, control[1], control[2], control[3]);
    case CONTROL.PAYLOAD_EXIT:
      return linkEnded(core, peer, control[1], control[2], payload!);
    case CONTROL.EXIT2:
      return core.process(control[2])?.exitSignal(control[1], control[3], false);
    case CONTROL.PAYLOAD_EXIT2:
      return core.process(control[2])?.exitSignal(control[1], payload!, false);

    case CONTROL.MONITOR_P:
      return monitored(core, peer, control[1], control[2], control[3]);
    case CONTROL.DEMONITOR_P:
      return peer.removeWatcher(control[3]);
    case CONTROL.MONITOR_P_EXIT:
      return peer.monitorDown(control[3], control[4]);
    case CONTROL.PAYLOAD_MONITOR_P_EXIT:
      return peer.monitorDown(control[3], payload!);

    case CONTROL.SPAWN_REQUEST:
      return spawnRequested(node, peer, control, payload!);
    case CONTROL.SPAWN_REPLY:
      return peer.spawned(control[1], control[4]);

    case CONTROL.ALTACT_SIG_SEND:
      // Not announced, so no peer should send it; what it means is plain all the same.
      return core.platform.log(
        "warning",
        `${peer.name} sent ALTACT_SIG_SEND, which was not negotiated; dropped`,
      );
    case CONTROL.GROUP_LEADER:
    case CONTROL.NODE_LINK:
      return;
  }
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
      return core.local(control[2])?.terms ?? null;
    default:
      return null;
  }
}

function linked(core: Core, peer: Peer, from: Pid, to: Pid): void {
  const process = core.process(to);
  if (process === undefined) peer.sendLinkExit(to, from, NOPROC);
  else peer.addLink(process, from);
}

function unlinked(core: Core, peer: Peer, from: Pid, to: Pid): void {
  const process = core.process(to);
  if (process?.removeLink(from)) peer.forgetLink(process, from);
}

function linkEnded(core: Core, peer: Peer, from: Pid, to: Pid, reason: Term): void {
  const process = core.process(to);
  if (process === undefined) return;
  peer.forgetLink(process, from);
  process.linkBroken(from, reason);
}

function monitored(core: Core, peer: Peer, from: Pid, to: Pid | AtomTerm, ref: Ref): void {
  const process: Process | undefined = to instanceof Pid
    ? core.process(to)
    : core.names.get(nameOf(to));
  if (process === undefined) peer.sendDown(to, from, ref, NOPROC);
  else peer.addWatcher(process, from, to, ref);
}
