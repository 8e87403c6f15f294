import { checkFields } from "../_util/fields.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import type { Platform } from "../platform/contract.ts";
import type { Transport } from "../transport/contract.ts";
import { SHUTDOWN } from "./atoms.ts";
import type { CallOptions } from "./call.ts";
import type { CoreOptions } from "./core.ts";
import { type Applications, type ShutdownOptions, TOTAL_TIME } from "./applications.ts";
import { BusyError, NodeStoppedError } from "./errors.ts";
import type { GlobalNames } from "./global_names.ts";
import { LocalNode } from "./local_node.ts";
import { type Provided, ProvidedFunctions, type ProvideOptions } from "./provided/provide.ts";
import { AccessPolicy, type AccessRule } from "./remote/access.ts";
import type { Cookies } from "./remote/cookies.ts";
import type { NodeEvent } from "./remote/events.ts";
import type { Network, NodeAddress } from "./remote/network.ts";
import { NO_NODES, type NodeMonitoring } from "./remote/node_monitors.ts";
import type { Peer } from "./remote/peer.ts";
import { ping } from "./remote/ping.ts";
import type { NodeStats, PeerStats } from "./remote/stats.ts";
import { checkNodes, onEach } from "./remote/several.ts";
import { mfaOf, type MulticallResult, rpc, rpcCast, spawnRemote } from "./remote/rpc.ts";
import type { TlsOption } from "./remote/tls_option.ts";
import type { Behaviour, RefOf } from "./process/behaviour.ts";
import { shutDown, SHUTDOWN_TIME } from "./process/shutdown.ts";
import type { Referring } from "./referring.ts";
import { addressOf, nodeOf, type Target } from "./target.ts";

const SIGNAL = { signal: true };

/** What a stopping node does besides ending its processes, in the order given. */
export interface NodeParts {
  readonly network: Network | null;
  /** The sockets of the node's processes. */
  readonly transport?: Transport;
  readonly applications?: Applications;
  readonly shutdown?: ShutdownOptions;
  /** Called first when the node stops: nobody new comes any more. */
  readonly drain?: () => Promise<void>;
  /** Called when all processes have ended, before the node's connections are closed: leave EPMD. */
  readonly stop: () => Promise<void>;
  /** Reads certificates again, or takes others in the place of the node's own. */
  readonly reload?: (tls?: TlsOption) => Promise<void>;
  readonly cookies?: Cookies;
  /** Whether the program stays alive for the node. */
  readonly keepAlive: (keep: boolean) => void;
}

/**
 * A node: processes that share a name on the network. Made by {@linkcode startNode}.
 *
 * Whatever it is asked to do works from anywhere in the program; what a process does in its own name is in the process itself.
 */
export class Node extends LocalNode implements AsyncDisposable {
  /** Resolves when the node has stopped. */
  readonly stopped: Promise<void>;
  /** @ignore @internal */
  readonly _access: AccessPolicy;
  /** @ignore @internal */
  readonly _provided: ProvidedFunctions;
  #addresses: readonly NodeAddress[] = [];
  #address: NodeAddress | null = null;
  #parts: NodeParts = { network: null, stop: () => Promise.resolve(), keepAlive: () => {} };
  #stopping: Promise<void> | null = null;
  /** Whether the applications have stopped, too: nothing is started any more. */
  #ends = false;
  #setStopped!: () => void;
  readonly #endings: Set<Promise<void>> = new Set();

