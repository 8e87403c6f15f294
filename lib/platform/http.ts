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
  /** The server can take no more connections, though nobody has stopped it. */
  failed?(error: unknown): void;
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
   * Goes on with the connection as a WebSocket. What it returns is to be returned by `handle` as it is; `open` comes after that. With any
   * other answer the connection stays what it is, and `close` comes with 1006.
   *
   * @param protocol what is agreed on of the client's `Sec-WebSocket-Protocol`.
   * @param maxMessage bytes that a message may have; beyond it the socket is closed with 1009.
   * @throws {TypeError} if the request does not ask for a WebSocket.
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
  /**
   * Takes no new connections; on Deno it does so as soon as nothing is under way, and until then leaves it to `handle` to turn requests away.
   * Resolves when the requests that are under way have their answers. Idempotent.
   */
  stopListening(): Promise<void>;
  /** Closes everything at once. Resolves when the port is free. Idempotent. */
  destroy(): Promise<void>;
  /** Whether the program stays alive for it; it does unless told otherwise. */
  ref(): void;
  /** Undoes {@linkcode HttpServer.ref}. */
  unref(): void;
}

/** Whether a request asks to go on as a WebSocket (RFC 6455, section 4.2.1). */
export function asksWebSocket({ method, headers }: Request): boolean {
  return method === "GET" && /\bwebsocket\b/i.test(headers.get("upgrade") ?? "") &&
    /\bupgrade\b/i.test(headers.get("connection") ?? "") &&
    headers.get("sec-websocket-version") === "13" &&
    KEY.test(headers.get("sec-websocket-key") ?? "");
}

/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
