import type { Pid } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import { type AnySchema, type Output, Schema } from "../etf/schema/schema.ts";
import type { Encodable, Term } from "../etf/term.ts";
import type { Tuple } from "../etf/tuple.ts";
import type { Platform } from "../platform/contract.ts";
import {
  type Behaviour,
  checkArgs,
  checkStart,
  type PlacedRefOf,
  type RefOf,
  spawnBehaviour,
} from "./process/behaviour.ts";
import { type CallOptions, DEFAULTS } from "./call.ts";
import { Core, type CoreOptions, type SpawnOptions } from "./core.ts";
import { checkReason, NodeStoppedError } from "./errors.ts";
import { castWith, sendWith } from "./delivery.ts";
import { ProcessEnv } from "./process/env.ts";
import { infoOf, type NodeInfo, nodeInfoOf, type ProcessInfo } from "./process/info.ts";
import type { ImportantOptions, MailboxOptions, SendOptions } from "./process/mailbox.ts";
import type { Down, Monitor } from "./process/monitor.ts";
import type { NodeLogger } from "./log/node_logger.ts";
import type { Node } from "./node.ts";
import type { ExitReason, Process } from "./process/process.ts";
import { type RegisterAs, registrationOf } from "./process/registration.ts";
import { NO_WORKERS, type Placed, type Placing } from "./placing.ts";
import { checkFunction, type Self, spawnFunction } from "./process/self.ts";
import { Sleep } from "./process/sleep.ts";
import { checkSpawnOptions, checkStartOptions, StartDeadline } from "./process/start_options.ts";
import { checkPid, type Target } from "./target.ts";

/** How a process is spawned. */
export interface ProcessOptions {
  /** Registers the process under this name of the node before it runs. */
  readonly register?: string;
  /** Links it to this process before it runs: the end of one is an exit signal for the other, and that process is its parent. */
  readonly link?: Pid;
  /** How messages from other nodes are decoded for this process, where it differs from the node's way. */
  readonly terms?: Pick<DecodeOptions, "binaries" | "objects" | "floats">;
  /** How many messages may wait for the process, and what happens to one that is too many. Default: any number. */
  readonly mailbox?: MailboxOptions;
  /** Values that it finds by name, besides those of its parent (`link`), see {@linkcode ProcessEnv}. */
  readonly env?: Readonly<Record<string, unknown>>;
}

/** How a server is started. */
export interface StartOptions extends Omit<ProcessOptions, "register"> {
  /**
   * Registers the process before its `init` runs: under a name of this node, of the whole cluster (`{ global: name }`) or of a
   * registry (`{ via: registry, name }`). The name goes with the process.
   */
  readonly register?: RegisterAs;
  /**
   * Milliseconds that `init` may take. After that the process is killed, of which its `link` hears nothing, and the start rejects with
   * the {@linkcode ExitError} `timeout`. Default `Infinity`.
   */
  readonly timeout?: number;
  /**
   * Milliseconds without a message after which the process hibernates, as by `hibernate()` of a server: Erlang's `hibernate_after`. Default
   * `Infinity`.
   */
  readonly hibernateAfter?: number;
}

const NO_START_OPTIONS: StartOptions = {};

/** A node without regard to other nodes: its processes, and the messages to processes wherever they are. {@linkcode Node} is one. */
export abstract class LocalNode {
  /** The node's name, as `app@localhost`. */
  readonly name: string;
  /** @ignore @internal */
  readonly _core: Core;
  /** @ignore @internal The workers. */
  _placing: Placing = NO_WORKERS;

  /** @ignore @internal */
  constructor(name: string, platform: Platform, options: CoreOptions) {
    this.name = name;
    this._core = new Core(name, platform, options);
    this._core.node = this.#node;
  }

  /** The pid that stands for the node where something is done from outside of any process. */
  get pid(): Pid {
    return this._core.main.pid;
  }