  /** @ignore @internal Use `startNode`. */
  constructor(
    name: string,
    platform: Platform,
    options: CoreOptions & { readonly access?: readonly AccessRule[] },
  ) {
    super(name, platform, options);
    this._access = new AccessPolicy(platform, options.access);
    this._provided = new ProvidedFunctions(this._access);
    this.stopped = new Promise((resolve) => this.#setStopped = resolve);
  }

  /** @ignore @internal Gives the node its network and what ends with it. */
  _join(parts: NodeParts): void {
    this.#parts = parts;
    if (parts.network !== null) this._core.remotes = parts.network;
  }

  /** @ignore @internal */
  _listensAt(addresses: readonly NodeAddress[], registered: number): void {
    this.#addresses = addresses;
    this.#address = addresses[registered] ?? addresses[0] ?? null;
  }

  /** @ignore @internal @throws where the node was made without sockets. */
  get _transport(): Transport {
    const { transport } = this.#parts;
    if (transport !== undefined) return transport;
    throw new Error("Cannot use sockets: this node has none, start it with startNode");
  }

  /** @ignore @internal What outlives its process for a moment, as a socket that sends its last bytes: the node waits for it when it stops. */
  _outlives(ending: Promise<void>): void {
    this.#endings.add(ending);
    void ending.finally(() => this.#endings.delete(ending));
  }

  /** @ignore @internal What tells processes which nodes come and go. */
  get _monitors(): NodeMonitoring {
    return this.#parts.network?.monitors ?? NO_NODES;
  }

  /** Where the node listens, as EPMD knows it; `null` where it does not listen. */
  get address(): NodeAddress | null {
    return this.#address;
  }

  /** All the places where the node listens, in the order of the option `listen`. */
  get addresses(): readonly NodeAddress[] {
    return this.#addresses;
  }

  // Other nodes

  /** Names of the nodes that are connected. A connection is `hidden` where one of its ends is, as ours is by default. */
  nodes(which: "visible" | "hidden" | "connected" = "connected"): string[] {
    return this.#parts.network?.nodes(which) ?? [];
  }

  /**
   * Connects to a node. Not needed before a message is sent to it, which connects by itself.
   *
   * @param options with `hidden` a published node is a hidden one for that peer, as by `net_kernel:hidden_connect_node/1`; where the
   * two are connected already, nothing changes.
   * @throws {NodeDownError} if it cannot be reached, or does not let us in.
   */
  async connect(node: string, options: { readonly hidden?: boolean } = {}): Promise<void> {
    checkFields("connect", options, { hidden: true });
    if (node !== this.name) await this.#network().connect(node, options.hidden);
  }

  /**
   * Names nodes, or patterns of nodes, with which there may be a connection, as `net_kernel:allow/1`. From the first call on (or where
   * the node was started with `allow`) others are refused, whoever begins; further calls add to the list; an empty list allows nobody. Connections that are up stay.
   *
   * @throws {TypeError} if one is neither a node name nor a pattern (`*@host`).
   */
  allow(nodes: readonly string[]): void {
    this.#network().allow(nodes);
  }

  /**
   * Sets the secret that is shared with a node, as `erlang:set_cookie/2`; that of all nodes that have none of their own, where it is this
   * node's name. It counts for connections from now on.
   *
   * @throws {TypeError} if the cookie is empty.
   */
  setCookie(node: string, cookie: string): void {
    if (typeof cookie !== "string" || cookie === "") {
      throw new TypeError(`Cannot set the cookie of ${String(node)}: it must be a text, not empty`);
    }
    this.#network();
    if (node === this.name) this.#parts.cookies?.setCommon(cookie);
    else this.#parts.cookies?.set(node, cookie);
  }

  /**
   * Reads the files of all certificates again, or takes `tls` in the place of the node's own settings. Connections from now on use
   * them; those that are up live on. Where anything is wrong with them the old ones stay.
   *
   * @throws {TypeError} if a file cannot be read, or the node was started without TLS.
   * @throws {TransportError} if they cannot be used.
   */
  async reloadCertificates(tls?: TlsOption): Promise<void> {
    this.#network();
    await this.#parts.reload?.(tls);
  }

  /**
   * Ends the connection with a node. Links and monitors across it fire with `noconnection`.
   *
   * @returns whether there was one.
   */
  disconnect(node: string): boolean {
    return this.#parts.network?.disconnect(node) ?? false;
  }

  /**
   * Resolves when a node takes more: at once, unless its connection is busy (a megabyte or more waits to be sent).
   *
   * Whoever sends much to one node waits for this now and then, and has to where `send` throws {@linkcode BusyError}. Where the target
   * is of this node, or its node is not connected, it resolves at once.
   *
   * @param target the node's name with its host, or where the messages go.
   * @param options `signal` gives up waiting.
   * @throws {NodeDownError} if the connection is lost meanwhile.
   */
  async sendReady(target: Target, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkFields("wait for a node", options, SIGNAL);
    options.signal?.throwIfAborted();
    const isNode = typeof target === "string" && target.includes("@");
    const node = isNode ? target : nodeOf(addressOf(target, this._core.global));
    await this.#parts.network?.sendReady(node, options.signal);
  }

  /** Figures of the connection with a node; `null` where there is none. */
  stats(node: string): PeerStats | null;
  /** Figures of this node and its connections. */
  stats(): NodeStats;
  stats(node?: string): PeerStats | NodeStats | null {
    const { network } = this.#parts;
    if (node !== undefined) return network?.stats(node) ?? null;
    const { processes, names, aliasCount, refusedCasts } = this._core;
    const connections = network?.stats() ?? [];
    return {
      processes: processes.size,
      names: names.size,
      aliases: aliasCount,
      refusedCasts,
      connections,
    };
  }

  /**
   * Whether a node can be reached and has our cookie, as `net_adm:ping`: connects where needed, and never throws. Waits for the answer for
   * 5 seconds; before that, where more waits to be sent there than may (`maxQueue`), until the node has taken it.
   */
  async ping(node: string): Promise<boolean> {
    return node === this.name || await ping(this, node);
  }

  /**
   * Calls a function on a node, as `erpc:call`. On this node, too, only what is provided runs.
   *
   * @param args the function's arguments, as terms.
   * @throws {RpcError} if the function raises an error, or there is none (`undef`), or it throws.
   * @throws {ExitError} if it exits.
   * @throws {NodeDownError} if the node cannot be reached, or the connection is lost before the result.
   * @throws {CallTimeoutError} after `timeout` milliseconds, 5,000 unless told otherwise. The function runs on.
   * @throws {SpawnError} if the node spawns no process for it.
   */
  async rpc(
    node: string,
    module: string,
    name: string,
    args: readonly Encodable[] = [],
    options: CallOptions = {},
  ): Promise<Term> {
    this._mustRun("call");
    return await rpc(this, this.#peerOrSelf(node), mfaOf(module, name, args), options);
  }

  /**
   * Calls a function on a node and does not wait for it, as `erpc:cast`. What comes of it is not known: an error is logged there.
   *
   * Returns at once. A node that is not connected is connected to first.
   */
  rpcCast(node: string, module: string, name: string, args: readonly Encodable[] = []): void {
    this._mustRun("call");
    rpcCast(this, this.#peerOrSelf(node), mfaOf(module, name, args));
  }

  /**
   * Calls a function on several nodes at once, as `erpc:multicall`. What happens to one is told of that one: this does not throw for it.
   *
   * @param nodes may name one several times, and this one.
   * @param options its `timeout` is for each of them, 5,000 milliseconds unless told otherwise.
   * @returns what came of each, in the order of `nodes`; the errors are those of {@linkcode Node.rpc}.
   *
   * @example
   * ```ts
   * import { startNode } from "@ergo-ts/ergo";
   *
   * await using node = await startNode("demo@localhost", { cookie: "secret" });
   * for (const result of await node.multicall(node.nodes(), "erlang", "node")) {
   *   if (result.ok) console.log(result.node, result.value);
   *   else console.log(result.node, result.error.message);
   * }
   * ```
   */
  async multicall(
    nodes: readonly string[],
    module: string,
    name: string,
    args: readonly Encodable[] = [],
    options: CallOptions = {},
  ): Promise<MulticallResult[]> {
    this._mustRun("call");
    return await onEach(nodes, (node) => this.rpc(node, module, name, args, options));
  }

  /**
   * Calls the servers of one name on several nodes at once, as `gen_server:multi_call`. What happens to one is told of that one: this
   * does not throw for it.
   *
   * To collect replies in another way (the first, all of one kind, until some time) make the calls and combine their promises:
   * `Promise.any(nodes.map((node) => this.call({ name, node }, request)))` is what OTP's `send_request` and `receive_response` are for.
   *
   * @param nodes may name one several times, and this one.
   * @param options its `timeout` is for each of them, 5,000 milliseconds unless told otherwise.
   * @returns what came of each, in the order of `nodes`; the errors are those of {@linkcode Node.call}.
   */
  async multiCall(
    nodes: readonly string[],
    name: string,
    request: Encodable,
    options: CallOptions = {},
  ): Promise<MulticallResult[]> {
    this._mustRun("call");
    return await onEach(nodes, (node) => this.call({ name, node }, request, options));
  }

  /**
   * Casts to the servers of one name on several nodes, as `gen_server:abcast`. Returns at once, and without a word where one is not there,
   * or too much waits to be sent to its node already.
   */
  abcast(nodes: readonly string[], name: string, request: Encodable): void {
    this._mustRun("cast");
    checkNodes("cast", nodes);
    for (const node of nodes) {
      try {
        this.cast({ name, node }, request);
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
      }
    }
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
    this._mustRun("spawn a process");
    const from = options.link === undefined ? this._core.main : this._local(options.link);
    return await spawnRemote(this._core, this.#peer(node), from, mfaOf(module, name, args), {
      ...options,
      link: options.link !== undefined,
    });
  }

  /** @ignore @internal Calls `fn` with what happens to the network, in order with the peers' signals; `null` where there is none. */
  _onNetwork(fn: (event: NodeEvent) => void): Disposable | null {
    return this.#parts.network?.events.subscribe(fn) ?? null;
  }

  /** The names and locks of the whole cluster: Erlang's `global`. A hidden node has its own names only. */
  get global(): GlobalNames {
    const { global } = this._core;
    if (global === null) throw new Error("Cannot use global names: the node has not started yet");
    return global;
  }

  /** The applications of this node: Erlang's `application`. */
  get applications(): Applications {
    const { applications } = this.#parts;
    if (applications !== undefined) return applications;
    throw new Error("Cannot use applications: this node was not started by startNode");
  }

  /** What happens to the network, from now on, until the loop is left, the signal aborts or the node stops. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<NodeEvent> {
    return this.#network().events.listen(options.signal);
  }

  /**
   * Lets other nodes spawn these functions and call them by rpc, as `module:name(...)`, until disposed. Nothing else of this
   * program can be reached so.
   *
   * A plain function gets terms, and takes exactly as many arguments as it declares; one made by `on` parses them. What it returns,
   * or a promise of it, goes to the caller; to fail as Erlang code does see {@linkcode raise}.
   *
   * @param options who may run them; every peer unless told otherwise.
   */
  provide(
    module: string,
    functions: Readonly<Record<string, Provided>>,
    options: ProvideOptions = {},
  ): Disposable {
    return this._provided.add(module, functions, options);
  }

  /** What peers were refused by the node's option `access`: messages to names, signals, functions, processes. Each is logged once in a while. */
  get refusals(): number {
    return this._access.refused;
  }

  /** Keeps the program alive while the node runs, as it does by default; takes {@linkcode Node.unref} back. */
  ref(): void;
  /**
   * A typed reference to a process of this node by its class and name, such as one that a supervisor starts again: `node.ref(Till, "till")`,
   * `node.ref(Room, { via: rooms, name: 7 })`. It leads to whoever has the name when it is used; pools and servers of sockets have to be there now.
   *
   * @throws {NoProcessError} if one of those is not. @throws {TypeError} if it is on another node: that needs a contract.
   */
  ref<B extends Behaviour>(behaviour: new () => B, target: Target): RefOf<B>;
  /** A reference to a server by its contract, see {@linkcode api}. Nothing is sent: the server need not be there yet. */
  ref<R>(contract: Referring<R>, target: Target): R;
  ref(contract?: unknown, target?: Target): unknown {
    if (contract === undefined) return this.#parts.keepAlive(true);
    const referring = contract as Partial<Referring<unknown>>;
    if (typeof referring?._refer === "function") return referring._refer(this, target!);
    throw new TypeError("Cannot refer to a server: its class or contract is needed, see api()");
  }

  /** Lets the program end though the node runs. */
  unref(): void {
    this.#parts.keepAlive(false);
  }

  // The end

  /**
   * Stops the node. Idempotent.
   *
   * - It accepts no more connections. Those that there are go on, and the name stays its own.
   * - Applications stop in order, the last started first. They have the time that the option `shutdown` says.
   * - From then on no process is started any more. Processes that have no parent get the exit signal `shutdown`, the last started first, one
   *   after another. One that traps exits has its `terminate` called; together they have five seconds.
   * - What is left then ends. Calls that wait fail. The node leaves EPMD; connections send what they have and close.
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
    const { applications, shutdown = {}, drain, stop, network } = this.#parts;
    const { platform } = this._core;
    const end = platform.now() + (shutdown.total ?? TOTAL_TIME);
    const left = (): number => Math.max(0, end - platform.now());
    const busy = applications?._busy ?? false;
    this.#ends = !busy; // applications that stop may need processes to do so
    await this.#try("stop to listen", drain);
    if (busy) {
      const total = left();
      await this.#try(
        "stop the applications",
        () => applications!._shutDown({ ...shutdown, total }),
      );
    }
    this.#ends = true;
    await shutDown(this._core, Math.min(SHUTDOWN_TIME, left()));
    this._core.stop(SHUTDOWN);
    await this.#try("leave EPMD", stop);
    await Promise.all([network?.close(), ...this.#endings]);
    this._access.close();
    this.#parts.keepAlive(false);
    this.#setStopped();
  }

  async #try(what: string, part: (() => Promise<void>) | undefined): Promise<void> {
    try {
      await part?.();
    } catch (error) {
      this._core.fault(`Cannot ${what}`, error);
    }
  }

  #network(): Network {
    if (this.#parts.network === null) {
      throw new Error("Cannot use the network: this node has none");
    }
    return this.#parts.network;
  }

  #peerOrSelf(node: string): Peer | null {
    return node === this.name ? null : this.#network().remote(node);
  }

  #peer(node: string): Peer {
    if (node === this.name) {
      throw new RangeError(`Cannot spawn on ${node}: that is this node, use spawn or start`);
    }
    return this.#network().remote(node);
  }

  /** @ignore @internal */
  override _mustRun(verb: string): void {
    if (this.#ends) throw new NodeStoppedError(verb, this.name);
  }
}
