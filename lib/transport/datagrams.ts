import type { SocketAddress } from "./contract.ts";

/** What a datagram socket tells its owner. Nothing is told inside a call that the owner makes on it. */
export interface DatagramHandler {
  /** A datagram arrived. Its bytes are the receiver's to keep. */
  datagram(bytes: Uint8Array, from: SocketAddress): void;
  /** One that was to be sent was not: the system refused it (EMSGSIZE, ENETUNREACH), or its name cannot be resolved (ENOTFOUND). */
  unsent(to: SocketAddress, error: Error): void;
  /** The socket broke, and is closed. Comes at most once, last; not after `close`. */
  broken(error: Error): void;
}

/** A bound UDP socket. It gives nothing before {@linkcode DatagramSocket.start}; what came before is lost or kept as the system likes. */
export interface DatagramSocket {
  /** Where it is bound, with the port that the system chose. */
  readonly address: SocketAddress;
  /** Bytes that were taken by `send` and are not yet with the operating system. */
  readonly buffered: number;
  /** Begins to give what comes. To be called once, a second call throws. */
  start(handler: DatagramHandler): void;
  /**
   * Sends one datagram. The array must not be written to until it is sent. What becomes of it nobody knows: the network may lose it.
   *
   * @returns whether it was taken; not where {@linkcode DATAGRAM_BUFFER} bytes wait already, or the socket is closed.
   */
  send(bytes: Uint8Array, to: SocketAddress): boolean;
  /** Closes it; what was not sent yet is lost. Resolves when the port is free. Idempotent. */
  close(): Promise<void>;
  /** Whether the program stays alive for this socket; it does unless told otherwise. */
  ref(): void;
  /** Undoes {@linkcode DatagramSocket.ref}. */
  unref(): void;
}

/** Where to bind a datagram socket. */
export interface BindOptions {
  /** The address of the interface, which also says whether it is IPv4 or IPv6; "0.0.0.0" or "::" for all. Default "127.0.0.1". */
  readonly host?: string;
  /** 0, the default, lets the system choose. */
  readonly port?: number;
}

/** How many bytes wait to be sent at most, besides the one that goes over it. */
export const DATAGRAM_BUFFER: number = 1024 * 1024;
