import { atom } from "../../etf/atom.ts";
import type { Binary } from "../../etf/binary.ts";
import { tuple } from "../../etf/tuple.ts";
import type { SocketAddress, Stream } from "../../transport/contract.ts";
import { isThenable } from "../../_util/thenable.ts";
import { NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import { Act } from "../framing/act.ts";
import type { Packet } from "../framing/packing.ts";
import { GenServer } from "../server/gen_server.ts";
import { dial, Redial } from "./_dialling.ts";
import { Wire, type WireOwner } from "./_wire.ts";
import { type DisconnectError, SocketError } from "./socket_error.ts";
import { type TcpConnectOptions, type TcpOptions, tcpSettings } from "./tcp_options.ts";

/**
 * A TCP or TLS connection as a process: it answers calls and gets messages as every {@linkcode GenServer}, and packets besides.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | a {@linkcode TcpServer} has accepted it, or `connect` in `init` has dialled it | `init(...args)`, then `handleConnect()` |
 * | a packet has come | `handlePacket(packet)` |
 * | the peer sends no more, the connection can still be written | `handleEnd()`, which closes it unless it is overridden |
 * | nothing comes for too long | `handleTimeout(what)`, which closes it unless it is overridden |
 * | the connection is gone | `handleDisconnect(error)`, then the process ends, or dials again |
 *
 * - **Packets** are cut out of the stream as {@linkcode TcpOptions.packet} says, whichever way the network cut it. They come in order, one
 *   at a time: while the promise of a handler has not settled none comes, and the socket is read no further, so that a slow handler holds
 *   back its peer. Other messages of the process have their turn in between.
 * - **Writing** never blocks: `write` tells by `false` that more waits than is good, and `await this.drained()` goes on when it is sent.
 *   What waits is bounded ({@linkcode TcpOptions.maxWrite}).
 * - **The end of the process closes the socket**, however it ended; what was written has two seconds to get out. The end of the connection
 *   ends the process: with `normal` where the peer closed it, else with `{shutdown, Code}`, as `{shutdown, econnreset}`.
 * - A connection that crashes hurts no other, and not its server.
 * - TCP_NODELAY is always set.
 *
 * @example An echo of lines
 * ```ts
 * import { type Binary, startNode, TcpConnection, tcpServer } from "@ergo-ts/ergo";
 *
 * class Echo extends TcpConnection {
 *   override readonly tcp = { packet: "line", idleTimeout: 60_000 } as const;
 *   override handlePacket(line: Binary) {
 *     this.write(line.text.toUpperCase());
 *   }
 * }
 *
 * await using node = await startNode("echo@localhost", { cookie: "secret" });
 * const server = await node.start(tcpServer(Echo, { port: 0 }), []);
 * console.log(`nc localhost ${server.address.port}`);
 * await node.stopped;
 * ```
 *
 * Not for HTTP, which has a behaviour of its own.
 */
export abstract class TcpConnection extends GenServer {
  /** Framing, limits and timeouts. Read when the connection is made, so `init` may set it. */
  declare readonly tcp?: TcpOptions;
  #wire: Wire | null = null;
  /** A connection that came before `init` was done. */
  #early: Early | null = null;
  #begun = false;
  #dialling = false;
  #redial: Redial | null = null;

  /** The connection is there; nothing has been read of it. A promise delays the packets. */
  handleConnect(): unknown {
    return undefined;
  }

  /**
   * A packet has come. It is a view of what was read, and belongs to the handler.
   *
   * @returns under `"raw"` it may be `{ left, await }`, see {@linkcode Unread}; a promise holds back all that comes behind it.
   */
  handlePacket(_packet: Binary): unknown {
    return undefined;
  }

  /** The peer has ended its side, and will send no more; it may still read. Default: `this.close()`. */
  handleEnd(): unknown {
    return this.close();
  }

  /**
   * Nothing came for `idleTimeout` (`"idle"`), or a packet was begun and not completed in `packetTimeout` (`"packet"`). Default: the
   * connection ends with ETIMEDOUT. Where it is overridden and leaves the connection open, the time begins again.
   *
   * @param what not given where it is the time without a message, see {@linkcode GenServer.idleTimeout}.
   */
  override handleTimeout(what?: "idle" | "packet"): unknown {
    if (what === undefined) return super.handleTimeout();
    const why = what === "packet"
      ? "The peer has sent only a part of a packet in time"
      : "Nothing has come in time";
    return this.#wire?.fail(new SocketError(why, "ETIMEDOUT"));
  }

  /**
   * The connection is gone; all that had come before has been handled. The process ends behind this, unless it dials again.
   *
   * @param error why, where it was not closed in order.
   */
  handleDisconnect(_error?: DisconnectError): unknown {
    return undefined;
  }

  /** Whether there is a connection. */
  get connected(): boolean {
    return this.#wire !== null;
  }

  /** Where the peer is. @throws {SocketError} with ENOTCONN where there is no connection. */
  get remoteAddress(): SocketAddress {
    return this.#connection("name the peer").stream.remote;
  }

  /** Where our end is. @throws {SocketError} with ENOTCONN where there is no connection. */
  get localAddress(): SocketAddress {
    return this.#connection("name our end").stream.local;
  }

  /** Bytes that wait to be sent. */
  get buffered(): number {
    return this.#wire?.stream.buffered ?? 0;
  }

  /**
   * Sends a packet, framed as {@linkcode TcpOptions.packet} says. Nothing of it may be written to afterwards: it is not copied.
   *
   * - Returns at once. What is written to a connection that is closing is dropped: `handleDisconnect` follows.
   * - Where more than `maxWrite` bytes wait already, the packet is dropped and the connection ends with ENOBUFS.
   *
   * @returns whether to go on: after `false` (a megabyte or more waits) `await this.drained()` first.
   * @throws {SocketError} with ENOTCONN where there is no connection.
   * @throws {RangeError} if it is longer than its length can tell.
   */
  write(packet: Packet): boolean {
    return this.#connection("write").write(packet);
  }

  /** Resolves when what was written has been sent, or the connection is gone: at once unless `write` has returned `false`. */
  drained(): Promise<void> {
    return this.#wire?.drained() ?? Promise.resolve();
  }

  /** Sends what was written, and then the end of our side: the peer may go on sending. Idempotent. */
  end(): void {
    this.#wire?.end();
  }

  /**
   * Ends the connection in order: what was written is sent, what comes is not read any more. `handleDisconnect` follows, and the end of
   * the process. Idempotent.
   */
  close(): void {
    this.#wire?.finish();
  }

  /**
   * Dials. In `init`, whose start then waits for it and fails with it, or later, where there is no connection. It can be used from
   * `handleConnect` on.
   *
   * @throws {TransportError} with the system's code, as ECONNREFUSED; ETIMEDOUT after `connectTimeout`.
   */
  async connect(options: TcpConnectOptions): Promise<void> {
    if (this.#wire !== null || this.#early !== null || this.#dialling) {
      throw new Error("Cannot connect: there is a connection already, or an attempt");
    }
    const redial = Redial.of(options);
    this.#dialling = true;
    try {
      this._accepted(await dial(this, options));
      this.#redial = redial;
    } finally {
      this.#dialling = false;
    }
    if (this.#begun) this._process.deliver(new Act(this._process, () => this.#connected()));
  }

  /** What sys and observer show besides the public fields of the class. */
  override formatState(): unknown {
    const { tcp: _, ...state } = super.formatState() as { tcp?: unknown };
    const wire = this.#wire;
    if (wire === null) return { ...state, connected: false };
    const { local, remote, buffered } = wire.stream;
    return { ...state, connected: true, local: { ...local }, remote: { ...remote }, buffered };
  }

  /** @ignore @internal Gives the process its connection. Nothing is read of it yet. */
  _accepted(stream: Stream): void {
    if (this.#begun) this.#attachWire(stream);
    else this.#early = new Early(this._process, stream);
  }

  /** @ignore @internal */
  override _initialized(result: unknown): unknown {
    const stream = this.#early?.take();
    this.#early = null;
    if (stream !== undefined) this.#attachWire(stream);
    return super._initialized(result);
  }

  /** @ignore @internal */
  override _begun(): unknown {
    this.#begun = true;
    const before = super._begun();
    if (this.#wire === null) return before;
    return isThenable(before) ? before.then(() => this.#connected()) : this.#connected();
  }

  #attachWire(stream: Stream): void {
    const { _process: process, _core: core, node } = this;
    const owner: WireOwner = {
      packet: (packet) => this.handlePacket(packet),
      ended: () => this.handleEnd(),
      timedOut: (what) => this.handleTimeout(what),
      disconnected: (error) => this.#disconnected(error),
      outlives: (ending) => node._outlives(ending),
    };
    try {
      this.#wire = new Wire(core, process, stream, tcpSettings(this.tcp), owner);
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  #connected(): unknown {
    const wire = this.#wire;
    if (wire === null) return undefined;
    const result = this.handleConnect();
    if (isThenable(result)) return result.then(() => wire.start());
    wire.start();
    return undefined;
  }

  #disconnected(error: DisconnectError | undefined): unknown {
    this.#wire = null;
    const result = this.handleDisconnect(error);
    return isThenable(result) ? result.then(() => this.#after(error)) : this.#after(error);
  }

  #after(error: DisconnectError | undefined): void {
    if (this.#wire !== null || this.#dialling) return; // it has dialled again by itself
    if (this.#redial === null) return this.stop(reasonOf(error));
    this.#redial.again(this);
  }

  #connection(verb: string): Wire {
    if (this.#wire !== null) return this.#wire;
    throw new SocketError(`Cannot ${verb}: there is no connection`, "ENOTCONN");
  }
}

/** The connection of a process whose `init` is not done: it goes where that fails. */
class Early implements Disposable {
  readonly #process: Process;
  readonly #stream: Stream;

  constructor(process: Process, stream: Stream) {
    this.#process = process;
    this.#stream = stream;
    stream.unref();
    process.own(this);
  }

  take(): Stream {
    this.#process.disown(this);
    return this.#stream;
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}

/** A peer that goes away is no crash. */
function reasonOf(error: DisconnectError | undefined): ExitReason {
  if (error === undefined) return NORMAL;
  const code = typeof error.code === "string" ? error.code.toLowerCase() : "eio";
  return tuple(SHUTDOWN, atom(code)) as unknown as ExitReason;
}
