import { Connection, type ConnectionDown } from "../../dist/connection.ts";
import type { Established, EstablishOptions } from "../../dist/establish.ts";
import { announcedFlags } from "../../dist/flags.ts";
import {
  type HandshakeDecision,
  type PeerIntroduction,
  simultaneous,
} from "../../dist/handshake.ts";
import { isNodeName, splitNodeName } from "../../dist/node_name.ts";
import type { Platform } from "../../platform/contract.ts";
import type { HandshakeGuard, Stream, Transport } from "../../transport/contract.ts";
import type { RemoteNodes } from "../core.ts";
import type { HandshakeLimits } from "./admission.ts";
import { Arrivals, type Entrance } from "./arrivals.ts";
import { Attempts, type Destination } from "./attempts.ts";
import { type BusyPoll, busyPollOf } from "./busy_poll.ts";
import type { Cookies } from "./cookies.ts";
import { Events, type NodeEvent } from "./events.ts";
import { NodeMonitors } from "./node_monitors.ts";
import type { AllowList } from "./node_pattern.ts";
import { NodeDownError } from "../errors.ts";
import type { Node } from "../node.ts";
import { Peer } from "./peer.ts";
import type { PeerStats } from "./stats.ts";
import { receiverTerms, receiveSignal } from "./signals.ts";

export type { NodeAddress } from "./attempts.ts";

/** What a node's network is made of. */
export interface NetworkOptions {
  readonly transport: Transport;
  readonly platform: Platform;
  readonly cookies: Cookies;
  /** With whom we may have a connection. */
  readonly allowed: AllowList;
  /** Finds the way to a node. @throws where it cannot be found. */
  readonly resolve: (node: string, signal: AbortSignal) => Promise<Destination>;
  readonly handshakes?: HandshakeLimits;
  readonly published: boolean;
  /** Milliseconds, see `ConnectionOptions.tickTime`. */
  readonly tickTime?: number;
  /** Bytes, see `ConnectionOptions.maxMessage`. */
  readonly maxMessage?: number;
  /** Bytes, see `ConnectionOptions.maxQueue`. */
  readonly maxQueue?: number;
  /** See `ConnectionOptions`. */
  readonly maxSequences?: number;
  readonly maxSequenceBytes?: number;
  /** Microseconds, see `NodeOptions.busyPoll`. */
  readonly busyPoll?: number;
  /** Flags of the distribution that are not announced. */
  readonly withoutFlags?: readonly string[];
}

/** A node's connections: makes one when something is sent to a node, accepts those of others, at most one for each. */
export class Network implements RemoteNodes {
  readonly events: Events<NodeEvent> = new Events();
  readonly #node: Node;
  readonly #options: NetworkOptions;
  readonly #arrivals: Arrivals;
  readonly #attempts: Attempts;
  readonly #peers: Map<string, Peer> = new Map();
  /** Those that are up, and those that still send what they have. */
  readonly #connections: Set<Connection> = new Set();
  /** To whom the next attempt does not say that we are published. */
  readonly #hidden: Set<string> = new Set();
  #closed = false;
  readonly #busyPoll: BusyPoll | null;
  /** Called for what comes on any connection; missing where nobody wants to know. */
  readonly #received: (() => void) | undefined;
  /** The processes that want to know which nodes come and go. */
  readonly monitors: NodeMonitors;

