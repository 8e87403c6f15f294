import type { Pid } from "../../etf/identifiers.ts";
import type { CallOptions } from "../../node/call.ts";
import type { Node } from "../../node/node.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Process } from "../../node/process/process.ts";
import { ServerRef } from "../server/server_ref.ts";
import type { Pool } from "./pool.ts";
import type { PoolStats } from "./pool_options.ts";

/**
 * A reference to a pool of this node, with the calls and casts of its workers. What is called, cast and sent goes to one of them; a call
 * that the pool does not take rejects with {@linkcode PoolBusyError}.
 */
export class PoolRef<B extends Behaviour> extends ServerRef<B> {
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;
  readonly #pool: Pool<B>;

  /** @ignore @internal */
  constructor(node: Node, from: Process, options: CallOptions, pool: Pool<B>) {
    super(node, pool.pid, from, options);
    this.#node = node;
    this.#from = from;
    this.#options = options;
    this.#pool = pool;
  }

  /** The pids of the workers that run. */
  workers(): Pid[] {
    return this.#pool._workers();
  }

  /** The figures of the pool and of each worker. */
  stats(): PoolStats {
    return this.#pool._stats();
  }

  /**
   * Changes how many workers there are. Those that are too many take nothing more, do what they have, and end with `shutdown`.
   *
   * @returns when the new ones have started, or the others have ended.
   * @throws {RangeError} if it is no number of workers.
   * @throws {ExitError} if the `init` of a new one fails; the pool stays as large as it is then.
   * @throws {ProcessExitedError} if the pool has ended.
   */
  resize(size: number): Promise<void> {
    return this.#pool._resize(size);
  }

  /** The same reference with other options for its calls. */
  override with(options: CallOptions): PoolRef<B> {
    return new PoolRef(this.#node, this.#from, { ...this.#options, ...options }, this.#pool);
  }

  /** The same reference for use in a process: the worker sees who calls. */
  override as(caller: ProcessContext): PoolRef<B> {
    return new PoolRef(this.#node, caller._process, this.#options, this.#pool);
  }
}
