import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isThenable } from "../../_util/thenable.ts";
import { SHUTDOWN } from "../../node/atoms.ts";
import { Behaviour } from "../../node/process/behaviour.ts";
import type { Node } from "../../node/node.ts";
import { Turn } from "../../node/process/turn.ts";

/** What a worker can tell of the job that it does. */
export interface JobContext {
  /** Gives a part of the result to whoever has started the job. */
  interim(value: unknown): void;
  /** Aborts where the job is cancelled, or the process ends. */
  readonly signal: AbortSignal;
}

/**
 * A process that does one job for a transaction of a saga, which is linked to it; see {@linkcode Transaction.job}.
 *
 * | method | is called |
 * | --- | --- |
 * | `handleJob(value, job)` | once; what it returns is the result, a throw is the job's failure |
 * | `handleCommit(final)` | when the transaction is committed |
 * | `handleCancel(reason)` | when the job, or its transaction, is cancelled, also while `handleJob` waits for something |
 *
 * The process ends after either of the last two.
 *
 * @example
 * ```ts
 * import { SagaWorker } from "@ergo-ts/ergo";
 *
 * class Reserve extends SagaWorker<string, number> {
 *   override handleJob(room: string): number {
 *     return room.length; // reserves it, and gives the price
 *   }
 *   override handleCancel(reason: string): void {
 *     console.log(`given back: ${reason}`);
 *   }
 * }
 * ```
 */
export abstract class SagaWorker<V = unknown, R = unknown> extends Behaviour {
  /** @ignore @internal Workers have no references. */
  declare readonly _refType: Pid;
  #handled = false;
  #ending = false;
  /** Aborts where the job is cancelled or the process ends. One for both: AbortSignal.any of Node may never show that one of its signals has aborted. */
  readonly #over = new AbortController();

  /** Does the job. While a promise is waited for, it can be cancelled. */
  abstract handleJob(value: V, job: JobContext): R | PromiseLike<R>;

  /** The transaction is committed. */
  handleCommit(_final: Term): unknown {
    return undefined;
  }

  /** The job is cancelled: what was done is to be taken back. */
  handleCancel(_reason: string): unknown {
    return undefined;
  }

  /** @ignore @internal */
  _receive(_message: unknown): unknown {
    return undefined; // nobody is to send to it
  }

  /** @ignore @internal */
  _reference(_node: Node, pid: Pid): Pid {
    return pid;
  }

  /** @ignore @internal Begins. `done` gets the result; what is thrown ends the process. */
  _work(value: V, interim: (value: unknown) => void, done: (result: R) => void): void {
    const process = this._process;
    const job: JobContext = { interim, signal: this.#over.signal };
    this.#do(() => {
      if (this.#ending) return undefined;
      this.#handled = true;
      const result = this.handleJob(value, job);
      if (!isThenable(result)) return done(result);
      Promise.resolve(result).then(done, (error) => {
        if (!this.#ending) process.crash(error);
      });
      return undefined;
    });
  }

  /** @ignore @internal */
  _committed(final: Term): void {
    this.#end(() => this.handleCommit(final));
  }

  /** @ignore @internal */
  _cancelled(reason: string): void {
    this.#over.abort(new Error(reason));
    this.#end(() => this.#handled ? this.handleCancel(reason) : undefined);
  }

  /** @ignore @internal */
  _ended(): void {
    this.#over.abort(this._process.gone("go on"));
  }

  #end(last: () => unknown): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#do(async () => {
      await last();
      this._process.stop(SHUTDOWN);
    });
  }

  #do(fn: () => unknown): void {
    this._process.deliver(new Step(fn));
  }
}

/** Something that a process of a saga does in turn. */
export class Step extends Turn {
  readonly #fn: () => unknown;

  constructor(fn: () => unknown) {
    super();
    this.#fn = fn;
  }

  run(): unknown {
    return this.#fn();
  }
}

/** The worker of a job that is a function. */
export class FunctionWorker extends SagaWorker {
  override handleJob(value: never, job: JobContext): unknown {
    return this._fn(value, job);
  }

  /** @ignore @internal */
  _fn: (value: never, job: JobContext) => unknown = () => undefined;
}
