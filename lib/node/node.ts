import { atom } from "../etf/atom.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import { type AnySchema, type Output, Schema } from "../etf/schema/schema.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import type { Platform } from "../platform/contract.ts";
import { SHUTDOWN } from "./atoms.ts";
import { type Behaviour, behaviourBody, type RefOf } from "./behaviour.ts";
import type { CallOptions } from "./call.ts";
import { Core, type CoreOptions, type SpawnOptions } from "./core.ts";
import { checkReason, NodeStoppedError } from "./errors.ts";
import type { NodeEvent } from "./events.ts";
import type { Down, Monitor } from "./monitor.ts";
import type { Network, NodeAddress } from "./network.ts";
import type { ExitReason, Process } from "./process.ts";
import type { Peer } from "./peer.ts";
import { type Provided, ProvidedFunctions } from "./provide.ts";
import { rpc, spawnRemote } from "./rpc.ts";
import { functionBody, type Self } from "./self.ts";
import { shutDown, SHUTDOWN_TIME } from "./shutdown.ts";
import { Sleep } from "./sleep.ts";
import type { Target } from "./target.ts";

/** How a process is started. */
export interface StartOptions {
  /** Registers the process under this name before it runs. */
  readonly register?: string;
  /** Links it to this process before it runs: the end of one is an exit signal for the other, and that process is its parent. */
  readonly link?: Pid;
  /** How messages from other nodes are decoded for this process, where it differs from the node's way. */
  readonly terms?: Pick<DecodeOptions, "binaries" | "objects" | "floats">;
}

const NO_OPTIONS: CallOptions = {};

/** Something that makes references to processes elsewhere, as the value that `api` gives. */
export interface Referring<R> {
  /** @ignore @internal */
  _refer(node: Node, target: Target): R;
}

/** What a stopping node does besides ending its processes, in the order given. */
export interface NodeParts {
  readonly network: Network | null;
  /** Called when the node stops, before its connections are closed: stop to listen, leave EPMD. */
  readonly stop: () => Promise<void>;
  /** Whether the program stays alive for the node. */
  readonly keepAlive: (keep: boolean) => void;
}

/**
 * A node: processes that share a name on the network. Made by {@linkcode startNode}.
 *
 * Whatever it is asked to do works from anywhere in the program; what a process does in its own name is in the process itself.
 */
export class Node implements AsyncDisposable {
  /** The node's name, as `app@localhost`. */
  readonly name: string;
  /** Resolves when the node has stopped. */
  readonly stopped: Promise<void>;
  /** @ignore @internal */
  readonly _core: Core;
  /** @ignore @internal */
  readonly _provided: ProvidedFunctions = new ProvidedFunctions();
  #address: NodeAddress | null = null;
  #parts: NodeParts = { network: null, stop: () => Promise.resolve(), keepAlive: () => {} };
  #stopping: Promise<void> | null = null;
  #setStopped!: () => void;

