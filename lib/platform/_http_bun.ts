import type { HttpOptions, HttpServer, WebSocketEnd } from "./http.ts";
import { type Upgrade, Upgrades } from "./_upgrades.ts";

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
  upgrade(request: Request, options: { data: Upgrade; headers?: Record<string, string> }): boolean;
  timeout(request: Request, seconds: number): void;
  stop(closeActive?: boolean): Promise<void>;
  ref(): void;
  unref(): void;
}
interface BunWebSocket {
  readonly data: Upgrade;
  readonly readyState: number;
  send(data: string | Uint8Array): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  getBufferedAmount(): number;
}

/** Bytes of a WebSocket's message that Bun takes into memory at all, as Deno does; the limit proper is each socket's own. */
const MAX_PAYLOAD = 64 << 20;
/** Bytes that may wait to be sent; the limit proper is each socket's own. */
const MAX_WAITING = 1 << 30;
/** Seconds after which Bun asks a WebSocket that says nothing whether it is there, and gives it up. */
const IDLE = 60;

/** `Bun.serve`. */
export function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { serve } = (globalThis as unknown as { Bun: BunHttpSlice }).Bun;
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
      const upgrades = new Upgrades(request);
      const response = await options.handle(request, {
        host: remote?.address ?? "",
        port: remote?.port ?? 0,
        gone: request.signal,
        upgrade: (events, protocol, max) => upgrades.ask(events, protocol, max),
      });
      const data = upgrades.taken(response);
      if (data === null) return response;
      const { events, protocol } = data;
      const headers: Record<string, string> = protocol === undefined
        ? {}
        : { "sec-websocket-protocol": protocol };
      if (server.upgrade(request, { data, headers })) return undefined;
      events.close(1006, "");
      return new Response(null, { status: 400 });
    },
    websocket: {
      maxPayloadLength: MAX_PAYLOAD,
      idleTimeout: IDLE,
      backpressureLimit: MAX_WAITING,
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