  /** The log of the node: levels, sinks and filters, and what is logged in the name of the node itself. */
  get logger(): NodeLogger {
    return this._core.logger;
  }

  // Processes

  /**
   * Starts a process of a behaviour and gives a reference to it, when its `init` is done.
   *
   * @param args what `init` takes.
   * @throws {ExitError} if `init` throws or exits, or takes longer than the option `timeout`.
   * @throws {NameError} if the name is taken; its `pid` has it.
   * @throws {TypeError} if it is no class of a behaviour, or there is no such option.
   */
  start<B extends Behaviour>(
    behaviour: new () => B,
    args: Parameters<B["init"]>,
    options?: StartOptions,
  ): Promise<RefOf<B>>;
  /**
   * Starts a process of a behaviour on one of the node's workers (option `workers` of {@linkcode startNode}), that which has fewest
   * processes, and gives a reference to it, when its `init` is done. It is a process of this node as all others: it has a pid and names,
   * is called, sent to, linked, monitored and supervised from everywhere.
   *
   * Between it and the others everything goes through the codec, as between nodes: terms cross, closures do not, and handlers with
   * arguments parse them ({@linkcode on}). Where its worker ends (by an error that nobody catches, by `process.exit`) it ends with
   * `{worker_down, Reason}`; a supervisor starts it again on a fresh one. So it does where a promise rejects that nobody awaits.
   *
   * `kill` (also where `timeout` is over) counts at once for all others, but nothing breaks into a computation: a worker that has not come back
   * from it within 2,000 ms is ended, with all its processes (`{worker_down, {not_responding, 2000}}`). Until it has come back nothing new is
   * placed there while there is another; else it waits for a fresh one. Deno cannot end a thread that computes: there it is given up, and keeps
   * a core busy until the program ends. {@linkcode Node.info} tells what this thread knows of it: not what it
   * handles at the moment, nor its links within its worker; on a worker it knows the processes of that worker only. An important message has arrived when it is on its way to the worker.
   *
   * @param module `new URL("./cruncher.ts", import.meta.url)`: its default export is the class; `./cruncher.ts#Cruncher` takes that export.
   * @param args what `init` takes, as terms.
   * @returns a reference whose replies are terms, for servers and state machines; for other behaviours the pid.
   * @throws {ExitError} if `init` throws or exits, or takes longer than the option `timeout`.
   * @throws {NameError} if the name is taken; its `pid` has it.
   * @throws {TypeError} if the module has no such class, or there is no such option.
   * @throws {EncodeError} if an argument is no term.
   */
  start<B extends Behaviour>(
    module: URL,
    args: Parameters<B["init"]>,
    options?: StartOptions,
  ): Promise<PlacedRefOf<B>>;
  start(
    behaviour: (new () => Behaviour) | URL,
    args: readonly unknown[],
    options: StartOptions = NO_START_OPTIONS,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this._mustRun("start a process");
      const { process, instance } = this._start(behaviour, args, options, (error) => {
        if (error === null) resolve(instance._reference(this.#node, process.pid));
        else reject(error);
      });
    });
  }

