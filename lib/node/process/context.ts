import { checkFields } from "../../_util/fields.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { type Pid, Ref } from "../../etf/identifiers.ts";
import type { AnySchema, Output } from "../../etf/schema/schema.ts";
import type { CallOptions } from "../call.ts";
import type { Core } from "../core.ts";
import { castWith, sendWith } from "../delivery.ts";
import { ProcessEnv } from "./env.ts";
import { checkReason } from "../errors.ts";
import { infoOf, type ProcessInfo } from "./info.ts";
import type { ImportantOptions, SendOptions } from "./mailbox.ts";
import type { Down, Monitor } from "./monitor.ts";
import { ProcessLogger } from "../log/process_logger.ts";
import type { Node } from "../node.ts";
import type { ExitReason, Process } from "./process.ts";
import type { NodeType } from "../remote/node_monitors.ts";
import { Sleep } from "./sleep.ts";
import { checkPid, type Target } from "../target.ts";
import { ProcessTimer } from "./timer.ts";

/**
 * What a process can do in its own name. Servers, and the `self` of a spawned function, are such contexts.
 *
 * Signals from this process to another one (messages, casts, links, monitors, exits) arrive in the order in which they were sent.
 * Code that outlives its process cannot act in its name: these methods then throw {@linkcode ProcessExitedError}.
 */
export abstract class ProcessContext {
  #process: Process | null = null;

  /** @ignore @internal Gives the context its process, before anything of it runs. */
  _attach(_node: Node, process: Process): void {
    this.#process = process;
    process._attached(this);
  }

  /** @ignore @internal */
  get _process(): Process {
    if (this.#process === null) {
      throw new Error(
        "Cannot use a process that is not started: start it with node.start, and set up its state in init",
      );
    }
    return this.#process;
  }

  /** @ignore @internal */
  get _core(): Core {
    return this._process.home as Core;
  }

  /** The process's pid. */
  get pid(): Pid {
    return this._process.pid;
  }

  /** The node that the process runs on. */
  get node(): Node {
    return this._core.node!;
  }

  /** Logs in the name of this process, with levels and fields. */
  get logger(): ProcessLogger {
    return new ProcessLogger(this._core, this._process);
  }

  /** Who made the call that is handled now; `null` where the message does not tell, and after the handler has returned. */
  get caller(): Pid | null {
    return this._process.caller;
  }

  /** Who prints for this process: Erlang's group leader. Inherited from the parent, or from whoever spawned it from another node. */
  get groupLeader(): Pid {
    return this._process.groupLeader;
  }

  /** Gives this process another group leader, as `group_leader/2`. What is spawned by it elsewhere, or linked to it here, inherits it. */
  setGroupLeader(leader: Pid): void {
    this._process.groupLeader = leader;
  }

  /** Values that are found by name: those of this process, of its parent and of the node. */
  get env(): ProcessEnv {
    return new ProcessEnv(this._process, this._core);
  }

  /** What there is to know of this process. */
  get info(): ProcessInfo {
    return infoOf(this._process);
  }

  /** Aborts when the process ends, so that what it waits for can be given up. */
  get signal(): AbortSignal {
    return this._process.signal;
  }

  /** Whether exit signals arrive as messages `{'EXIT', From, Reason}` instead of ending the process. Default false. */
  get trapExit(): boolean {
    return this._process.trapExit;
  }

  set trapExit(trap: boolean) {
    this._process.trapExit = trap;
  }

  /**
   * Sends a message: Erlang's `!`. Messages from one process to another arrive in the order sent.
   *
   * Returns at once. Where there is no such process the message is dropped and nobody is told: monitor it, or call. A node that
   * is not connected is connected to first.
   *
   * Nothing is lost where another node takes messages more slowly than they are sent: they wait in memory, up to `maxQueue` bytes. Whoever
   * sends much waits now and then with {@linkcode Node.sendReady}. A large message goes in pieces, between which others pass.
   *
   * @throws {EncodeError} if it is sent to another node and is no term.
   * @throws {BusyError} if too much waits to be sent to that node; nothing of this message is sent then.
   */
  send(target: Target, message: Encodable, options?: SendOptions & { important?: false }): void;
  /**
   * Sends an important message: the promise resolves when it is known that it has arrived, see {@linkcode SendOptions}.
   *
   * @throws {NoProcessError} if there is no such process.
   * @throws {MailboxFullError} if its mailbox is full.
   * @throws {NodeDownError} if its node cannot be reached, or the connection is lost meanwhile: it is not known then.
   * @throws {CallTimeoutError} if nothing is known after `timeout` milliseconds, 5,000 unless told otherwise.
   * @throws {TypeError} if it goes to an alias of another node, of which nothing can be known.
   */
  send(target: Target, message: Encodable, options: ImportantOptions): Promise<void>;
  send(target: Target, message: Encodable, options?: SendOptions): void | Promise<void> {
    if (options !== undefined) return sendWith(this._core, this._process, target, message, options);
    this._core.send(this._process, target, message);
  }

