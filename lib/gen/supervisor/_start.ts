import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { atom } from "../../etf/atom.ts";
import { KILL, SHUTDOWN } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import { ExitError, exitReasonOf, NameError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";

const OK = atom("ok");
const ERROR = atom("error");
const IGNORE: Term = atom("ignore");

/** Who starts a child: a supervisor's process. */
export interface Parent {
  readonly node: Node;
  readonly process: Process;
}

/** A child that runs. */
export interface Running {
  readonly pid: Pid;
  /** Whose exit signal tells of its end: the child's own, unless another process keeps it for us. */
  readonly linked: Pid;
  /** What its start has given to whoever asked for it. */
  readonly ref: unknown;
  /** What came with its pid, `{ok, Pid, Info}`; `undefined` for nothing. */
  readonly info?: Term;
  /** Why it has ended; `undefined` while it lives. */
  readonly reason: Term | undefined;
  /** Asks it to end. */
  shutDown(): void;
  kill(): void;
  /** Calls `fn` when it ends, which it has not done yet. */
  onEnd(fn: () => void): void;
}

/** How a child is started. */
export interface ChildStart {
  /** The default id. */
  readonly name: string;
  /** Erlang's list of modules. */
  readonly modules: readonly Term[];
  /** `{Module, Function, Args}`, as Erlang sees it. */
  mfa(extra: readonly unknown[]): Term;
  /**
   * Starts one.
   *
   * @returns `null` where the child does not want to run: Erlang's `ignore`.
   * @throws whatever the start throws, also as a rejection; {@linkcode startFailure} makes a reason of it.
   */
  start(parent: Parent, extra: readonly unknown[]): Promise<Running | null>;
}

/** A child of this node. */
export class LocalRunning implements Running {
  readonly ref: unknown;
  readonly info: Term | undefined;
  readonly #parent: Process;
  readonly #process: Process;

  constructor(parent: Process, process: Process, ref: unknown, info?: Term) {
    this.#parent = parent;
    this.#process = process;
    this.ref = ref;
    this.info = info;
  }

  get pid(): Pid {
    return this.#process.pid;
  }

  get linked(): Pid {
    return this.#process.pid;
  }

  get reason(): Term | undefined {
    return this.#process.exited ? this.#process.reason : undefined;
  }

  shutDown(): void {
    this.#process.exitSignal(this.#parent.pid, SHUTDOWN, false);
  }

  kill(): void {
    this.#process.exitSignal(this.#parent.pid, KILL, false);
  }

  onEnd(fn: () => void): void {
    this.#process.addWatcher({ down: fn });
  }
}

/** A process of another node that was started there, and ends with its own exit signal. */
export class RemoteRunning implements Running {
  readonly pid: Pid;
  readonly linked: Pid;
  readonly ref: Pid;
  readonly info: Term | undefined;
  readonly #parent: Process;
  #reason: Term | undefined = undefined;
  #onEnd: (() => void) | null = null;

  /** @param linked the process that keeps it there, which passes exit signals on, both ways. */
  constructor(parent: Process, pid: Pid, linked: Pid = pid, info?: Term) {
    this.pid = this.ref = pid;
    this.linked = linked;
    this.info = info;
    this.#parent = parent;
    // A signal that has come before the supervisor looks at its mailbox is known all the same.
    const remote = this.#core.remoteOf(linked)!;
    remote.monitor(parent.pid, linked, this.#core.makeRef(), {
      down: (reason) => {
        this.#reason = reason;
        this.#onEnd?.();
      },
    });
  }

  get #core(): Core {
    return this.#parent.home as Core;
  }

  get reason(): Term | undefined {
    return this.#reason;
  }

  shutDown(): void {
    this.#core.exit(this.#parent, this.linked, SHUTDOWN);
  }

  kill(): void {
    this.#core.exit(this.#parent, this.pid, KILL);
  }

  onEnd(fn: () => void): void {
    this.#onEnd = fn;
  }
}

/**
 * What a start function has returned, as OTP reads it: `null` for `ignore`.
 *
 * @throws {ExitError} with the reason that OTP gives the start, where it is none of those.
 */
export function startResult(result: Term): { readonly pid: Pid; readonly info?: Term } | null {
  if (result === IGNORE) return null;
  if (isTuple(result) && result[0] === OK && result[1] instanceof Pid) {
    if (result.length === 2) return { pid: result[1] };
    if (result.length === 3) return { pid: result[1], info: result[2] as Term };
  }
  const isError = isTuple(result) && result[0] === ERROR && result.length === 2;
  throw new ExitError(isError ? result[1] as Term : result);
}

/** Why a start has failed, as OTP says it. */
export function startFailure(error: unknown): Term {
  if (error instanceof NameError && error.pid !== null) {
    return tuple(atom("already_started"), error.pid) as Term;
  }
  return exitReasonOf(error);
}