  /** @ignore @internal As `start`; `started` is called once, after this has returned. */
  _start<B extends Behaviour>(
    behaviour: new () => B,
    args: readonly unknown[],
    options: StartOptions,
    started: (error: Error | null) => void,
  ): { readonly process: Process; readonly instance: B };
  /** @ignore @internal */
  _start(
    behaviour: (new () => Behaviour) | URL,
    args: readonly unknown[],
    options: StartOptions,
    started: (error: Error | null) => void,
  ): Placed;
  /** @ignore @internal */
  _start(
    behaviour: (new () => Behaviour) | URL,
    args: readonly unknown[],
    options: StartOptions,
    started: (error: Error | null) => void,
  ): Placed {
    if (typeof behaviour !== "function" && behaviour instanceof URL) {
      return this.#place(behaviour, args, options, started);
    }
    checkStart(behaviour, args);
    if (options === NO_START_OPTIONS) {
      const instance = new behaviour();
      return { process: spawnBehaviour(this.#node, instance, args, started), instance };
    }
    checkStartOptions(behaviour.name, options);
    const instance = new behaviour();
    const { register, timeout = Infinity } = options;
    const registration = registrationOf(this._core, register);
    const local = registration === null ? register as string | undefined : undefined;
    const spawnOptions = this.#spawnOptions({ ...options, register: local });
    const deadline = timeout === Infinity
      ? null
      : new StartDeadline(this._core, behaviour.name, timeout, started);
    const tell = deadline?.started ?? started;
    const process = spawnBehaviour(this.#node, instance, args, tell, spawnOptions, registration);
    deadline?.begin(process, spawnOptions.link ?? null);
    return { process, instance };
  }

  #place(
    module: URL,
    args: readonly unknown[],
    options: StartOptions,
    started: (error: Error | null) => void,
  ): Placed {
    const { href } = module;
    checkArgs(href, args);
    checkStartOptions(href, options);
    const { register, timeout = Infinity } = options;
    const registration = registrationOf(this._core, register);
    const local = registration === null ? register as string | undefined : undefined;
    const spawnOptions = this.#spawnOptions({ ...options, register: local });
    const deadline = timeout === Infinity
      ? null
      : new StartDeadline(this._core, href, timeout, started);
    const tell = deadline?.started ?? started;
    const placed = this._placing.start(module, args, spawnOptions, tell, registration);
    deadline?.begin(placed.process, spawnOptions.link ?? null);
    return placed;
  }

  /** Starts a process that runs `fn` and ends when it is done: with `normal`, or by what it throws. */
  spawn(fn: (self: Self) => unknown, options?: ProcessOptions): Pid {
    this._mustRun("spawn a process");
    checkFunction(fn);
    if (options === undefined) return this._spawn(fn).pid;
    checkSpawnOptions(options);
    return this._spawn(fn, this.#spawnOptions(options)).pid;
  }

  /** The process of that name on this node; `undefined` where there is none. */
  whereis(name: string): Pid | undefined {
    return this._core.names.get(name)?.pid;
  }

  /**
   * Gives a process of this node a name, until it ends or {@linkcode Node.unregister} takes the name back.
   *
   * @throws {NameError} if the name is taken, or the process has one.
   * @throws {ReferenceError} if there is no such process on this node.
   */
  register(name: string, pid: Pid): void {
    this._core.names.register(name, this._local(pid));
  }

  /**
   * Takes a name back. The process lives on.
   *
   * @returns whether a process had it.
   */
  unregister(name: string): boolean {
    return this._core.names.unregister(name);
  }

  /** Values that processes find by name which have none of that name themselves. */
  get env(): ProcessEnv {
    return new ProcessEnv(this._core, null);
  }

  /** What there is to know of a process of this node; `undefined` where there is no such process. */
  info(process: Pid | string): ProcessInfo | undefined;
  /** What there is to know of this node as a whole. */
  info(): NodeInfo;
  info(process?: Pid | string): ProcessInfo | NodeInfo | undefined {
    if (process === undefined) return nodeInfoOf(this._core);
    const found = typeof process === "string"
      ? this._core.names.get(process)
      : this._core.process(checkPid("tell of a process", process));
    return found === undefined ? undefined : infoOf(found);
  }

  /** The names that are registered on this node. */
  registered(): string[] {
    return [...this._core.names.keys()];
  }

  /** The pids of all processes of this node. */
  processes(): Pid[] {
    return Array.from(this._core.processes.values(), (process) => process.pid);
  }

  /** Whether that process of this node lives. */
  isAlive(pid: Pid): boolean {
    return this._core.process(checkPid("look for a process", pid)) !== undefined;
  }

  // Messages

  /**
   * Sends a message: Erlang's `!`. Messages to one process arrive in the order sent.
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
    const { main } = this._core;
    if (options !== undefined) return sendWith(this._core, main, target, message, options);
    this._core.send(main, target, message);
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
    return this._callAs(this._core.main, target, request, schemaOrOptions, options);
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
    const { main } = this._core;
    const asked = { name: null, term: request };
    if (options !== undefined) return castWith(this._core, main, target, asked, options);
    this._core.cast(main, target, asked);
  }

  /** Answers a call in the name of its server: `from` is the `{Pid, Tag}` that came with the request. */
  reply(from: Tuple<[Pid, Term]>, value: Encodable): void {
    this._core.reply(from, value);
  }

  /**
   * Sends an exit signal to a process, as Erlang's `exit/2`, from {@linkcode Node.pid}.
   *
   * @throws {BusyError} if too much waits to be sent to its node and the reason has more than 1,024 bytes; smaller ones are never refused.
   */
  exit(pid: Pid, reason: ExitReason): void {
    this._core.exit(this._core.main, checkPid("exit", pid), checkReason(reason));
  }

  /** Gives a process, here or on another node, another group leader: Erlang's `group_leader/2`. Nobody is told where there is no such process. */
  setGroupLeader(pid: Pid, leader: Pid): void {
    const verb = "set a group leader";
    this._core.setGroupLeader(checkPid(verb, pid), checkPid(verb, leader));
  }

  /**
   * Watches a process, here or on another node, until it ends or the monitor is disposed.
   *
   * @param fn is called once, also where the process had ended before (`noproc`) or its node cannot be reached (`noconnection`).
   */
  monitor(target: Target, fn: (down: Down) => unknown): Monitor {
    if (typeof fn !== "function") {
      throw new TypeError("Cannot monitor: a function is needed, which is called at the end");
    }
    return this._core.monitor(this._core.main, target, fn);
  }

  /**
   * Waits `ms` milliseconds by the node's clock.
   *
   * @throws the signal's reason, if it aborts before.
   * @throws {NodeStoppedError} if the node stops before.
   */
  sleep(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this._core.stopped) return Promise.reject(new NodeStoppedError("sleep", this.name));
    if (typeof options !== "object" || options === null) {
      return Promise.reject(new TypeError("Cannot sleep: the options must be an object"));
    }
    return new Sleep(this._core, ms, options).promise;
  }

  /** @ignore @internal */
  _spawn(fn: (self: Self) => unknown, options?: SpawnOptions): Process {
    return spawnFunction(this.#node, fn, options);
  }

  /** @ignore @internal A call in the name of a process. */
  _callAs(
    from: Process,
    target: Target,
    request: Encodable,
    schemaOrOptions?: AnySchema | CallOptions,
    options?: CallOptions,
  ): Promise<unknown> {
    try {
      if (schemaOrOptions instanceof Schema) {
        return this._core.call(from, target, { name: null, term: request }, options ?? DEFAULTS)
          .then((reply) => schemaOrOptions.parse(reply));
      }
      return this._core.call(
        from,
        target,
        { name: null, term: request },
        schemaOrOptions ?? DEFAULTS,
      );
    } catch (error) {
      return Promise.reject(error); // what gives a promise does not throw
    }
  }

  #spawnOptions(options: ProcessOptions): SpawnOptions {
    return { ...options, link: options.link === undefined ? null : this._local(options.link) };
  }

  /** @ignore @internal */
  _local(pid: Pid): Process {
    const process = this._core.process(checkPid("use a process of this node", pid));
    if (process === undefined) {
      throw new ReferenceError("Cannot use that pid: there is no such process on this node");
    }
    return process;
  }

  /** @ignore @internal @throws {NodeStoppedError} once the node has begun to stop. */
  abstract _mustRun(verb: string): void;

  /** The only class that extends this one. */
  get #node(): Node {
    return this as unknown as Node;
  }
}
