import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { atom } from "../../etf/atom.ts";
import { NORMAL } from "../../node/atoms.ts";
import { Call, type CallHome, type CallOptions } from "../../node/call.ts";
import { NoProcessError } from "../../node/errors.ts";
import { localPid } from "../../node/referring.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import { describe, type Target } from "../../node/target.ts";
import { type StopOptions, stopProcess } from "../server/stop_process.ts";
import { Child, type ChildId, idTerm } from "./child.ts";
import { SupervisorError } from "./errors.ts";
import {
  deleteChild,
  disableChild,
  type Done,
  enableChild,
  findChild,
  restartChild,
  startChild,
  startOneMore,
  terminateChild,
} from "./_operations.ts";
import type { Failure, Supervision } from "./_supervision.ts";
import type { Entry } from "./_table.ts";
import { type ChildCounts, type ChildInfo, infoOf } from "./child_info.ts";
import { countChildren } from "./_terms.ts";

/** What a supervisor is asked by a program of its node; it goes the way of every call. */
export class SupervisorCall extends Call {
  /** @internal */
  readonly ask: (supervision: Supervision) => unknown;

  constructor(
    home: CallHome,
    from: Process,
    pid: Pid,
    request: Term,
    options: CallOptions,
    ask: (supervision: Supervision) => unknown,
  ) {
    super(home, from.pid, pid, { name: null, term: request }, options);
    this.ask = ask;
  }
}

/** A reference to a supervisor of this node. Unless told otherwise by `with`, it waits for answers as long as they take, as OTP does. */
export class SupervisorRef {
  /** Where the supervisor is: its pid, or the name that it was asked for by. */
  readonly target: Target;
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;

  /** @ignore @internal */
  constructor(node: Node, target: Target, from: Process, options: CallOptions) {
    this.#node = node;
    this.target = target;
    this.#from = from;
    this.#options = options;
  }

