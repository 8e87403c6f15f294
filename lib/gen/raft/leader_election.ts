import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable } from "../../etf/term.ts";
import type { Node } from "../../node/node.ts";
import { Raft } from "./raft.ts";
import { partsOf, RaftRef } from "./raft_ref.ts";

/** What a leader does. @param signal aborts when it leads no more. @param term grows with each leader. */
export type Leads = (signal: AbortSignal, term: number) => unknown;

/**
 * One of several nodes does something, and another one where that fails: a {@linkcode Raft} without a state.
 *
 * - {@linkcode LeaderElectionRef.lead} says what the node does while it leads. `signal` aborts when it leads no more.
 * - Whoever is cut off from a majority notices it within an election timeout; in that time another one may lead already. What must not be done twice takes the `term` with
 *   it, and whoever gets it refuses a term that is lower than one that it has seen.
 * - Without a majority of the members nobody leads.
 *
 * @example
 * ```ts
 * import { LeaderElection, startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("a@localhost", { cookie: "secret" });
 * const election = await node.start(LeaderElection, [{ members: ["a@localhost"] }], { register: "cron" });
 * const leading = new Promise((resolve) => {
 *   election.lead((signal, term) => resolve({ term, aborted: signal.aborted }));
 * });
 * await leading; // { term: 2, aborted: false }
 * ```
 *
 * Not for a choice that has to be known together with other things: then keep both in a {@linkcode RaftMap}.
 */
export class LeaderElection extends Raft {
  /** @ignore @internal */
  declare readonly _refType: LeaderElectionRef<this>;
  readonly #leads: Set<Lead> = new Set();
  #isLeading = false;

  /** There is no state. */
  override snapshot(): Encodable {
    return null;
  }

  /** There is no state. */
  override restore(): void {}

  /** Starts what the leader does, or has it end. */
  override handleLeader(leader: string | null): void {
    this.#end();
    if (leader !== this.node.name) return;
    this.#isLeading = true;
    for (const lead of this.#leads) this.#run(lead);
  }

  /** @ignore @internal */
  override _ended(): void {
    this.#end();
    super._ended();
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): LeaderElectionRef<this> {
    return new LeaderElectionRef<this>(node, pid, node._core.main, {}, partsOf(node, this));
  }

  /** @ignore @internal */
  _lead(leads: Leads): Disposable {
    if (typeof leads !== "function") {
      throw new TypeError(
        `Cannot lead: a function that the leader runs is needed, ${typeof leads} came`,
      );
    }
    this._process.mustLive("lead");
    const lead = new Lead(leads);
    this.#leads.add(lead);
    if (this.#isLeading) this.#run(lead);
    return {
      [Symbol.dispose]: () => {
        this.#leads.delete(lead);
        lead.end();
      },
    };
  }

  #end(): void {
    this.#isLeading = false;
    for (const lead of this.#leads) lead.end();
  }

  /** What it throws ends the member, so that another one leads. */
  #run(lead: Lead): void {
    const { term } = this._status;
    const signal = lead.begin();
    Promise.resolve().then(() => signal.aborted ? undefined : lead.leads(signal, term)).catch(
      (error) => {
        if (!signal.aborted && !this._process.exited) this._process.crash(error);
      },
    );
  }
}

/**
 * One thing that is done while the node leads. It ends with the lead, or when it is taken back: both abort the same signal, for
 * AbortSignal.any of Node may never show that one of its signals has aborted, once nobody else holds that one.
 */
class Lead {
  readonly leads: Leads;
  /** Of what runs now. */
  #abort: AbortController | null = null;

  constructor(leads: Leads) {
    this.leads = leads;
  }

  begin(): AbortSignal {
    return (this.#abort = new AbortController()).signal;
  }

  end(): void {
    this.#abort?.abort();
    this.#abort = null;
  }
}

/** A reference to the member of a {@linkcode LeaderElection} on this node. */
export class LeaderElectionRef<S> extends RaftRef<S> {
  /**
   * Has something done while this node leads, each time anew.
   *
   * What it throws, or a rejection, ends this member with that reason, so that another node leads: supervise it. Not after the signal has aborted.
   *
   * @param leads may run as long as it likes, and should end when `signal` aborts. `term` grows with each leader.
   * @returns takes it back when it is disposed, and aborts what runs.
   */
  lead(leads: Leads): Disposable {
    return (this._member as LeaderElection)._lead(leads);
  }

  /** Whether this node leads, as far as it knows. */
  get isLeader(): boolean {
    return this.status.role === "leader";
  }
}
