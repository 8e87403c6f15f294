import { isTuple } from "../../etf/tuple.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { HandshakeGuard, Listener, SocketAddress, Stream } from "../../transport/contract.ts";
import { EXIT, KILL, SHUTDOWN } from "../../node/atoms.ts";
import { Certificates } from "../../node/certificates.ts";
import type { Node } from "../../node/node.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import type { TlsOption } from "../../node/remote/tls_option.ts";
import { Alarm } from "../framing/act.ts";
import { GenServer } from "../server/gen_server.ts";
import { closes, untilClosed } from "./closing.ts";
import { TcpConnection } from "./tcp_connection.ts";
import { atLeast, checkNames, checkPort } from "./tcp_options.ts";
import { TcpServerRef } from "./tcp_server_ref.ts";

/** Where a {@linkcode TcpServer} listens, and what its connections are. */
export interface TcpListenOptions<C extends TcpConnection = TcpConnection> {
  /** 0 lets the system choose; {@linkcode TcpServerRef.address} tells. */
  readonly port: number;
  /** The address of the interface; "0.0.0.0" or "::" for all. Default "127.0.0.1". */
  readonly host?: string;
  /** TLS, in PEM texts or paths of their files, or a function that is asked for it at each connection. Default: plain TCP. */
  readonly tls?: TlsOption;
  /** Milliseconds that a peer has for its TLS handshake. Default 10,000. */
  readonly handshakeTimeout?: number;
  /** Connections that there may be at once, TLS handshakes among them. What comes beyond it is closed at once. Default 10,000. */
  readonly maxConnections?: number;
  /** Milliseconds that connections which trap exits have to end in order when the server stops; then they are killed. Default 4,000. */
  readonly shutdown?: number;
  /** What `init` of each connection takes. Default: nothing. */
  readonly args?: Parameters<C["init"]>;
}

const NAMES: readonly string[] = [
  ...["port", "host", "tls", "handshakeTimeout", "maxConnections", "shutdown", "args"],
];

/** What a server has counted. */
export interface TcpServerStats {
  /** Connections that there are now. */
  readonly connections: number;
  /** Connections that have been accepted since the start. */
  readonly accepted: number;
  /** Connections that were closed because there were too many. */
  readonly refused: number;
  /** TLS handshakes that failed. */
  readonly failedHandshakes: number;
}

/**
 * Listens, and starts a process for each connection: of the class that `listen` is given. {@linkcode tcpServer} makes such a server for one
 * class; extend this one where it needs arguments of its own.
 *
 * - Each connection is linked to the server and a child of it. One that crashes is logged, and hurts no other and not the server.
 * - When the server ends in order it stops to listen, and its connections get the exit signal `shutdown`: those that trap exits have their
 *   `terminate` called, and `shutdown` milliseconds for it. What was written has two seconds to get out.
 * - The node keeps the program alive, not the server, unless {@linkcode TcpServerRef.ref} says so.
 *
 * @example
 * ```ts
 * import { type Binary, startNode, TcpConnection, TcpServer } from "@ergo-ts/ergo";
 *
 * class Echo extends TcpConnection {
 *   override handlePacket(bytes: Binary) {
 *     this.write(bytes);
 *   }
 * }
 *
 * class Gate extends TcpServer {
 *   override init(port: number) {
 *     return this.listen(Echo, { port, maxConnections: 100 });
 *   }
 * }
 *
 * await using node = await startNode("echo@localhost", { cookie: "secret" });
 * const gate = await node.start(Gate, [4000]);
 * console.log(gate.address.port, gate.stats);
 * ```
 */
