import { atom } from "../../etf/atom.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Core } from "../../node/core.ts";
import { BusyError, ExitError } from "../../node/errors.ts";
import type { Process } from "../../node/process/process.ts";
import { Sleep } from "../../node/process/sleep.ts";
import type { Locks } from "./_locks.ts";
import { bossOf } from "./_order.ts";
import { GLOBAL_NAME_SERVER, type LockId, lockIdTerm } from "./_protocol.ts";

const SET_LOCK = atom("set_lock");
const DEL_LOCK = atom("del_lock");

/** Milliseconds until a name server is asked again that cannot take more now. */
const ASK_AGAIN = 100;

/** The answer of one node. */
export type Reply = readonly [node: string, reply: Term];

/** What came of a question to several nodes. */
interface Answers {
  readonly replies: readonly Reply[];
  /** Nodes that are there, and could not be asked or have refused to answer, and why the first of them. */
  readonly failed: readonly string[];
  readonly error: unknown;
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

  /**
   * Asks the name servers of some nodes, in the name of the process, and waits for their answers as long as it takes. Those that
   * cannot be reached, have none or lose it meanwhile are left out.
   *
   * @throws what kept one from being asked, once all others have answered; {ProcessExitedError} where the process has ended.
   */
  async ask(nodes: readonly string[], request: Encodable): Promise<readonly Reply[]> {
    const { replies, failed, error } = await this.#answers(nodes, request);
    if (failed.length > 0) throw error;
    return replies;
  }

  /** Tries once. @returns whether all of the nodes that could be reached have given the lock; if not, none keeps it. */
  async set(id: LockId, nodes: readonly string[]): Promise<boolean> {
    if (nodes.length === 0) return true;
    const own = this.#core.name.name;
    // Whether it can be had here is known without asking.
    if (nodes.length > 1 && nodes.includes(own) && !this.#locks.canSet(id)) return false;
    const request = tuple(SET_LOCK, lockIdTerm(id)) as Encodable;
    const { replies, failed, error } = await this.#answers(nodes, request);
    if (failed.length === 0 && replies.every(([, reply]) => reply === true)) return true;
    const set = replies.filter(([, reply]) => reply === true).map(([node]) => node);
    await this.delete(id, [...set, ...failed]);
    if (failed.length > 0) throw error;
    return false;
  }

  async delete(id: LockId, nodes: readonly string[]): Promise<void> {
    await this.ask(nodes, tuple(DEL_LOCK, lockIdTerm(id)) as Encodable);
  }

  /** Frees a lock of a whole part of the cluster, the boss last: whoever gets it there then finds the others free. */
  async deleteAll(id: LockId, nodes: readonly string[]): Promise<void> {
    const boss = bossOf(nodes);
    try {
      await this.delete(id, nodes.filter((node) => node !== boss));
    } finally {
      await this.delete(id, [boss]);
    }
  }

  /** Waits for a random time before the next try, which is longer from try to try: up to 8 seconds. */
  async pause(times: number, signal?: AbortSignal): Promise<void> {
    this.#process.mustLive("lock"); // nothing would end the wait
    const longest = times > 5 ? 8_000 : (1 << times) * 125;
    const random = new DataView(this.#core.platform.randomBytes(4).buffer).getUint32(0);
    const ms = 1 + random % longest;
    await new Sleep(this.#core, ms, { process: this.#process, signal }).promise;
  }

  async #answers(nodes: readonly string[], request: Encodable): Promise<Answers> {
    const replies: Reply[] = [];
    const failed: string[] = [];
    const errors: unknown[] = [];
    await Promise.all(nodes.map(async (node) => {
      try {
        replies.push([node, await this.#answer(node, request)]);
      } catch (error) {
        // It is gone, as the monitor tells, or about to go: one that stops exits with shutdown. OTP's multi_call has the same.
        if (error instanceof ExitError) return;
        failed.push(node);
        errors.push(error);
      }
    }));
    this.#process.mustLive("lock");
    return { replies, failed, error: errors[0] };
  }

  /** Where too much waits already it is asked again and again: a name server that is left out never gives its lock back. */
  async #answer(node: string, request: Encodable): Promise<Term> {
    const to = { name: GLOBAL_NAME_SERVER, node };
    const term = { name: null, term: request };
    for (;;) {
      try {
        return await this.#core.call(this.#process, to, term, { timeout: Infinity }) as Term;
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
        await new Sleep(this.#core, ASK_AGAIN, { process: this.#process }).promise;
      }
    }
  }
}
