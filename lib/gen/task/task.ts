import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { callerProcess } from "../../node/caller.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { KILL, KILLED, SHUTDOWN } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import { ExitError, NodeStoppedError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { ProcessContext } from "../../node/process/context.ts";
import { currentProcess, TrackedProcess } from "../../node/process/current_process.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import type { Process } from "../../node/process/process.ts";
import type { Self } from "../../node/process/self.ts";
import { type StreamItem, streamOf, type StreamOptions } from "./task_stream.ts";
import { TaskTimeoutError } from "./task_timeout_error.ts";

const AWAIT_TIMEOUT = 5_000;

/** Who starts a task and waits for it: a process, or the node where it is outside of any. */
export type TaskOwner = ProcessContext | Node;

/** What a task runs. Its `self.signal` aborts when the task is shut down, or its owner ends. */
export type TaskFunction<T> = (self: Self) => T;

/** What came of a task: its value, or the error that it has ended with. */
export type TaskResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ExitError };

/** How long somebody waits for a task. */
export interface AwaitOptions {
  /** Milliseconds; `Infinity` waits for ever. Default 5,000. */
  readonly timeout?: number;
  /** Gives up waiting. The task runs on. */
  readonly signal?: AbortSignal;
}

/** Every option, so that a misspelt one is not taken for its default. */
const AWAIT_FIELDS: FieldsOf<AwaitOptions> = { timeout: true, signal: true };

/**
 * A function that runs in a process of its own, and whose value somebody waits for, as Elixir's `Task`.
 *
 * What it has over a promise is that it can be ended, and that it ends with what has started it:
 *
 * | | |
 * | --- | --- |
 * | it is linked with its owner | where the task throws, so ends the owner, unless it traps exits; where the owner ends abnormally, so does the task |
 * | it can be shut down | by {@linkcode Task.shutdown}, at the end of `await using`, or by anybody with its pid: `self.signal` aborts, so that `fetch` and the like are given up |
 * | it is a process | with a pid, a mailbox, monitors; observer shows it |
 *
 * - A task that the node starts (`Task.async(node, ...)`) has no link: what it throws is in its result, and nobody else is told.
 * - {@linkcode Task.result} is a plain promise: `Promise.all`, `Promise.race`, `Promise.allSettled` do what `await_many` and the like do in Elixir.
 *   It needs no handler: nothing is reported twice where nobody waits.
 * - JavaScript cannot be stopped from outside: a task that is ended and does not look at its signal runs on in vain, and what comes of it is dropped.
 *
 * @example
 * ```ts
 * import { GenServer, on, t, Task } from "@ergo-ts/ergo";
 *
 * class Prices extends GenServer {
 *   override readonly calls = {
 *     cheapest: on(t.list(t.text), async (shops) => {
 *       const tasks = shops.map((shop) => Task.async(this, ({ signal }) => price(shop, signal)));
 *       const found = await Promise.all(tasks.map((task) => task.await({ timeout: 1_000 })));
 *       return Math.min(...found); // one that fails, or takes longer, ends this server and all other tasks
 *     }),
 *   };
 * }
 *
 * async function price(shop: string, signal: AbortSignal): Promise<number> {
 *   const response = await fetch(`https://${shop}/price`, { signal });
 *   return Number(await response.text());
 * }
 * ```
 *
 * Not for what cannot get stuck and belongs to nobody: that is a promise. To be told of failures without ending by them, use
 * {@linkcode TaskSupervisorRef.asyncNolink}.
 */
export class Task<T> implements AsyncDisposable {
  /** Its value. Rejects with {@linkcode ExitError} where it ends without one; the `cause` is what it has thrown. */
  readonly result: Promise<T>;
  readonly #core: Core;
  readonly #owner: Process;
  #process!: Process;
  #settled: TaskResult<T> | null = null;
  /** What its function has thrown. */
  #thrown: { readonly error: unknown } | null = null;
  #resolve!: (value: T) => void;
  #reject!: (error: Error) => void;
  readonly #ends: (() => void)[] = [];

