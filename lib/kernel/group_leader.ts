import { atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import type { Node } from "../node/node.ts";

const IO_REQUEST = atom("io_request");
const IO_REPLY = atom("io_reply");
const NOT_SUPPORTED = tuple(atom("error"), atom("enotsup"));

/**
 * The group leader of what this node spawns elsewhere. Code that prints there asks it and waits for ever, so every request
 * of the io protocol is answered; that it cannot be done is the answer so far.
 */
export function startGroupLeader(node: Node): void {
  node._core.groupLeader = node.spawn(async (self) => {
    for await (const message of self) answer(node, message);
  }, { register: "user" });
}

function answer(node: Node, message: Term): void {
  if (!isTuple(message) || message.length !== 4 || message[0] !== IO_REQUEST) return;
  const [, from, replyAs] = message;
  if (from instanceof Pid) node.send(from, tuple(IO_REPLY, replyAs, NOT_SUPPORTED));
}
