// Processes there that exit, and reasons to do so.
import {
  atom,
  type Encodable,
  type ExitReason,
  type Node,
  type Pid,
  type Term,
  tuple,
} from "../../mod.ts";

/** Tells a process of theirs to exit, see demo.erl. */
export function told(node: Node, pid: Pid, reason: Encodable): void {
  node.send(pid, tuple(atom("exit"), reason) as Term);
}

/** As Erlang prints them, and as they are here. */
export const REASONS: readonly (readonly [text: string, reason: ExitReason])[] = [
  ["shutdown", atom("shutdown")],
  ['{shutdown,<<"later">>}', tuple(atom("shutdown"), "later") as Term as ExitReason],
  ["boom", atom("boom")],
  ["noproc", atom("noproc")],
  ["killed", atom("killed")],
  ["nil", null],
  ["true", true],
  ["0", 0],
  ["2.5", 2.5],
  ["{badmatch,[[],{}]}", tuple(atom("badmatch"), [[], tuple()]) as Term as ExitReason],
];
