import type { Ref } from "../etf/identifiers.ts";
import { atom } from "../etf/atom.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Encodable } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import { NORMAL, SHUTDOWN } from "../node/atoms.ts";
import type { Receiver, SpawnOptions } from "../node/core_options.ts";
import { ExitError, exitReasonOf } from "../node/errors.ts";
import type { Node } from "../node/node.ts";
import type { Parts } from "../node/outside.ts";
import { type Placed, placedName, type Placing } from "../node/placing.ts";
import type { Registration } from "../node/process/registration.ts";
import { blockOf } from "../node/references.ts";
import type { StartThread } from "../platform/threads.ts";
import { referenceOf } from "./_kinds.ts";
import { AS_IT_IS } from "./_mail.ts";
import { ENTRY } from "./entry.ts";
import { envTerms, type Settings } from "./_settings.ts";
import { startOptionsTerm } from "./_start_options.ts";
import type { WaitingPlace } from "./_waiting_place.ts";
import { NodeThread, type ThreadHome } from "./node_thread.ts";
import { PlacedBody } from "./placed_process.ts";

const PIDS_AT_ONCE = 256;
/** So many processes does it weigh that a thread may be stuck. */
const DOUBTFUL = 2 ** 32;

/**
 * A thread begins with a module of its own. Where that was put into one file with a program, the thread would run the program again,
 * which starts threads.
 *
 * @throws {Error} if it is no longer a module of its own.
 */
export function checkEntry(entry: string): void {
  if (/\/workers\/entry\.[a-z]+$/.test(entry)) return;
  throw new Error(
    "Cannot start a node with workers: the library is bundled with the program, leave @ergo-ts/ergo out of the bundle (as an external package)",
  );
}

/** The threads of a node besides its own. Each is started when the first process is placed there, and anew after it has ended. */
export class Workers implements Placing, Parts, ThreadHome {
  readonly node: Node;
  readonly startThread: StartThread;
  readonly #threads: (NodeThread | null)[];
  readonly #currentProcess: boolean;
  /** Threads that were ended since they had not answered. */
  readonly #leaving: Set<Promise<void>> = new Set();
  #started = 0;
  #closed = false;

  constructor(
    node: Node,
    startThread: StartThread,
    { count, currentProcess }: { readonly count: number; readonly currentProcess: boolean },
  ) {
    checkEntry(ENTRY);
    this.node = node;
    this.startThread = startThread;
    this.#threads = new Array(count).fill(null);
    this.#currentProcess = currentProcess;
  }

  get entry(): URL {
    return new URL(ENTRY);
  }

  start(
    module: URL,
    args: readonly unknown[],
    options: SpawnOptions,
    started: (error: Error | null) => void,
    registration: Registration | null,
  ): Placed {
    const { _core: core } = this.node;
    core.main.mustLive("start a process");
    const thread = this.#thread();
    const { link = null } = options;
    const parent = link ?? core.main;
    const process = thread.add(new PlacedBody(placedName(module)));
    try {
      process.groupLeader = options.groupLeader ?? parent.groupLeader;
      process.parent = link?.pid ?? null;
      process.registration = registration;
      if (options.register !== undefined) {
        process.act(() => core.names.register(options.register!, process));
      }
      const { href, hash } = module;
      const name = hash === "" ? "default" : exportOf(hash);
      process.begin([
        process.pid,
        href.slice(0, href.length - hash.length),
        name,
        process.parent,
        process.groupLeader,
        process.name,
        registration !== null,
      ], tuple([...args], startOptionsTerm(options, link?.env ?? null)) as Encodable);
    } catch (error) {
      process.hasEnded(NORMAL);
      throw error;
    }
    process.starting = started;
    if (link !== null) {
      process.act(() => process.addLink(link));
      link.addLink(process);
    }
    return {
      process,
      instance: {
        _reference: (node, pid) => referenceOf(process.placed.kind, node, pid),
      },
    };
  }

  receiverOf(ref: Ref, number: number): Receiver | undefined {
    return this.#madeBy(number)?.receiver(ref);
  }

  termsOf(number: number): DecodeOptions | null {
    return this.#madeBy(number) === null ? null : AS_IT_IS;
  }

  #madeBy(number: number): NodeThread | null {
    const block = blockOf(number);
    for (const thread of this.#threads) {
      if (thread !== null && thread.references.has(block)) return thread;
    }
    return null;
  }

  settings(): Settings {
    const { _core: core } = this.node;
    const { name, creation, terms, copyMessages, logger, pids, references } = core;
    return {
      ...{ name: name.name, creation, terms, copyMessages },
      pids: pids.block(PIDS_AT_ONCE),
      references: references.block(),
      tail: references.tail,
      level: logger.level,
      currentProcess: this.#currentProcess,
      leader: core.main.groupLeader,
      env: envTerms(core),
    };
  }

  ended(thread: NodeThread, waiting: WaitingPlace | null, terminated: Promise<void> | null): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads[at] = null;
    if (terminated !== null) {
      const leaving = terminated.finally(() => this.#leaving.delete(leaving));
      this.#leaving.add(leaving);
    }
    if (waiting === null) return;
    try {
      if (this.#closed || at < 0) throw new ExitError(tuple(SHUTDOWN, atom("worker")));
      waiting.moveTo(this.#threads[at] = new NodeThread(this, ++this.#started));
    } catch (error) {
      waiting.end(exitReasonOf(error));
    }
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads.map((thread) => thread?.close()), ...this.#leaving]);
  }

  /** That which has fewest processes, of those that do something if there is one. */
  #thread(): NodeThread {
    if (this.#closed) throw new Error("Cannot start a process on a worker: the node stops");
    let best = 0;
    const size = (at: number): number => {
      const thread = this.#threads[at];
      if (thread === null) return 0;
      return thread.isDoubtful ? thread.size + DOUBTFUL : thread.size;
    };
    for (let at = 1; at < this.#threads.length; at++) if (size(at) < size(best)) best = at;
    return this.#threads[best] ??= new NodeThread(this, ++this.#started);
  }
}

/** @throws {TypeError} if it can be none. */
function exportOf(hash: string): string {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch (cause) {
    throw new TypeError(
      `Cannot start a process on a worker: ${hash} names no export, put the name of one behind the #`,
      { cause },
    );
  }
}
