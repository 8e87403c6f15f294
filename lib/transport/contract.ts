import type { BindOptions, DatagramSocket } from "./datagrams.ts";

/** Where one end of a stream is. */
export interface SocketAddress {
  /** IPv4 or IPv6 address in text, or a path for a unix socket. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
}

/**
 * What a stream tells its owner. Events come one at a time, but for `sent` never inside a call that the owner makes on the stream, and in
 * this order: `data`*, `end`?, `close`.
 */
export interface StreamHandler {
  /**
   * Bytes arrived. They are the receiver's to keep: the transport does not write to them again, unless it is told that nobody has kept
   * any of them.
   *
   * @returns `true` where nothing refers to the array any more.
   */
  data(bytes: Uint8Array): boolean | void;
  /**
   * Where the next bytes had best be read, for whoever knows already where they belong: what comes there is the beginning of it, and
   * `data` gets a view of that. Asked right before a read, by transports that can choose, once all that came earlier has been told.
   */
  room?(): Uint8Array | null;
  /**
   * All of an array of 16 KiB or more that was written is with the system, and may be used again: `bytes` is that array or the end of
   * it. Also comes inside a call of `flush`, and for arrays that the stream has made itself to join small ones.
   */
  sent?(bytes: Uint8Array): void;
  /** `buffered` was above the stream's high-water mark, and has fallen to zero. Does not come after our own `end`. */
  drain(): void;
  /** The peer will send nothing more. The stream can still be written until it is closed. */
  end(): void;
  /**
   * The stream is gone, both ways. Comes exactly once, last. `error` where it was not an orderly close: a
   * {@linkcode TransportError} with the system's code (ECONNRESET, EPIPE, ...; EPROTO for a fault of TLS, as a certificate that
   * the server refused), or what a handler threw.
   */
  close(error?: Error): void;
}

/** A connected stream socket, plain or TLS. It reads nothing before {@linkcode Stream.start}. */
export interface Stream {
  /** Our end. */
  readonly local: SocketAddress;
  /** The peer's end. */
  readonly remote: SocketAddress;
  /** Bytes that were taken by `write` and are not yet with the operating system. */
  readonly buffered: number;

