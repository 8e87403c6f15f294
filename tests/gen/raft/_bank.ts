import type { Encodable, Term } from "../../../mod.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import { Raft } from "../../../lib/gen/raft/raft.ts";
import type { RaftOptions } from "../../../lib/gen/raft/raft_options.ts";
import type { RaftRef } from "../../../lib/gen/raft/raft_ref.ts";
import type { Node } from "../../../lib/node/node.ts";

/** Accounts that several nodes have. */
export class Bank extends Raft {
  #accounts: Map<string, number> = new Map();
  /** Whom it was told that it leads, in that order. */
  readonly leaders: (string | null)[] = [];

  override readonly commands = {
    deposit: on(t.text, t.integer, (name, amount) => {
      if (amount <= 0) throw new RangeError(`cannot deposit ${amount}`);
      const balance = (this.#accounts.get(name) ?? 0) + amount;
      this.#accounts.set(name, balance);
      return balance;
    }),
    /** What no command may do. */
    wait: () => Promise.resolve(1),
    clear: () => this.#accounts.clear(),
  };
  override readonly queries = {
    balance: on(t.text, (name) => this.#accounts.get(name) ?? 0),
    count: () => this.#accounts.size,
    boom: () => {
      throw new Error("boom");
    },
  };
  override readonly calls = { here: () => this.node.name };

  override snapshot(): Encodable {
    return this.#accounts;
  }

  override restore(state: Term): void {
    this.#accounts = new Map(t.map(t.text, t.integer).parse(state));
  }

  override handleLeader(leader: string | null): void {
    this.leaders.push(leader);
  }
}

/** Long enough that a busy machine elects nobody else, short enough that a test is done soon. */
export const QUICK = { electionTimeout: 250, heartbeat: 40 };

/** A member on each node, and a leader. */
export async function banks(
  nodes: readonly Node[],
  options: (node: Node) => Partial<RaftOptions> = () => ({}),
): Promise<RaftRef<Bank>[]> {
  const members = nodes.map(({ name }) => name);
  const refs = await Promise.all(
    nodes.map((node) =>
      node.start(Bank, [{ members, ...QUICK, ...options(node) }], { register: "bank" })
    ),
  );
  await refs[0].with({ timeout: 20_000 }).ready();
  return refs;
}