  /** @ignore @internal Use `startNode`. */
  constructor(name: string, platform: Platform, options: CoreOptions) {
    this.name = name;
    this._core = new Core(name, platform, options);
    this.stopped = new Promise((resolve) => this.#setStopped = resolve);
  }

  /** @ignore @internal Gives the node its network and what ends with it. */
  _join(parts: NodeParts): void {
    this.#parts = parts;
    if (parts.network !== null) this._core.remotes = parts.network;
  }

  /** @ignore @internal */
  _listensAt(address: NodeAddress): void {
    this.#address = address;
  }

  /** Where the node listens; `null` where it does not. */
  get address(): NodeAddress | null {
    return this.#address;
  }

  /** The pid that stands for the node where something is done from outside of any process. */
  get pid(): Pid {
    return this._core.main.pid;
  }

  // Processes

  /**
   * Starts a process of a behaviour and gives a reference to it, when its `init` is done.
   *
   * @param args what `init` takes.
   * @throws {ExitError} if `init` throws or exits.
   * @throws {NameError} if the name is taken.
   */
  start<B extends Behaviour>(
    behaviour: new () => B,
    args: Parameters<B["init"]>,
    options: StartOptions = {},
  ): Promise<RefOf<B>> {
    return new Promise((resolve, reject) => {
      this.#mustRun("start a process");
      const instance = new behaviour();
      const spawnOptions = this.#spawnOptions(options);
      this._core.spawn(
        (process) =>
          behaviourBody(this, process, instance, args, (error) => {
            if (error === null) resolve(instance._reference(this, process.pid) as RefOf<B>);
            else reject(error);
          }),
        spawnOptions,
      );
    });
  }

  /** Starts a process that runs `fn` and ends when it is done: with `normal`, or by what it throws. */
  spawn(fn: (self: Self) => unknown, options: StartOptions = {}): Pid {
    this.#mustRun("spawn a process");
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
    this._core.register(name, this.#local(pid));
  }

  /**
   * Takes a name back. The process lives on.
   *
   * @returns whether a process had it.
   */
  unregister(name: string): boolean {
    return this._core.unregister(name);
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
    return this._core.process(pid) !== undefined;
  }

  // Messages

  /**
   * Sends a message: Erlang's `!`. Messages to one process arrive in the order sent.
   *
   * Returns at once. Where there is no such process the message is dropped and nobody is told: monitor it, or call. A node that
   * is not connected is connected to first.
   */
  send(target: Target, message: Encodable): void {
    this._core.send(this._core.main, target, message);
  }

  /**
   * Calls a server and waits for its reply.
   *
   * @param request the request's term: an atom, or a tuple with the arguments.
   * @throws {CallTimeoutError} after `timeout` milliseconds, 5,000 unless told otherwise.
   * @throws {NoProcessError} if there is no such process.
   * @throws {NodeDownError} if its node cannot be reached, or the connection is lost before the reply.
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

  /** Sends a request that is not answered, as `gen_server:cast`: at once, and without a word where there is no such process. */
  cast(target: Target, request: Encodable): void {
    this._core.cast(this._core.main, target, { name: null, term: request });
  }

  /** Answers a call in the name of its server: `from` is the `{Pid, Tag}` that came with the request. */
  reply(from: Tuple<[Pid, Term]>, value: Encodable): void {
    this._core.reply(from, value);
  }

  /** Sends an exit signal to a process, as Erlang's `exit/2`, from {@linkcode Node.pid}. */
  exit(pid: Pid, reason: ExitReason): void {
    this._core.exit(this._core.main, pid, checkReason(reason));
  }

  /**
   * Watches a process, here or on another node, until it ends or the monitor is disposed.
   *
   * @param fn is called once, also where the process had ended before (`noproc`) or its node cannot be reached (`noconnection`).
   */
  monitor(target: Target, fn: (down: Down) => unknown): Monitor {
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
    return new Sleep(this._core, ms, options).promise;
  }

  // Other nodes

  /** Names of the nodes that are connected. A connection is `hidden` where one of its ends is, as ours is by default. */
  nodes(which: "visible" | "hidden" | "connected" = "connected"): string[] {
    return this.#parts.network?.nodes(which) ?? [];
  }

  /**
   * Connects to a node. Not needed before a message is sent to it, which connects by itself.
   *
   * @throws {NodeDownError} if it cannot be reached, or does not let us in.
   */
  async connect(node: string): Promise<void> {
    if (node !== this.name) await this.#network().connect(node);
  }

  /**
   * Ends the connection with a node. Links and monitors across it fire with `noconnection`.
   *
   * @returns whether there was one.
   */
  disconnect(node: string): boolean {
    return this.#parts.network?.disconnect(node) ?? false;
  }

  /** Whether a node can be reached and has our cookie, as `net_adm:ping`: connects where needed, and never throws. */
  async ping(node: string): Promise<boolean> {
    if (node === this.name) return true;
    try {
      const request = tuple(atom("is_auth"), atom(this.name)) as Term;
      return await this.call({ name: "net_kernel", node }, request) === atom("yes");
    } catch {
      return false;
    }
  }

  /**
   * Calls a function on another node, as `erpc:call`.
   *
   * @param args the function's arguments, as terms.
   * @throws {RpcError} if the function raises an error, or there is none (`undef`), or it throws.
   * @throws {ExitError} if it exits.
   * @throws {NodeDownError} if the node cannot be reached, or the connection is lost before the result.
   * @throws {CallTimeoutError} after `timeout` milliseconds, 5,000 unless told otherwise. The function runs on.
   */
  async rpc(
    node: string,
    module: string,
    name: string,
    args: readonly Encodable[] = [],
    options: CallOptions = {},
  ): Promise<Term> {
    this.#mustRun("call");
    return await rpc(this._core, this.#peer(node), this._core.main, [module, name, args], options);
  }

  /**
   * Spawns a function on another node, as Erlang's `spawn/4`.
   *
   * @throws {SpawnError} if the node refuses; a function that is not there is no refusal, its process dies at once.
   * @throws {NodeDownError} if the node cannot be reached.
   */
  async spawnRemote(
    node: string,
    module: string,
    name: string,
    args: readonly Encodable[] = [],
    options: CallOptions & { readonly link?: Pid } = {},
  ): Promise<Pid> {
    this.#mustRun("spawn a process");
    const from = options.link === undefined ? this._core.main : this.#local(options.link);
    return await spawnRemote(this._core, this.#peer(node), from, [module, name, args], {
      ...options,
      link: options.link !== undefined,
    });
  }

  /** What happens to the network, from now on, until the loop is left, the signal aborts or the node stops. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<NodeEvent> {
    return this.#network().events.listen(options.signal);
  }

  /**
   * Lets other nodes spawn these functions and call them by rpc, as `module:name(...)`, until disposed. Nothing else of this
   * program can be reached so.
   *
   * A plain function gets terms, and takes exactly as many arguments as it declares; one made by `on` parses them.
   */
  provide(module: string, functions: Readonly<Record<string, Provided>>): Disposable {
    return this._provided.add(module, functions);
  }

  /** Keeps the program alive while the node runs, as it does by default; takes {@linkcode Node.unref} back. */
  ref(): void;
  /** A reference to a server by its contract, see {@linkcode api}. Nothing is sent: the server need not be there yet. */
  ref<R>(contract: Referring<R>, target: Target): R;
  ref<R>(contract?: Referring<R>, target?: Target): R | void {
    if (contract === undefined) return this.#parts.keepAlive(true);
    return contract._refer(this, target!);
  }

  /** Lets the program end though the node runs. */
  unref(): void {
    this.#parts.keepAlive(false);
  }

  // The end

  /**
   * Stops the node. Idempotent.
   *
   * - It accepts nothing more, leaves EPMD, and starts no process more.
   * - Processes that have no parent get the exit signal `shutdown`, the last started first, one after another. One that traps exits
   *   has its `terminate` called; together they have five seconds.
   * - What is left then ends. Calls that wait fail. Connections send what they have and close.
   *
   * A process that waits for this waits for its own end: it should not.
   */
  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  /** The same as {@linkcode Node.stop}: `await using node = await startNode(...)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    try {
      await this.#parts.stop();
    } catch (error) {
      this._core.fault("Cannot stop to listen", error);
    }
    await shutDown(this._core, SHUTDOWN_TIME);
    this._core.stop(SHUTDOWN);
    await this.#parts.network?.close();
    this.#parts.keepAlive(false);
    this.#setStopped();
  }

  /** @ignore @internal */
  _spawn(fn: (self: Self) => unknown, options: SpawnOptions = {}): Process {
    return this._core.spawn((process) => functionBody(this, process, fn), options);
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
        return this._core.call(from, target, { name: null, term: request }, options ?? NO_OPTIONS)
          .then((reply) => schemaOrOptions.parse(reply));
      }
      return this._core.call(
        from,
        target,
        { name: null, term: request },
        schemaOrOptions ?? NO_OPTIONS,
      );
    } catch (error) {
      return Promise.reject(error); // what gives a promise does not throw
    }
  }

  #spawnOptions(options: StartOptions): SpawnOptions {
    return { ...options, link: options.link === undefined ? null : this.#local(options.link) };
  }

  #local(pid: Pid): Process {
    const process = this._core.process(pid);
    if (process === undefined) {
      throw new ReferenceError("Cannot use that pid: there is no such process on this node");
    }
    return process;
  }

  #network(): Network {
    if (this.#parts.network === null) {
      throw new Error("Cannot use the network: this node has none");
    }
    return this.#parts.network;
  }

  #peer(node: string): Peer {
    if (node === this.name) {
      throw new RangeError(`Cannot spawn on ${node}: that is this node, use spawn or start`);
    }
    return this.#network().remote(node);
  }

  #mustRun(verb: string): void {
    if (this.#stopping !== null) throw new NodeStoppedError(verb, this.name);
  }
}
