import type { CallOptions } from "../../node/call.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { ServerRef } from "../server/server_ref.ts";
import type { Saga } from "./saga.ts";
import { checkTransactionOptions, type TransactionOptions } from "./transaction.ts";

/** A reference to a saga of this node, with the names of its tables. */
export class SagaRef<S, V, R> extends ServerRef<S> {
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;
  readonly #saga: Saga<V, R>;

  /** @ignore @internal */
  constructor(node: Node, target: Target, from: Process, options: CallOptions, saga: Saga<V, R>) {
    super(node, target, from, options);
    this.#node = node;
    this.#from = from;
    this.#options = options;
    this.#saga = saga;
  }

  /**
   * Runs a transaction with this saga as the first one.
   *
   * @returns the result, when the transaction is committed and `handleCommit` is done on all sagas that live.
   * @throws {TransactionCancelledError} if it is cancelled, when all that was done is taken back.
   * @throws {ProcessExitedError} if the saga has ended.
   */
  run(value: V, options: TransactionOptions = {}): Promise<R> {
    checkTransactionOptions(options);
    return this.#saga._begin(value, options);
  }

  /** How many transactions the saga has a part in that have not ended. */
  get running(): number {
    return this.#saga._running;
  }

  /** The same reference with other options for its calls. */
  override with(options: CallOptions): SagaRef<S, V, R> {
    const { pid } = this;
    return new SagaRef(this.#node, pid, this.#from, { ...this.#options, ...options }, this.#saga);
  }

  /** The same reference for use in a process: the saga sees who calls. */
  override as(caller: ProcessContext): SagaRef<S, V, R> {
    return new SagaRef(this.#node, this.pid, caller._process, this.#options, this.#saga);
  }
}
