import type { Pid } from "../../etf/identifiers.ts";
import { NORMAL } from "../../node/atoms.ts";
import { Call, type CallOptions, Cast } from "../../node/call.ts";
import { NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import { type Addressed, addressOf, describe, type Target } from "../../node/target.ts";
import { type StopOptions, stopProcess } from "../server/stop_process.ts";
import { Agent } from "./agent.ts";

/**
 * A reference to an {@linkcode Agent} of this node. The functions run in the agent, one at a time, and may be async: the next one waits.
 *
 * All of them reject as calls do: with {@linkcode CallTimeoutError}, {@linkcode NoProcessError}, or, where the function throws and the agent ends
 * by that, with {@linkcode ExitError}, whose `cause` is what was thrown.
 */
export class AgentRef<S> implements Addressed {
  /** Where the agent is: its pid, or the name that it was asked for by. */
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

  /** What the function makes of the state. The state itself is not to be changed by whoever gets it. */
  get<T>(fn: (state: S) => T): Promise<Awaited<T>> {
    return this.#call("get", fn) as Promise<Awaited<T>>;
  }

  /** Puts what the function returns in the place of the state. */
  async update(fn: (state: S) => S | PromiseLike<S>): Promise<void> {
    await this.#call("update", fn);
  }

  /** As {@linkcode AgentRef.update}, where the function returns something for the caller, too: `[reply, state]`. */
  getAndUpdate<T>(
    fn: (state: S) => readonly [reply: T, state: S] | PromiseLike<readonly [reply: T, state: S]>,
  ): Promise<T> {
    return this.#call("get_and_update", fn) as Promise<T>;
  }

  /** As {@linkcode AgentRef.update}, and nobody waits: at once, and without a word where there is no such agent. */
  cast(fn: (state: S) => S | PromiseLike<S>): void {
    checkFunction("cast to an agent", fn);
    this.#from.mustLive("cast");
    const request = { name: "cast", args: [fn] };
    this.#process?.deliver(new Cast(request));
  }

  /** Watches the agent until it ends or the monitor is disposed. */
  monitor(fn: (down: Down) => unknown): Monitor {
    return this.#node._core.monitor(this.#from, this.target, fn);
  }

  /**
   * Ends the agent in order, behind what it was asked before, and waits for its end.
   *
   * @throws {ExitError} if it ends with another reason, or takes longer than `timeout` (then with `timeout`; it still ends when it comes to it).
   * @throws {NoProcessError} if it has ended before.
   */
  async stop(reason: ExitReason = NORMAL, options: StopOptions = {}): Promise<void> {
    await stopProcess(this.#node._core, this.#from, this.#pid, reason, options);
  }

  /** The same reference with other options for its calls. */
  with(options: CallOptions): AgentRef<S> {
    const merged = { ...this.#options, ...options };
    return new AgentRef(this.#node, this.target, this.#from, merged);
  }

  /** The same reference for use in a process: a call of itself is refused at once. */
  as(caller: ProcessContext): AgentRef<S> {
    return new AgentRef(this.#node, this.target, caller._process, this.#options);
  }

  // Functions are no terms: the call is put into the mailbox as it is, also where all else is copied.
  async #call(name: string, fn: unknown): Promise<unknown> {
    checkFunction("ask an agent", fn);
    this.#from.mustLive("call");
    const core = this.#node._core;
    const address = addressOf(this.target, core.global);
    const process = this.#process;
    if (process === undefined) throw new NoProcessError(describe(address));
    if (process === this.#from) {
      throw new Error(
        "Cannot ask an agent: it is the one that waits, use the state that its function has got",
      );
    }
    const { pid } = this.#from;
    const call = new Call(core, pid, process.pid, { name, args: [fn] }, this.#options);
    if (!call.done) process.deliver(call);
    return await call.promise;
  }

  /** @throws {TypeError} if it is another process. */
  get #process(): Process | undefined {
    const core = this.#node._core;
    const process = core.local(addressOf(this.target, core.global));
    if (process !== undefined && !Agent._is(process)) {
      throw new TypeError("Cannot ask an agent: that process is none");
    }
    return process;
  }

  get #pid(): Pid {
    const process = this.#process;
    if (process !== undefined) return process.pid;
    throw new NoProcessError(describe(addressOf(this.target, this.#node._core.global)));
  }
}

function checkFunction(verb: string, fn: unknown): void {
  if (typeof fn === "function") return;
  throw new TypeError(
    `Cannot ${verb}: a function of its state is needed, ${typeof fn} came`,
  );
}
