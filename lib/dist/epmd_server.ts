import type { Platform } from "../platform/contract.ts";
import {
  type Listener,
  type Stream,
  type Transport,
  TransportError,
} from "../transport/contract.ts";
import { EpmdRegistry } from "./_epmd_registry.ts";
import { type EpmdAnswer, EpmdSession, type EpmdSessionOwner } from "./_epmd_session.ts";
import { viewOf } from "./_octets.ts";
import { epmdPort } from "./epmd_client.ts";
import {
  encodeAliveResponse,
  encodeDump,
  encodeKillResponse,
  encodeNames,
  encodePortResponse,
  encodeStopResponse,
  type EpmdNode,
  type EpmdRequest,
} from "./epmd_protocol.ts";

const LOOPBACK = "127.0.0.1";
const LOOPBACK_6 = "::1";

/** Settings of an embedded EPMD. */
export interface EpmdServerOptions {
  readonly transport: Pick<Transport, "listen">;
  readonly platform: Pick<Platform, "setTimer" | "randomBytes" | "env">;
  /**
   * Addresses to listen at; loopback is always added. Default ERL_EPMD_ADDRESS (a list with commas), or loopback alone:
   * where nodes of other hosts are to find ours, "0.0.0.0".
   */
  readonly hosts?: readonly string[];
  /** Default ERL_EPMD_PORT, or 4369; 0 lets the system choose. */
  readonly port?: number;
  /**
   * Let a client of this host end the daemon while nodes are registered, and unregister a node of another. Default:
   * whether ERL_EPMD_RELAXED_COMMAND_CHECK is set.
   */
  readonly relaxed?: boolean;
  /** Milliseconds that a client has for its request and for taking the answer. Default 10,000. */
  readonly timeout?: number;
  /** Clients at a time, registered nodes not counted; beyond it the oldest is closed. Default 1024. */
  readonly maxClients?: number;
}

/**
 * The Erlang Port Mapper Daemon, embedded: what erl, epmd -names and our own nodes speak with.
 *
 * | request | answer | who may ask |
 * | --- | --- | --- |
 * | ALIVE2_REQ | registered until the connection is closed, or refused: the name is taken | this host |
 * | PORT_PLEASE2_REQ | the node as it registered | all |
 * | NAMES_REQ | all registered nodes | all |
 * | DUMP_REQ | these and the last 1000 that were | this host |
 * | KILL_REQ | OK and the end, if no node is registered or `relaxed` | this host |
 * | STOP_REQ | STOPPED and the name is free, if `relaxed` | this host |
 *
 * Whatever else comes, or comes too slowly, ends that connection alone.
 */
