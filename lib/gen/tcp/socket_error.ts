/** A connection that this side has given up, or that is not there. */
export class SocketError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SocketError";
  /** ETIMEDOUT where the peer took too long, ENOBUFS where it takes nothing, ENOTCONN where there is no connection. */
  readonly code: string;

  /** @ignore @internal */
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Why a connection ended: a {@linkcode SocketError}, a {@linkcode FramingError}, or a {@linkcode TransportError}, each with the system's code
 * for it.
 */
export type DisconnectError = Error & { readonly code: string };
