import { Binary } from "../../etf/binary.ts";
import { Queue } from "../../_util/queue.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { SocketAddress } from "../../transport/contract.ts";
import type { BindOptions, DatagramSocket } from "../../transport/datagrams.ts";
import type { Node } from "../../node/node.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { ExitReason } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";
import { Act } from "../framing/act.ts";
import { bytesOf, type Packet } from "../framing/packing.ts";
import { GenServer } from "../server/gen_server.ts";
import { closes, untilClosed } from "../tcp/closing.ts";
import { atLeast, checkNames, checkPort } from "../tcp/tcp_options.ts";
import { UdpRef } from "./udp_ref.ts";

/** How many datagrams are handled before other messages have their turn. */
const BATCH = 32;

/** Where a {@linkcode Udp} process binds its socket, and how much may wait for it. */
export interface UdpOptions extends BindOptions {
  /** Datagrams that may wait for their process; those that come beyond it are dropped and counted. Default 1,000. */
  readonly maxQueue?: number;
  /** Bytes that they may have together. Default 8,388,608. */
  readonly maxQueueBytes?: number;
}

const NAMES: readonly string[] = ["host", "port", "maxQueue", "maxQueueBytes"];

/** What a {@linkcode Udp} process has counted. */
export interface UdpStats {
  /** Datagrams that were handled. */
  readonly received: number;
  /** Datagrams that came and were dropped, because too many waited. Those that the system dropped before are not known. */
  readonly dropped: number;
  /** Datagrams that the socket took. */
  readonly sent: number;
  /** Datagrams that were not sent: too many waited, the system refused them, or the name could not be resolved. */
  readonly unsent: number;
}

/**
 * A UDP socket as a process: it answers calls and gets messages as every {@linkcode GenServer}, and datagrams besides.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | `node.start(Dns, args)` | `init(...args)`, which calls `bind` |
 * | a datagram has come | `handleDatagram(bytes, from)` |
 * | one could not be sent | `handleUnsent(to, error)` |
 *
 * - Datagrams are handled in the order in which they came, one at a time: while the promise of a handler has not settled the next ones
 *   wait, up to `maxQueue`. What comes beyond it is dropped and counted, as the system does when nobody reads.
 * - The end of the process closes the socket. A socket that breaks ends the process with the error.
 *
 * @example
 * ```ts
 * import { type Binary, type SocketAddress, startNode, Udp } from "@ergo-ts/ergo";
 *
 * class Echo extends Udp {
 *   override init(port: number) {
 *     return this.bind({ port });
 *   }
 *   override handleDatagram(bytes: Binary, from: SocketAddress) {
 *     this.sendDatagram(bytes, from);
 *   }
 * }
 *
 * await using node = await startNode("echo@localhost", { cookie: "secret" });
 * const echo = await node.start(Echo, [0]);
 * console.log(`nc -u localhost ${echo.address.port}`);
 * await node.stopped;
 * ```
 */
