import { type Atom, atom } from "../etf/atom.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import { CONTROL, type OutgoingControl } from "./control.ts";

// Which signals must not overtake each other: those from one sender to one receiver.

/** Whom a signal is for, as far as can be told without asking the peer. Numbers are pids, atoms names, strings the rest. */
export type Receiver = number | string | Atom | boolean | null;

/** The peer itself: who spawns. Its signals are in no order with those to processes. */
export const PEER_ITSELF = "";

/**
 * A name that no process has: who monitors it is told so at once, and knows that what it has sent just before has arrived. So the
 * monitor is in order with that, whoever it was for.
 */
export const DELIVERED: Atom = atom("$ergo_delivered");

/** Who sends where the control message does not tell. */
const SOMEBODY = -1;

/** A number for a pid. Two pids that share one wait for each other, which does no harm. */
function pidNumber(pid: Pid): number {
  return pid.serial * 0x1_0000_0000 + pid.id;
}

/** Who sends a signal, as a number. `sender` where it is known and the control message has no pid of it. */
export function senderOf(control: OutgoingControl, sender: Pid | null): number {
  if (sender !== null) return pidNumber(sender);
  const [op] = control;
  let from: unknown;
  switch (op) {
    case CONTROL.SPAWN_REQUEST:
    case CONTROL.SPAWN_REQUEST_TT:
    case CONTROL.UNLINK_ID:
    case CONTROL.UNLINK_ID_ACK:
    case CONTROL.ALTACT_SIG_SEND:
      from = control[2];
      break;
    case CONTROL.SPAWN_REPLY:
    case CONTROL.SPAWN_REPLY_TT:
      from = control[4];
      break;
    default:
      from = control[1];
  }
  return from instanceof Pid ? pidNumber(from) : SOMEBODY;
}

/** Whom a signal is for. `receiver` where it is known and the control message names an alias of it. */
export function receiverOf(control: OutgoingControl, receiver: Pid | null): Receiver {
  if (receiver !== null) return pidNumber(receiver);
  const [op] = control;
  let to: unknown;
  switch (op) {
    case CONTROL.SPAWN_REQUEST:
    case CONTROL.SPAWN_REQUEST_TT:
    case CONTROL.NODE_LINK:
      return PEER_ITSELF;
    case CONTROL.REG_SEND:
    case CONTROL.REG_SEND_TT:
    case CONTROL.UNLINK_ID:
    case CONTROL.UNLINK_ID_ACK:
    case CONTROL.ALTACT_SIG_SEND:
      to = control[3];
      break;
    default:
      to = control[2];
  }
  if (to instanceof Pid) return pidNumber(to);
  return to instanceof Ref ? to.key : to as Atom | boolean | null;
}

/** Whether an answer to both is sure to go to different processes only where this differs: a pid, a name, an alias, the peer. */
export type Kind = 0 | 1 | 2 | 3;
export const PID: Kind = 0;
export const NAME: Kind = 1;
export const ALIAS: Kind = 2;
export const PEER: Kind = 3;

/** What kind of receiver it is. */
export function kindOf(receiver: Receiver): Kind {
  if (typeof receiver === "number") return PID;
  if (typeof receiver !== "string") return NAME;
  return receiver === PEER_ITSELF ? PEER : ALIAS;
}
