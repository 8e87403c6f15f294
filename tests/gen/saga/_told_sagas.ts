// Sagas that do what a test says.
import { assert } from "@std/assert";
import { format } from "../../../lib/etf/format.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { TransactionCancelledError } from "../../../lib/gen/saga/errors.ts";
import { Saga, type Transaction } from "../../../mod.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { Lone } from "../../node/_nodes.ts";
import { failure } from "../_servers.ts";

type Body = (tx: Transaction, value: unknown, saga: Fun) => unknown;

/** A saga that does what a test says, and writes down how its transactions end. */
export class Fun extends Saga<unknown, unknown> {
  #body!: Body;
  log!: string[];
  #name = "";

  override init(name: string, log: string[], body: Body): void {
    this.#name = name;
    this.log = log;
    this.#body = body;
  }
  override readonly calls = { name: () => this.#name };
  override handleTransaction(tx: Transaction, value: unknown): unknown {
    return this.#body(tx, value, this);
  }
  override handleCommit(_tx: Transaction, final: unknown): void {
    this.log.push(`${this.#name} committed ${format(final as Term)}`);
  }
  override handleCancel(_tx: Transaction, reason: string): void {
    this.log.push(`${this.#name} cancelled ${reason}`);
  }
}

/** Starts sagas of these names on a node. */
export async function sagas<N extends string>(
  node: Node,
  log: string[],
  bodies: Readonly<Record<N, Body>>,
): Promise<Record<N, Awaited<ReturnType<typeof one>>>> {
  const one = (name: string, body: Body) => node.start(Fun, [name, log, body], { register: name });
  const refs = {} as Record<N, Awaited<ReturnType<typeof one>>>;
  for (const name of Object.keys(bodies) as N[]) refs[name] = await one(name, bodies[name]);
  return refs;
}

export async function one(node: Node, log: string[], name: string, body: Body) {
  return await node.start(Fun, [name, log, body], { register: name });
}

export async function cancelled(promise: PromiseLike<unknown>): Promise<string> {
  const error = await failure(Promise.resolve(promise));
  assert(error instanceof TransactionCancelledError, String(error));
  return error.reason;
}

/** Takes part, and writes down that it takes back what it did. */
export function doing(name: string, then?: Body): Body {
  return (tx, value, saga) => {
    tx.compensate(() => void saga.log.push(`${name} taken back`));
    return then === undefined ? value : then(tx, value, saga);
  };
}

export function workers({ node }: Lone): number {
  return node._core.processes.size;
}