  /**
   * Calls a server and waits for its reply.
   *
   * @param request the request's term: an atom, or a tuple with the arguments.
   * @throws {CallTimeoutError} after `timeout` milliseconds, 5,000 unless told otherwise.
   * @throws {NoProcessError} if there is no such process.
   * @throws {NodeDownError} if its node cannot be reached, or the connection is lost before the reply.
   * @throws {BusyError} if too much waits to be sent to its node, see {@linkcode Node.sendReady}.
   * @throws {ExitError} if the process ends before it replies.
   * @throws {ProcessExitedError} if this process has ended, by which calls that wait already are not given up.
   */
  call(target: Target, request: Encodable, options?: CallOptions): Promise<Term>;
  /**
   * Calls a server, waits for its reply and parses it. Rejects as without a schema.
   *
   * @param schema what the reply must be.
   * @throws {SchemaError} if the reply does not match.
   */
  call<S extends AnySchema>(
    target: Target,
    request: Encodable,
    schema: S,
    options?: CallOptions,
  ): Promise<Output<S>>;
  call(
    target: Target,
    request: Encodable,
    schemaOrOptions?: AnySchema | CallOptions,
    options?: CallOptions,
  ): Promise<unknown> {
    return this.node._callAs(this._process, target, request, schemaOrOptions, options);
  }

  /**
   * Sends a request that is not answered, as `gen_server:cast`: at once, and without a word where there is no such process.
   *
   * @throws {BusyError} if too much waits to be sent to that node, see {@linkcode Node.sendReady}.
   */
  cast(target: Target, request: Encodable, options?: SendOptions & { important?: false }): void;
  /** Sends an important request that is not answered: the promise resolves, and rejects, as that of an important message does. */
  cast(target: Target, request: Encodable, options: ImportantOptions): Promise<void>;
  cast(target: Target, request: Encodable, options?: SendOptions): void | Promise<void> {
    const asked = { name: null, term: request };
    if (options !== undefined) return castWith(this._core, this._process, target, asked, options);
    this._core.cast(this._process, target, asked);
  }

  /**
   * Runs `fn` in this process, as a message would, in `ms` milliseconds: when its turn comes, and never while a handler runs.
   *
   * @param ms from 1,000 on it may take up to 32 more.
   * @returns takes the timer back when it is disposed; the end of the process does too.
   * @throws {RangeError} if `ms` is negative or no number.
   */
  after(ms: number, fn: () => unknown): Disposable {
    return new ProcessTimer(alive(this, "set a timer")._core, this._process, ms, fn, {
      repeat: false,
    });
  }

  /**
   * Runs `fn` in this process, as a message would, every `ms` milliseconds (at least 1), counted from the end of one run to the
   * next: runs neither overlap nor pile up. A promise that `fn` returns belongs to its run.
   *
   * @returns takes the timer back when it is disposed; the end of the process does too.
   * @throws {RangeError} if `ms` is negative or no number.
   */
  every(ms: number, fn: () => unknown): Disposable {
    return new ProcessTimer(alive(this, "set a timer")._core, this._process, ms, fn, {
      repeat: true,
    });
  }

  /**
   * Waits. A handler that awaits it holds the mailbox for that time: to go on with other messages use {@linkcode ProcessContext.after}.
   *
   * @throws {ProcessExitedError} if the process ends before.
   */
  sleep(ms: number): Promise<void> {
    const process = this._process;
    return process.exited
      ? Promise.reject(process.gone("sleep"))
      : new Sleep(this._core, ms, { process }).promise;
  }