  constructor(node: Node, options: NetworkOptions) {
    this.#node = node;
    this.#options = options;
    const { platform, transport, handshakes } = options;
    const connected = (name: string): boolean => this.connected(name);
    this.#arrivals = new Arrivals({
      platform,
      limits: handshakes,
      handshake: (cookie) => this.#handshake(cookie, false),
      decide: (peer) => this.#decide(peer),
      arrived: (established) => this.adopt(established),
      gone: (name) => name === null ? undefined : this.#attempts.resume(name),
      connected,
      refused: (name, error, address, count) =>
        this.events.emit({ type: "refused", node: name, error, address, count }),
    });
    this.#attempts = new Attempts({
      platform,
      transport,
      destination: (name, signal) => this.#destination(name, signal),
      handshake: (cookie, hidden) => this.#handshake(cookie, hidden),
      connected,
      arriving: (name) => this.#arrivals.has(name),
      arrived: (established) => this.adopt(established),
      failed: (name, error) => this.#failed(name, error),
    });
    this.monitors = new NodeMonitors(this);
    const poll = this.#busyPoll = busyPollOf(platform, options.busyPoll);
    this.#received = poll === null ? undefined : () => poll.came();
  }

  /** Names of the nodes that are connected. */
  nodes(which: "visible" | "hidden" | "connected"): string[] {
    const names: string[] = [];
    for (const peer of this.#peers.values()) {
      if (peer.connection === null) continue;
      if (which === "connected" || peer.connection.peer.hidden === (which === "hidden")) {
        names.push(peer.name);
      }
    }
    return names;
  }

  /** Figures of the connection with a node, or of all; `null` where there is none. */
  stats(name: string): PeerStats | null;
  stats(): PeerStats[];
  stats(name?: string): PeerStats[] | PeerStats | null {
    if (name !== undefined) return this.#peers.get(name)?.stats ?? null;
    return Array.from(this.#peers.values(), (peer) => peer.stats).filter((stats) => stats !== null);
  }

  /** Resolves when more can be sent to a node: at once where there is no connection. @throws {NodeDownError} if it is lost meanwhile. */
  sendReady(name: string, signal?: AbortSignal): Promise<void> {
    return this.#peers.get(name)?.sendReady(signal) ?? Promise.resolve();
  }

  remote(name: string): Peer {
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      const { maxQueue, maxMessage } = this.#options;
      const connect = (made: Peer): void => this.#connect(made);
      peer = new Peer(name, this.#node._core, connect, maxQueue, this.#busyPoll, maxMessage);
      this.#peers.set(name, peer);
    }
    return peer;
  }

  known(name: string): Peer | undefined {
    return this.#peers.get(name);
  }

  /**
   * Resolves when there is a connection.
   *
   * @param hidden the peer is to take us for a hidden node.
   * @throws {NodeDownError} if none can be made.
   */
  connect(name: string, hidden = false): Promise<void> {
    const peer = this.remote(name);
    if (peer.connection !== null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (hidden) this.#hidden.add(name);
      peer.connect();
      this.#hidden.delete(name);
      const waiters = this.#attempts.waiters(name);
      if (waiters === null) return reject(new NodeDownError(name));
      waiters.push((error) =>
        error === null ? resolve() : reject(new NodeDownError(name, { cause: error }))
      );
    });
  }

  /** See `Node.allow`. */
  allow(nodes: readonly string[]): void {
    this.#options.allowed.add(nodes);
  }

  /** Whether there is a connection with that node. */
  connected(name: string): boolean {
    return Boolean(this.#peers.get(name)?.connection);
  }

  /** Ends the connection with a node. @returns whether there was one. */
  disconnect(name: string): boolean {
    const connection = this.#peers.get(name)?.connection;
    connection?.close();
    return connection !== null && connection !== undefined;
  }

  /** A stream was accepted: shakes hands, and takes the peer in if it may come. */
  accept(stream: Stream, entrance: Entrance = PLAIN): Promise<void> {
    return this.#arrivals.accept(stream, entrance);
  }

  /** For listeners with TLS: their handshakes count as part of ours. */
  guard(): HandshakeGuard {
    return this.#arrivals.guard();
  }

  /** Ends all connections and attempts. Resolves when the connections have sent what they had, or had 5 seconds for it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#busyPoll?.stop();
    this.#arrivals.close();
    this.#attempts.close();
    for (const peer of [...this.#peers.values()]) peer.connection?.close();
    this.events.close();
    await Promise.all(Array.from(this.#connections, (connection) => connection.closed));
  }

  async #destination(name: string, signal: AbortSignal): Promise<Destination> {
    const { name: own } = this.#node;
    if (this.#closed) throw new Error("this node has stopped");
    if (!isNodeName(name)) {
      throw new Error(`${JSON.stringify(name)} is no node name, it must be name@host`);
    }
    if (isLong(name) !== isLong(own)) {
      throw new Error(
        `${own} and ${name}: one has a long name (its host has a dot) and the other a short one, which never mix`,
      );
    }
    if (!this.#options.allowed.allows(name)) {
      throw new Error("this node does not allow it, name it in { allow } or by node.allow");
    }
    return await this.#options.resolve(name, signal);
  }

  #decide(peer: PeerIntroduction): HandshakeDecision {
    const own = this.#node.name;
    const { allowed } = this.#options;
    if (peer.dynamic) {
      const bytes = new DataView(this.#options.platform.randomBytes(12).buffer);
      const name = bytes.getBigUint64(0).toString(36).toUpperCase();
      const named = `${name}@${peer.name}`;
      if (isLong(named) !== isLong(own) || !allowed.allows(named)) return "not_allowed";
      return { named, creation: Math.max(4, bytes.getUint32(8)) };
    }
    if (peer.name === own || isLong(peer.name) !== isLong(own)) return "not_allowed";
    if (!allowed.allows(peer.name)) return "not_allowed";
    if (this.#peers.get(peer.name)?.connection) return "alive";
    // Whoever claims that name has yet to prove it: our own attempt goes on until it has. The true one says nok to ours.
    return this.#attempts.has(peer.name) ? simultaneous(own, peer.name) : "ok";
  }

  /** A handshake is done, by whomever it was begun: takes the place of an older connection. */
  adopt({ stream, result }: Established): void {
    if (this.#closed) return stream.destroy();
    const old = this.#peers.get(result.peer)?.connection;
    old?.destroy();
    const peer = this.remote(result.peer);
    const { platform, tickTime, maxMessage, maxQueue } = this.#options;
    const { maxSequences, maxSequenceBytes } = this.#options;
    const connection = new Connection({ stream, result }, {
      platform,
      tickTime,
      maxMessage,
      maxQueue,
      maxSequences,
      maxSequenceBytes,
      decode: this.#node._core.terms,
    }, {
      terms: (control) => receiverTerms(this.#node._core, control),
      received: this.#received,
      signal: (control, payload) => receiveSignal(this.#node, peer, control, payload),
      busy: (busy) => {
        peer.busy(busy);
        this.events.emit({ type: "busy", node: peer.name, busy });
      },
      down: (down) => this.#down(peer, connection, down),
    });
    this.#connections.add(connection);
    connection.closed.then(() => this.#connections.delete(connection));
    connection.unref(); // the node has a handle of its own that keeps the program alive
    peer.access ??= this.#node._access.of(peer.name);
    peer.up(connection);
    this.events.emit({ type: "nodeup", node: peer.name, hidden: connection.peer.hidden });
    this.#attempts.arrived(peer.name);
  }

  #down(peer: Peer, connection: Connection, down: ConnectionDown): void {
    if (peer.connection !== connection) return;
    if (this.#peers.get(peer.name) === peer) this.#peers.delete(peer.name);
    const error = "error" in down ? down.error : undefined;
    if (down.reason === "protocol") {
      this.#options.platform.log("error", `Connection with ${peer.name} closed: ${error?.message}`);
    }
    peer.down(error);
    this.events.emit({ type: "nodedown", node: peer.name, reason: down.reason, error });
  }

  #connect(peer: Peer): void {
    this.#attempts.begin(peer.name, this.#hidden.has(peer.name));
  }

  /** No attempt to connect is under way any more. */
  #failed(name: string, error: Error): void {
    const peer = this.#peers.get(name);
    this.#peers.delete(name);
    if (!this.#closed) this.events.emit({ type: "refused", node: name, error });
    peer?.down(error);
  }

  #handshake(cookie: string | undefined, hidden: boolean): EstablishOptions {
    const { platform, cookies, published, withoutFlags } = this.#options;
    return {
      platform,
      cookie: (peer) => cookies.of(peer, cookie),
      name: this.#node.name,
      creation: this.#node._core.creation,
      flags: announcedFlags({
        published: published && !hidden,
        fragments: true,
        atomCache: true,
        without: withoutFlags,
      }),
    };
  }
}

/** A listener like every node's first. */
const PLAIN: Entrance = { tls: false };

/** Long names have a host with a dot; nodes of long and of short names cannot talk. */
function isLong(node: string): boolean {
  return splitNodeName(node).host.includes(".");
}
