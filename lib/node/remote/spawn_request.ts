import { Atom, atom } from "../../etf/atom.ts";
import { Fun } from "../../etf/fun.ts";
import { isList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { TermMap } from "../../etf/term_map.ts";
import { type AtomTerm, type Control, ControlError } from "../../dist/control.ts";
import { type Asked, throughApply } from "../provided/apply.ts";
import { nameOf } from "../core.ts";
import type { Node } from "../node.ts";
import type { PeerAccess } from "./access.ts";
import type { Peer } from "./peer.ts";
import type { Process, Watcher } from "../process/process.ts";
import { undefinedFunction } from "../provided/provide.ts";
import type { Self } from "../process/self.ts";
import { ExitError, exitReasonOf } from "../errors.ts";

const BADARG = atom("badarg");
const BADOPT = atom("badopt");
const SYSTEM_LIMIT = atom("system_limit");
const LINK = atom("link");
const MONITOR = atom("monitor");
/** Bits of SPAWN_REPLY's flags. */
const LINKED = 1;
export const MONITORED = 2;

/**
 * A peer wants to spawn. Every request is answered, or its `spawn/4` waits for ever; one for a function that is not provided
 * gets a process that dies at once as an undefined function does on Erlang.
 *
 * The answer goes out before the process runs, so that nothing of the process can come before it.
 */
export function spawnRequested(
  node: Node,
  peer: Peer,
  access: PeerAccess,
  control: Control<"SPAWN_REQUEST">,
  payload: Term,
): void {
  const [, id, from, groupLeader, mfa, options] = control;
  if (id._node === node._core.name && id.creation === node._core.creation) {
    throw new ControlError("its request has a reference of this node", control[0]);
  }
  const wanted = readOptions(options);
  if (wanted === null) return peer.sendSpawnReply(id, from, 0, BADOPT);
  const watched = peer.watched + (wanted.link ? 1 : 0) + (wanted.monitor ? 1 : 0);
  if (watched > access.maxWatched || !access.maySpawn()) {
    return peer.sendSpawnReply(id, from, 0, SYSTEM_LIMIT);
  }
  const process = node._spawn(toRun(node, peer, mfa, payload), { groupLeader });
  process.spawner = peer.name;
  access.spawned(process);
  process.addWatcher(new Counted(access, process));
  if (wanted.link) peer.links.add(process, from, true);
  if (wanted.monitor) peer.addWatcher(process, from, process.pid, id);
  const flags = (wanted.link ? LINKED : 0) | (wanted.monitor ? MONITORED : 0);
  peer.sendSpawnReply(id, from, flags, process.pid);
}

/** Counts a process of a peer until it ends. */
class Counted implements Watcher {
  readonly #access: PeerAccess;
  readonly #process: Process;

  constructor(access: PeerAccess, process: Process) {
    this.#access = access;
    this.#process = process;
  }

  down(): void {
    this.#access.ended(this.#process);
  }
}

function toRun(
  node: Node,
  peer: Peer,
  mfa: Control<"SPAWN_REQUEST">[4],
  args: Term,
): (self: Self) => unknown {
  const [module, name] = mfa;
  // As erlang:apply/3 there, which is what the new process calls.
  if (!isList(args)) {
    const apply = tuple(atom("erlang"), atom("apply"), [module, name, args], []);
    return fails(tuple(BADARG, [apply]) as Term);
  }
  return found(node, peer, { module, name, args });
}

/** What is provided under that name; where it is `erlang:apply`, as for `fun demo:loop/0`, what that runs. */
function found(node: Node, peer: Peer, asked: Asked): (self: Self) => unknown {
  try {
    const { module, name, args } = throughApply(asked);
    const [m, f] = [nameOf(module as AtomTerm), nameOf(name as AtomTerm)];
    return node._provided.find(m, f, args as Term[], peer.name) ??
      fails(undefinedFunction(m, f, args as Term[]));
  } catch (error) {
    const closure = isList(asked.args) && asked.args[0] instanceof Fun;
    // Of a fun with code of its own Erlang says that it is undefined; of all else why apply fails.
    return fails(
      closure ? undefinedFunction("erlang", "apply", asked.args as Term[]) : exitReasonOf(error),
    );
  }
}

function fails(reason: Term): () => never {
  return () => {
    throw new ExitError(reason);
  };
}

/**
 * What is wanted; `null` where an option is none that Erlang knows, or has a value that it cannot have, which OTP 25 to 29
 * answer with `badopt`.
 */
function readOptions(options: Term): { link: boolean; monitor: boolean } | null {
  if (!isList(options)) return null;
  let link = false;
  let monitor = false;
  for (const option of options) {
    if (option === LINK) link = true;
    else if (option === MONITOR || isMonitor(option)) monitor = true;
    else if (!isSetting(option)) return null;
  }
  return { link, monitor };
}

/** `{monitor, [{alias, Mode} | {tag, Term}]}`: what the monitor is to be for the other end. */
function isMonitor(option: Term): boolean {
  return isPair(option) && option[0] === MONITOR && isList(option[1]) &&
    option[1].every((one) =>
      isPair(one) &&
      (is(one[0], "tag") ||
        is(one[0], "alias") && is(one[1], "explicit_unalias", "demonitor", "reply_demonitor"))
    );
}

/** What Erlang's scheduler and memory can be told. It means nothing here. */
const SETTINGS: Readonly<Record<string, (value: Term) => boolean>> = {
  priority: (value) => is(value, "low", "normal", "high", "max"),
  min_heap_size: isSize,
  min_bin_vheap_size: isSize,
  max_heap_size: (value) => isSize(value) || isHeapLimit(value),
  fullsweep_after: isSize,
  message_queue_data: (value) => is(value, "off_heap", "on_heap", "mixed"),
  scheduler: isSize,
  async_dist: (value) => typeof value === "boolean", // OTP 25.3
};

function isSetting(option: Term): boolean {
  if (!isPair(option)) return false;
  const [name, value] = option;
  return name instanceof Atom && Object.hasOwn(SETTINGS, name.name) && SETTINGS[name.name](value);
}

function isSize(value: Term): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ||
    typeof value === "bigint" && value >= 0n;
}

/** `#{size := Size, kill => Bool, error_logger => Bool, include_shared_binaries => Bool}`; what else stands in it does not count. */
function isHeapLimit(value: Term): boolean {
  const fields = fieldsOf(value);
  if (fields === null) return false;
  const switches = ["kill", "error_logger", "include_shared_binaries"].map(fields);
  return isSize(fields("size") ?? null) &&
    switches.every((value) => value === undefined || typeof value === "boolean");
}

/** What stands in a map under an atom, also where the node takes maps as plain objects; `null` where it is no map. */
function fieldsOf(value: Term): ((name: string) => Term | undefined) | null {
  if (value instanceof TermMap) return (name) => value.field(name);
  if (Object.getPrototypeOf(Object(value)) !== Object.prototype) return null;
  const object = value as unknown as Record<string, Term>;
  return (name) => Object.hasOwn(object, name) ? object[name] : undefined;
}

function isPair(term: Term): term is Tuple<[Term, Term]> & Term {
  return isTuple(term) && term.length === 2;
}

function is(term: Term, ...names: string[]): boolean {
  return term instanceof Atom && names.includes(term.name);
}
