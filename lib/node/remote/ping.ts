import { atom } from "../../etf/atom.ts";
import type { Encodable } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { BusyError } from "../errors.ts";
import type { Node } from "../node.ts";

const YES = atom("yes");

/** Asks a node's `net_kernel` whether we are let in, as `net_adm:ping` does. */
export async function ping(from: Node, node: string): Promise<boolean> {
  const kernel = { name: "net_kernel", node };
  const request = tuple(atom("is_auth"), atom(from.name)) as unknown as Encodable;
  for (;;) {
    try {
      return await from.call(kernel, request) === YES;
    } catch (error) {
      if (!(error instanceof BusyError)) return false;
    }
    // So much waits to be sent there that the question has no room: it has yet to take that, or to be lost.
    try {
      await from.sendReady(kernel);
    } catch {
      return false;
    }
  }
}
