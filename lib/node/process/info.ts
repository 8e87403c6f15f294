import { Atom } from "../../etf/atom.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, type Tuple } from "../../etf/tuple.ts";
import { GEN_CALL, GEN_CAST } from "../atoms.ts";
import { Call, Cast } from "../call.ts";
import { type Core, nameOf } from "../core.ts";
import { ProcessMonitor } from "./monitor.ts";
import type { Process } from "./process.ts";
import { ProcessTimer } from "./timer.ts";
import { Turn } from "./turn.ts";

/** What there is to know of a process of this node, at the moment when it is asked for. */
export interface ProcessInfo {
  /** Its pid. */
  readonly pid: Pid;
  /** The name that it is registered under on this node; `null` where it has none. */
  readonly name: string | null;
  /** The class of a behaviour; for a spawned function its name, or "function". */
  readonly class: string;
  /**
   * What it does: it waits for a message (`idle`), for its turn (`queued`) or for a promise of its handler (`waiting`), runs, is
   * suspended by sys, hibernates, or ends (`terminating`).
   */
  readonly status:
    | "idle"
    | "queued"
    | "running"
    | "waiting"
    | "suspended"
    | "hibernating"
    | "terminating";
  /** The message that is handled now; `null` where none is. */
  readonly current: CurrentMessage | null;
  /** How full its mailbox is. */
  readonly mailbox: MailboxInfo;
  /** How many messages, timers and the like it has begun to handle. */
  readonly handled: number;
  /** Milliseconds since it was started. */
  readonly uptime: number;
  /** Who started it; `null` where that was no process. */
  readonly parent: Pid | null;
  /** Who prints for it. */
  readonly groupLeader: Pid;
  /** The node that it was spawned for; `null` where it is this one. */
  readonly spawner: string | null;
  /** Whether exit signals arrive as messages. */
  readonly trapExit: boolean;
  /** The other ends of its links. */
  readonly links: readonly Pid[];
  /** What it watches: pids, and `{Name, Node}` for names. */
  readonly monitors: readonly (Pid | Tuple)[];
  /** The processes that watch it. */
  readonly monitoredBy: readonly Pid[];
  /** The references that messages can be sent to besides its pid. */
  readonly aliases: readonly Ref[];
  /** How many timers it has set. */
  readonly timers: number;
  /** The names in its environment, without those of the node. */
  readonly env: readonly string[];
}

/** A message that is handled now. */
export interface CurrentMessage {
  /** `turn`: something of the process's own, as a timer, the handler of a monitor, its start. */
  readonly kind: "call" | "cast" | "message" | "turn";
  /** The request's name, or the atom in front of the message; `null` where it has none. */
  readonly name: string | null;
  /** Who made the call, where it is one. */
  readonly caller: Pid | null;
}

/** What there is to know of a mailbox. */
export interface MailboxInfo {
  /** How many messages wait. */
  readonly waiting: number;
  /** How many may wait; `Infinity` unless the process was started with a limit. */
  readonly max: number;
  /** How many were dropped because it was full. */
  readonly dropped: number;
  /** How many another process has got because it was full. */
  readonly handedOver: number;
}

/** What there is to know of a node as a whole. */
export interface NodeInfo {
  /** The node's name. */
  readonly name: string;
  /** What tells this life of the node from others under the same name. */
  readonly creation: number;
  /** Milliseconds since it was made. */
  readonly uptime: number;
  /** Processes that live, among them those of the node itself. */
  readonly processes: number;
  /** Those of them that have something to do, or wait for a promise of their handler. */
  readonly busy: number;
  /** Names that processes are registered under. */
  readonly names: number;
  /** References that messages can be sent to: aliases, and calls that wait for a reply. */
  readonly aliases: number;
  /** Messages that wait in mailboxes. */
  readonly waiting: number;
  /** Messages that full mailboxes had no room for. */
  readonly dropped: number;
  /** Casts that were dropped because they did not parse, or no handler takes them. */
  readonly refusedCasts: number;
}

/** What there is to know of a process. */
export function infoOf(process: Process): ProcessInfo {
  const core = process.home as Core;
  const { limit } = process;
  const owned = [...process.owned];
  return {
    pid: process.pid,
    name: process.name,
    class: process.body._class ?? process.body.constructor.name,
    status: statusOf(process),
    current: currentOf(process),
    mailbox: {
      waiting: process.queued,
      max: limit?.max ?? Infinity,
      dropped: limit?.dropped ?? 0,
      handedOver: limit?.handedOver ?? 0,
    },
    handled: process.handled,
    uptime: Math.max(0, core.now - process.since),
    parent: process.parent,
    groupLeader: process.groupLeader,
    spawner: process.spawner,
    trapExit: process.trapExit,
    links: process.links,
    monitors: owned.filter((one) => one instanceof ProcessMonitor).map(({ object }) => object),
    monitoredBy: [...process.watchers].flatMap(({ by }) => by === undefined ? [] : [by]),
    aliases: Array.from(process.aliases ?? [], (number) => core.refOf(number)),
    timers: owned.filter((one) => one instanceof ProcessTimer).length,
    env: [...process.env?.keys() ?? []],
  };
}

/** What there is to know of a node. */
export function nodeInfoOf(core: Core): NodeInfo {
  let waiting = 0;
  let busy = 0;
  for (const process of core.processes.values()) {
    waiting += process.queued;
    if (process.status !== "idle") busy++;
  }
  return {
    name: core.name.name,
    creation: core.creation,
    uptime: core.now,
    processes: core.processes.size,
    busy,
    names: core.names.size,
    aliases: core.aliasCount,
    waiting,
    dropped: core.droppedMessages,
    refusedCasts: core.refusedCasts,
  };
}

function statusOf(process: Process): ProcessInfo["status"] {
  const { status } = process;
  if (status === "exited") return "terminating";
  if (process.suspended) return "suspended";
  return status === "idle" && process.hibernates ? "hibernating" : status;
}

function currentOf(process: Process): CurrentMessage | null {
  const { current, caller } = process;
  if (current === undefined) return null;
  if (current instanceof Call) return { ...named("call", current), caller: current.pid };
  if (current instanceof Cast) return { ...named("cast", current), caller: null };
  if (current instanceof Turn) return { kind: "turn", name: null, caller: null };
  if (isTuple(current) && current[0] === GEN_CALL && current.length === 3) {
    return { kind: "call", name: nameIn(current[2]), caller };
  }
  if (isTuple(current) && current[0] === GEN_CAST && current.length === 2) {
    return { kind: "cast", name: nameIn(current[1]), caller: null };
  }
  return { kind: "message", name: nameIn(current), caller: null };
}

function named(
  kind: "call" | "cast",
  { request }: Call | Cast,
): Pick<CurrentMessage, "kind" | "name"> {
  return { kind, name: request.name ?? nameIn(request.term) };
}

/** The atom that a message is, or that stands in front of it. */
function nameIn(message: unknown): string | null {
  const head = isTuple(message) ? message[0] as Term : message;
  const isAtom = typeof head === "boolean" || head === null || head instanceof Atom;
  return isAtom ? nameOf(head) : null;
}
