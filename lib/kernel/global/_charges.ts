import type { Pid } from "../../etf/identifiers.ts";
import { type Accounts, costOf } from "../_accounts.ts";

/** What somebody was charged for a name or a lock. */
export interface Charge {
  /** `null`: this node, which may have any number. */
  readonly node: string | null;
  readonly cost: number;
}

/** Who has to answer for the memory that names and locks take: the node of the process, or whoever says that it is one of ours. */
export class Charges {
  readonly #own: string;
  readonly #accounts: Accounts;

  constructor(own: string, accounts: Accounts) {
    this.#own = own;
    this.#accounts = accounts;
  }

  /**
   * @param what has to be kept.
   * @param speaker who wants it, where that is another node.
   * @returns `null` where it is not to be.
   */
  charge(pid: Pid, what: unknown, speaker: string | null): Charge | null {
    const node = pid.node === this.#own ? speaker : pid.node;
    if (node === null) return OWN;
    const cost = costOf(what);
    return this.#accounts.take(node, cost) ? { node, cost } : null;
  }

  refund({ node, cost }: Charge): void {
    if (node !== null) this.#accounts.give(node, cost);
  }
}

const OWN: Charge = { node: null, cost: 0 };