  /** @ignore @internal Use {@linkcode Task.async}. */
  constructor(owner: TaskOwner, fn: TaskFunction<T | PromiseLike<T>>, spawn: SpawnTask) {
    const process = ownerProcess(owner);
    process.mustLive("start a task");
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot start a task: a function is needed, ${typeof fn} came`);
    }
    this.#core = process.home as Core;
    this.#owner = process;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.result.catch(() => {}); // its end is told by links and monitors, too
    this.#process = spawn((self) => this.#run(fn, self), process);
    this.#process.addWatcher({ down: (reason) => this.#down(reason) });
  }

  /**
   * Starts a function in a process that is linked with its owner.
   *
   * @throws {ProcessExitedError} if the owner has ended.
   */
  static async<T>(owner: TaskOwner, fn: TaskFunction<T>): Task<Awaited<T>> {
    return new Task(owner, fn as TaskFunction<Awaited<T>>, (run, process) => {
      const node = owner instanceof ProcessContext ? owner.node : owner;
      return node._spawn(run, { link: process === node._core.main ? null : process });
    });
  }

  /**
   * Runs a function for each element, so many at a time, and gives what comes of each: elements are taken as results are.
   *
   * - The tasks are linked with the owner, as by {@linkcode Task.async}; see {@linkcode TaskSupervisorRef.asyncStreamNolink} for those that may fail.
   * - Who leaves the loop ends the tasks that run.
   *
   * @example
   * ```ts
   * import { startNode, Task } from "@ergo-ts/ergo";
   *
   * await using node = await startNode("demo@localhost", { cookie: "secret" });
   * const pages = Task.asyncStream(node, ["a", "b", "c"], (name) => name.toUpperCase(), { maxConcurrency: 2 });
   * for await (const page of pages) console.log(page.ok ? page.value : page.error.message);
   * ```
   */
  static asyncStream<I, T>(
    owner: TaskOwner,
    input: Iterable<I> | AsyncIterable<I>,
    fn: (element: I, self: Self) => T,
    options: StreamOptions = {},
  ): AsyncIterableIterator<StreamItem<I, Awaited<T>>> {
    return streamOf(input, (run) => Task.async(owner, run), fn, options);
  }

  /** The pid of its process. */
  get pid(): Pid {
    return this.#process.pid;
  }

  /** Who may wait for it. */
  get owner(): Pid {
    return this.#owner.pid;
  }

  /** What came of it; `null` while it runs. */
  get settled(): TaskResult<T> | null {
    return this.#settled;
  }

  /**
   * Waits for the value.
   *
   * @throws {TaskTimeoutError} after 5,000 milliseconds, or as `timeout` says. The task runs on; a process that does not catch this ends, and the task with it.
   * @throws {ExitError} if the task ends without a value.
   * @throws {ProcessExitedError} if the owner has ended.
   * @throws {Error} if another process waits than its owner, as far as that is known (option `currentProcess` of the node).
   */
  async await(options: AwaitOptions = {}): Promise<T> {
    this.#checkOwner();
    checkFields("wait for a task", options, AWAIT_FIELDS);
    const { timeout = AWAIT_TIMEOUT } = options;
    const settled = await this.#wait(timeout, options.signal);
    if (settled === null) throw new TaskTimeoutError(timeout);
    if (!settled.ok) throw settled.error;
    return settled.value;
  }

  /** Waits so many milliseconds for what comes of it; `null` where it runs on. It can be asked again. */
  async yield(options: AwaitOptions = {}): Promise<TaskResult<T> | null> {
    this.#checkOwner();
    checkFields("wait for a task", options, AWAIT_FIELDS);
    return await this.#wait(options.timeout ?? AWAIT_TIMEOUT, options.signal);
  }

  /**
   * Ends the task and waits until it has ended. Its owner does not end by that.
   *
   * @param patience milliseconds that a task which traps exits has, after which it is killed. `"brutal_kill"` kills it at once. Default 5,000.
   * @returns what came of it before; `null` where it was ended by this.
   */
  async shutdown(patience: number | "brutal_kill" = 5_000): Promise<TaskResult<T> | null> {
    this.#checkOwner();
    const core = this.#core;
    if (this.#settled !== null) return this.#settled;
    this.#unlink();
    const kill = (): void => core.exit(core.main, this.pid, KILL);
    const isBrutal = patience === "brutal_kill";
    const timer = isBrutal ? null : new Patience(core, patience, kill);
    if (isBrutal) kill();
    else core.exit(this.#owner, this.pid, SHUTDOWN);
    const ended = await this.#ended();
    timer?.[Symbol.dispose]();
    if (ended.ok) return ended;
    const { reason } = ended.error;
    const asked = reason === KILLED ? isBrutal || timer!.over : !isBrutal && reason === SHUTDOWN;
    return asked ? null : ended;
  }

  /** Lets the task run without its owner: neither ends by the other, and nobody waits. */
  ignore(): void {
    this.#checkOwner();
    this.#unlink();
  }

  /** The same as {@linkcode Task.shutdown}: `await using task = Task.async(...)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** @ignore @internal What came of it within that time; `null` where it is longer. */
  _within(timeout: number): Promise<TaskResult<T> | null> {
    return this.#wait(timeout, undefined);
  }

  /** @ignore @internal */
  _kill(): void {
    this.#unlink();
    this.#core.exit(this.#core.main, this.pid, KILL);
  }

  async #run(fn: TaskFunction<T | PromiseLike<T>>, self: Self): Promise<void> {
    let value: T;
    try {
      value = await fn(self);
    } catch (error) {
      this.#thrown = { error };
      throw error;
    }
    if (self._process.exited) return;
    this.#settled = { ok: true, value };
    this.#resolve(value);
  }