export abstract class TcpServer extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: TcpServerRef<this>;
  #listener: Listener | null = null;
  #certificates: Certificates | null = null;
  #class: (new () => TcpConnection) | null = null;
  #args: readonly unknown[] = [];
  #maxConnections = 0;
  #shutdown = 0;
  readonly #connections: Map<string, Process> = new Map();
  /** Connections that have ended, of which the exit signal is on its way. */
  readonly #ended: Set<string> = new Set();
  #handshakes = 0;
  #accepted = 0;
  #refused = 0;
  #failedHandshakes = 0;

  /**
   * Listens; to be called in `init`, once.
   *
   * @param connection the class of the connections.
   * @returns where it listens.
   * @throws {TransportError} with the system's code, as EADDRINUSE.
   * @throws {TypeError} if an option does not exist, or cannot be meant so.
   */
  async listen<C extends TcpConnection>(
    connection: new () => C,
    options: TcpListenOptions<C>,
  ): Promise<SocketAddress> {
    const { port, host, tls, handshakeTimeout, args = [] } = options;
    const { maxConnections = 10_000, shutdown = 4_000 } = options;
    const verb = "listen";
    if (this.#listener !== null) throw new Error("Cannot listen: the server listens already");
    checkNames(verb, options, NAMES);
    checkPort(verb, port, 0);
    atLeast(verb, "maxConnections", maxConnections, 1);
    atLeast(verb, "shutdown", shutdown, 0);
    checkClass(connection);
    this.#maxConnections = maxConnections;
    this.#shutdown = shutdown;
    this.#args = args;
    this.#class = connection;
    // What a connection ends with is no reason for the server to end.
    this.trapExit = true;
    const { node, _process: process } = this;
    if (tls !== undefined) {
      this.#certificates = await Certificates.load(verb, tls, ["server"], node._core.platform);
    }
    const certificates = this.#certificates;
    await untilClosed(node, `tcp:${port}`);
    const listener = await node._transport.listen({
      host,
      port,
      tls: certificates === null ? undefined : () => certificates.current(),
      handshakeTimeout,
      guard: this.#guard(),
    }, (stream) => this.#accept(stream));
    if (process.exited) {
      await listener.close();
      throw process.gone("listen");
    }
    this.#listener = listener;
    listener.unref(); // the node keeps the program alive
    process.own({
      [Symbol.dispose]: () => closes(node, `tcp:${listener.address.port}`, listener.close()),
    });
    return listener.address;
  }

  /** Where it listens. @throws {Error} before `listen`. */
  get address(): SocketAddress {
    return this.#listening("name its address").address;
  }

  /** The pids of its connections. */
  get connections(): Pid[] {
    return Array.from(this.#connections.values(), (process) => process.pid);
  }

  /** What it has counted. */
  get stats(): TcpServerStats {
    return {
      connections: this.#connections.size,
      accepted: this.#accepted,
      refused: this.#refused,
      failedHandshakes: this.#failedHandshakes,
    };
  }

  /** Stops to listen, and ends the connections. Whoever overrides this calls it. */
  override async terminate(reason: ExitReason): Promise<void> {
    await super.terminate(reason);
    await this.#listener?.close();
    const all = [...this.#connections.values()];
    if (all.length === 0) return;
    const late = new Alarm(() => {
      for (const process of all) process.exitSignal(this.pid, KILL, false);
    });
    this._core.setDeadline(late, this.#shutdown);
    await Promise.all(all.map((process) => {
      const end = ended(process);
      process.shutDown(this.pid, SHUTDOWN);
      return end;
    }));
    this._core.clearDeadline(late);
  }

  /** What sys and observer show besides the public fields of the class. */
  override formatState(): unknown {
    const address = this.#listener === null ? null : { ...this.#listener.address };
    return { ...super.formatState() as object, address, ...this.stats };
  }

  /** @ignore @internal The exit signals of connections are nobody's business. */
  override _informed(message: Term): unknown {
    if (isTuple(message) && message[0] === EXIT && message[1] instanceof Pid) {
      if (this.#ended.delete(message[1].key)) return undefined;
    }
    return super._informed(message);
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): TcpServerRef<this> {
    return new TcpServerRef(node, pid, this);
  }

  /** @ignore @internal */
  _listener(verb: string): Listener {
    return this.#listening(verb);
  }

  /** @ignore @internal */
  async _reload(tls?: TlsOption): Promise<void> {
    if (this.#certificates === null) {
      throw new TypeError("Cannot reload certificates: the server was started without { tls }");
    }
    await this.#certificates.reload(tls);
  }

  #listening(verb: string): Listener {
    if (this.#listener !== null) return this.#listener;
    throw new Error(`Cannot ${verb}: the server does not listen, call this.listen in init`);
  }

  #full(): boolean {
    if (this.#connections.size + this.#handshakes < this.#maxConnections) return false;
    this.#refused++;
    return true;
  }

  #guard(): HandshakeGuard {
    return {
      begin: () => {
        if (this.#full()) return false;
        this.#handshakes++;
        return true;
      },
      left: () => void this.#handshakes--,
      failed: () => {
        this.#handshakes--;
        this.#failedHandshakes++;
      },
    };
  }

  #accept(stream: Stream): void {
    if (this.#certificates !== null) this.#handshakes--;
    else if (this.#full()) return stream.destroy();
    const { node, _process: server } = this;
    if (server.exited || server.stopping !== null) return stream.destroy();
    try {
      const { process, instance } = node._start(
        this.#class!,
        this.#args,
        { link: server.pid },
        (error) => error === null || this.#unstarted(error),
      );
      instance._accepted(stream);
      this.#accepted++;
      this.#keep(process);
    } catch (error) {
      stream.destroy();
      this.#unstarted(error);
    }
  }

  #unstarted(error: unknown): void {
    this._core.fault("Cannot start the process of a connection", error);
  }

  #keep(process: Process): void {
    const { key } = process.pid;
    this.#connections.set(key, process);
    process.addWatcher({
      down: () => {
        this.#connections.delete(key);
        this.#ended.add(key);
      },
    });
  }
}

/**
 * A {@linkcode TcpServer} whose connections are of that class, for `node.start(tcpServer(Echo, { port: 4000 }), [])` and for supervisors.
 *
 * @param options `args` are what `init` of each connection takes.
 */
export function tcpServer<C extends TcpConnection>(
  connection: new () => C,
  options: TcpListenOptions<C>,
): new () => TcpServerOf {
  return class extends TcpServer {
    override init(): Promise<SocketAddress> {
      return this.listen(connection, options);
    }
  };
}

/** A server that {@linkcode tcpServer} has made. */
export interface TcpServerOf extends TcpServer {
  /** Takes nothing. */
  init(): Promise<SocketAddress>;
}

function checkClass(connection: unknown): void {
  if (typeof connection === "function" && connection.prototype instanceof TcpConnection) return;
  throw new TypeError("Cannot listen: a class that extends TcpConnection is needed");
}

function ended(process: Process): Promise<void> {
  return new Promise((resolve) => {
    if (process.exited) resolve();
    else process.addWatcher({ down: () => resolve() });
  });
}
