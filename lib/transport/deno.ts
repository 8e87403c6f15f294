import { setImmediate } from "node:timers";
import { accepted } from "./_accepted.ts";
import { CoreStream, type Driver } from "./_core_stream.ts";
import { address, brokenError, connectError, listenError } from "./_errors.ts";
import { SlabReader } from "./_slab_reader.ts";
import type { DenoConn, DenoListener, DenoSlice } from "./_deno_api.ts";
import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  SocketAddress,
  Stream,
  Transport,
} from "./contract.ts";
import type { BindOptions, DatagramSocket } from "./datagrams.ts";

/** How long to wait after an accept that failed, as with too many open files. In milliseconds. */
const ACCEPT_PAUSE = 50;
/**
 * Bytes that are read until all else has had a turn. Reads for which there are bytes already follow each other without one, up to 128
 * of them: 32 MiB, for which timers, other sockets and whoever has yielded would wait.
 */
const READ_AT_ONCE = 1024 * 1024;

/** Deno's native sockets. */
export function denoTransport(): Transport {
  return { name: "deno", connect, listen, bind };
}

function deno(): DenoSlice {
  return (globalThis as unknown as { Deno: DenoSlice }).Deno;
}

async function connect(options: ConnectOptions): Promise<Stream> {
  const { host, port, signal } = options;
  signal?.throwIfAborted();
  if (options.tls !== undefined) return (await import("./_node_tls.ts")).connectTls(options);
  let conn: DenoConn;
  try {
    conn = await deno().connect({ hostname: host, port, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw connectError(host, port, error);
  }
  if (signal?.aborted) {
    conn.close();
    throw signal.reason;
  }
  return new DenoDriver(conn).stream;
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
  try {
    return new NativeListener(deno().listen({ hostname: host, port }), accept);
  } catch (error) {
    throw listenError(host, port, error);
  }
}

class NativeListener implements Listener {
  readonly address: SocketAddress;
  #listener: DenoListener;
  #accept: (stream: Stream) => void;
  #closed = false;
  #stopped: Promise<void>;

  constructor(listener: DenoListener, accept: (stream: Stream) => void) {
    this.address = address(listener.addr.hostname, listener.addr.port);
    this.#listener = listener;
    this.#accept = accept;
    this.#stopped = this.#run();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#listener.close();
    }
    // The port is held until the accept that waits has been given up.
    return this.#stopped;
  }

  ref(): void {
    if (!this.#closed) this.#listener.ref();
  }

  unref(): void {
    if (!this.#closed) this.#listener.unref();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const conn = await this.#listener.accept();
        this.#hand(conn);
      } catch {
        // Also a peer that was gone before it was accepted comes here. The pause keeps a lasting fault from burning the processor.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE));
      }
    }
  }

  #hand(conn: DenoConn): void {
    if (this.#closed) return conn.close();
    accepted(this.#accept, new DenoDriver(conn).stream);
  }
}

class DenoDriver implements Driver {
  readonly stream: CoreStream;
  #conn: DenoConn;
  #on = false;
  #loops = false;
  #slab = new SlabReader();
  /** Bytes since all else had a turn. */
  #read = 0;

  constructor(conn: DenoConn) {
    this.#conn = conn;
    try {
      conn.setNoDelay(true);
    } catch {
      // The peer is gone already; the first read tells.
    }
    const { localAddr, remoteAddr } = conn;
    this.stream = new CoreStream(
      this,
      address(localAddr.hostname, localAddr.port),
      address(remoteAddr.hostname, remoteAddr.port),
    );
  }

  read(on: boolean): void {
    this.#on = on;
    if (on && !this.#loops) this.#loop();
  }

  send(bytes: Uint8Array): number {
    this.#conn.write(bytes).then(this.#sent, this.#broken);
    return 0;
  }

  shutdown(): void {
    // It fails where the peer is gone. All was sent by then, and if anything was lost, the next read tells.
    this.#conn.closeWrite().then(this.#finished, this.#finished);
  }

  close(): void {
    this.#on = false;
    this.#conn.close();
  }

  ref(on: boolean): void {
    if (on) this.#conn.ref();
    else this.#conn.unref();
  }

  #sent = (count: number): void => this.stream.sent(count);
  #finished = (): void => this.stream.finished();
  #broken = (error: unknown): void => {
    this.stream.closed(brokenError(this.stream.remote, error));
  };

  async #loop(): Promise<void> {
    this.#loops = true;
    const slab = this.#slab;
    try {
      while (this.#on) {
        const room = this.stream.room();
        const count = await this.#conn.read(room ?? slab.room());
        if (count === null) return this.stream.ended();
        if (room !== null) this.stream.data(room.subarray(0, count));
        else if (this.stream.data(slab.take(count))) slab.back();
        this.#read += count;
        if (this.#read >= READ_AT_ONCE) {
          this.#read = 0;
          await new Promise<void>((resolve) => void setImmediate(resolve));
        }
      }
      this.#loops = false;
    } catch (error) {
      // Reads that `close` interrupts come here too: the stream is closed then and does not listen.
      this.#broken(error);
    }
  }
}