export class EpmdServer implements AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /** Resolves when the server has ended, by {@linkcode close} or by a client that was allowed to: the port is free. */
  readonly stopped: Promise<void>;
  readonly #listeners: readonly Listener[];
  readonly #core: EpmdCore;
  #stop: () => void = () => {};

  private constructor(port: number, listeners: readonly Listener[], core: EpmdCore) {
    this.port = port;
    this.#listeners = listeners;
    this.#core = core;
    this.stopped = new Promise((resolve) => this.#stop = resolve);
    core.kill = (): void => void this.close();
  }

  /**
   * Listens.
   *
   * @throws {TransportError} EADDRINUSE if another daemon has the port.
   */
  static async start(options: EpmdServerOptions): Promise<EpmdServer> {
    const { transport, platform } = options;
    const hosts = addresses(options);
    let port = options.port ?? epmdPort(platform);
    const core = new EpmdCore(options);
    const listeners: Listener[] = [];
    for (const host of hosts) {
      try {
        const listener = await transport.listen({ host, port }, (stream) => core.accept(stream));
        listeners.push(listener);
        core.port = port = listener.address.port;
      } catch (error) {
        // A host may have no IPv6; the other addresses were asked for.
        if (host === LOOPBACK_6 && listeners.length > 0) continue;
        await Promise.all(listeners.map((listener) => listener.close()));
        core.close();
        throw error;
      }
    }
    return new EpmdServer(port, listeners, core);
  }

  /** The nodes that are registered. */
  get nodes(): EpmdNode[] {
    return this.#core.registry.nodes();
  }

  /** Ends: the port is free, all names are forgotten. Idempotent. */
  async close(): Promise<void> {
    const closed = this.#listeners.map((listener) => listener.close());
    this.#core.close();
    await Promise.all([...closed, this.#core.drained]);
    this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether the program stays alive for the server; it does unless told otherwise. */
  ref(): void {
    for (const listener of this.#listeners) listener.ref();
    this.#core.setReferenced(true);
  }

  unref(): void {
    for (const listener of this.#listeners) listener.unref();
    this.#core.setReferenced(false);
  }
}

/** The sessions and what they ask for; knows no listener. */
class EpmdCore implements EpmdSessionOwner {
  readonly registry: EpmdRegistry;
  /** Resolves when it is closing and the last session is over. */
  readonly drained: Promise<void>;
  /** Known when the server listens. */
  port = 0;
  kill: () => void = () => {};
  readonly #platform: Pick<Platform, "setTimer">;
  readonly #relaxed: boolean;
  readonly #timeout: number;
  readonly #maxClients: number;
  readonly #sessions: Map<number, EpmdSession> = new Map();
  /** The sessions of no node, the oldest first. */
  readonly #clients: Set<EpmdSession> = new Set();
  /** The session whose end is the end of the server. */
  #killer: EpmdSession | null = null;
  #drain: () => void = () => {};
  #lastFd = 2;
  #closing = false;
  #referenced = true;

  constructor({ platform, relaxed, timeout = 10_000, maxClients = 1024 }: EpmdServerOptions) {
    this.registry = new EpmdRegistry(viewOf(platform.randomBytes(4)).getUint32(0));
    this.#platform = platform;
    this.#relaxed = relaxed ?? platform.env("ERL_EPMD_RELAXED_COMMAND_CHECK") !== undefined;
    this.#timeout = timeout;
    this.#maxClients = maxClients;
    this.drained = new Promise((resolve) => this.#drain = resolve);
  }

  accept(stream: Stream): void {
    if (this.#closing) return stream.destroy();
    const session = new EpmdSession(
      ++this.#lastFd,
      stream,
      this,
      (expired) => this.#platform.setTimer(this.#timeout, expired, { unref: true }),
    );
    if (!this.#referenced) session.unref();
    this.#sessions.set(session.fd, session);
    this.#clients.add(session);
    if (this.#clients.size > this.#maxClients) {
      const [oldest] = this.#clients;
      this.#clients.delete(oldest);
      oldest.destroy();
    }
  }

  answer(request: EpmdRequest, session: EpmdSession): EpmdAnswer {
    const { registry, port } = this;
    switch (request.type) {
      case "port_please2":
        return { bytes: encodePortResponse(registry.find(request.name)) };
      case "names":
        return { bytes: encodeNames(port, registry.nodes()) };
    }
    if (!session.local) return {};
    switch (request.type) {
      case "alive2":
        return this.#register(request.node, session);
      case "dump":
        return { bytes: encodeDump(port, registry.dump()) };
      case "kill": {
        const yes = this.#relaxed || registry.size === 0;
        if (yes) this.#killer ??= session; // it is to read OK before everything is closed
        return { bytes: encodeKillResponse(yes) };
      }
      case "stop":
        return this.#relaxed ? { bytes: encodeStopResponse(this.#evict(request.name)) } : {};
    }
  }

  closed(session: EpmdSession): void {
    this.#sessions.delete(session.fd);
    this.#clients.delete(session);
    const name = session.node?.name;
    if (name !== undefined && this.registry.holder(name) === session.fd) {
      this.registry.unregister(name);
    }
    if (this.#killer === session) this.kill();
    if (this.#closing && this.#sessions.size === 0) this.#drain();
  }

  close(): void {
    this.#closing = true;
    for (const session of this.#sessions.values()) session.destroy();
    if (this.#sessions.size === 0) this.#drain();
  }

  setReferenced(yes: boolean): void {
    this.#referenced = yes;
    for (const session of this.#sessions.values()) {
      if (yes) session.ref();
      else session.unref();
    }
  }

  #register(node: EpmdNode, session: EpmdSession): EpmdAnswer {
    const alive = this.registry.register(node, session.fd);
    const bytes = encodeAliveResponse(alive, node.highest >= 6);
    if (alive.result !== 0) return { bytes };
    this.#clients.delete(session);
    return { bytes, keep: node };
  }

  #evict(name: string): boolean {
    const fd = this.registry.holder(name);
    if (fd === null) return false;
    this.registry.unregister(name); // at once, the connection may take its time
    this.#sessions.get(fd)?.destroy();
    return true;
  }
}

/** Loopback first: its port is what decides who is the daemon of this host. */
function addresses({ hosts, platform }: EpmdServerOptions): string[] {
  const asked = hosts ?? (platform.env("ERL_EPMD_ADDRESS") ?? "").split(",");
  const named = asked.map((host) => host.trim()).filter((host) => host !== "");
  if (named.includes("::")) return named; // of both families
  const first = named.includes("0.0.0.0") ? [] : [LOOPBACK];
  const others = named.filter((host) => host !== LOOPBACK && host !== LOOPBACK_6);
  return [...first, ...others, LOOPBACK_6];
}

/** Whether an address could not be taken since somebody has it. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof TransportError && error.code === "EADDRINUSE";
}
