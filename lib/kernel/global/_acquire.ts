import { atom } from "../../etf/atom.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import { Sleep } from "../../node/process/sleep.ts";
import type { Locks } from "./_locks.ts";
import { bossOf } from "./_order.ts";
import { GLOBAL_NAME_SERVER, type LockId, lockIdTerm } from "./_protocol.ts";

const SET_LOCK = atom("set_lock");
const DEL_LOCK = atom("del_lock");

/** The answer of one node. */
export type Reply = readonly [node: string, reply: Term];

/**
 * Asks the name servers of some nodes, in the name of a process, and waits for their answers as long as it takes. Those that cannot
 * be reached, or have none, are left out.
 *
 * @throws {ProcessExitedError} where the process has ended.
 */
export async function multiCall(
  core: Core,
  from: Process,
  nodes: readonly string[],
  request: Encodable,
): Promise<Reply[]> {
  const replies = await Promise.all(
    nodes.map((node) =>
      core.call(from, { name: GLOBAL_NAME_SERVER, node }, { name: null, term: request }, {
        timeout: Infinity,
      }).then((reply): Reply | null => [node, reply as Term], () => null)
    ),
  );
  from.mustLive("lock");
  return replies.filter((reply) => reply !== null);
}

/** Takes and frees locks on nodes, in the name of one process, which will have them. */
export class Acquire {
  readonly #core: Core;
  readonly #locks: Locks;
  readonly #process: Process;

  constructor(core: Core, locks: Locks, process: Process) {
    this.#core = core;
    this.#locks = locks;
    this.#process = process;
  }

  ask(nodes: readonly string[], request: Encodable): Promise<Reply[]> {
    return multiCall(this.#core, this.#process, nodes, request);
  }

  /** Tries once. @returns whether all of the nodes that could be reached have given the lock; if not, none keeps it. */
  async set(id: LockId, nodes: readonly string[]): Promise<boolean> {
    if (nodes.length === 0) return true;
    const own = this.#core.name.name;
    // Whether it can be had here is known without asking.
    if (nodes.length > 1 && nodes.includes(own) && !this.#locks.canSet(id)) return false;
    const replies = await this.ask(nodes, tuple(SET_LOCK, lockIdTerm(id)) as Encodable);
    if (replies.every(([, reply]) => reply === true)) return true;
    const set = replies.filter(([, reply]) => reply === true).map(([node]) => node);
    await this.delete(id, set);
    return false;
  }

  async delete(id: LockId, nodes: readonly string[]): Promise<void> {
    await this.ask(nodes, tuple(DEL_LOCK, lockIdTerm(id)) as Encodable);
  }

  /** Frees a lock of a whole part of the cluster, the boss last: whoever gets it there then finds the others free. */
  async deleteAll(id: LockId, nodes: readonly string[]): Promise<void> {
    const boss = bossOf(nodes);
    await this.delete(id, nodes.filter((node) => node !== boss));
    await this.delete(id, [boss]);
  }

  /** Waits for a random time before the next try, which is longer from try to try: up to 8 seconds. */
  async pause(times: number, signal?: AbortSignal): Promise<void> {
    this.#process.mustLive("lock"); // nothing would end the wait
    const longest = times > 5 ? 8_000 : (1 << times) * 125;
    const random = new DataView(this.#core.platform.randomBytes(4).buffer).getUint32(0);
    const ms = 1 + random % longest;
    await new Sleep(this.#core, ms, { process: this.#process, signal }).promise;
  }
}