  /** Begins to read. To be called once, a second call throws; whatever arrived before is delivered after this. */
  start(handler: StreamHandler): void;
  /**
   * Queues bytes behind all that were written before. The stream keeps the array until it is sent: the caller must not
   * write to it again. Writing to a closed stream does nothing; `close` tells.
   *
   * @param now nothing follows in this turn: the system gets it before this returns, unless something waits that was written before.
   * @returns whether the owner may go on: `false` when `buffered` is above the high-water mark, then `drain` follows.
   */
  write(bytes: Uint8Array, now?: boolean): boolean;
  /**
   * Hands what was written to the system now, as far as it takes it; else that is done at the end of the turn. For who writes much in
   * one turn: the peer can work on it meanwhile. Optional, since it changes nothing but the time.
   */
  flush?(): void;
  /**
   * Stops reading, so that the peer is held back by TCP itself. While paused nothing is told but `drain`, and `close` where the
   * stream broke; an orderly end waits for `resume`. Can be called before `start`.
   */
  pause(): void;
  /** Reads again. What arrived meanwhile comes first, after this call. */
  resume(): void;
  /** Sends what is queued, then the end of our side. The peer may go on sending. Idempotent; what is written later is dropped. */
  end(): void;
  /**
   * Closes at once, both ways; what is queued is lost. Idempotent. `close` follows, without an error. The peer gets what the
   * system has already, unless it had sent something that we did not read: then its system may drop that and report a reset.
   * Who must be sure of a last message calls `end`.
   */
  destroy(): void;
  /** Whether the program stays alive for this stream; it does unless told otherwise. */
  ref(): void;
  /** Undoes {@linkcode Stream.ref}. */
  unref(): void;
}

/** A version of TLS. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/**
 * TLS settings of a side, in PEM texts. A server needs `cert` and `key`; a client has both or none. Without `ca` a client trusts
 * whom its runtime trusts. What cannot be read or does not fit together is refused with EINVAL.
 */
export interface TlsOptions {
  /** Our certificate, followed by those between it and its authority, if any. */
  readonly cert?: string;
  /** The private key of `cert`, not encrypted. */
  readonly key?: string;
  /** The authorities whose certificates are accepted. */
  readonly ca?: string | readonly string[];
  /** Client: check this name in the server's certificate instead of the one that was dialled. */
  readonly serverName?: string;
  /** Client: `false` accepts every certificate. Default true. */
  readonly verify?: boolean;
  /** Server: ask for a client certificate and refuse those who have none that `ca` vouches for; needs `ca`. Default false. */
  readonly requestCert?: boolean;
  /** Default "TLSv1.2". */
  readonly minVersion?: TlsVersion;
  /** Default "TLSv1.3". */
  readonly maxVersion?: TlsVersion;
}

/** TLS settings that may change: asked for anew at each connection. */
export type TlsSource = () => TlsOptions | Promise<TlsOptions>;

/** Watches over the TLS handshakes of a listener, of which its owner hears nothing else until they are done. */
export interface HandshakeGuard {
  /**
   * A connection came, and nothing of it has been read.
   *
   * @param close ends it at once as long as it is in its handshake; neither of the others is called then.
   * @returns whether it may go on; else it is closed. A promise: when it may.
   */
  begin(remote: SocketAddress, close: () => void): boolean | Promise<void>;
  /** It hung up before it said anything, as whoever only looks whether the port is open. */
  left(remote: SocketAddress): void;
  /** A handshake failed, or took too long: a {@linkcode TransportError} with EPROTO, ECONNRESET or ETIMEDOUT. */
  failed(remote: SocketAddress, error: Error): void;
}

/** Where and how to dial. */
export interface ConnectOptions {
  /** An address, or a name that the system resolves. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Default: plain TCP. */
  readonly tls?: TlsOptions;
  /**
   * Gives up the attempt, which then fails with the signal's reason; nothing stays open. (Bun cannot take back an attempt that
   * TCP has begun: it lives on unseen, and the program with it, until the system has an answer, some two minutes at most.)
   */
  readonly signal?: AbortSignal;
}

/** Where and how to listen. */
export interface ListenOptions {
  /** The address of the interface; "0.0.0.0" or "::" for all. Default "127.0.0.1". */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Default: plain TCP. A function is asked once at the start, and for each connection. */
  readonly tls?: TlsOptions | TlsSource;
  /** Milliseconds that a peer has for its TLS handshake. Default 10,000. */
  readonly handshakeTimeout?: number;
  /** Is told of TLS handshakes. Without TLS it is not asked. */
  readonly guard?: HandshakeGuard;
}

/** A listening socket. */
export interface Listener {
  /** Where it listens, with the port that the system chose. */
  readonly address: SocketAddress;
  /** Stops to accept; streams that were accepted live on. Resolves when the port is free. Idempotent. */
  close(): Promise<void>;
  /** Whether the program stays alive for this listener; it does unless told otherwise. */
  ref(): void;
  /** Undoes {@linkcode Listener.ref}. */
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
  /**
   * Dials. Under TLS the stream comes after the handshake. A server that refuses our certificate may tell so later, by `close`.
   *
   * @throws {TransportError} with the system's code, as ECONNREFUSED; EPROTO where TLS failed.
   */
  connect(options: ConnectOptions): Promise<Stream>;
  /**
   * `accept` is called for each stream as soon as it is connected. Under TLS that is after the handshake. What `accept` throws ends the stream and is reported as uncaught; the listener goes on, as it does after faults of the
   * system (too many open files).
   *
   * @throws {TransportError} with the system's code, as EADDRINUSE.
   */
  listen(options: ListenOptions, accept: (stream: Stream) => void): Promise<Listener>;
  /**
   * Binds a datagram socket (UDP).
   *
   * @throws {TransportError} with the system's code, as EADDRINUSE.
   */
  bind(options: BindOptions): Promise<DatagramSocket>;
}

/** High-water mark of a stream's write queue, in bytes. */
export const HIGH_WATER: number = 1024 * 1024;

/** A socket could not be opened, or an option cannot be honoured. */
export class TransportError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "TransportError";
  /**
   * The system's name of the fault where there is one: ECONNREFUSED, EADDRINUSE, ETIMEDOUT, ...; EPROTO for
   * a fault of TLS, EINVAL for settings that cannot be used, ENOTSUP for an option that cannot be honoured, EIO where there is none.
   */
  readonly code: string;

  /** For those who write a {@linkcode Transport}. */
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
