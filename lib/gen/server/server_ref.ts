import { selfOf } from "../../node/caller.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Encodable } from "../../etf/term.ts";
import { type CallOptions, checkCallOptions } from "../../node/call.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Down, Monitor } from "../../node/process/monitor.ts";
import type { Node } from "../../node/node.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import { NORMAL } from "../../node/atoms.ts";
import { localPid } from "../../node/referring.ts";
import type { Target } from "../../node/target.ts";
import { type StopOptions, stopProcess } from "./stop_process.ts";
import type { ArgsOf, ReplyOf } from "./handlers.ts";

/** The table of calls of a server's class. */
export type CallsOf<S> = S extends { readonly calls: infer Calls } ? Calls : Record<never, never>;
/** The table of casts of a server's class. */
export type CastsOf<S> = S extends { readonly casts: infer Casts } ? Casts : Record<never, never>;

/** A reference to a server of this node, with the names, arguments and replies of its tables. */
export class ServerRef<S> {
  readonly #target: Target;
  readonly #node: Node;
  readonly #from: Process;
  readonly #options: CallOptions;

  /** @ignore @internal */
  constructor(node: Node, target: Target, from: Process, options: CallOptions) {
    this.#node = node;
    this.#target = target;
    this.#from = from;
    this.#options = options;
  }

  /** Where messages to it go: a reference can be used wherever a target is taken. */
  get target(): Target {
    return this.#target;
  }

  /**
   * The server's pid; where it is referred to by a name, that of whoever has it now.
   *
   * @throws {NoProcessError} if nobody has the name.
   * @throws {TypeError} if it is only known by its name on another node.
   */
  get pid(): Pid {
    return this.#target instanceof Pid ? this.#target : localPid(this.#node._core, this.#target);
  }

  /**
   * Calls the server and waits for its reply.
   *
   * @throws {CallTimeoutError} after 5,000 milliseconds, or as `with({ timeout })` says.
   * @throws {NoProcessError} if it has ended before.
   * @throws {ExitError} if it ends before it replies, or the arguments do not parse (`{bad_request, Path, Message}`).
   */
  call<N extends keyof CallsOf<S> & string>(
    name: N,
    ...args: ArgsOf<CallsOf<S>[N]>
  ): Promise<ReplyOf<CallsOf<S>[N]>> {
    const request = { name, args: args as readonly unknown[] };
    return this.#node._core.call(this.#from, this.#target, request, this.#options) as Promise<
      ReplyOf<CallsOf<S>[N]>
    >;
  }

  /** Sends a request that is not answered. */
  cast<N extends keyof CastsOf<S> & string>(name: N, ...args: ArgsOf<CastsOf<S>[N]>): void {
    const request = { name, args: args as readonly unknown[] };
    this.#node._core.cast(this.#from, this.#target, request, this.#options.priority);
  }

  /** Sends a message, which arrives at `handleInfo`. */
  send(message: Encodable): void {
    this.#node._core.send(this.#from, this.#target, message, this.#options.priority);
  }

  /** Watches the server until it ends or the monitor is disposed. */
  monitor(fn: (down: Down) => unknown): Monitor {
    return this.#node._core.monitor(this.#from, this.#target, fn);
  }

  /**
   * Ends the server in order, behind the messages that it has got before, and waits for its end, as OTP's `gen_server:stop`.
   *
   * @param reason what it ends with. Default `normal`.
   * @throws {ExitError} if it ends with another reason, or takes longer than `timeout` (then with `timeout`; it still ends when it comes to it).
   * @throws {NoProcessError} if it has ended before.
   */
  async stop(reason: ExitReason = NORMAL, options: StopOptions = {}): Promise<void> {
    await stopProcess(this.#node._core, this.#from, this.pid, reason, options);
  }

  /** The same reference with other options for its calls; the priority counts for all that is sent. */
  with(options: CallOptions): ServerRef<S> {
    checkCallOptions(options);
    return new ServerRef(this.#node, this.#target, this.#from, { ...this.#options, ...options });
  }

  /** The same reference for use in a process: the server sees who calls, and a call of itself is refused at once. */
  as(caller: ProcessContext): ServerRef<S> {
    selfOf(caller, "call in the name of a process", "ref.as(this)");
    return new ServerRef(this.#node, this.#target, caller._process, this.#options);
  }
}
