/** What a server of the web is to do. */
export interface HttpOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Certificate and key as PEM texts; without them the connections are plain. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Answers a request. Neither throws nor rejects. */
  handle(request: Request, client: HttpClient): Promise<Response>;
}

/** Who made a request. */
export interface HttpClient {
  /** Its address. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
  /** Aborts where the client hangs up before it has its answer; on Deno not in the first second. */
  readonly gone: AbortSignal;
  /**
   * Goes on with the connection as a WebSocket. What it returns is to be returned by `handle` as it is; `open` comes after that.
   *
   * @param protocol what is agreed on of the client's `Sec-WebSocket-Protocol`.
   * @param maxMessage bytes that a message may have; beyond it the socket is closed with 1009.
   */
  upgrade(events: WebSocketEvents, protocol: string | undefined, maxMessage: number): Response;
}

/** What comes from a WebSocket, one at a time: `open`, `message`*, `close`. */
export interface WebSocketEvents {
  /** The handshake is done. */
  open(socket: WebSocketEnd): void;
  /** A message of the peer, whole. */
  message(data: string | Uint8Array): void;
  /** What waited to be sent is with the system. */
  drain(): void;
  /** 1005 where the peer gave no code, 1006 where the connection was lost. Comes once, last. */
  close(code: number, reason: string): void;
}

/** Our end of a WebSocket. */
export interface WebSocketEnd {
  /** Bytes that wait to be sent. */
  readonly buffered: number;
  /** Sends a message: a text or bytes. Does nothing once it is closed. */
  send(data: string | Uint8Array): void;
  /** Says good-bye; `close` follows when the peer has done so too, or after a while. */
  close(code: number, reason: string): void;
  /** Closes at once. */
  destroy(): void;
}

/** A server of the web that listens. */
export interface HttpServer {
  /** The address that it listens on. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Takes no new connections. Resolves when the requests that are under way have their answers. Idempotent. */
  stopListening(): Promise<void>;
  /** Closes everything at once. Resolves when the port is free. Idempotent. */
  destroy(): Promise<void>;
  /** Whether the program stays alive for it; it does unless told otherwise. */
  ref(): void;
  /** Undoes {@linkcode HttpServer.ref}. */
  unref(): void;
}

/** Whether a request asks to go on as a WebSocket (RFC 6455, section 4.2.1). */
export function asksWebSocket(request: Request): boolean {
  return request.method === "GET" &&
    request.headers.get("upgrade")?.toLowerCase() === "websocket" &&
    request.headers.get("sec-websocket-key") !== null;
}
