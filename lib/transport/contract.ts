/** Where one end of a stream is. */
export interface SocketAddress {
  /** IPv4 or IPv6 address in text, or a path for a unix socket. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
}

/**
 * What a stream tells its owner. Events come one at a time, never inside a call that the owner makes on the stream, and in
 * this order: `data`*, `end`?, `close`.
 */
export interface StreamHandler {
  /** Bytes arrived. They are the receiver's to keep: the transport does not write to them again. */
  data(bytes: Uint8Array): void;
  /** `buffered` was above the stream's high-water mark, and has fallen to zero. */
  drain(): void;
  /** The peer will send nothing more. The stream can still be written until it is closed. */
  end(): void;
  /** The stream is gone, both ways. Comes exactly once, last. `error` where it was not an orderly close. */
  close(error?: Error): void;
}

/** A connected stream socket, plain or TLS. It reads nothing before {@linkcode Stream.start}. */
export interface Stream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Bytes that were taken by `write` and are not yet with the operating system. */
  readonly buffered: number;

  /** Begins to read. To be called once; whatever arrived before is delivered after this. */
  start(handler: StreamHandler): void;
  /**
   * Queues bytes behind all that were written before. The stream keeps the array until it is sent: the caller must not
   * write to it again. Writing to a closed stream does nothing; `close` tells.
   *
   * @returns whether the owner may go on: `false` when `buffered` is above the high-water mark, then `drain` follows.
   */
  write(bytes: Uint8Array): boolean;
  /** Stops and resumes reading, so that the peer is held back by TCP itself. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then the end of our side. The peer may go on sending. */
  end(): void;
  /** Closes at once, both ways; what is queued is lost. Idempotent. `close` follows, without an error. */
  destroy(): void;
  /** Whether the program stays alive for this stream; it does unless told otherwise. */
  ref(): void;
  unref(): void;
}

/** TLS settings of a side. PEM texts. */
export interface TlsOptions {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string | readonly string[];
  /** Client: check this name in the server's certificate instead of the one that was dialled. */
  readonly serverName?: string;
  /** Client: `false` accepts every certificate. Default true. */
  readonly verify?: boolean;
  /** Server: ask for a client certificate and refuse those who have none. Default false. */
  readonly requestCert?: boolean;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
  /** Gives up the attempt. */
  readonly signal?: AbortSignal;
}

export interface ListenOptions {
  /** Default "127.0.0.1". */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: TlsOptions;
}

/** A listening socket. */
export interface Listener {
  readonly address: SocketAddress;
  /** Stops to accept; streams that were accepted live on. Resolves when the port is free. Idempotent. */
  close(): Promise<void>;
  /** Whether the program stays alive for this listener. */
  ref(): void;
  unref(): void;
}

/**
 * A runtime's sockets. One value per runtime, given to a node in its options.
 *
 * TCP_NODELAY is set on every stream. An option that a runtime cannot honour is refused with a {@linkcode TransportError}
 * that names it, never ignored.
 */
export interface Transport {
  /** For messages: "deno", "bun", "node", "memory". */
  readonly name: string;
  /** @throws {TransportError} with the system's code, as ECONNREFUSED. */
  connect(options: ConnectOptions): Promise<Stream>;
  /** `accept` is called for each stream as soon as it is connected (TLS: after its handshake). */
  listen(options: ListenOptions, accept: (stream: Stream) => void): Promise<Listener>;
}

/** High-water mark of a stream's write queue, in bytes. */
export const HIGH_WATER: number = 1024 * 1024;

/** A socket could not be opened, or an option cannot be honoured. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** The system's name of the fault where there is one: ECONNREFUSED, EADDRINUSE, ETIMEDOUT, ...; ENOTSUP for an option that cannot be honoured. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
