import { Connection, type ConnectionDown } from "../../dist/connection.ts";
import { accept, type Established, HANDSHAKE_TIMEOUT, initiate } from "../../dist/establish.ts";
import { announcedFlags } from "../../dist/flags.ts";
import {
  type HandshakeDecision,
  type PeerIntroduction,
  simultaneous,
} from "../../dist/handshake.ts";
import { HandshakeError } from "../../dist/handshake_error.ts";
import { isNodeName, splitNodeName } from "../../dist/node_name.ts";
import type { Platform, Timer } from "../../platform/contract.ts";
import type { Stream, Transport } from "../../transport/contract.ts";
import type { RemoteNodes } from "../core.ts";
import { Events, type NodeEvent } from "./events.ts";
import { NodeDownError } from "../errors.ts";
import type { Node } from "../node.ts";
import { Peer } from "./peer.ts";
import { receiverTerms, receiveSignal } from "./signals.ts";

/** Where a node listens. */
export interface NodeAddress {
  /** A name that this machine can resolve, or an IP address. */
  readonly host: string;
  /** The TCP port of its distribution, which EPMD would tell. */
  readonly port: number;
}

/** What a node's network is made of. */
export interface NetworkOptions {
  readonly transport: Transport;
  readonly platform: Platform;
  /** The cookie that is shared with a peer. */
  readonly cookie: (peer: string) => string;
  /** Finds where a node listens. @throws where it cannot be found. */
  readonly resolve: (node: string, signal: AbortSignal) => Promise<NodeAddress>;
  readonly published: boolean;
  /** Milliseconds, see `ConnectionOptions.tickTime`. */
  readonly tickTime?: number;
  /** Bytes, see `ConnectionOptions.maxMessage`. */
  readonly maxMessage?: number;
}

/** One attempt of ours to connect. */
interface Attempt {
  readonly abort: AbortController;
  /** Who waits to know whether it comes up. */
  readonly waiters: ((error: Error | null) => void)[];
}

/** What waits for the peer's own attempt, where an attempt of ours gave way to it or was not made because of it. */
interface Superseded {
  readonly waiters: Attempt["waiters"];
  /** Runs out where the peer's attempt does not arrive. */
  timer: Timer | null;
}

/** Why an attempt of ours was given up though nothing was wrong with it. */
const SUPERSEDED: Error = new Error("The peer's own connection attempt goes on instead");

/** A node's connections: makes one when something is sent to a node, accepts those of others, at most one for each. */
export class Network implements RemoteNodes {
  readonly events: Events<NodeEvent> = new Events();
  readonly #node: Node;
  readonly #options: NetworkOptions;
  readonly #flags: bigint;
  #peers: Map<string, Peer> = new Map();
  #attempts: Map<string, Attempt> = new Map();
  /** Streams that were accepted and have not done their handshake, with the name of the peer once it may come. */
  #accepting: Map<AbortController, string | null> = new Map();
  /** Those that are up, and those that still send what they have. */
  #connections: Set<Connection> = new Set();
  #closed = false;

  constructor(node: Node, options: NetworkOptions) {
    this.#node = node;
    this.#options = options;
    this.#flags = announcedFlags({ published: options.published });
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

  remote(name: string): Peer {
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      peer = new Peer(name, this.#node._core, (made) => this.#connect(made));
      this.#peers.set(name, peer);
    }
    return peer;
  }

  /** Resolves when there is a connection. @throws {NodeDownError} if none can be made. */
  connect(name: string): Promise<void> {
    const peer = this.remote(name);
    if (peer.connection !== null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      peer.connect();
      const waiters = this.#attempts.get(name)?.waiters ?? this.#superseded.get(name)?.waiters;
      if (waiters === undefined) return reject(new NodeDownError(name));
      waiters.push((error) =>
        error === null ? resolve() : reject(new NodeDownError(name, { cause: error }))
      );
    });
  }

  /** Ends the connection with a node. @returns whether there was one. */
  disconnect(name: string): boolean {
    const connection = this.#peers.get(name)?.connection;
    connection?.close();
    return connection !== null && connection !== undefined;
  }

