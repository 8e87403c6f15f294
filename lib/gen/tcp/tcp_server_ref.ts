import type { Pid } from "../../etf/identifiers.ts";
import type { SocketAddress } from "../../transport/contract.ts";
import type { Node } from "../../node/node.ts";
import type { TlsOption } from "../../node/remote/tls_option.ts";
import { ServerRef } from "../server/server_ref.ts";
import type { TcpServer, TcpServerStats } from "./tcp_server.ts";

/** A reference to a {@linkcode TcpServer} of this node. */
export class TcpServerRef<S extends TcpServer = TcpServer> extends ServerRef<S> {
  readonly #server: S;

  /** @ignore @internal */
  constructor(node: Node, pid: Pid, server: S) {
    super(node, pid, node._core.main, {});
    this.#server = server;
  }

  /** Where it listens, with the port that the system chose. */
  get address(): SocketAddress {
    return this.#server.address;
  }

  /** The pids of its connections. */
  get connections(): Pid[] {
    return this.#server.connections;
  }

  /** What it has counted. */
  get stats(): TcpServerStats {
    return this.#server.stats;
  }

  /**
   * Reads the files of its certificates again, or takes `tls` in the place of its settings. Connections from now on use them; where
   * anything is wrong with them the old ones stay.
   *
   * @throws {TypeError} if a file cannot be read, or the server was started without TLS.
   * @throws {TransportError} if they cannot be used.
   */
  reloadCertificates(tls?: TlsOption): Promise<void> {
    return this.#server._reload(tls);
  }

  /** Keeps the program alive while it listens, also where the node does not. */
  ref(): void {
    this.#server._listener("keep the program alive").ref();
  }

  /** Undoes {@linkcode TcpServerRef.ref}. */
  unref(): void {
    this.#server._listener("let the program end").unref();
  }
}
