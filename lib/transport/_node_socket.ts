import { address, codedError, connectError, listenError } from "./_errors.ts";
import { NodeDriver, type NodeSocket } from "./_node_driver.ts";
import type { NodeReader } from "./_node_reader.ts";
import type { ConnectOptions, Listener, ListenOptions, SocketAddress, Stream } from "./contract.ts";

/** The slice of `net.Server` that is used. */
export interface NodeServer {
  on(event: "error", fn: (error: Error) => void): unknown;
  on(event: "connection", fn: (socket: NodeSocket) => void): unknown;
  off(event: string, fn: (error: Error) => void): unknown;
  listen(options: { host: string; port: number }, done: () => void): unknown;
  address(): unknown;
  close(): unknown;
  ref(): unknown;
  unref(): unknown;
}

/**
 * The stream of a socket that is on its way.
 *
 * @param ready The event that tells that it has arrived.
 * @param reader What it reads by, if not by itself.
 */
export function connected(
  socket: NodeSocket,
  ready: "connect" | "secureConnect",
  options: ConnectOptions,
  reader?: NodeReader,
): Promise<Stream> {
  const { host, port, signal } = options;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal?.removeEventListener("abort", abort);
      socket.off(ready, arrived);
      socket.off("error", failed);
      socket.off("close", closed);
    };
    const giveUp = (reason: unknown): void => {
      settle();
      // It may still fail while it is torn down.
      socket.on("error", () => {});
      socket.destroy();
      reject(reason);
    };
    const abort = (): void => giveUp(signal!.reason);
    const failed = (error: Error): void => giveUp(connectError(host, port, error));
    // A peer that leaves in the middle of a TLS handshake.
    const closed = (): void => failed(codedError("ECONNRESET"));
    const arrived = (): void => {
      settle();
      resolve(new NodeDriver(socket, reader).stream);
    };
    socket.on(ready, arrived);
    socket.on("error", failed);
    socket.on("close", closed);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
  });
}

/**
 * The listener of a server that is not listening yet.
 *
 * @param take Gets each socket that comes until the listener is closed.
 * @param closing Called when the listener is closed.
 */
export function listening<S extends NodeSocket>(
  server: NodeServer,
  options: ListenOptions,
  take: (socket: S) => void,
  closing: () => void = () => {},
): Promise<Listener> {
  const { host = "127.0.0.1", port } = options;
  let closed = false;
  server.on("connection", (socket) => {
    if (closed) socket.destroy();
    else take(socket as S);
  });
  function close(): void {
    closed = true;
    closing();
  }
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenError(host, port, error));
    server.on("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      // An accept that failed, as with too many open files: the server goes on by itself.
      server.on("error", () => {});
      resolve(new NodeListener(server, close));
    });
  });
}

class NodeListener implements Listener {
  readonly address: SocketAddress;
  #server: NodeServer;
  #closing: () => void;
  #closed: Promise<void> | undefined;

  constructor(server: NodeServer, closing: () => void) {
    this.#server = server;
    this.#closing = closing;
    const at = server.address() as { address: string; port: number };
    this.address = address(at.address, at.port);
  }

  close(): Promise<void> {
    // Its own callback would wait for the accepted streams too. The port is free when the handle is closed, in this turn.
    return this.#closed ??= new Promise((resolve) => {
      this.#closing();
      this.#server.close();
      setImmediate(resolve);
    });
  }

  ref(): void {
    if (this.#closed === undefined) this.#server.ref();
  }

  unref(): void {
    if (this.#closed === undefined) this.#server.unref();
  }
}
