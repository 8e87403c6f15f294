import { atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import type { LocalNode } from "../../node/local_node.ts";
import type { Node } from "../../node/node.ts";

/** The first stdlib, of OTP 26.1, whose sys answers get_state and replace_state with `{ok, State}`; until then it was the bare state. */
const MAJOR = 5;
const MINOR = 1;
/** Milliseconds to wait for the answer. */
const PATIENCE = 5_000;

/** What is being asked now: whoever asks us a thousand times at once is asked once. */
const asked: WeakMap<LocalNode, Map<string, Promise<boolean | null>>> = new WeakMap();

/**
 * Whether the sys of a node takes `{ok, State}` for a state. Its flags do not tell, and its requests are the same, so it is asked for the
 * version of its stdlib. A node that has none is no BEAM: one of ours, which does as later releases do. `null` where it is gone.
 */
export function wrapsStates(from: LocalNode, name: string): Promise<boolean | null> {
  if (name === from.name) return Promise.resolve(true);
  let nodes = asked.get(from);
  if (nodes === undefined) asked.set(from, nodes = new Map());
  const waiting = nodes.get(name);
  if (waiting !== undefined) return waiting;
  const answer = ask(from as Node, name).finally(() => nodes.delete(name));
  nodes.set(name, answer);
  return answer;
}

async function ask(from: Node, name: string): Promise<boolean | null> {
  try {
    const args = [atom("stdlib"), atom("vsn")];
    return isLater(await from.rpc(name, "application", "get_key", args, { timeout: PATIENCE }));
  } catch {
    return from.nodes("connected").includes(name) ? true : null;
  }
}

/** @param version `{ok, "5.1.1"}` */
function isLater(version: Term): boolean {
  if (!isTuple(version) || !isList(version[1])) return true;
  const text = String.fromCodePoint(...version[1] as number[]);
  const [major, minor] = text.split(".").map(Number);
  return major > MAJOR || (major === MAJOR && minor >= MINOR);
}
