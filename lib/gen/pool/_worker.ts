import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { KILL, SHUTDOWN } from "../../node/atoms.ts";
import type { Node } from "../../node/node.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import type { Process, Watcher } from "../../node/process/process.ts";
import type { PoolSpec, WorkerStats } from "./pool_options.ts";
import type { Work, WorkPlace } from "./_work.ts";

/** What a worker needs of its pool. */
export interface WorkerHome {
  readonly node: Node;
  readonly _process: Process;
  /** It has room. */
  _free(): void;
  /** It has ended; `back` is what it had not begun with, in order. */
  _down(worker: Worker, back: readonly Work[], reason: Term): void;
}

/** One life of a worker of a pool. */
export class Worker extends Deadline implements WorkPlace, Watcher {
  readonly process: Process;
  /** Resolves when its `init` is done. Rejects with why it could not start. */
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
  state: WorkerStats["state"] = "starting";
  /** Requests that it has. */
  load = 0;
  /** Whether it takes the place of one that has ended: then its own end before it has started is another one. */
  readonly again: boolean;
  readonly #pool: WorkerHome;
  #handled = 0;
  #back: Work[] = [];
  #setEnded!: () => void;

  constructor(pool: WorkerHome, { worker, args }: PoolSpec<Behaviour>, again: boolean) {
    super();
    this.#pool = pool;
    this.again = again;
    let started!: (error: Error | null) => void;
    this.started = new Promise((resolve, reject) => {
      started = (error) => error === null ? resolve() : reject(error);
    });
    this.started.catch(() => {}); // whoever started it may not wait any more
    this.ended = new Promise((resolve) => this.#setEnded = resolve);
    const options = { link: pool._process.pid };
    this.process = pool.node._start(worker, args, options, started).process;
    this.process.addWatcher(this);
  }

  get pid(): Pid {
    return this.process.pid;
  }

  get stats(): WorkerStats {
    const { pid, state, load } = this;
    return { pid, state, load, handled: this.#handled };
  }

  /** Gives it something to do. */
  take(work: Work): void {
    this.load++;
    work.give(this);
  }

  finished(): void {
    if (this.process.exited) return;
    this.load--;
    this.#handled++;
    if (this.state !== "stopping") this.#pool._free();
    else if (this.load === 0) this.process.stopInTurn(SHUTDOWN);
  }

  giveBack(work: Work): void {
    this.#back.push(work);
  }

  /** It gets nothing more, and ends when it has done what it has. */
  retire(): void {
    this.state = "stopping";
    if (this.load === 0) this.process.stopInTurn(SHUTDOWN);
  }

  /** Ends it, after that time at the latest. */
  end(ms: number): Promise<void> {
    this.state = "stopping";
    const core = this.#pool.node._core;
    core.setDeadline(this, ms);
    core.exit(this.#pool._process, this.pid, SHUTDOWN);
    return this.ended;
  }

  override expired(): void {
    const core = this.#pool.node._core;
    core.exit(core.main, this.pid, KILL);
  }

  down(reason: Term): void {
    this.#pool.node._core.clearDeadline(this);
    this.#pool._down(this, this.#back, reason);
    this.#back = [];
    this.#setEnded();
  }
}
