import * as net from "node:net";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import * as tls from "node:tls";
import { accepted } from "./_accepted.ts";
import { address, codedError, handshakeError, hostAndPort, listenError } from "./_errors.ts";
import { NodeDriver } from "./_node_driver.ts";
import { listening } from "./_node_socket.ts";
import type {
  HandshakeGuard,
  Listener,
  ListenOptions,
  SocketAddress,
  Stream,
  TlsOptions,
  TlsSource,
} from "./contract.ts";
import { authorities, checkSettings } from "./tls_settings.ts";

/** A peer has this long for its handshake, in milliseconds, unless the options say otherwise. */
const HANDSHAKE_TIMEOUT = 10_000;

/** What the handshakes of one listener share. */
interface Shared {
  readonly what: string;
  readonly source: TlsSource;
  readonly timeout: number;
  readonly guard: HandshakeGuard | undefined;
  readonly accept: (stream: Stream) => void;
  readonly underWay: Set<Handshake>;
}

/** Listens for TLS streams; `options.tls` is set. */
export async function listenTls(
  options: ListenOptions,
  accept: (stream: Stream) => void,
): Promise<Listener> {
  const { host = "127.0.0.1", port, guard, handshakeTimeout = HANDSHAKE_TIMEOUT } = options;
  const settings = options.tls!;
  const source = typeof settings === "function" ? settings : () => settings;
  const what = `listen on ${hostAndPort(host, port)}`;
  try {
    makeServer(what, await source());
  } catch (error) {
    throw listenError(host, port, error);
  }
  const underWay = new Set<Handshake>();
  const shared = { what, source, timeout: handshakeTimeout, guard, accept, underWay };
  // Not half-open at first: so whoever hangs up in the handshake is noticed.
  return listening<net.Socket>(net.createServer(), options, (socket) => {
    new Handshake(socket, shared);
  }, () => {
    for (const handshake of underWay) handshake.close();
  });
}

/** A server for one connection: its settings are those of this moment, and its faults are those of that peer. */
function makeServer(what: string, options: TlsOptions): tls.Server {
  checkSettings(what, "server", options);
  const { cert, key, ca, requestCert = false, minVersion, maxVersion } = options;
  return tls.createServer({
    cert,
    key,
    ca: authorities(ca),
    requestCert,
    rejectUnauthorized: requestCert,
    minVersion,
    maxVersion,
    allowHalfOpen: true,
  });
}

/** One peer on its way through TLS. */
class Handshake {
  readonly #socket: net.Socket;
  readonly #remote: SocketAddress;
  readonly #shared: Shared;
  readonly #timer: ReturnType<typeof setTimeout>;
  #over = false;

  constructor(socket: net.Socket, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    this.#remote = address(socket.remoteAddress, socket.remotePort);
    socket.on("error", () => {});
    // The `handshakeTimeout` of node:tls does nothing in Deno and Bun, and in Node it only tells.
    this.#timer = setTimeout(() => this.#failed(codedError("ETIMEDOUT")), shared.timeout);
    this.#timer.unref();
    shared.underWay.add(this);
    const turn = shared.guard?.begin(this.#remote, () => this.close()) ?? true;
    if (turn === false) {
      this.close();
    } else {
      // What TLS has to say of the end comes behind it.
      socket.on("close", () => setImmediate(() => this.#failed(codedError("ECONNRESET"))));
      void this.#begin(turn);
    }
  }

  /** Gives it up without a word. */
  close(): void {
    this.#settle();
    this.#socket.destroy();
  }

  async #begin(turn: true | Promise<void>): Promise<void> {
    const { what, source } = this.#shared;
    try {
      if (turn !== true) await turn;
      const options = await source();
      if (this.#over) return;
      const server = makeServer(what, options);
      server.on("secureConnection", (socket: tls.TLSSocket) => this.#done(socket, options));
      server.on("tlsClientError", (error: Error, socket: tls.TLSSocket) => {
        // Node and Deno say of a certificate that they refuse only that they hung up.
        const code = socket?.authorizationError as unknown;
        this.#failed(code ? Object.assign(new Error(String(code)), { code }) : error);
      });
      server.emit("connection", this.#socket);
    } catch (error) {
      this.#failed(error);
    }
  }

  #done(socket: tls.TLSSocket, { requestCert }: TlsOptions): void {
    if (!this.#settle()) return void socket.destroy();
    // The one above takes this from the one below.
    this.#socket.allowHalfOpen = socket.allowHalfOpen = true;
    // A runtime that did not look must not pass for one that did.
    if (requestCert && !socket.authorized) {
      socket.destroy();
      const code = socket.authorizationError ?? "the certificate was not checked";
      this.#tell(Object.assign(new Error(String(code)), { code }));
    } else {
      accepted(this.#shared.accept, new NodeDriver(socket).stream);
    }
  }

  #failed(error: unknown): void {
    if (!this.#settle()) return;
    const hungUp = (error as { code?: unknown } | undefined)?.code === "ECONNRESET";
    const silent = hungUp && this.#socket.bytesRead === 0;
    this.#socket.destroy();
    if (silent) this.#shared.guard?.left(this.#remote);
    else this.#tell(error);
  }

  #tell(error: unknown): void {
    this.#shared.guard?.failed(this.#remote, handshakeError(this.#remote, error));
  }

  /** Whether it was under way until now. */
  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#shared.underWay.delete(this);
    return true;
  }
}