export abstract class Udp extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: UdpRef<this>;
  #socket: DatagramSocket | null = null;
  #inbox: Inbox | null = null;
  #sent = 0;
  #unsent = 0;

  /** A datagram has come. Its bytes belong to the handler. */
  handleDatagram(_bytes: Binary, _from: SocketAddress): unknown {
    return undefined;
  }

  /**
   * A datagram could not be sent: it is too large, the network is not reachable, the name cannot be resolved. It is counted in any case.
   * That one was sent does not mean that it arrives.
   */
  handleUnsent(_to: SocketAddress, _error: Error): unknown {
    return undefined;
  }

  /**
   * Binds the socket; to be called in `init`, once.
   *
   * @returns where it is bound.
   * @throws {TransportError} with the system's code, as EADDRINUSE.
   */
  async bind(options: UdpOptions = {}): Promise<SocketAddress> {
    const { host, port = 0, maxQueue = 1_000, maxQueueBytes = 8 * 1024 * 1024 } = options;
    const verb = "bind";
    if (this.#socket !== null) throw new Error("Cannot bind: the process has a socket already");
    checkNames(verb, options, NAMES);
    checkPort(verb, port, 0);
    atLeast(verb, "maxQueue", maxQueue, 1);
    atLeast(verb, "maxQueueBytes", maxQueueBytes, 1);
    const { node, _process: process } = this;
    await untilClosed(node, `udp:${port}`);
    const socket = await node._transport.bind({ host, port });
    if (process.exited) {
      await socket.close();
      throw process.gone("bind");
    }
    const inbox = new Inbox(this, maxQueue, maxQueueBytes);
    this.#socket = socket;
    this.#inbox = inbox;
    socket.unref(); // the node keeps the program alive
    process.own({
      [Symbol.dispose]: () => closes(node, `udp:${socket.address.port}`, socket.close()),
    });
    socket.start({
      datagram: (bytes, from) => inbox.push(bytes, from),
      unsent: (to, error) => {
        this.#sent--;
        this.#unsent++;
        process.deliver(new Act(process, () => this.handleUnsent(to, error)));
      },
      broken: (error) => process.crash(error),
    });
    return socket.address;
  }

  /** Where it is bound. @throws {Error} before `bind`. */
  get address(): SocketAddress {
    return this.#bound("name its address").address;
  }

  /** What it has counted. */
  get stats(): UdpStats {
    return {
      received: this.#inbox?.received ?? 0,
      dropped: this.#inbox?.dropped ?? 0,
      sent: this.#sent,
      unsent: this.#unsent,
    };
  }

  /**
   * Sends a datagram: bytes, or a text as UTF-8. They may not be written to afterwards.
   *
   * @returns whether it was taken: not where a megabyte waits to be sent already. It is counted then.
   */
  sendDatagram(bytes: Packet, to: SocketAddress): boolean {
    const socket = this.#bound("send a datagram");
    const packet = bytesOf("send a datagram", bytes);
    checkPort("send a datagram", to.port, 1);
    const taken = socket.send(packet, to);
    if (taken) this.#sent++;
    else this.#unsent++;
    return taken;
  }

  /** Closes the socket, so that its port is free when the process has ended. Whoever overrides this calls it. */
  override async terminate(reason: ExitReason): Promise<void> {
    await super.terminate(reason);
    await this.#socket?.close();
  }

  /** What sys and observer show besides the public fields of the class. */
  override formatState(): unknown {
    const address = this.#socket === null ? null : { ...this.#socket.address };
    return { ...super.formatState() as object, address, ...this.stats };
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): UdpRef<this> {
    return new UdpRef(node, pid, this);
  }

  #bound(verb: string): DatagramSocket {
    if (this.#socket !== null) return this.#socket;
    throw new Error(`Cannot ${verb}: the process has no socket, call this.bind in init`);
  }
}

interface Arrived {
  readonly bytes: Uint8Array;
  readonly from: SocketAddress;
}

/** What has come and waits for its process. */
class Inbox extends Turn {
  received = 0;
  dropped = 0;
  readonly #udp: Udp;
  readonly #max: number;
  readonly #maxBytes: number;
  readonly #queue: Queue<Arrived> = new Queue();
  #bytes = 0;
  #queued = false;

  constructor(udp: Udp, max: number, maxBytes: number) {
    super();
    this.#udp = udp;
    this.#max = max;
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array, from: SocketAddress): void {
    const { length } = bytes;
    if (this.#queue.length >= this.#max || this.#bytes + length > this.#maxBytes) {
      this.dropped++;
      return;
    }
    this.#bytes += length;
    this.#queue.push({ bytes, from });
    this.#schedule();
  }

  run(): unknown {
    const { _process: process } = this.#udp;
    for (let count = 0; count < BATCH; count++) {
      if (process.stopping !== null || process.exited) return undefined;
      const next = this.#queue.shift();
      if (next === undefined) break;
      const { bytes, from } = next;
      this.#bytes -= bytes.length;
      this.received++;
      const packet = new Binary(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
      const result = this.#udp.handleDatagram(packet, from);
      if (isThenable(result)) return result.then(() => this.#again());
    }
    this.#again();
    return undefined;
  }

  #again(): void {
    this.#queued = false;
    if (this.#queue.length > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#udp._process.deliver(this);
  }
}