  /**
   * The supervisor's pid; where it is referred to by a name, that of whoever has it now.
   *
   * @throws {NoProcessError} if nobody has the name.
   */
  get pid(): Pid {
    const { target } = this;
    return target instanceof Pid ? target : localPid(this.#node._core, target);
  }

  /**
   * Starts a child, behind all others.
   *
   * @returns the reference to its process. A child that did not want to start (`ignore`) has none: then it is `null`, which the type leaves out.
   * @throws {SupervisorError} `already_started`, `already_present`, what is wrong with the specification, or why it could not be started.
   */
  startChild<R>(child: Child<[], R>): Promise<R>;
  /**
   * Starts one more child of a simple_one_for_one supervisor.
   *
   * @param extra what is missing of its arguments.
   * @throws {SupervisorError} why it could not be started.
   */
  startChild(extra: readonly unknown[]): Promise<unknown>;
  async startChild(what: Child<[], unknown> | readonly unknown[]): Promise<unknown> {
    const isChild = what instanceof Child;
    if (!isChild && !Array.isArray(what)) {
      throw new TypeError(
        "Cannot start a child: child(...) is needed, or the missing arguments as an array for a simple_one_for_one supervisor",
      );
    }
    const request = tuple(atom("start_child"), isChild ? what._id : []) as Term;
    const { running } = await this.#entry("start a child", request, (supervision) => {
      if ((supervision.template === null) !== isChild) {
        throw new TypeError(
          isChild
            ? "Cannot start a child by child(...) in a simple_one_for_one supervisor: give the missing arguments as an array"
            : "Cannot start a child by its arguments: only a simple_one_for_one supervisor has one specification for all, give child(...)",
        );
      }
      return isChild ? startChild(supervision, what) : startOneMore(supervision, what);
    });
    return running?.ref ?? null;
  }

  /**
   * Ends a child and waits for its end; a sibling is not affected. Its specification stays, unless it is temporary, so that
   * `restartChild` and restarts of all children start it again.
   *
   * @param id or, where the supervisor is a simple_one_for_one, its pid.
   * @throws {SupervisorError} `not_found`.
   */
  async terminateChild(id: ChildId): Promise<void> {
    const term = idTerm(id);
    await this.#do(
      "terminate a child",
      tuple(atom("terminate_child"), term) as Term,
      (supervision) => terminateChild(supervision, this.#node._core, term),
    );
  }

  /**
   * Starts a child again that does not run.
   *
   * @returns its pid, `null` where it did not want to start.
   * @throws {SupervisorError} `not_found`, `running`, `restarting`, `disabled`, or why it could not be started.
   */
  async restartChild(id: ChildId): Promise<Pid | null> {
    const term = idTerm(id);
    const request = tuple(atom("restart_child"), term) as Term;
    const ask = (supervision: Supervision): unknown => restartChild(supervision, term);
    const entry = await this.#entry(`restart child ${shownId(id)}`, request, ask);
    return entry.running?.pid ?? null;
  }

  /**
   * Forgets a child that does not run.
   *
   * @throws {SupervisorError} `not_found`, `running`, `restarting`.
   */
  async deleteChild(id: ChildId): Promise<void> {
    const term = idTerm(id);
    const request = tuple(atom("delete_child"), term) as Term;
    await this.#do(
      `delete child ${shownId(id)}`,
      request,
      (supervision) => deleteChild(supervision, term),
    );
  }

  /**
   * Ends a child and starts it no more, also where all children are restarted, until it is enabled.
   *
   * @throws {SupervisorError} `not_found`.
   */
  async disableChild(id: ChildId): Promise<void> {
    const term = idTerm(id);
    const request = tuple(atom("disable_child"), term) as Term;
    await this.#do(
      `disable child ${shownId(id)}`,
      request,
      (supervision) => disableChild(supervision, term),
    );
  }

  /**
   * Starts a child that was disabled; from then on it is as it was before. One that runs is left as it is.
   *
   * @returns its pid, `null` where it did not want to start.
   * @throws {SupervisorError} `not_found`, or why it could not be started.
   */
  async enableChild(id: ChildId): Promise<Pid | null> {
    const term = idTerm(id);
    const request = tuple(atom("enable_child"), term) as Term;
    const ask = (supervision: Supervision): unknown => enableChild(supervision, term);
    const entry = await this.#entry(`enable child ${shownId(id)}`, request, ask);
    return entry.running?.pid ?? null;
  }

  /** All children in the order in which they were started (`supervisor:which_children/1` tells the last first). */
  async whichChildren(): Promise<ChildInfo[]> {
    return await this.#ask(
      atom("which_children"),
      (supervision) => Array.from(supervision.children, (entry) => infoOf(supervision, entry)),
    ) as ChildInfo[];
  }

  /** How many children there are. */
  async countChildren(): Promise<ChildCounts> {
    return await this.#ask(atom("count_children"), countChildren) as ChildCounts;
  }

  /**
   * How a child is started and kept.
   *
   * @param id or, where the supervisor is a simple_one_for_one, its pid.
   * @throws {SupervisorError} `not_found`.
   */
  async getChildSpec(id: ChildId): Promise<Child<never>> {
    const term = idTerm(id);
    const request = tuple(atom("get_childspec"), term) as Term;
    const ask = (supervision: Supervision): unknown =>
      findChild(supervision, this.#node._core, term);
    return (await this.#entry("get the specification of a child", request, ask)).spec;
  }

  /**
   * The reference to a child's process, as its start has given it: that of a server, of a supervisor, the pid of a function's process.
   *
   * It is good for that process only: one that is started again has another.
   *
   * @param id or, where the supervisor is a simple_one_for_one, its pid.
   * @throws {SupervisorError} `not_found`; `not_running` where it has no process at present.
   */
  async getChild<R = unknown>(id: ChildId): Promise<R> {
    const term = idTerm(id);
    const request = tuple(atom("get_child"), term) as Term;
    const ask = (supervision: Supervision): unknown =>
      findChild(supervision, this.#node._core, term);
    const { running } = await this.#entry(`get child ${shownId(id)}`, request, ask);
    if (running === null) {
      throw new SupervisorError(`get child ${shownId(id)}`, atom("not_running"));
    }
    return running.ref as R;
  }

  /** Watches the supervisor until it ends or the monitor is disposed. */
  monitor(fn: (down: Down) => unknown): Monitor {
    return this.#node._core.monitor(this.#from, this.target, fn);
  }

  /**
   * Ends the supervisor in order, and with it all children, the last that was started first. Waits for its end.
   *
   * @param reason what it ends with. Default `normal`.
   * @throws {ExitError} if it ends with another reason, or takes longer than `timeout` (then with `timeout`; it still ends when it comes to it).
   * @throws {NoProcessError} if it has ended before.
   */
  async stop(reason: ExitReason = NORMAL, options: StopOptions = {}): Promise<void> {
    await stopProcess(this.#node._core, this.#from, this.pid, reason, options);
  }

  /** The same reference with other options for its calls. */
  with(options: CallOptions): SupervisorRef {
    return new SupervisorRef(this.#node, this.target, this.#from, { ...this.#options, ...options });
  }

  /** The same reference for use in a process. */
  as(caller: ProcessContext): SupervisorRef {
    return new SupervisorRef(this.#node, this.target, caller._process, this.#options);
  }

  async #entry(
    verb: string,
    request: Term,
    ask: (supervision: Supervision) => unknown,
  ): Promise<Entry> {
    const result = await this.#ask(request, ask) as Done | Failure;
    if ("error" in result) throw new SupervisorError(verb, result.error, { cause: result.cause });
    return result.entry;
  }

  async #do(
    verb: string,
    request: Term,
    ask: (supervision: Supervision) => unknown,
  ): Promise<void> {
    const failure = await this.#ask(request, ask) as Failure | null;
    if (failure !== null) {
      throw new SupervisorError(verb, failure.error, { cause: failure.cause });
    }
  }

  async #ask(request: Term, ask: (supervision: Supervision) => unknown): Promise<unknown> {
    this.#from.mustLive("call");
    const core = this.#node._core;
    const { pid } = this;
    const process = core.process(pid);
    if (process === undefined) throw new NoProcessError(describe(pid));
    if (process === this.#from) {
      throw new Error("Cannot ask a supervisor from its own code: it would wait for ever");
    }
    const call = new SupervisorCall(core, this.#from, pid, request, this.#options, ask);
    if (!call.done) process.deliver(call);
    return await call.promise;
  }
}

/** A reference to a simple_one_for_one supervisor, which knows what its children take: `E` is missing of their arguments, `R` refers to one. */
export interface SimpleSupervisorRef<E extends readonly unknown[], R>
  extends Omit<SupervisorRef, "startChild" | "with" | "as"> {
  /**
   * Starts one more child.
   *
   * @returns the reference to its process, `null` where it did not want to start (`ignore`).
   * @throws {SupervisorError} why it could not be started.
   */
  startChild(extra: E): Promise<R>;
}

function shownId(id: ChildId): string {
  return typeof id === "string" ? id : format(id, { maxLength: 100 });
}
