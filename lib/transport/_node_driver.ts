import { CoreStream, type Driver } from "./_core_stream.ts";
import { address, brokenError } from "./_errors.ts";
import type { NodeReader } from "./_node_reader.ts";

/** The slice of `net.Socket` and `tls.TLSSocket` that is used, so that the npm build's types need no others. */
export interface NodeSocket {
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  on(event: "error", fn: (error: Error) => void): unknown;
  on(event: "data", fn: (bytes: Uint8Array<ArrayBuffer>) => void): unknown;
  on(event: "close" | "end" | "connect" | "secureConnect", fn: () => void): unknown;
  off(event: string, fn: (error: Error) => void): unknown;
  /** Whether it is one of TLS, which takes nothing at once. */
  readonly encrypted?: boolean;
  /** Bytes that the system has not taken. */
  readonly writableLength?: number;
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean;
  end(done: (error?: Error | null) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  ref(): unknown;
  unref(): unknown;
  setNoDelay(on: boolean): unknown;
}

const NOTHING = new Uint8Array(0);

/** A socket of node:net or node:tls under a stream. */
export class NodeDriver implements Driver {
  readonly stream: CoreStream;
  #socket: NodeSocket;
  #reader: NodeReader | undefined;
  #error: Error | undefined;
  #flowing = false;
  /** Bytes of the one write that is under way. */
  #writing = 0;

  /** @param reader what the socket reads by; else it makes arrays of its own. */
  constructor(socket: NodeSocket, reader?: NodeReader) {
    this.#socket = socket;
    this.#reader = reader;
    socket.setNoDelay(true);
    this.stream = new CoreStream(
      this,
      address(socket.localAddress, socket.localPort),
      address(socket.remoteAddress, socket.remotePort),
    );
    if (reader !== undefined) reader.stream = this.stream;
    socket.on("error", (error) => this.#error = error);
    socket.on("close", () => {
      const error = this.#error;
      this.stream.closed(error && brokenError(this.stream.remote, error));
    });
  }

  read(on: boolean): void {
    const socket = this.#socket;
    if (!on) return void socket.pause();
    if (!this.#flowing) {
      this.#flowing = true;
      // A plain Uint8Array, as on the other runtimes: the `slice` of a Buffer does not copy.
      if (this.#reader === undefined) {
        socket.on("data", ({ buffer, byteOffset, byteLength }) => {
          this.stream.data(new Uint8Array(buffer, byteOffset, byteLength));
        });
      }
      socket.on("end", () => this.stream.ended());
    }
    socket.resume();
  }

  send(bytes: Uint8Array): number {
    const socket = this.#socket;
    this.#writing = bytes.length;
    if (socket.encrypted === true) {
      socket.write(bytes, this.#sent);
    } else {
      // Without a function to call back, for which Node would make a tick of its own each time.
      socket.write(bytes);
      if (socket.writableLength === 0) return bytes.length;
      socket.write(NOTHING, this.#sent); // tells when what is before it is out
    }
    return 0;
  }

  shutdown(): void {
    this.#socket.end((error) => {
      if (!error) this.stream.finished();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  ref(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  #sent = (error?: Error | null): void => {
    // The fault itself comes as an event.
    if (!error) this.stream.sent(this.#writing);
  };
}
