import type { Atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { type Control, ControlError } from "../../dist/control.ts";

/**
 * Fails where a peer speaks for a process of another node: its links, monitors and exit signals would pass for those of that node.
 *
 * As in OTP 25 to 29, which close the connection, too, and which do not look at the sender of a message.
 *
 * @throws {ControlError} which closes the connection.
 */
export function mustBeTheirs(control: Control, sender: Pid, peer: Atom | null): void {
  if (sender._node !== peer) {
    throw new ControlError(
      `it speaks for a process of ${sender.node}, a node can do so for its own processes only`,
      control[0],
    );
  }
}

/**
 * Fails where the receiver is a process of another node: nothing is passed on. One of an earlier life of this node is a process
 * that is not there.
 *
 * @throws {ControlError} which closes the connection.
 */
export function mustBeOurs(control: Control, receiver: Pid, own: Atom): void {
  if (receiver._node !== own) {
    throw new ControlError(
      `it is for a process of ${receiver.node}, only those of this node can be reached`,
      control[0],
    );
  }
}
