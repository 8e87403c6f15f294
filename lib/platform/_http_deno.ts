import type { HttpOptions, HttpServer, WebSocketEnd, WebSocketEvents } from "./http.ts";

// The slice of Deno that is used, so that neither tsc nor the npm build needs Deno's types.
interface DenoHttpSlice {
  serve(options: {
    hostname: string;
    port: number;
    cert?: string;
    key?: string;
    signal: AbortSignal;
    onListen: () => void;
    onError: (error: unknown) => Response;
    handler: (
      request: Request,
      info: { remoteAddr: { hostname: string; port: number } },
    ) => Promise<Response>;
  }): DenoServer;
  upgradeWebSocket(
    request: Request,
    options: { protocol?: string; idleTimeout: number },
  ): { socket: WebSocket; response: Response };
}
interface DenoServer {
  readonly addr: { readonly hostname: string; readonly port: number };
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
  ref(): void;
  unref(): void;
}

/** Seconds after which Deno asks a WebSocket that says nothing whether it is there. */
const IDLE = 30;

/**
 * Milliseconds after which a request that has no answer yet is asked whether its client is still there. Not at once: Deno warns, once,
 * of whoever looks at the signal of a request that succeeds.
 */
const PATIENCE = 1_000;
const HUNG_UP = new Error("The client has hung up");

/** `Deno.serve`. */
export function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { serve, upgradeWebSocket } = (globalThis as unknown as { Deno: DenoHttpSlice }).Deno;
  const abort = new AbortController();
  const server = serve({
    hostname: options.host,
    port: options.port,
    ...options.tls,
    signal: abort.signal,
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
    async handler(request, { remoteAddr }) {
      const gone = new AbortController();
      const look = setTimeout(() => {
        if (request.signal.aborted) gone.abort(HUNG_UP);
        request.signal.addEventListener("abort", () => gone.abort(HUNG_UP), { once: true });
      }, PATIENCE);
      try {
        return await options.handle(request, {
          host: remoteAddr.hostname,
          port: remoteAddr.port,
          gone: gone.signal,
          upgrade(events, protocol, maxMessage) {
            const { socket, response } = upgradeWebSocket(request, {
              ...protocol === undefined ? {} : { protocol },
              idleTimeout: IDLE,
            });
            attach(socket, events, maxMessage);
            return response;
          },
        });
      } finally {
        clearTimeout(look);
      }
    },
  });
  let over = false;
  const finished = server.finished.then(() => void (over = true));
  return Promise.resolve({
    host: server.addr.hostname,
    port: server.addr.port,
    stopListening: () => server.shutdown(),
    async destroy() {
      // A server that has just shut down by itself must not be aborted: Deno fails then, where nobody can catch it.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (!over) abort.abort();
      await finished;
    },
    ref: () => server.ref(),
    unref: () => server.unref(),
  });
}

/** Milliseconds between two looks at what waits to be sent, of which Deno's sockets tell nothing. */
const LOOK = 20;

function attach(socket: WebSocket, events: WebSocketEvents, maxMessage: number): void {
  socket.binaryType = "arraybuffer";
  let watching = false;
  let over = false;
  const watch = (): void => {
    if (over) return;
    if (socket.bufferedAmount > 0) {
      setTimeout(watch, LOOK);
      return;
    }
    watching = false;
    events.drain();
  };
  const end: WebSocketEnd = {
    get buffered() {
      return socket.bufferedAmount;
    },
    send(data) {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(data as string | Uint8Array<ArrayBuffer>);
      if (watching) return;
      watching = true;
      setTimeout(watch, 0);
    },
    close: (code, reason) => socket.close(code, reason),
    destroy: () => socket.close(),
  };
  socket.onopen = () => events.open(end);
  socket.onmessage = ({ data }: { readonly data: string | ArrayBuffer }) => {
    const message = typeof data === "string" ? data : new Uint8Array(data);
    if (sizeOf(message) > maxMessage) socket.close(1009, "the message is too large");
    else events.message(message);
  };
  socket.onclose = ({ code, reason }) => {
    over = true;
    events.close(code === 0 ? 1006 : code, reason);
  };
  socket.onerror = () => {}; // a close follows
}

function sizeOf(message: string | Uint8Array): number {
  return message.length;
}
