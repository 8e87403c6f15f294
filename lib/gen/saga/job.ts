import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { SHUTDOWN } from "../../node/atoms.ts";
import type { Linked, Process } from "../../node/process/process.ts";
import { ExitError } from "../../node/errors.ts";
import { TransactionCancelledError } from "./errors.ts";
import type { SagaWorker } from "./saga_worker.ts";

/** What a job needs of its saga. */
export interface JobHome {
  readonly _process: Process;
  /** It has its result, or has failed: look again at what is left to do. */
  _jobSettled(job: Job<never>): void;
}

/**
 * Something that a linked process does for a transaction: a promise of its result. Where it fails, the transaction is cancelled, unless
 * whoever waits for the job catches that.
 */
export class Job<R = unknown> implements PromiseLike<R> {
  /** The process that does it. */
  readonly pid: Pid;
  readonly #home: JobHome;
  readonly #process: Process;
  readonly #worker: SagaWorker<never, R>;
  readonly #promise: Promise<R>;
  #resolve!: (result: R) => void;
  #reject!: (error: Error) => void;
  #state: "running" | "done" | "over" = "running";
  /** @ignore @internal */
  _timer: Disposable | null = null;
  /** @ignore @internal Whether somebody waits for it, who learns of its failure. */
  _awaited = false;
  /** @ignore @internal Whether its process has ended with its result, which was not committed. */
  _lost = false;
  /** @ignore @internal Why it has failed; `null` where it has not, or was cancelled. */
  _failure: string | null = null;

  /** @ignore @internal Made by {@linkcode Transaction.job}. */
  constructor(home: JobHome, process: Process, worker: SagaWorker<never, R>) {
    this.#home = home;
    this.#process = process;
    this.#worker = worker;
    this.pid = process.pid;
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#promise.catch(() => {}); // nobody has to wait for it
    // A link of both, whose break ends the worker with its saga, and is the job's failure for the saga.
    home._process.addLink(process);
    process.addLink(new JobLink(home._process.pid, this));
  }

  /** Waits for the result. Rejects with {@linkcode TransactionCancelledError} where the job fails or is cancelled. */
  then<A = R, B = never>(
    done?: ((result: R) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this._awaited = true;
    return this.#promise.then(done, failed);
  }

  /** Whether it has neither a result nor failed. */
  get running(): boolean {
    return this.#state === "running";
  }

  /**
   * Ends the job: its worker's `handleCancel` runs, then its process ends. Whoever waits for it is told so, and the transaction goes on. Of a job
   * that has its result nothing is cancelled.
   */
  cancel(reason: string): void {
    if (this.#state === "running") void this._cancel(reason);
  }

  /** @ignore @internal It has a result. `keeps`: the worker waits for the end of the transaction. */
  _done(result: R, keeps: boolean): void {
    if (this.#state !== "running") return;
    this.#state = "done";
    this._timer?.[Symbol.dispose]();
    if (!keeps) this._end();
    this.#resolve(result);
    this.#home._jobSettled(this as unknown as Job<never>);
  }

  /** @ignore @internal The transaction is cancelled, or the job is. Resolves when its process has ended. */
  _cancel(reason: string): Promise<void> {
    if (this.#state === "over") return this.#ended();
    const was = this.#state;
    this.#state = "over";
    this._timer?.[Symbol.dispose]();
    if (was === "running") this.#reject(new TransactionCancelledError(reason));
    this.#unlink();
    this.#worker._cancelled(reason);
    this.#home._jobSettled(this as unknown as Job<never>);
    return this.#ended();
  }

  /** @ignore @internal The transaction is committed. Resolves when its process has ended. */
  _commit(final: Term): Promise<void> {
    if (this.#state !== "done" || this.#process.exited) return this.#ended();
    this.#state = "over";
    this.#unlink();
    this.#worker._committed(final);
    return this.#ended();
  }

  /** @ignore @internal Nobody needs its process any more. */
  _end(): void {
    this.#unlink();
    if (!this.#process.exited) this.#process.stop(SHUTDOWN);
  }

  /** @ignore @internal The saga has ended, and with it its workers. */
  _abandon(): void {
    this.#state = "over";
    this.#process.exit(SHUTDOWN);
  }

  /** @ignore @internal The worker's process has ended. */
  linkBroken(_from: Pid, reason: Term): void {
    this.#home._process.removeLink(this.pid);
    if (this.#state === "over") return;
    this._lost = this.#state === "done";
    this.#state = "over";
    this._timer?.[Symbol.dispose]();
    const why = `job failed: ${new ExitError(reason).message.replace(/^Process exited: /, "")}`;
    this._failure = why;
    this.#reject(new TransactionCancelledError(why));
    this.#home._jobSettled(this as unknown as Job<never>);
  }

  #ended(): Promise<void> {
    if (this.#process.exited) return Promise.resolve();
    return new Promise((resolve) => this.#process.addWatcher({ down: () => resolve() }));
  }

  #unlink(): void {
    this.#home._process.removeLink(this.pid);
    this.#process.removeLink(this.#home._process.pid);
  }
}

/** The saga's end of a link to its worker: it is the job that is told. */
class JobLink implements Linked {
  readonly pid: Pid;
  readonly #job: Linked;

  constructor(pid: Pid, job: Linked) {
    this.pid = pid;
    this.#job = job;
  }

  linkBroken(from: Pid, reason: Term): void {
    this.#job.linkBroken(from, reason);
  }
}