  /** A stream was accepted: shakes hands, and takes the peer in if it may come. */
  async accept(stream: Stream): Promise<void> {
    if (this.#closed) return stream.destroy();
    const abort = new AbortController();
    this.#accepting.set(abort, null);
    let introduced: string | null = null;
    try {
      const established = await accept(stream, {
        ...this.#handshake(),
        signal: abort.signal,
        decide: (peer) => {
          const decision = this.#decide(peer);
          introduced = peer.name;
          if (decision === "ok" || decision === "ok_simultaneous") {
            this.#accepting.set(abort, peer.name);
          }
          return decision;
        },
      });
      this.#install(established);
    } catch (error) {
      if (!this.#closed) this.#refused(introduced, stream, error as Error);
    } finally {
      this.#accepting.delete(abort);
      this.#resume(introduced);
    }
  }

  /** Ends all connections and attempts. Resolves when the connections have sent what they had, or had 5 seconds for it. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const abort of this.#accepting.keys()) abort.abort(new Error("The node has stopped"));
    for (const attempt of this.#attempts.values()) {
      attempt.abort.abort(new Error("The node has stopped"));
    }
    for (const name of [...this.#superseded.keys()]) this.#resume(name);
    for (const peer of [...this.#peers.values()]) peer.connection?.close();
    this.events.close();
    await Promise.all(Array.from(this.#connections, (connection) => connection.closed));
  }

  /**
   * Begins to connect; but a peer that has been let in and is in the middle of its handshake is waited for. As in OTP: an
   * attempt of ours would make the peer give up its own, and fail those who wait for that there.
   */
  #connect(peer: Peer): void {
    if (![...this.#accepting.values()].includes(peer.name)) return void this.#attempt(peer);
    if (!this.#superseded.has(peer.name)) {
      this.#superseded.set(peer.name, { waiters: [], timer: null });
    }
  }

  async #attempt(peer: Peer): Promise<void> {
    const { platform, transport } = this.#options;
    const { name } = peer;
    const abort = new AbortController();
    const attempt: Attempt = { abort, waiters: [] };
    this.#attempts.set(name, attempt);
    const timer = platform.setTimer(HANDSHAKE_TIMEOUT, () => {
      abort.abort(new Error(`It did not answer within ${HANDSHAKE_TIMEOUT} ms`));
    }, { unref: true });
    const { signal } = abort;
    try {
      const address = await this.#addressOf(name, signal);
      signal.throwIfAborted();
      const stream = await transport.connect({ ...address, signal });
      const established = await initiate(stream, { ...this.#handshake(), peer: name, signal });
      if (signal.aborted) {
        established.stream.destroy(); // given up just when it was done
        throw signal.reason;
      }
      this.#ended(attempt, name);
      this.#install(established);
      for (const waiter of attempt.waiters) waiter(null);
    } catch (error) {
      this.#ended(attempt, name);
      if (isNok(error)) {
        // The peer's own attempt goes on, or is through already; should it never arrive, ours begins again.
        const superseded = this.#supersede(name, attempt);
        const resume = (): void => this.#resume(name);
        if (this.#closed || this.#peers.get(name)?.connection) resume();
        else superseded.timer ??= platform.setTimer(HANDSHAKE_TIMEOUT, resume, { unref: true });
      } else if (signal.reason !== SUPERSEDED) {
        if (this.#peers.get(name) === peer) this.#peers.delete(name);
        if (!this.#closed) this.events.emit({ type: "refused", node: name, error: error as Error });
        peer.down(error as Error);
        for (const waiter of attempt.waiters) waiter(error as Error);
      }
    } finally {
      timer.cancel();
    }
  }

  /** Attempts of ours that were given up for the peer's own. */
  #superseded: Map<string, Superseded> = new Map();

  #ended(attempt: Attempt, name: string): void {
    if (this.#attempts.get(name) === attempt) this.#attempts.delete(name);
  }

  /** The peer's attempt takes the place of ours: who waits for ours is told when that one is up, or another one of ours. */
  #supersede(name: string, attempt: Attempt): Superseded {
    this.#ended(attempt, name);
    const superseded = this.#superseded.get(name) ?? { waiters: [], timer: null };
    superseded.waiters.push(...attempt.waiters);
    this.#superseded.set(name, superseded);
    attempt.abort.abort(SUPERSEDED);
    return superseded;
  }

  /** After the peer's attempt, which took the place of ours: whoever waits for ours goes on with it, or with a new one. */
  #resume(name: string | null): void {
    const superseded = name === null ? undefined : this.#superseded.get(name);
    if (superseded === undefined) return;
    this.#superseded.delete(name!);
    const { waiters, timer } = superseded;
    timer?.cancel();
    const peer = this.remote(name!);
    if (peer.connection !== null) {
      for (const waiter of waiters) waiter(null);
    } else if (this.#closed) {
      peer.down();
      for (const waiter of waiters) waiter(new Error("The node has stopped"));
    } else {
      this.#attempt(peer);
      this.#attempts.get(name!)?.waiters.push(...waiters);
    }
  }

  async #addressOf(name: string, signal: AbortSignal): Promise<NodeAddress> {
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
    return await this.#options.resolve(name, signal);
  }

  #decide(peer: PeerIntroduction): HandshakeDecision {
    const own = this.#node.name;
    if (peer.dynamic) {
      const bytes = new DataView(this.#options.platform.randomBytes(12).buffer);
      const name = bytes.getBigUint64(0).toString(36).toUpperCase();
      return { named: `${name}@${peer.name}`, creation: Math.max(4, bytes.getUint32(8)) };
    }
    if (peer.name === own || isLong(peer.name) !== isLong(own)) return "not_allowed";
    if (this.#peers.get(peer.name)?.connection) return "alive";
    const attempt = this.#attempts.get(peer.name);
    if (attempt === undefined) return "ok";
    const decision = simultaneous(own, peer.name);
    if (decision === "ok_simultaneous") this.#supersede(peer.name, attempt);
    return decision;
  }

  #install({ stream, result }: Established): void {
    if (this.#closed) return stream.destroy();
    const old = this.#peers.get(result.peer)?.connection;
    old?.destroy();
    // It may have begun after the peer was let in, and would take the place of the connection that is up now.
    const attempt = this.#attempts.get(result.peer);
    if (attempt !== undefined) this.#supersede(result.peer, attempt);
    const peer = this.remote(result.peer);
    const { platform, tickTime, maxMessage } = this.#options;
    const connection = new Connection({ stream, result }, {
      platform,
      tickTime,
      maxMessage,
      decode: this.#node._core.terms,
    }, {
      terms: (control) => receiverTerms(this.#node._core, control),
      signal: (control, payload) => receiveSignal(this.#node, peer, control, payload),
      busy: (busy) => this.events.emit({ type: "busy", node: peer.name, busy }),
      down: (down) => this.#down(peer, connection, down),
    });
    this.#connections.add(connection);
    connection.closed.then(() => this.#connections.delete(connection));
    connection.unref(); // the node has a handle of its own that keeps the program alive
    peer.up(connection);
    this.events.emit({ type: "nodeup", node: peer.name, hidden: connection.peer.hidden });
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

  #refused(introduced: string | null, { remote }: Stream, error: Error): void {
    const name = introduced ?? "unknown";
    if (isNok(error)) return; // no fault: our own attempt goes on
    if (error instanceof HandshakeError && error.reason === "closed") {
      // Whoever only looks whether the port is open need not alarm anybody, nor a peer that gave its attempt up for ours.
      if (error.node === undefined || this.#peers.get(name)?.connection) {
        return this.#options.platform.log("debug", `A stream was closed: ${error.message}`);
      }
    }
    const who = `${name} from ${remote.host}:${remote.port}`;
    this.#options.platform.log("warning", `Peer ${who} was not let in: ${error.message}`);
    this.events.emit({ type: "refused", node: name, error });
  }

  #handshake(): {
    readonly platform: Platform;
    readonly name: string;
    readonly creation: number;
    readonly flags: bigint;
    readonly cookie: (peer: string) => string;
  } {
    const { platform, cookie } = this.#options;
    return {
      platform,
      cookie,
      name: this.#node.name,
      creation: this.#node._core.creation,
      flags: this.#flags,
    };
  }
}

/** Whether the peer goes on with an attempt of its own, of which we have not heard yet. */
function isNok(error: unknown): boolean {
  return error instanceof HandshakeError && error.reason === "nok";
}

/** Long names have a host with a dot; nodes of long and of short names cannot talk. */
function isLong(node: string): boolean {
  return splitNodeName(node).host.includes(".");
}
