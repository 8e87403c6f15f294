import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable } from "../../etf/term.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import type { Participation } from "./_participation.ts";
import type { SagaWorker } from "./saga_worker.ts";
import type { Transaction } from "./transaction.ts";

/** What a saga is for its transactions. */
export interface Place {
  readonly pid: Pid;
  readonly _process: Process;
  readonly _now: number;
  /** Whether the saga ends in order: it takes no more messages. */
  readonly _ends: boolean;
  /** Sends what a user gives. @throws {BusyError} */
  _offer(target: Target, message: Encodable): void;
  /** Sends what has to be told. */
  _tell(target: Target, message: Encodable): void;
  _watch(target: Target, fn: (down: Down) => void): Monitor;
  _later(ms: number, fn: () => void): Disposable;
  _startWorker(worker: new () => SagaWorker<never, never>): {
    readonly process: Process;
    readonly instance: SagaWorker<never, never>;
  };
  /** In words. */
  _describe(target: Target): string;
  _fault(what: string, error: unknown): void;
  /** One has ended that was going on. */
  _over(): void;
  /** Nobody needs to know of it any more. */
  _forget(participation: Participation): void;
  // The user's methods.
  _run(tx: Transaction): unknown;
  _finish(tx: Transaction, result: unknown): unknown;
  _committed(tx: Transaction, final: unknown): unknown;
  _cancelled(tx: Transaction, reason: string): unknown;
}

/** How the first saga learns of the end. */
export interface Waiting {
  resolve(final: unknown): void;
  reject(error: Error): void;
}

/** What is known of a transaction before it begins. */
export interface Begun {
  readonly id: Ref;
  readonly value: unknown;
  readonly origin: Ref;
  readonly parents: readonly Pid[];
  readonly hopLimit: number;
  readonly lifespan: number;
  readonly twoPhase: boolean;
  readonly agrees: boolean;
}
