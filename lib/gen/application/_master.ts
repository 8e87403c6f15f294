import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import type { ApplicationType } from "../../node/applications.ts";
import { IO_REQUEST, KILLED, NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import { errorText, ExitError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import type { Body, Process } from "../../node/process/process.ts";
import { atom } from "../../etf/atom.ts";
import type { Application } from "./application.ts";
import { ApplicationContext } from "./context.ts";
import type { Environment } from "./_environment.ts";
import { failed, nodeStops } from "./_faults.ts";

/** How messages for a group leader are decoded: `~p` prints 1.0 and 1 differently. */
const EXACT = { binaries: "bytes", objects: undefined, floats: "wrap" } as const;

/** Where one life of an application is. */
type Status = "starting" | "running" | "stopping" | "ended";

/**
 * One life of an application: the process that stands for it, OTP's application master, and what happens in which order.
 *
 * The process is the parent of the root and the group leader of all that the root starts, which is how a process's application is found, and
 * what is killed when the root has ended.
 */
export class Master {
  readonly application: Application;
  readonly type: ApplicationType;
  readonly process: Process;
  readonly startedAt: number;
  status: Status = "starting";
  root: Process | null = null;
  readonly #core: Core;
  readonly #context: ApplicationContext<never>;
  readonly #ended: (reason: Term) => void;
  readonly #lifespan: Limit;
  /** Rejects when the start is not waited for any more. */
  readonly #giving: Promise<never>;
  #giveUp!: (error: Error) => void;
  #givenUp = false;
  #state: unknown = undefined;
  #terminating: Promise<void> | null = null;
  /** The time to stop in is over: nothing more is called. */
  #killed = false;

  /** @param ended is called once after the start has succeeded: when all of the application has ended. */
  constructor(
    node: Node,
    application: Application,
    type: ApplicationType,
    environment: Environment,
    ended: (reason: Term) => void,
  ) {
    this.application = application;
    this.type = type;
    this.#core = node._core;
    this.#ended = ended;
    this.startedAt = node._core.platform.now();
    const env = environment.all(application.name); // its processes inherit it
    const leader = new Leader(node._core);
    this.process = leader.process = node._core.spawn(leader, { terms: EXACT, env });
    this.process.groupLeader = this.process.pid;
    this.#context = new ApplicationContext(
      node,
      application.name,
      type,
      this.process.pid,
      environment,
    );
    this.#giving = new Promise((_, reject) => this.#giveUp = reject);
    this.#giving.catch(() => {});
    this.#lifespan = new Limit(() => void this.#terminate(NORMAL, Infinity));
  }

  /**
   * Starts the root, then runs the start phases. Where anything fails what has been started is stopped again.
   *
   * @throws {ApplicationError}
   */
  async start(): Promise<void> {
    const { name } = this.application;
    try {
      const started = await this.#call(() => this.application._start(this.#context));
      this.#state = started.state;
      this.#adopt(started.root);
    } catch (error) {
      await this.#abandon();
      throw this.#givenUp ? nodeStops(name) : failed(name, "start", [NORMAL, []], error);
    }
    for (const [phase, of, run] of this.application._phases()) {
      try {
        const context = of === this.application ? this.#context : this.#contextOf(of);
        await this.#call(() => run(context, this.#state as never));
        if (this.root!.exited) throw new ExitError(this.root!.reason);
      } catch (error) {
        await this.#abandon();
        const args = [atom(phase), NORMAL, []];
        throw this.#givenUp ? nodeStops(name) : failed(name, "start_phase", args, error);
      }
    }
    this.status = "running";
    const { lifespan } = this.application;
    if (lifespan !== Infinity) this.#core.setDeadline(this.#lifespan, lifespan);
    // Watched from here on only: an end before is the start's failure.
    if (this.root!.exited) return void this.#terminate(this.root!.reason, Infinity);
    this.root!.addWatcher({ down: (reason) => void this.#terminate(reason, Infinity) });
  }

  /** Stops it in order; what has not ended after `timeout` milliseconds is killed. Where it stops already that goes on, with the lesser time. */
  stop(timeout: number): Promise<void> {
    return this.#terminate(NORMAL, timeout);
  }

  /** The node stops: the start is not waited for any more, nor what undoes one that has failed. */
  giveUp(): void {
    this.#givenUp = this.#killed = true;
    this.#over();
    this.#giveUp(new Error("Cannot start an application: the node stops"));
  }

  /** The processes that have this one as their group leader. */
  get processes(): Process[] {
    const { pid } = this.process;
    return [...this.#core.processes.values()].filter((process) =>
      process !== this.process && process.groupLeader.equals(pid)
    );
  }

  #call<T>(fn: () => T | Promise<T>): Promise<T> {
    return Promise.race([Promise.resolve().then(fn), this.#giving]);
  }

  #contextOf({ name }: Application): ApplicationContext<never> {
    return this.#context._of(name);
  }

  /** Makes the root that the application has started its root, whichever way it was started. */
  #adopt(root: unknown): void {
    const pid = root instanceof Pid ? root : (root as { pid?: unknown } | null | undefined)?.pid;
    if (!(pid instanceof Pid)) {
      throw new TypeError(
        "its start must return the root: a reference that app.start gives, a pid, or { root, state }",
      );
    }
    const process = this.#core.process(pid);
    if (process === undefined) {
      throw new TypeError(
        "the root that its start returns is no process of this node, or has ended",
      );
    }
    this.root = process;
    if (process.isLinked(this.process.pid)) return;
    this.#core.link(this.process, pid);
    process.parent ??= this.process.pid;
    process.groupLeader = this.process.pid;
  }

  /** The start has failed: what there is of it ends. `stop` undoes what `start` has done. */
  async #abandon(): Promise<void> {
    this.status = "stopping";
    if (this.root !== null && !this.#killed) {
      await this.#within(this.application.shutdown, () => this.#orderly(false));
    }
    this.#end(SHUTDOWN);
  }

  #terminate(reason: Term, timeout: number): Promise<void> {
    if (this.#terminating === null) {
      this.status = "stopping";
      this.#core.clearDeadline(this.#lifespan);
      this.#terminating = this.#within(
        Math.min(timeout, this.application.shutdown),
        () => this.#orderly(true),
      ).then(() => {
        this.#end(reason);
        this.#ended(reason);
      });
      return this.#terminating;
    }
    if (timeout === Infinity) return this.#terminating;
    const late = new Limit(() => this.#kill());
    this.#core.setDeadline(late, timeout);
    return this.#terminating.finally(() => this.#core.clearDeadline(late));
  }

  /** Never rejects. */
  async #within(ms: number, run: () => Promise<void>): Promise<void> {
    const over = new Promise<void>((resolve) => this.#over = resolve);
    const limit = new Limit(() => this.#kill());
    if (ms !== Infinity) this.#core.setDeadline(limit, ms);
    await Promise.race([run(), over]);
    this.#core.clearDeadline(limit);
  }
  #over: () => void = () => {};

  #kill(): void {
    if (this.status === "ended") return;
    this.#killed = true;
    this.#log("warning", "has not stopped in time: its processes are killed");
    this.#over();
  }

  /** The order of OTP: `prepStop`, the tree, `stop`. */
  async #orderly(prepares: boolean): Promise<void> {
    const { application, root } = this;
    if (prepares) {
      const state = await this.#callback(
        "prepStop",
        () => application._prepStop(this.#state, this.#context),
      );
      if (state !== undefined) this.#state = state;
    }
    if (this.#killed) return;
    if (root !== null && !root.exited) {
      const ended = new Promise<void>((resolve) => root.addWatcher({ down: () => resolve() }));
      this.#core.exit(this.process, root.pid, SHUTDOWN);
      await ended;
    }
    if (this.#killed) return;
    await this.#callback("stop", () => application._stop(this.#state, this.#context));
  }

  async #callback(what: string, call: () => unknown): Promise<unknown> {
    try {
      return await call();
    } catch (error) {
      this.#log("error", `has failed in ${what}: ${errorText(error)}`);
      return undefined;
    }
  }

  #log(level: "error" | "warning", text: string): void {
    const { name } = this.application;
    this.#core.logger.log(level, `Application ${name} ${text}`, { application: name });
  }

  #end(reason: Term): void {
    this.status = "ended";
    // As often as one that is killed starts another one in its last moment.
    for (let left = this.processes; left.length > 0; left = this.processes) {
      for (const process of left) process.exit(KILLED);
    }
    this.process.exit(reason);
  }
}

/** The group leader of an application's processes: what they print goes to the node's. */
class Leader implements Body {
  readonly _essential = true;
  readonly #core: Core;
  process!: Process;

  constructor(core: Core) {
    this.#core = core;
  }

  _receive(message: unknown): void {
    if (!isTuple(message as Term) || (message as Term[])[0] !== IO_REQUEST) return;
    this.#core.send(this.process, this.#core.main.groupLeader, message as Term);
  }

  terminate(): void {}
}

class Limit extends Deadline {
  readonly #expire: () => void;

  constructor(expire: () => void) {
    super();
    this.#expire = expire;
  }

  override expired(): void {
    this.#expire();
  }
}
