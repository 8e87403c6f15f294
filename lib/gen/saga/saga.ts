import { atom } from "../../etf/atom.ts";
import type { Schema } from "../../etf/schema/schema.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import { BusyError, ProcessExitedError } from "../../node/errors.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { Node } from "../../node/node.ts";
import { NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { ExitReason, Process, Undelivered } from "../../node/process/process.ts";
import { addressOf, describe, type Target } from "../../node/target.ts";
import { GenServer } from "../server/gen_server.ts";
import { Participation } from "./_participation.ts";
import type { Begun, Place, Waiting } from "./_place.ts";
import {
  isSagaMessage,
  NO_HOP_LIMIT,
  readSagaMessage,
  reasonTerm,
  type SagaMessage,
  sagaTerm,
} from "./_wire.ts";
import { TransactionCancelledError } from "./errors.ts";
import { SagaRef } from "./saga_ref.ts";
import { type SagaWorker, Step } from "./saga_worker.ts";
import {
  checkTransactionOptions,
  type Transaction,
  type TransactionOptions,
} from "./transaction.ts";

const DEFAULT_LIFESPAN = 60_000;
/** Milliseconds for which a saga that ends in order takes back what it has done. */
const ENDING_TIME = 5_000;

/**
 * A server that does its part of transactions which several of them carry out together, on this node and others.
 *
 * | method | is called |
 * | --- | --- |
 * | `handleTransaction(tx, value)` | for each transaction; what it returns is the result of this saga's part, a throw cancels the transaction |
 * | `handleDone(tx, result)` | where the transaction was started, when its result is there: makes of it what all are told |
 * | `handleCommit(tx, final)` | on all sagas, where the transaction is committed |
 * | `handleCancel(tx, reason)` | on all sagas, where it is cancelled, when what was done is taken back |
 *
 * - A saga has others take part by `tx.next(saga, value)`, has work done by `tx.job(Worker, value)`, and says by `tx.compensate(undo)` how to take back what
 *   it does. Where the transaction is cancelled all is taken back in reverse order, over all sagas.
 * - `handleTransaction` does not hold the mailbox: while it waits, other transactions, calls and messages are handled.
 * - Every transaction ends committed or cancelled, on all sagas that live, within its lifespan (60,000 milliseconds), whoever crashes meanwhile: with
 *   `twoPhaseCommit`, the default, all agree before it counts. The last quarter of the lifespan, 2,000 milliseconds at most, is kept for coming to an end. Only where nodes cannot reach each other for the whole lifespan, after the agreement had
 *   begun, they may end it differently: no protocol can prevent that within a time.
 * - The order in which things are taken back is kept as long as there is time: nothing is waited for longer than 5,000 milliseconds, or than the lifespan. Where a saga
 *   stands still until then, the others end the transaction without it.
 * - A saga that ends in order (`stop`, or a shutdown where it traps exits) cancels what is not agreed upon yet, and takes its own part back before `terminate` is called, for
 *   5,000 milliseconds at most; it does not wait for the others to have taken back theirs. What is in the middle of the agreement the others end without it.
 * - What a crash takes with it, or an exit signal that is not trapped, is not kept, and not taken back: a saga that is started again knows of no transaction, and the others have
 *   ended theirs.
 * - A saga has one part in a transaction at most. Where it comes to it once more, by whatever way, the second part is cancelled with `loop_detected`.
 * - The messages are those of Ergo's `gen.Saga`, so that its sagas can take part. They do not agree before a commit, and do not tell when they have taken something back:
 *   the order of compensation is not known there, and a crash in between may leave them half done.
 *
 * @example
 * ```ts
 * import { Saga, startNode, type Transaction } from "@ergo-ts/ergo";
 *
 * class Trip extends Saga<string, string> {
 *   override async handleTransaction(tx: Transaction<string>, city: string): Promise<string> {
 *     const flight = await tx.next("flights", city);
 *     const room = await tx.next("hotels", city); //   cancelled: the flight is given back
 *     return `${flight}, ${room}`;
 *   }
 * }
 * class Bookings extends Saga<string, string> {
 *   override handleTransaction(tx: Transaction<string>, city: string): string {
 *     tx.compensate(() => console.log(`given back: ${city}`));
 *     return `booked in ${city}`;
 *   }
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * await node.start(Bookings, [], { register: "flights" });
 * await node.start(Bookings, [], { register: "hotels" });
 * const trips = await node.start(Trip, []);
 * await trips.run("Oslo"); // rejects with TransactionCancelledError where it is cancelled
 * ```
 *
 * Not for what one process can do alone: a transaction costs some messages for each saga and round.
 */
export abstract class Saga<V = unknown, R = unknown> extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: SagaRef<this, V, R>;
  /** What the value of a transaction must look like, and is converted to. What does not match cancels it with `bad_value`. */
  declare readonly value?: Schema<V, never> | Schema<V, V>;
  /** How many transactions it takes part in at once; more are cancelled with `exceed_tx_limit`. Default: any number. */
  maxTransactions: number = Infinity;
  readonly #transactions: Map<string, Participation> = new Map();
  #active = 0;
  #place: Place | null = null;
  #ends = false;

  /** Does this saga's part. */
  abstract handleTransaction(tx: Transaction<V>, value: V): R | PromiseLike<R>;

  /** Where the transaction was started: makes of the result what all sagas are told. Default: the result. A throw cancels the transaction. */
  handleDone(_tx: Transaction<V>, result: R): R | PromiseLike<R> {
    return result;
  }

  /** The transaction is committed. What is thrown is logged, and changes nothing any more. */
  handleCommit(_tx: Transaction<V>, _final: unknown): unknown {
    return undefined;
  }

  /** The transaction is cancelled, and what was done here is taken back. What is thrown is logged. */
  handleCancel(_tx: Transaction<V>, _reason: string): unknown {
    return undefined;
  }

  /**
   * Starts a transaction with this saga as the first one. Its messages are handled like others: a handler that waits for it gives it to {@linkcode later}.
   *
   * @returns what `handleDone` has made of the result, when the transaction is committed and `handleCommit` is done on all sagas that live.
   * @throws {TransactionCancelledError} if it is cancelled, when all is taken back.
   */
  startTransaction(value: V, options: TransactionOptions = {}): Promise<R> {
    checkTransactionOptions(options);
    return this._begin(value, options);
  }

  /** @ignore @internal How many transactions have not ended. */
  get _running(): number {
    return this.#active;
  }

  /** @ignore @internal */
  override formatState(): unknown {
    return { ...super.formatState() as object, transactions: this.#active };
  }

  /** @ignore @internal */
  _begin(value: V, options: TransactionOptions): Promise<R> {
    const process = this._process;
    return new Promise((resolve, reject) => {
      if (process.exited) throw new ProcessExitedError("start a transaction", process.reason);
      const step = new Start(() => {
        const id = this._core.makeRef();
        const { lifespan = DEFAULT_LIFESPAN, hopLimit = NO_HOP_LIMIT, signal } = options;
        if (signal?.aborted) return reject(new TransactionCancelledError(String(signal.reason)));
        if (this.#active >= this.maxTransactions) {
          return reject(new TransactionCancelledError("exceed_tx_limit"));
        }
        const twoPhase = options.twoPhaseCommit ?? true;
        const begun = {
          id,
          value,
          origin: id,
          parents: [],
          hopLimit,
          lifespan,
          twoPhase,
          agrees: true,
        };
        const abort = (): void => {
          const { tx } = participation;
          if (tx._phase === "active" || tx._phase === "deciding") {
            participation._cancel(String(signal?.reason));
          }
        };
        const participation = this.#add(begun, {
          resolve: (final) => {
            signal?.removeEventListener("abort", abort);
            resolve(final as R);
          },
          reject: (error) => {
            signal?.removeEventListener("abort", abort);
            reject(error);
          },
        });
        signal?.addEventListener("abort", abort);
        participation.begin();
      }, reject);
      process.deliver(step);
    });
  }

  /** @ignore @internal */
  override _informed(message: Term): unknown {
    if (!isSagaMessage(message)) return super._informed(message);
    const said = readSagaMessage(message);
    if (said === null) {
      this._core.logger._log(
        "warning",
        `${this.#name} dropped a message of a saga that is written otherwise than it has to be: ${
          format(message, { maxLength: 200 })
        }`,
        this._process,
      );
    } else if (said.kind === "next") {
      this.#next(said);
    } else {
      const participation = this.#transactions.get(said.tx.key);
      if (participation !== undefined) participation.receive(said);
      else this.#unknown(said);
    }
    return undefined;
  }

  /** @ignore @internal */
  _ended(): void {
    for (const participation of this.#transactions.values()) participation.abandon();
    this.#transactions.clear();
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): SagaRef<this, V, R> {
    return new SagaRef(node, pid, node._core.main, {}, this);
  }

  /** Takes back what is not agreed upon. @returns when that is done, or takes too long; `null` where there is nothing. */
  #takeBack(): Promise<unknown> | null {
    this.#ends = true;
    const taking: Promise<void>[] = [];
    for (const participation of [...this.#transactions.values()]) {
      const done = participation.stop();
      if (done !== null) taking.push(done);
    }
    return taking.length === 0
      ? null
      : Promise.race([Promise.all(taking), this.sleep(ENDING_TIME)]);
  }

  /** Before `terminate`, which may close what is needed for it. */
  #takeBackFirst(): void {
    const { terminate } = this;
    const value = (reason: ExitReason): unknown => {
      const taken = isInOrder(reason) ? this.#takeBack() : null;
      const last = (): unknown => terminate.call(this, reason);
      return taken === null ? last() : taken.then(last);
    };
    Object.defineProperty(this, "terminate", { value, configurable: true, writable: true });
  }

  #next(said: SagaMessage & { kind: "next" }): void {
    const { from, tx: id, origin, parents, options } = said;
    const refuse = (reason: string): void => {
      this.#tell(from, sagaTerm("cancel", this.pid, id, origin, reasonTerm(reason)));
    };
    if (this.#transactions.has(id.key)) return refuse("loop_detected");
    if (this.#active >= this.maxTransactions) return refuse("exceed_tx_limit");
    let value = said.value as V;
    try {
      if (this.value !== undefined) value = this.value.parse(said.value) as V;
    } catch (error) {
      return refuse(`bad_value: ${(error as Error).message}`);
    }
    const { hopLimit, lifespan, twoPhaseCommit: twoPhase, agreement: agrees } = options;
    this.#add({
      id,
      value,
      origin,
      parents: [from, ...parents],
      hopLimit,
      lifespan,
      twoPhase,
      agrees,
    }, null).begin();
  }

  #add(begun: Begun, waiting: Waiting | null): Participation {
    this.#place ??= this.#makePlace();
    const participation = new Participation(this.#place, begun, waiting);
    this.#transactions.set(begun.id.key, participation);
    this.#active++;
    return participation;
  }

  /** Of a transaction that is not known here, or not any more. */
  #unknown({ kind, from, tx }: SagaMessage): void {
    if (kind === "prepare") {
      this.#tell(from, sagaTerm("cancel", this.pid, tx, tx, reasonTerm("unknown")));
    } else if (kind === "ask") {
      this.#tell(from, sagaTerm("state", this.pid, tx, ...UNKNOWN));
    }
  }

  /** What has to be told goes out in any case: the transaction of another saga may depend on it. */
  #tell(target: Target, message: Encodable): void {
    const core = this._core;
    const process = this._process;
    if (process.exited) return;
    try {
      core.send(process, target, message);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      const address = addressOf(target, core.global);
      core.remoteOf(address)?.mustSend(this.pid, address, core.outgoing(process, message));
    }
  }

  #later(ms: number, fn: () => void): Disposable {
    if (!this.#ends) return this.after(ms, fn);
    const timer = this._core.platform.setTimer(ms, fn); // no message of its own is handled any more
    return { [Symbol.dispose]: () => timer.cancel() };
  }

  get #name(): string {
    return this._process.name ?? format(this.pid);
  }

  #makePlace(): Place {
    // deno-lint-ignore no-this-alias
    const saga = this;
    const { _core: core, _process: process, node } = this;
    this.#takeBackFirst();
    return {
      pid: this.pid,
      _process: process,
      get _now(): number {
        return core.platform.now();
      },
      get _ends(): boolean {
        return saga.#ends;
      },
      _offer: (target, message) => core.send(process, target, message),
      _tell: (target, message) => saga.#tell(target, message),
      _watch: (target: Target, fn: (down: Down) => void): Monitor => saga.monitor(target, fn),
      _later: (ms, fn) => saga.#later(ms, fn),
      _startWorker: (worker) => startWorker(node, worker),
      _describe: (target) => describe(addressOf(target, core.global)),
      _fault: (what, error) => core.fault(`${saga.#name}: ${what}`, error),
      _over: () => {
        saga.#active--;
      },
      _forget: (participation) => {
        saga.#transactions.delete(participation.tx.id.key);
      },
      _run: (tx) => saga.handleTransaction(tx as Transaction<V>, tx.value as V),
      _finish: (tx, result) => saga.handleDone(tx as Transaction<V>, result as R),
      _committed: (tx, final) => saga.handleCommit(tx as Transaction<V>, final),
      _cancelled: (tx, reason) => saga.handleCancel(tx as Transaction<V>, reason),
    };
  }
}

class Start extends Step implements Undelivered {
  readonly #reject: (error: Error) => void;

  constructor(fn: () => void, reject: (error: Error) => void) {
    super(fn);
    this.#reject = reject;
  }

  /** The saga has ended before. */
  undelivered(reason: Term): void {
    this.#reject(new ProcessExitedError("start a transaction", reason));
  }
}

function startWorker<W extends SagaWorker<never, never>>(
  node: Node,
  worker: new () => W,
): { readonly process: Process; readonly instance: W } {
  return node._start(worker, [] as never, {}, () => {}); // its end tells of its failure
}

/** As a supervisor's `shutdown`, and what somebody says by `stop`. */
function isInOrder(reason: ExitReason): boolean {
  return reason === NORMAL || reason === SHUTDOWN ||
    isTuple(reason as Term) && (reason as unknown as Term[])[0] === SHUTDOWN;
}

const UNKNOWN = [atom("cancelled"), reasonTerm("unknown")];
