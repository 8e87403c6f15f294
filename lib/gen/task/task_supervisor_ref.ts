import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { CallOptions } from "../../node/call.ts";
import { ProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Process } from "../../node/process/process.ts";
import type { Self } from "../../node/process/self.ts";
import { ServerRef } from "../server/server_ref.ts";
import { type StreamItem, streamOf, type StreamOptions } from "./task_stream.ts";
import { Task, type TaskFunction, type TaskOwner } from "./task.ts";
import type { TaskRestart, TaskSupervisor } from "./task_supervisor.ts";

/** How a task is kept by its supervisor. */
export interface TaskOptions {
  /** Milliseconds that it has to end when the supervisor ends it, or `"brutal_kill"`. Default: what the supervisor's options say. */
  readonly shutdown?: number | "brutal_kill";
}

/** As many tasks run as the supervisor's option `maxChildren` lets; nothing was started. */
export class TaskLimitError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "TaskLimitError";

  /** @ignore @internal */
  constructor(limit: number) {
    super(
      `Cannot start a task: ${limit} run already, which is the limit (maxChildren); wait until one has ended`,
    );
  }

  /** The atom `max_children`. */
  get exitReason(): Term {
    return atom("max_children");
  }
}

/** What a stream of tasks has besides its own options. */
const OWN = { shutdown: true } as const;

/** A reference to a {@linkcode TaskSupervisor} of this node: its tasks end with it. */
export class TaskSupervisorRef<S extends TaskSupervisor = TaskSupervisor> extends ServerRef<S> {
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;
  readonly #supervisor: TaskSupervisor;

  /** @ignore @internal */
  constructor(
    node: Node,
    pid: Pid,
    from: Process,
    options: CallOptions,
    supervisor: TaskSupervisor,
  ) {
    super(node, pid, from, options);
    this.#node = node;
    this.#from = from;
    this.#options = options;
    this.#supervisor = supervisor;
  }

  /**
   * As {@linkcode Task.async}: where the task fails its owner ends, and so the other way round.
   *
   * @throws {TaskLimitError} if too many run.
   * @throws {ProcessExitedError} if the supervisor or the owner has ended.
   */
  async<T>(
    owner: TaskOwner,
    fn: TaskFunction<T>,
    options: TaskOptions = {},
  ): Task<Awaited<T>> {
    return this.#task(owner, fn, options, true);
  }

  /**
   * As {@linkcode TaskSupervisorRef.async}, without the link: the owner is told by {@linkcode Task.result} how the task has ended, and
   * the task does not end with its owner.
   */
  asyncNolink<T>(
    owner: TaskOwner,
    fn: TaskFunction<T>,
    options: TaskOptions = {},
  ): Task<Awaited<T>> {
    return this.#task(owner, fn, options, false);
  }

  /** As {@linkcode Task.asyncStream}, in tasks of this supervisor. */
  asyncStream<I, T>(
    owner: TaskOwner,
    input: Iterable<I> | AsyncIterable<I>,
    fn: (element: I, self: Self) => T,
    options: StreamOptions & TaskOptions = {},
  ): AsyncIterableIterator<StreamItem<I, Awaited<T>>> {
    return streamOf(input, (run) => this.async(owner, run, options), fn, options, OWN);
  }

  /** As {@linkcode Task.asyncStream}, without links: a task that fails is one of the results, and the others go on. */
  asyncStreamNolink<I, T>(
    owner: TaskOwner,
    input: Iterable<I> | AsyncIterable<I>,
    fn: (element: I, self: Self) => T,
    options: StreamOptions & TaskOptions = {},
  ): AsyncIterableIterator<StreamItem<I, Awaited<T>>> {
    return streamOf(input, (run) => this.asyncNolink(owner, run, options), fn, options, OWN);
  }

  /**
   * Starts a task that nobody waits for.
   *
   * @param options `restart`: whether it is started again when it has ended. Default "temporary": it is not.
   * @throws {TaskLimitError} if too many run.
   */
  startChild(
    fn: TaskFunction<unknown>,
    options: TaskOptions & { readonly restart?: TaskRestart } = {},
  ): Pid {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot start a task: a function is needed, ${typeof fn} came`);
    }
    return this.#supervisor._start(fn, options.restart, options.shutdown).pid;
  }

  /** The pids of the tasks that run. */
  children(): Pid[] {
    return this.#supervisor._children();
  }

  /**
   * Ends a task, and waits until it has ended; it is not started again.
   *
   * @returns whether it was one of this supervisor.
   */
  terminateChild(pid: Pid): Promise<boolean> {
    return this.#supervisor._terminateChild(pid);
  }

  /** The same reference with other options for its calls. */
  override with(options: CallOptions): TaskSupervisorRef<S> {
    const merged = { ...this.#options, ...options };
    return new TaskSupervisorRef(this.#node, this.pid, this.#from, merged, this.#supervisor);
  }

  /** The same reference for use in a process. */
  override as(caller: ProcessContext): TaskSupervisorRef<S> {
    const { _process: from } = caller;
    return new TaskSupervisorRef(this.#node, this.pid, from, this.#options, this.#supervisor);
  }

  #task<T>(
    owner: TaskOwner,
    fn: TaskFunction<T>,
    { shutdown }: TaskOptions,
    linked: boolean,
  ): Task<Awaited<T>> {
    return new Task(owner, fn as TaskFunction<Awaited<T>>, (run, process) => {
      const task = this.#supervisor._start(run, "temporary", shutdown);
      const core = this.#node._core;
      if (linked && process !== core.main) core.link(process, task.pid);
      return task;
    });
  }
}
