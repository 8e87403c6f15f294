import { atom } from "../etf/atom.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import type { Platform } from "../platform/contract.ts";
import { SHUTDOWN } from "./atoms.ts";
import type { CallOptions } from "./call.ts";
import type { CoreOptions } from "./core.ts";
import { NodeStoppedError } from "./errors.ts";
import { LocalNode } from "./local_node.ts";
import { type Provided, ProvidedFunctions } from "./provide.ts";
import type { NodeEvent } from "./remote/events.ts";
import type { Network, NodeAddress } from "./remote/network.ts";
import type { Peer } from "./remote/peer.ts";
import { rpc, spawnRemote } from "./remote/rpc.ts";
import { shutDown, SHUTDOWN_TIME } from "./shutdown.ts";
import type { Target } from "./target.ts";

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
export class Node extends LocalNode implements AsyncDisposable {
  /** Resolves when the node has stopped. */
  readonly stopped: Promise<void>;
  /** @ignore @internal */
  readonly _provided: ProvidedFunctions = new ProvidedFunctions();
  #address: NodeAddress | null = null;
  #parts: NodeParts = { network: null, stop: () => Promise.resolve(), keepAlive: () => {} };
  #stopping: Promise<void> | null = null;
  #setStopped!: () => void;

  /** @ignore @internal Use `startNode`. */
  constructor(name: string, platform: Platform, options: CoreOptions) {
    super(name, platform, options);
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
    this._mustRun("call");
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
    this._mustRun("spawn a process");
    const from = options.link === undefined ? this._core.main : this._local(options.link);
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

  /** @ignore @internal */
  override _mustRun(verb: string): void {
    if (this.#stopping !== null) throw new NodeStoppedError(verb, this.name);
  }
}
