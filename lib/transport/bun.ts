import { accepted } from "./_accepted.ts";
import { CoreStream, type Driver } from "./_core_stream.ts";
import { address, brokenError, codedError, connectError, listenError } from "./_errors.ts";
import type { BunHandlers, BunListener, BunSlice, BunSocket } from "./_bun_api.ts";
import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  SocketAddress,
  Stream,
  Transport,
} from "./contract.ts";
import type { BindOptions, DatagramSocket } from "./datagrams.ts";

/** Bun's native sockets. */
export function bunTransport(): Transport {
  return { name: "bun", connect, listen, bind };
}

function bun(): BunSlice {
  return (globalThis as unknown as { Bun: BunSlice }).Bun;
}

async function connect(options: ConnectOptions): Promise<Stream> {
  const { host, port, signal } = options;
  signal?.throwIfAborted();
  if (options.tls !== undefined) return (await import("./_node_tls.ts")).connectTls(options);
  return new Promise((resolve, reject) => {
    // Bun cannot take an attempt back: the program lives until it has failed, and what it connects after all is closed.
    const abort = (): void => reject(signal!.reason);
    const failed = (error: unknown): void => {
      signal?.removeEventListener("abort", abort);
      reject(connectError(host, port, error));
    };
    const open = (driver: BunDriver): void => {
      if (signal?.aborted) return driver.close();
      signal?.removeEventListener("abort", abort);
      resolve(driver.stream);
    };
    signal?.addEventListener("abort", abort);
    const socket = {
      ...handlers(open),
      connectError: (_: BunSocket<BunDriver>, error: Error) => failed(error),
    };
    bun().connect({ hostname: host, port, allowHalfOpen: true, socket }).catch(failed);
  });
}

async function bind(options: BindOptions): Promise<DatagramSocket> {
  return await (await import("./_node_datagrams.ts")).bindDatagrams(options);
}

async function listen(
  options: ListenOptions,
  accept: (stream: Stream) => void,
): Promise<Listener> {
  if (options.tls !== undefined) {
    return (await import("./_tls_listener.ts")).listenTls(options, accept);
  }
  const { host = "127.0.0.1", port } = options;
  let listener: BunTcpListener | undefined;
  const socket = handlers((driver) => {
    if (listener?.closed) driver.close();
    else accepted(accept, driver.stream);
  });
  try {
    const bound = bun().listen({ hostname: host, port, allowHalfOpen: true, socket });
    return listener = new BunTcpListener(bound);
  } catch (error) {
    throw listenError(host, port, error);
  }
}

class BunTcpListener implements Listener {
  readonly address: SocketAddress;
  #listener: BunListener;
  closed = false;

  constructor(listener: BunListener) {
    this.#listener = listener;
    this.address = address(listener.hostname, listener.port);
  }

  // deno-lint-ignore require-await -- the interface is a promise's: other runtimes need time
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.#listener.stop();
  }

  ref(): void {
    if (!this.closed) this.#listener.ref();
  }

  unref(): void {
    if (!this.closed) this.#listener.unref();
  }
}

/** One table serves all sockets of a listener; Bun keeps it as native code's pointers. */
function handlers(open: (driver: BunDriver) => void): BunHandlers<BunDriver> {
  return {
    binaryType: "uint8array",
    open: (socket) => open(socket.data = new BunDriver(socket)),
    data: (socket, bytes) => socket.data!.stream.data(bytes),
    drain: (socket) => socket.data!.stream.sent(0),
    end: (socket) => socket.data!.stream.ended(),
    close: (socket, error) => socket.data?.gone(error),
    error: (socket, error) => socket.data?.gone(error),
  };
}

class BunDriver implements Driver {
  readonly stream: CoreStream;
  #socket: BunSocket<BunDriver>;

  constructor(socket: BunSocket<BunDriver>) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // Nothing arrives before `start`, so that a peer cannot fill our memory until then.
    socket.pause();
    this.stream = new CoreStream(
      this,
      address(socket.localAddress, socket.localPort),
      address(socket.remoteAddress, socket.remotePort),
    );
  }

  read(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  send(bytes: Uint8Array): number {
    const taken = this.#socket.write(bytes);
    if (taken >= 0) return taken;
    // The peer is gone. Bun tells that by the count alone: its `close` has no error then.
    this.gone(codedError("EPIPE"));
    return 0;
  }

  shutdown(): void {
    this.#socket.shutdown();
    this.stream.finished();
  }

  close(): void {
    this.#socket.close();
  }

  ref(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  gone(error: Error | undefined): void {
    if (error === undefined && this.stream.buffered > 0) error = codedError("EPIPE");
    if (error !== undefined) return this.stream.closed(brokenError(this.stream.remote, error));
    // Where our side is ended, Bun tells the peer's end by `close` alone.
    this.stream.ended();
    this.stream.closed();
  }
}
