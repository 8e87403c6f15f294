import { checkFields } from "../_util/fields.ts";
import { accepted } from "./_accepted.ts";
import { bindError, codedError, connectError, listenError, unsupported } from "./_errors.ts";
import { MemoryDatagrams } from "./_memory_datagrams.ts";
import { type Carry, MemoryDriver } from "./_memory_driver.ts";
import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  SocketAddress,
  Stream,
  Transport,
} from "./contract.ts";
import type { BindOptions, DatagramSocket } from "./datagrams.ts";

/** One thing that travels: an attempt to connect, its answer, bytes, an end, a reset, or a datagram. */
export interface MemoryLink {
  /** The machine that it comes from. */
  readonly from: string;
  /** The machine that it goes to. */
  readonly to: string;
  /** How many bytes of data it carries, 0 for everything else. */
  readonly bytes: number;
  /** Whether it is a datagram: one may be lost, or be late, without anything else being broken. */
  readonly datagram: boolean;
  /** Which stream it belongs to: what one stream sends must not overtake itself. 0 for datagrams. */
  readonly stream: number;
}

/** How a network in memory behaves. */
export interface MemoryNetworkOptions {
  /**
   * Calls `deliver` when what travels has arrived: later, never at once, and in the order of the calls for one stream between the same
   * two machines. To hold a call back is latency, or a partition while it lasts. What is never delivered must be followed by
   * {@linkcode MemoryNetwork.reset}, as TCP never leaves a gap; but for datagrams. Default: one macrotask each (setImmediate).
   */
  readonly defer?: (deliver: () => void, link: MemoryLink) => void;
  /** Bytes that one direction of a stream holds on its way, until `write` begins to queue. Default 256 KiB. */
  readonly window?: number;
}

/** A network in memory. Itself it is the transport of a machine called "localhost". */
export interface MemoryNetwork extends Transport {
  /** The transport of another machine. Loopback addresses are each machine's own; a machine is dialled by its name. */
  machine(name: string): Transport;
  /** Breaks the streams between two machines, or all: both ends close with ECONNRESET at once. */
  reset(between?: readonly [string, string]): void;
  /**
   * A machine has crashed: its sockets are gone, and nobody there is told of it.
   *
   * @param silent whether the others hear nothing either, as where the power fails; else their streams break when the news has travelled.
   */
  vanish(machine: string, silent: boolean): void;
}

/** Where ports begin that are chosen by the network. */
const FIRST_FREE = 49152;

interface Bound {
  readonly loopback: boolean;
  readonly accept: (stream: Stream) => void;
}

/**
 * Makes a network that several nodes of one program share. It takes no socket and does not keep the program alive.
 *
 * - What one stream sends arrives in order. Nothing is lost, unless `defer` loses it.
 * - Datagrams arrive in order too, or not at all where nobody is bound there, or `defer` loses them.
 * - Streams behave as TCP: half-close, end on destroy, ECONNRESET for who writes to an end that is gone.
 * - `tls` is refused with ENOTSUP.
 */
export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  checkFields("make a network", options, { defer: true, window: true });
  const network = new Network(options);
  return {
    ...network.machine("localhost"),
    machine: (name) => network.machine(name),
    reset: (between) => network.reset(between),
    vanish: (machine, silent) => network.vanish(machine, silent),
  };
}

class Network {
  #defer: (deliver: () => void, link: MemoryLink) => void;
  #window: number;
  #bound: Map<string, Bound> = new Map();
  #datagrams: Map<string, MemoryDatagrams> = new Map();
  #pairs: Set<readonly [MemoryDriver, MemoryDriver]> = new Set();
  #nextPort = FIRST_FREE;
  #streams = 0;

  constructor(
    { defer = (deliver) => void setImmediate(deliver), window = 256 * 1024 }: MemoryNetworkOptions,
  ) {
    this.#defer = defer;
    this.#window = window;
  }

  machine(name: string): Transport {
    return {
      name: "memory",
      connect: (options) => this.#connect(name, options),
      listen: (options, accept) => this.#listen(name, options, accept),
      bind: (options) => this.#bind(name, options),
    };
  }

  reset(between?: readonly [string, string]): void {
    for (const pair of this.#pairs) {
      if (between !== undefined && !pair.every((end) => between.includes(end.machine))) continue;
      for (const end of pair) end.reset();
    }
  }

