import { Atom, atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import type { Control } from "../../dist/control.ts";
import { nameOf } from "../core.ts";
import type { Node } from "../node.ts";
import type { Peer } from "./peer.ts";
import { undefinedFunction } from "../provide.ts";
import { ExitError } from "../errors.ts";

const BADOPT = atom("badopt");
const LINK = atom("link");
const MONITOR = atom("monitor");
/** Options about priorities, memory and the like, which mean nothing here. */
const IGNORED = new Set([
  "priority",
  "min_heap_size",
  "max_heap_size",
  "min_bin_vheap_size",
  "fullsweep_after",
  "message_queue_data",
  "scheduler",
  "async_dist",
]);
/** Bits of SPAWN_REPLY's flags. */
const LINKED = 1;
const MONITORED = 2;

/**
 * A peer wants to spawn. Every request is answered, or its `spawn/4` waits for ever; one for a function that is not provided
 * gets a process that dies at once as an undefined function does on Erlang.
 */
export function spawnRequested(
  node: Node,
  peer: Peer,
  control: Control<"SPAWN_REQUEST">,
  payload: Term,
): void {
  const [, id, from, , mfa, options] = control as unknown as [number, Ref, Pid, Pid, Term[], Term];
  const wanted = readOptions(options);
  if (wanted === null || !isList(payload)) return peer.sendSpawnReply(id, from, 0, BADOPT);
  const module = nameOf(mfa[0] as never);
  const name = nameOf(mfa[1] as never);
  const run = node._provided.find(module, name, payload);
  const process = node._spawn((self) => {
    if (run === null) throw new ExitError(undefinedFunction(module, name, payload));
    return run(self);
  });
  if (wanted.link) peer.addLink(process, from);
  if (wanted.monitor) peer.addWatcher(process, from, process.pid, id);
  const flags = (wanted.link ? LINKED : 0) | (wanted.monitor ? MONITORED : 0);
  peer.sendSpawnReply(id, from, flags, process.pid);
}

/** What is wanted; `null` where an option is none that Erlang knows, which it answers with `badopt`. */
function readOptions(options: Term): { link: boolean; monitor: boolean } | null {
  if (!isList(options)) return null;
  let link = false;
  let monitor = false;
  for (const option of options) {
    const name = isTuple(option) && option.length === 2 ? option[0] : option;
    if (option === LINK) link = true;
    else if (name === MONITOR) monitor = true;
    else if (option === name || !(name instanceof Atom) || !IGNORED.has(name.name)) return null;
  }
  return { link, monitor };
}
