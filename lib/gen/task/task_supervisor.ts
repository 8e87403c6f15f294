import { type Atom, atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { type Asked, maySpawnFor, runsFor } from "../../node/provided/apply.ts";
import { EXIT, KILL, NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { From } from "../../node/call.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import { NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import type { Self } from "../../node/process/self.ts";
import { addressOf, describe, type Target } from "../../node/target.ts";
import { type Owner, ownerOf, runAlone, runAndReply, taskOf } from "./_task.ts";
import { GenServer } from "../server/gen_server.ts";
import { noReply } from "../server/handlers.ts";
import { TaskLimitError, TaskSupervisorRef } from "./task_supervisor_ref.ts";

const OK = atom("ok");
const ERROR = atom("error");
const NOT_FOUND = atom("not_found");
const MAX_CHILDREN = atom("max_children");
const NOTSUP = atom("notsup");
const UNDEFINED = atom("undefined");
const WORKER = atom("worker");
const BRUTAL_KILL = atom("brutal_kill");
const INFINITY = atom("infinity");
const TASKS = [atom("Elixir.Task.Supervised")];

/** How the tasks of a supervisor are kept. */
export interface TaskSupervisorOptions {
  /** How many tasks may run at once; one more is refused with `{error, max_children}`. Default: any number. */
  readonly maxChildren?: number;
  /** How many restarts of `transient` and `permanent` tasks are too many within `period`: the supervisor then ends. Default 3. */
  readonly intensity?: number;
  /** Milliseconds. Default 5,000. */
  readonly period?: number;
  /** Milliseconds that a task has to end when it is told to, where whoever starts it does not say. Default 5,000. */
  readonly shutdown?: number;
}

/** When a task that has ended is started again: never, where it has ended abnormally, always. */
export type TaskRestart = "temporary" | "transient" | "permanent";
type Restart = TaskRestart;

interface Child {
  readonly process: Process;
  readonly restart: Restart;
  readonly shutdown: number | "brutal_kill";
  readonly run: (self: Self) => unknown;
  /** Whether its owner says what to run, in a message that may be there before the process runs. */
  readonly isTold: boolean;
  /** For whom it runs. */
  readonly peer: string | null;
}

/** The task supervisors of this program, by the process that they are. */
const supervisors: WeakMap<Process, TaskSupervisor> = new WeakMap();

/**
 * Runs tasks, for this program by {@linkcode TaskSupervisorRef}, and for Elixir: `Task.Supervisor` with a module, a function and arguments runs the functions that this node provides.
 *
 * | in Elixir | here |
 * | --- | --- |
 * | `Task.Supervisor.async(sup, M, :f, args)`, `async_nolink`, `async_stream` | `M.f(...args)` in a process of its own; the value goes to the caller |
 * | `Task.Supervisor.start_child(sup, M, :f, args, restart: :transient)` | the same, nobody waits |
 * | `Task.await`, `Task.yield`, `Task.shutdown` | nothing: they wait at the caller, and end the process |
 * | `Task.Supervisor.children(sup)`, `terminate_child(sup, pid)` | the processes of the tasks that run |
 *
 * - What a task throws is its exit reason, as in Elixir: `{Reason, Stack}`; see {@linkcode raise}.
 * - Functions without a name (`fn -> ... end`) cannot be run: their code is on the node that made them. The task exits at once
 *   with a reason that says so. `&Pdf.render/1` is a name, and is run.
 * - Who may run what is decided by `node.provide` and the node's option `access`, as for rpc. What is not provided exits with `undef`.
 * - Elixir hands a task to its process within 5 seconds, or it exits with `timeout`.
 *
 * @example
 * ```ts
 * import { on, startNode, t, TaskSupervisor } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("pdf@localhost", { cookie: "secret" });
 * node.provide("Elixir.Pdf", { pages: on(t.text, async (html) => await Promise.resolve(html.length)) });
 * await node.start(TaskSupervisor, [{ maxChildren: 8 }], { register: "Elixir.Pdf.Tasks" });
 * // From Elixir: Task.Supervisor.async({Pdf.Tasks, :pdf@localhost}, Pdf, :pages, ["<h1>"]) |> Task.await()
 * await node.stopped;
 * ```
 *
 * Not needed where nobody watches over what runs: `:erpc.call` runs a provided function, too.
 */
export class TaskSupervisor extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: TaskSupervisorRef<this>;
  readonly #children: Map<string, Child> = new Map();
  #options: TaskSupervisorOptions = {};
  #restarts: number[] = [];

  /** @ignore @internal The supervisor of this node that has that pid or name now. */
  static override _refer(node: Node, target: Target): TaskSupervisorRef {
    const address = addressOf(target);
    const process = node._core.local(address);
    const found = process && supervisors.get(process);
    if (found === undefined) throw new NoProcessError(`task supervisor ${describe(address)}`);
    return found._reference(node, found.pid);
  }

  /** Keeps the options. */
  override init(options: TaskSupervisorOptions = {}): void {
    checkOptions(options);
    this.#options = options;
    this.trapExit = true;
  }

  /** @ignore @internal What a request says of its sender can be forged: what a peer may run is decided by its connection. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    supervisors.set(process, this);
    process.asksOrigin = true;
  }

  /** @ignore @internal */
  get _supervises(): boolean {
    return true;
  }

  /** @ignore @internal */
  override readonly calls = {
    which_children: (): Tuple<[Atom, Pid, Atom, Atom[]]>[] =>
      Array.from(
        this.#children.values(),
        ({ process }) => tuple(UNDEFINED, process.pid, WORKER, TASKS),
      ),
    count_children: (): Tuple<[Atom, number]>[] => {
      const { size } = this.#children;
      return [
        tuple(atom("specs"), size),
        tuple(atom("active"), size),
        tuple(atom("supervisors"), 0),
        tuple(atom("workers"), size),
      ];
    },
  };

  /** @ignore @internal */
  override handleCall(request: Term, from: From): unknown {
    if (!isTuple(request)) return super.handleCall(request, from);
    if (request.tag === "start_task" && request.length === 4) {
      const [, args, restart, shutdown] = request;
      return this.#startTask(args, restart, shutdown) ?? super.handleCall(request, from);
    }
    if (request.tag === "terminate_child" && request.length === 2) {
      const child = request[1] instanceof Pid ? this.#children.get(request[1].key) : undefined;
      if (child === undefined) return tuple(ERROR, NOT_FOUND);
      this.#stopped(child).then(() => from.reply(OK)); // others are served meanwhile
      return noReply;
    }
    if (request.tag === "start_child") return tuple(ERROR, tuple(NOTSUP, ONLY_TASKS));
    return super.handleCall(request, from);
  }

  /** @ignore @internal */
  override handleInfo(message: Term): unknown {
    if (isTuple(message) && message.length === 3 && message[0] === EXIT) {
      const pid = message[1];
      const child = pid instanceof Pid ? this.#children.get(pid.key) : undefined;
      if (child !== undefined) this.#ended(child, message[2]);
      return;
    }
    return super.handleInfo(message);
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): TaskSupervisorRef<this> {
    return new TaskSupervisorRef<this>(node, pid, node._core.main, {}, this);
  }

  /** @ignore @internal A task of this node. */
  _start(
    run: (self: Self) => unknown,
    restart: Restart = "temporary",
    shutdown?: number | "brutal_kill",
  ): Process {
    this._process.mustLive("start a task");
    const { maxChildren = Infinity, shutdown: usual = 5_000 } = this.#options;
    if (this.#children.size >= maxChildren) throw new TaskLimitError(maxChildren);
    const spec = { run, restart, shutdown: shutdown ?? usual, isTold: false, peer: null };
    return this.#startChild(spec);
  }

  /** @ignore @internal */
  _children(): Pid[] {
    return Array.from(this.#children.values(), ({ process }) => process.pid);
  }

  /** @ignore @internal @returns whether it was one. */
  async _terminateChild(pid: Pid): Promise<boolean> {
    const child = this.#children.get(pid.key);
    if (child === undefined) return false;
    await this.#stopped(child);
    return true;
  }

  /** All tasks are told to end, and waited for. */
  override async terminate(): Promise<void> {
    await Promise.all(Array.from(this.#children.values(), (child) => this.#stopped(child)));
  }

  /** The pids of the tasks. */
  override formatState(): unknown {
    return { children: this._children() };
  }

  /** @returns the answer; `undefined` where the request is not one. */
  #startTask(args: Term, restart: Term, shutdown: Term): Term | undefined {
    if (!isList(args)) return undefined;
    const owner = ownerOf(args[0], this._process.origin);
    const run = owner === null ? null : this.#bodyOf(owner, args);
    if (run === null) return undefined;
    const { maxChildren = Infinity } = this.#options;
    if (this.#children.size >= maxChildren || !maySpawnFor(this.node, owner!.peer)) {
      return tuple(ERROR, MAX_CHILDREN) as Term;
    }
    const process = this.#startChild({
      run,
      isTold: args.length === 2,
      peer: owner!.peer,
      restart: restartOf(restart),
      shutdown: this.#shutdownOf(shutdown),
    });
    return tuple(OK, process.pid) as Term;
  }

  /** `[Owner, monitor | nomonitor]` waits to be told what to run; `[Owner, Callers, {M, F, Args}]` says it. */
  #bodyOf(owner: Owner, args: readonly Term[]): ((self: Self) => unknown) | null {
    const { node } = this;
    if (args.length === 2) {
      const monitor = args[1] === atom("monitor");
      return (self) => runAndReply(node, self, owner, monitor);
    }
    const asked: Asked | null = args.length === 3 ? taskOf(args[2]) : null;
    return asked === null ? null : (self) => runAlone(node, self, owner, asked);
  }

  #startChild(spec: Omit<Child, "process">): Process {
    const process = this.node._spawn(spec.run, { link: this._process });
    process.asksOrigin = spec.isTold;
    runsFor(this.node, spec.peer, process);
    this.#children.set(process.pid.key, { ...spec, process });
    process.addWatcher({ down: () => this.#left(process) });
    return process;
  }

  /**
   * A task that is not started again is forgotten at once: its exit signal would be one message among those of all others, of which
   * this process takes one at a time, while whoever starts tasks waits for none of that.
   */
  #left(process: Process): void {
    const { key } = process.pid;
    if (this.#children.get(key)?.restart !== "temporary") return;
    this.#children.delete(key);
    process.removeLink(this.pid);
    this._process.removeLink(process.pid);
  }

  #ended(child: Child, reason: Term): void {
    this.#children.delete(child.process.pid.key);
    const { restart } = child;
    if (restart === "temporary" || (restart === "transient" && isInOrder(reason))) return;
    if (this._process.stopping !== null) return;
    if (!this.#restartsTooOften()) return void this.#startChild(child);
    const { intensity, period } = this.#limits;
    const name = this._process.name ?? format(this.pid);
    this._core.logger._log(
      "error",
      `TaskSupervisor ${name} ends: more than ${intensity} restarts of its tasks within ${period} ms, see its options intensity and period`,
      this._process,
    );
    this.stop(SHUTDOWN);
  }

  get #limits(): { readonly intensity: number; readonly period: number } {
    const { intensity = 3, period = 5_000 } = this.#options;
    return { intensity, period };
  }

  #restartsTooOften(): boolean {
    const { intensity, period } = this.#limits;
    const now = this._core.platform.now();
    this.#restarts = this.#restarts.filter((at) => now - at <= period);
    this.#restarts.push(now);
    return this.#restarts.length > intensity;
  }

  /** Ends a task. Resolves when it has ended. */
  #stopped(child: Child): Promise<void> {
    const { process, shutdown } = child;
    this.#children.set(process.pid.key, { ...child, restart: "temporary" });
    return new Promise((resolve) => {
      if (process.exited) return resolve();
      const core = this._core;
      const patience = new Patience(() => core.exit(core.main, process.pid, KILL));
      process.addWatcher({
        down: () => {
          core.clearDeadline(patience);
          this.#children.delete(process.pid.key);
          resolve();
        },
      });
      if (shutdown === "brutal_kill") return patience.expired();
      core.setDeadline(patience, shutdown);
      core.exit(this._process, process.pid, SHUTDOWN);
    });
  }

  #shutdownOf(term: Term): number | "brutal_kill" {
    if (typeof term === "number" && term >= 0) return term;
    if (term === BRUTAL_KILL) return "brutal_kill";
    return term === INFINITY ? Infinity : this.#options.shutdown ?? 5_000;
  }
}

const OPTIONS = ["maxChildren", "intensity", "period", "shutdown"];

function checkOptions(options: TaskSupervisorOptions): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (!OPTIONS.includes(name)) {
      throw new TypeError(
        `Cannot start a TaskSupervisor with option ${name}: there is none, there are ${
          OPTIONS.join(", ")
        }`,
      );
    }
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    throw new TypeError(
      `Cannot start a TaskSupervisor: its option ${name} must be a number, 0 or more`,
    );
  }
}

/** How long a task has to end. */
class Patience extends Deadline {
  readonly #over: () => void;

  constructor(over: () => void) {
    super();
    this.#over = over;
  }

  override expired(): void {
    this.#over();
  }
}

const ONLY_TASKS =
  "This supervisor runs tasks only: use Task.Supervisor with a module and a function";

function restartOf(term: Term): Restart {
  return term === atom("transient")
    ? "transient"
    : term === atom("permanent")
    ? "permanent"
    : "temporary";
}

/** `normal`, `shutdown`, `{shutdown, _}`. */
function isInOrder(reason: Term): boolean {
  return reason === NORMAL || reason === SHUTDOWN ||
    (isTuple(reason) && reason.length === 2 && reason[0] === SHUTDOWN);
}