  vanish(machine: string, silent: boolean): void {
    for (const key of [...this.#bound.keys()]) {
      if (key.startsWith(`${machine}:`)) this.#bound.delete(key);
    }
    for (const key of [...this.#datagrams.keys()]) {
      if (key.startsWith(`${machine}:`)) this.#datagrams.delete(key);
    }
    for (const pair of [...this.#pairs]) {
      for (const end of pair) if (end.machine === machine) end.vanish(silent);
    }
  }

  // deno-lint-ignore require-await -- a fault is to be a rejection
  async #listen(
    machine: string,
    options: ListenOptions,
    accept: (stream: Stream) => void,
  ): Promise<Listener> {
    if (options.tls !== undefined) throw noTls();
    const { host = "127.0.0.1" } = options;
    const port = options.port === 0 ? this.#freePort(machine) : options.port;
    const key = `${machine}:${port}`;
    if (this.#bound.has(key)) throw listenError(host, port, codedError("EADDRINUSE"));
    const bound = { loopback: isLoopback(host), accept };
    this.#bound.set(key, bound);
    return {
      address: { host, port },
      // deno-lint-ignore require-await -- the interface is a promise's
      close: async () => {
        if (this.#bound.get(key) === bound) this.#bound.delete(key);
      },
      ref() {},
      unref() {},
    };
  }

  // deno-lint-ignore require-await -- a fault is to be a rejection
  async #bind(machine: string, options: BindOptions): Promise<DatagramSocket> {
    const { host = "127.0.0.1" } = options;
    const port = options.port || this.#freePort(machine);
    const key = `${machine}:${port}`;
    if (this.#datagrams.has(key)) throw bindError(host, port, codedError("EADDRINUSE"));
    const socket: MemoryDatagrams = new MemoryDatagrams(
      { host, port },
      (bytes, to) => {
        const target = isLoopback(to.host) ? machine : to.host;
        const link = { from: machine, to: target, bytes: bytes.length, datagram: true, stream: 0 };
        this.#defer(() => {
          const found = this.#datagrams.get(`${target}:${to.port}`);
          const open = found !== undefined &&
            (machine === target || !isLoopback(found.address.host));
          // What nobody is there for is lost, as on a network.
          if (open) found.arrived(bytes, at(machine, target, port));
        }, link);
      },
      () => void this.#datagrams.delete(key),
    );
    this.#datagrams.set(key, socket);
    return socket;
  }

  #connect(machine: string, options: ConnectOptions): Promise<Stream> {
    const { host, port, signal } = options;
    const target = isLoopback(host) ? machine : host;
    return new Promise((resolve, reject) => {
      if (options.tls !== undefined) throw noTls();
      signal?.throwIfAborted();
      const abort = (): void => reject(signal!.reason);
      signal?.addEventListener("abort", abort);
      const stream = ++this.#streams;
      const there = this.#carry(machine, target, stream);
      const back = this.#carry(target, machine, stream);
      there(() => {
        const bound = this.#bound.get(`${target}:${port}`);
        const open = bound !== undefined && (!bound.loopback || machine === target);
        const pair = open ? this.#pair(machine, target, port, there, back) : undefined;
        if (pair !== undefined) accepted(bound!.accept, pair[1].stream);
        back(() => {
          signal?.removeEventListener("abort", abort);
          if (pair === undefined) reject(connectError(host, port, codedError("ECONNREFUSED")));
          else if (signal?.aborted) pair[0].stream.destroy();
          else resolve(pair[0].stream);
        });
      });
    });
  }

  #pair(
    machine: string,
    target: string,
    port: number,
    there: Carry,
    back: Carry,
  ): readonly [MemoryDriver, MemoryDriver] {
    const local = at(machine, target, this.#freePort(machine));
    const remote = at(target, machine, port);
    const near = new MemoryDriver(machine, there, this.#window, local, remote, () => gone());
    const far = new MemoryDriver(target, back, this.#window, remote, local, () => gone());
    near.peer = far;
    far.peer = near;
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const gone = (): void => {
      if (near.gone && far.gone) this.#pairs.delete(pair);
    };
    return pair;
  }

  #carry(from: string, to: string, stream: number): Carry {
    return (deliver, bytes = 0) =>
      this.#defer(deliver, { from, to, bytes, datagram: false, stream });
  }

  #freePort(machine: string): number {
    do {
      this.#nextPort = this.#nextPort === 65535 ? FIRST_FREE : this.#nextPort + 1;
    } while (
      this.#bound.has(`${machine}:${this.#nextPort}`) ||
      this.#datagrams.has(`${machine}:${this.#nextPort}`)
    );
    return this.#nextPort;
  }
}

/** How a machine's address looks from another machine, or from itself. */
function at(machine: string, from: string, port: number): SocketAddress {
  return { host: machine === from ? "127.0.0.1" : machine, port };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function noTls(): Error {
  return unsupported("the network in memory", "tls", "leave it out");
}
