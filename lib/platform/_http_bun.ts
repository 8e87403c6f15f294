import type { HttpOptions, HttpServer, WebSocketEnd, WebSocketEvents } from "./http.ts";

// The slice of Bun that is used, so that neither tsc nor the npm build needs Bun's types.
interface BunHttpSlice {
  serve(options: {
    hostname: string;
    port: number;
    tls?: { cert: string; key: string };
    idleTimeout: number;
    maxRequestBodySize: number;
    development: false;
    reusePort: false;
    fetch: (request: Request, server: BunServer) => Promise<Response | undefined>;
    error: () => Response;
    websocket: {
      maxPayloadLength: number;
      idleTimeout: number;
      backpressureLimit: number;
      open: (socket: BunWebSocket) => void;
      message: (socket: BunWebSocket, data: string | Uint8Array) => void;
      drain: (socket: BunWebSocket) => void;
      close: (socket: BunWebSocket, code: number, reason: string) => void;
    };
  }): BunServer;
}
interface BunServer {
  readonly hostname: string;
  readonly port: number;
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  upgrade(request: Request, options: { data: Upgraded; headers?: Record<string, string> }): boolean;
  timeout(request: Request, seconds: number): void;
  stop(closeActive?: boolean): Promise<void>;
  ref(): void;
  unref(): void;
}
interface BunWebSocket {
  readonly data: Upgraded;
  readonly readyState: number;
  send(data: string | Uint8Array): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  getBufferedAmount(): number;
}
interface Upgraded {
  readonly events: WebSocketEvents;
  readonly maxMessage: number;
}

/** Bytes of a WebSocket's message that Bun takes at all; the limit proper is each socket's own. */
const MAX_PAYLOAD = 1 << 30;
/** Seconds after which Bun asks a WebSocket that says nothing whether it is there, and gives it up. */
const IDLE = 60;

/** `Bun.serve`. */
export function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { serve } = (globalThis as unknown as { Bun: BunHttpSlice }).Bun;
  /** Responses that stand for a WebSocket. */
  const upgrades: WeakSet<Response> = new WeakSet();
  const server = serve({
    hostname: options.host,
    port: options.port,
    ...options.tls === undefined ? {} : { tls: options.tls },
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    reusePort: false, // outside of development two servers would share a port
    error: () => new Response(null, { status: 500 }),
    async fetch(request, server) {
      const remote = server.requestIP(request);
      const response = await options.handle(request, {
        host: remote?.address ?? "",
        port: remote?.port ?? 0,
        gone: request.signal,
        upgrade(events, protocol, maxMessage) {
          const headers = protocol === undefined
            ? undefined
            : { "sec-websocket-protocol": protocol };
          const data = { events, maxMessage };
          if (!server.upgrade(request, headers === undefined ? { data } : { data, headers })) {
            throw new TypeError("Cannot open a WebSocket: the request does not ask for one");
          }
          const upgraded = new Response(null);
          upgrades.add(upgraded);
          return upgraded;
        },
      });
      return upgrades.has(response) ? undefined : response;
    },
    websocket: {
      maxPayloadLength: MAX_PAYLOAD,
      idleTimeout: IDLE,
      backpressureLimit: MAX_PAYLOAD,
      open: (socket) => socket.data.events.open(endOf(socket)),
      message(socket, data) {
        const { events, maxMessage } = socket.data;
        if (data.length > maxMessage) socket.close(1009, "the message is too large");
        else events.message(typeof data === "string" ? data : new Uint8Array(data));
      },
      drain: ({ data }) => data.events.drain(),
      close: ({ data }, code, reason) => data.events.close(code, reason ?? ""),
    },
  });
  return Promise.resolve({
    host: server.hostname,
    port: server.port,
    stopListening: () => server.stop(),
    destroy: () => server.stop(true),
    ref: () => server.ref(),
    unref: () => server.unref(),
  });
}

function endOf(socket: BunWebSocket): WebSocketEnd {
  return {
    get buffered() {
      return socket.readyState === WebSocket.OPEN ? socket.getBufferedAmount() : 0;
    },
    send: (data) => void socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    destroy: () => socket.terminate(),
  };
}