  /** Its process has ended. */
  #down(reason: Term): void {
    if (this.#settled === null) {
      const options = this.#thrown === null ? undefined : { cause: this.#thrown.error };
      const error = new ExitError(reason, undefined, options);
      this.#settled = { ok: false, error };
      this.#reject(error);
    }
    for (const end of this.#ends.splice(0)) end();
  }

  #unlink(): void {
    if (!this.#owner.exited) this.#core.unlink(this.#owner, this.pid);
  }

  #checkOwner(): void {
    if (this.#owner.exited) throw this.#owner.gone("wait for a task");
    if (!(this.#owner instanceof TrackedProcess)) return;
    const current = currentProcess();
    if (current === null || current.pid.equals(this.owner)) return;
    throw new Error(
      "Cannot wait for the task of another process: only its owner does, who can send what comes of it",
    );
  }

  #ended(): Promise<TaskResult<T>> {
    return new Promise((resolve) => {
      const done = (): void => resolve(this.#settled!);
      if (this.#process.exited) done();
      else this.#ends.push(done);
    });
  }

  #wait(timeout: number, signal: AbortSignal | undefined): Promise<TaskResult<T> | null> {
    if (this.#settled !== null) return Promise.resolve(this.#settled);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = new Patience(this.#core, timeout, () => finish(() => resolve(null)), () => {
        finish(() => reject(new NodeStoppedError("go on waiting", this.#core.name.name)));
      });
      const abort = (): void => finish(() => reject(signal!.reason));
      const finish = (settle: () => void): void => {
        timer[Symbol.dispose]();
        signal?.removeEventListener("abort", abort);
        settle();
      };
      signal?.addEventListener("abort", abort);
      const done = (): void => finish(() => resolve(this.#settled));
      this.result.then(done, done);
    });
  }
}

/** Starts the process of a task. */
export type SpawnTask = (run: (self: Self) => unknown, owner: Process) => Process;

/** @internal The process that an owner is. */
export function ownerProcess(owner: TaskOwner): Process {
  return callerProcess(owner, "start a task", "Task.async(this, () => 1)");
}

/** A time that is over once. */
class Patience extends Deadline implements Disposable {
  over = false;
  readonly #core: Core;
  readonly #expired: () => void;
  readonly #stopped: () => void;

  constructor(core: Core, ms: number, expired: () => void, stopped: () => void = () => {}) {
    super();
    this.#core = core;
    this.#expired = expired;
    this.#stopped = stopped;
    core.setDeadline(this, ms);
  }

  override expired(): void {
    this.over = true;
    this.#expired();
  }

  /** The node stops. */
  override abandoned(): void {
    this.#stopped();
  }

  [Symbol.dispose](): void {
    this.#core.clearDeadline(this);
  }
}