  /**
   * Watches a process, here or on another node, until it ends or the monitor is disposed.
   *
   * @param fn runs in this process, as a message would. Without it the message `{'DOWN', Ref, process, Object, Reason}` comes.
   */
  monitor(target: Target, fn?: (down: Down) => unknown): Monitor {
    return this._core.monitor(this._process, target, fn ?? null);
  }

  /**
   * Tells this process which nodes come and go, as `net_kernel:monitor_nodes/2`, until it ends or takes it back: messages
   * `{nodeup, Node, Info}` and `{nodedown, Node, Info}`. Info is a list with `{node_type, visible | hidden}` and, of a nodedown,
   * `{nodedown_reason, Reason}` before it.
   *
   * - `nodeup` comes before any message from that node, `nodedown` behind the last one.
   * - Whoever asks several times gets each message as often. `false` takes back all that was asked for that type.
   *
   * @param options `type`: which nodes, those whose connection is `"visible"` or `"hidden"`, or `"all"`. Default "all": other than in
   * Erlang, for all connections of a hidden node are hidden.
   */
  monitorNodes(on: boolean, options: { readonly type?: NodeType } = {}): void {
    checkFields("monitor nodes", options, { type: true });
    const { type = "all" } = options;
    if (type !== "all" && type !== "visible" && type !== "hidden") {
      throw new TypeError(
        `Cannot monitor ${String(type)} nodes: the type is "visible", "hidden" or "all"`,
      );
    }
    alive(this, "monitor nodes").node._monitors.monitorNodes(this._process, on, type);
  }

  /**
   * Watches a node, as `erlang:monitor_node/2`: the message `{nodedown, Node}` comes once, when its connection is lost, or can not
   * be made. A node that is not connected is connected to first.
   *
   * @param on `false` takes one such watch back; several of a node count each.
   */
  monitorNode(node: string, on = true): void {
    const { node: here, _process: process } = alive(this, "monitor a node");
    if (node !== here.name) here._monitors.monitorNode(process, node, on);
  }

  /**
   * Links this process with another one, here or elsewhere: the end of one is an exit signal for the other. Where that process has
   * ended before, the signal `noproc` comes. Idempotent.
   */
  link(pid: Pid): void {
    this._core.link(this._process, checkPid("link", pid));
  }

  /** Takes a link back, as Erlang's `unlink/1`. No exit signal of it arrives after this. */
  unlink(pid: Pid): void {
    alive(this, "unlink")._core.unlink(this._process, checkPid("unlink", pid));
  }

  /**
   * Sends an exit signal to a process, as Erlang's `exit/2`. What it does there is as in Erlang: `kill` ends it in any case, one that
   * traps exits gets a message, `normal` is ignored.
   *
   * @throws {BusyError} if too much waits to be sent to its node and the reason has more than 1,024 bytes; smaller ones are never refused.
   */
  exit(pid: Pid, reason: ExitReason): void {
    alive(this, "exit")._core.exit(this._process, checkPid("exit", pid), checkReason(reason));
  }

  /**
   * Makes an alias: a reference that messages can be sent to until it is taken back or the process ends.
   *
   * @param options `priority`: whether others may send urgent messages by it, also from other nodes, as by Erlang's `alias([priority])`.
   * Default false.
   */
  alias(options: { readonly priority?: boolean } = {}): Ref {
    checkFields("make an alias", options, { priority: true });
    return this._core.addAlias(this._process, options.priority === true);
  }

  /**
   * Takes an alias back; what is sent to it from now on is dropped.
   *
   * @returns whether it was one of this process.
   */
  unalias(alias: Ref): boolean {
    if (!(alias instanceof Ref)) {
      throw new TypeError("Cannot take an alias back: the reference that alias() gave is needed");
    }
    return this._core.removeAlias(this._process, alias);
  }

  /**
   * Registers this process under a name of this node, until it ends.
   *
   * @throws {NameError} if the name is taken, or the process has one.
   */
  register(name: string): void {
    this._core.names.register(name, this._process);
  }
}

/** @throws {ProcessExitedError} where its process has ended. */
function alive(context: ProcessContext, verb: string): ProcessContext {
  context._process.mustLive(verb);
  return context;
}
