import * as dgram from "node:dgram";
import type { SocketAddress } from "./contract.ts";
import {
  type BindOptions,
  DATAGRAM_BUFFER,
  type DatagramHandler,
  type DatagramSocket,
} from "./datagrams.ts";
import { address, bindError, brokenSocketError, unsentError } from "./_errors.ts";

// Datagrams are node:dgram on all three runtimes: Deno's own need the flag --unstable-net, Bun's differ in everything but what they do.

/** Binds a datagram socket. */
export function bindDatagrams(
  { host = "127.0.0.1", port = 0 }: BindOptions,
): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    let socket: dgram.Socket | undefined;
    const failed = (error: unknown): void => {
      reject(bindError(host, port, error));
      try {
        socket?.close();
      } catch {
        // It was not open.
      }
    };
    try {
      const made = socket = dgram.createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
      made.on("error", failed);
      made.bind({ address: host, port }, () => {
        made.off("error", failed);
        resolve(new NodeDatagrams(made));
      });
    } catch (error) {
      failed(error);
    }
  });
}

class NodeDatagrams implements DatagramSocket {
  readonly address: SocketAddress;
  readonly #socket: dgram.Socket;
  #handler: DatagramHandler | null = null;
  #buffered = 0;
  #closed: Promise<void> | null = null;

  constructor(socket: dgram.Socket) {
    this.#socket = socket;
    const at = socket.address();
    this.address = address(at.address, at.port);
    // One without a listener would end the program.
    socket.on("error", (error) => this.#broken(error));
  }

  get buffered(): number {
    return this.#buffered;
  }

  start(handler: DatagramHandler): void {
    if (this.#handler !== null) throw new TypeError("Cannot start the socket: it was started");
    this.#handler = handler;
    this.#socket.on("message", (bytes: Uint8Array, from: { address: string; port: number }) => {
      // A copy: Deno reads each datagram into 64 KiB of its own, and Node and Bun give Buffers, whose `slice` does not copy.
      if (this.#closed === null) {
        handler.datagram(new Uint8Array(bytes), address(from.address, from.port));
      }
    });
  }

  send(bytes: Uint8Array, to: SocketAddress): boolean {
    if (this.#closed !== null || this.#buffered >= DATAGRAM_BUFFER) return false;
    // An empty one counts too, so that a flood of them is bounded.
    const size = bytes.length + 1;
    this.#buffered += size;
    const done = (error?: Error | null): void => {
      this.#buffered -= size;
      if (error) this.#unsent(to, error);
    };
    try {
      this.#socket.send(bytes, to.port, to.host, done);
    } catch (error) {
      done(error as Error);
    }
    return true;
  }

  close(): Promise<void> {
    return this.#closed ??= new Promise((resolve) => {
      try {
        this.#socket.close(() => resolve());
      } catch {
        resolve(); // it broke before
      }
    });
  }

  ref(): void {
    if (this.#closed === null) this.#socket.ref();
  }

  unref(): void {
    if (this.#closed === null) this.#socket.unref();
  }

  #unsent(to: SocketAddress, error: unknown): void {
    queueMicrotask(() => {
      if (this.#closed === null) this.#handler?.unsent(to, unsentError(to, error));
    });
  }

  #broken(error: unknown): void {
    if (this.#closed !== null) return;
    void this.close();
    this.#handler?.broken(brokenSocketError(this.address, error));
  }
}
