import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import { atomMap } from "../../etf/convert.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import { EXIT, NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import { Call, Cast, type From, type Request, requestTerm } from "../../node/call.ts";
import { ExitError, NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { type Behaviour, checkStart } from "../../node/process/behaviour.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import { addressOf, describe, type Target } from "../../node/target.ts";
import { Server } from "../server/server.ts";
import { PoolRef } from "./pool_ref.ts";
import {
  checkNumber,
  checkSpec,
  PoolBusyError,
  type PoolOptions,
  type PoolSpec,
  type PoolStats,
} from "./pool_options.ts";
import { Restarts } from "./_restarts.ts";
import { ForwardedCall, Work } from "./_work.ts";
import { Worker } from "./_worker.ts";

/** The pools of this program, by the process that they are. */
const pools: WeakMap<Process, Pool> = new WeakMap();

/**
 * Several workers of a class behind one process: what is called, cast or sent to the pool goes to one of them, which answers the caller.
 * Callers need not know, be they of this node, of Erlang or of Elixir: `gen_server:call(Pool, Request)`.
 *
 * | | |
 * | --- | --- |
 * | which worker | the next in turn, or the one with least to do (`strategy`), of those that have room (`maxPerWorker`) |
 * | where none has room | the request waits in the pool, first come, first served, up to `maxWaiting`; beyond that a call fails with {@linkcode PoolBusyError} (`{system_limit, Text}` elsewhere), a cast or message is dropped, counted and logged |
 * | a worker ends, for whatever reason | it is started again. The call that it was at fails at once with its exit reason, and so do those that it was to answer later; what it had not begun goes to the others, in front of what waits, in its order |
 * | workers end too often | as with a supervisor: more than `intensity` times within `period` ends the pool with `shutdown`, and the calls that wait with it |
 * | the pool ends | so do its workers: they get the exit signal `shutdown`, and are killed after `shutdown` milliseconds. What waits fails |
 *
 * - Order: a worker does one thing at a time, in the order in which it got them; what two workers have has no order, also where one
 *   process has sent it. Who needs order sends to one process.
 * - A caller that waits no longer leaves the queue: its request is not carried out any more, unless it has begun.
 * - A worker that calls its own pool may wait for itself.
 * - Workers are linked to the pool, which is their parent. They have no names, and each can be called for itself ({@linkcode PoolRef.workers}).
 * - `sys:get_state(Pool)` shows the figures that {@linkcode PoolRef.stats} gives.
 *
 * @example
 * ```ts
 * import { GenServer, on, pool, startNode, t } from "@ergo-ts/ergo";
 *
 * class Renderer extends GenServer {
 *   override readonly calls = { render: on(t.text, async (html) => await Promise.resolve(html.length)) };
 * }
 *
 * await using node = await startNode("pdf@localhost", { cookie: "secret" });
 * const options = { size: 8, maxPerWorker: 1, maxWaiting: 100 };
 * const renderers = await node.start(pool(Renderer, [], options), [], { register: "pdf" });
 * await renderers.call("render", "<h1>Zoë</h1>");
 * // From Elixir: GenServer.call({:pdf, :pdf@localhost}, {:render, "<h1>Zoë</h1>"})
 * ```
 *
 * `const Renderers = pool(Renderer, [])` is a class as any other: a child of a supervisor, whose pool of now `node.ref(Renderers, "pdf")` gives.
 * A pool whose workers depend on what it is started with is a class, whose `init` says what they are:
 * `class Pdf extends Pool<Renderer> { override init(size: number) { return { worker: Renderer, args: [], size }; } }`.
 *
 * Not for state that all requests share: each worker has its own. To compute on several cores give the `worker` as the URL of its
 * module: such workers run on threads, see the option `workers` of {@linkcode startNode}.
 */
export abstract class Pool<B extends Behaviour = Behaviour> extends Server {
  /** @ignore @internal */
  declare readonly _refType: PoolRef<B>;
  readonly #linked: Set<string> = new Set();
  #spec!: PoolSpec<B>;
  #restarts!: Restarts;
  /** In the order in which it is their turn. Those that are being stopped are in it until they have ended. */
  #workers: Worker[] = [];
  #next = 0;
  #size = 0;
  #waiting: Set<Work> = new Set();
  #refused = 0;
  #moved = 0;
  #restarted = 0;
  #ended = false;
  /** Whether it is full and that is logged. */
  #full = false;

  /** @ignore @internal The pool of this node that has that pid or name now. */
  static override _refer(node: Node, target: Target): PoolRef<Behaviour> {
    const address = addressOf(target);
    const process = node._core.local(address);
    const found = process && pools.get(process);
    if (found === undefined) throw new NoProcessError(`pool ${describe(address)}`);
    return found._reference(node, found.pid);
  }

  /** Says what the workers are, and how many. */
  abstract override init(...args: never[]): PoolSpec<B> | Promise<PoolSpec<B>>;

  /** @ignore @internal Workers may act in the name of whoever sends: they have to know who it is. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    pools.set(process, this as unknown as Pool);
    process.asksOrigin = true;
  }

  /** @ignore @internal For supervisors: it has as long as it takes, for it ends its workers in time. */
  get _supervises(): boolean {
    return true;
  }

  /** @ignore @internal */
  override async _initialized(spec: unknown): Promise<void> {
    checkSpec(spec);
    if (!(spec.worker instanceof URL)) checkStart(spec.worker, spec.args);
    const { size = 4, intensity = 3, period = 5_000 } = spec;
    this.#spec = spec as PoolSpec<B>;
    this.#restarts = new Restarts(intensity, period);
    this.trapExit = true;
    this._process.own({ [Symbol.dispose]: () => this.#end(this._process.reason) });
    try {
      await this._resize(size);
    } catch (error) {
      await this.terminate(SHUTDOWN); // those that have started
      throw error;
    }
  }

  /** @ignore @internal */
  _called(from: From, request: Request): void {
    const call = from instanceof Call
      ? from
      : new ForwardedCall(this._core, this.pid, from, request);
    this.#submit(call);
  }

  /** @ignore @internal */
  _casted(request: Request): void {
    this.#submit(new Cast(request));
  }

  /** @ignore @internal */
  _informed(message: Term): void {
    const isExit = isTuple(message) && message[0] === EXIT && message.length === 3 &&
      this._process.origin === null; // else it is only a message that looks like one
    if (!isExit) return this.#submit(message);
    const [, from, reason] = message as Term[];
    // Of a worker the pool knows already; for all others it does as a process that does not trap exits.
    if (from instanceof Pid && this.#linked.delete(from.key)) return;
    if (reason !== NORMAL) this.stop(reason as ExitReason);
  }

  /** @ignore @internal What a typed request is on the wire is for its workers to say. */
  _requestTerm(request: Request, isCast: boolean): Encodable {
    const body = this.#workers[0]?.process.body;
    return body?._requestTerm?.(request, isCast) ?? requestTerm(request);
  }

  /** @ignore @internal */
  _reference(node: Node, _pid: Pid): PoolRef<B> {
    return new PoolRef<B>(node, node._core.main, {}, this);
  }

  /** The figures of the pool. */
  override formatState(): unknown {
    const { workers, ...figures } = this._stats();
    return { ...figures, workers: workers.map((worker) => atomMap({ ...worker })) };
  }

  /** The workers are told to end, and waited for. */
  override async terminate(reason: ExitReason): Promise<void> {
    this.#end(reason);
    const { shutdown = 5_000 } = this.#spec;
    await Promise.all([...this.#workers].map((worker) => worker.end(shutdown)));
  }

  /** @ignore @internal */
  _workers(): Pid[] {
    return this.#workers.filter(({ state }) => state === "running").map(({ pid }) => pid);
  }

  /** @ignore @internal */
  _stats(): PoolStats {
    return {
      size: this.#size,
      waiting: this.#waiting.size,
      refused: this.#refused,
      moved: this.#moved,
      restarts: this.#restarted,
      workers: this.#workers.map(({ stats }) => stats),
    };
  }

  /** @ignore @internal */
  async _resize(size: number): Promise<void> {
    checkNumber("give a pool workers", "size", size);
    this._process.mustLive("resize a pool");
    const live = this.#workers.filter(({ state }) => state !== "stopping");
    this.#size = size;
    if (size <= live.length) {
      const ending = live.slice(size);
      for (const worker of ending) worker.retire();
      await Promise.all(ending.map(({ ended }) => ended));
      return;
    }
    const starting = Array.from({ length: size - live.length }, () => this.#start(false));
    const failed = (await Promise.allSettled(starting)).find((one) => one.status === "rejected");
    if (failed === undefined) return;
    this.#size = this.#workers.filter(({ state }) => state === "running").length;
    throw failed.reason;
  }

  /** @ignore @internal A worker has room. */
  _free(): void {
    if (this.#waiting.size > 0) this.#drain();
  }

  /** @ignore @internal A worker has ended. */
  _down(worker: Worker, back: readonly Work[], reason: Term): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    if (this.#ended) {
      for (const work of back) work.fail(new ExitError(reason));
      return;
    }
    this.#moveToFront(back);
    if (worker.state === "running" || (worker.state === "starting" && worker.again)) {
      this.#restart();
    }
    this.#drain();
  }

  // What is to be done

  #submit(message: unknown): void {
    const work = new Work(message, this._process.origin);
    if (work.unwanted) return;
    const worker = this.#waiting.size === 0 ? this.#pick() : null;
    if (worker !== null) return worker.take(work);
    const { maxWaiting = Infinity } = this.#spec;
    if (this.#waiting.size >= maxWaiting) return this.#refuse(work);
    this.#wait(work);
  }

  #wait(work: Work): void {
    this.#waiting.add(work);
    work.wait(() => this.#waiting.delete(work));
  }

  #moveToFront(back: readonly Work[]): void {
    if (back.length === 0) return;
    const behind = this.#waiting;
    this.#waiting = new Set();
    for (const work of back) {
      this.#moved++;
      if (!work.unwanted) this.#wait(work);
    }
    for (const work of behind) this.#wait(work);
  }

  #drain(): void {
    for (const work of this.#waiting) {
      const worker = this.#pick();
      if (worker === null) return;
      this.#waiting.delete(work);
      this.#full = false;
      worker.take(work);
    }
  }

  /** The worker whose turn it is, of those that have room. */
  #pick(): Worker | null {
    const { maxPerWorker = Infinity, strategy } = this.#spec;
    const workers = this.#workers;
    let best = -1;
    for (let i = 0; i < workers.length; i++) {
      const at = (this.#next + i) % workers.length;
      const { state, load } = workers[at];
      if (state !== "running" || load >= maxPerWorker) continue;
      if (best < 0 || load < workers[best].load) best = at;
      if (strategy !== "least_loaded" || load === 0) break;
    }
    if (best < 0) return null;
    this.#next = best + 1;
    return workers[best];
  }

  #refuse(work: Work): void {
    const error = new PoolBusyError(this.#name, this.#waiting.size);
    this.#refused++;
    work.fail(error);
    if (this.#full) return;
    this.#full = true; // one line until it takes something again
    this._core.logger._log("warning", error.message, this._process);
  }

  // The workers

  #start(again: boolean): Promise<void> {
    const worker = new Worker(this, this.#spec as unknown as PoolSpec<Behaviour>, again);
    this.#linked.add(worker.pid.key);
    this.#workers.push(worker);
    return worker.started.then(() => {
      if (worker.state !== "starting") return;
      worker.state = "running";
      this.#drain();
    });
  }

  #restart(): void {
    if (this._process.stopping !== null) return;
    if (this.#restarts.add(this._core.platform.now())) return this.#giveUp();
    this.#restarted++;
    try {
      this.#start(true).catch(() => {}); // its end is told
    } catch (error) {
      this._core.fault(`Cannot start a worker of pool ${this.#name}`, error);
      this.after(0, () => this.#restart());
    }
  }

  #giveUp(): void {
    const { intensity = 3, period = 5_000 } = this.#spec;
    this._core.logger._log(
      "error",
      `Pool ${this.#name} ends: more than ${intensity} restarts of its workers within ${period} ms, see its options intensity and period`,
      this._process,
    );
    this.stop(SHUTDOWN);
  }

  /** Nothing will be done any more. */
  #end(reason: Term): void {
    this.#ended = true;
    for (const work of this.#waiting) work.fail(new ExitError(reason));
    this.#waiting.clear();
  }

  get #name(): string {
    return this._process.name ?? format(this.pid);
  }
}

/** The class of a pool whose `init` takes nothing; made by {@linkcode pool}. */
export interface PoolClass<B extends Behaviour> {
  /** Is called by `node.start`. */
  new (): FixedPool<B>;
  /** @ignore @internal */
  _refer(node: Node, target: Target): PoolRef<B>;
}

/** A pool whose `init` takes nothing. */
export interface FixedPool<B extends Behaviour> extends Pool<B> {
  /** Gives what the pool was made of. */
  init(): PoolSpec<B>;
}

/**
 * The class of a pool of such workers, to be started by `node.start(pool(Worker, args), [])` or as a child of a supervisor.
 *
 * @param args what the `init` of each worker takes.
 */
export function pool<B extends Behaviour>(
  worker: new () => B,
  args: Parameters<B["init"]>,
  options: PoolOptions = {},
): PoolClass<B> {
  const spec: PoolSpec<B> = { ...options, worker, args };
  checkSpec(spec);
  checkStart(worker, args);
  const name = `${worker.name}Pool`;
  const made = {
    [name]: class extends Pool<B> {
      override init(): PoolSpec<B> {
        return spec;
      }
    },
  };
  return made[name] as unknown as PoolClass<B>;
}
