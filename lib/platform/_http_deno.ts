import type { HttpOptions, HttpServer, WebSocketEnd, WebSocketEvents } from "./http.ts";
import { Upgrades } from "./_upgrades.ts";

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
      info: { remoteAddr: { hostname: string; port: number }; completed: Promise<void> },
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
/** Milliseconds that connections have to end by themselves once the server shuts down. */
const LINGER = 500;
const TOO_LARGE = "the message is too large";
const HUNG_UP = new Error("The client has hung up");

/** `Deno.serve`. */
export function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { serve, upgradeWebSocket } = (globalThis as unknown as { Deno: DenoHttpSlice }).Deno;
  const abort = new AbortController();
  const requests = new UnderWay();
  const server = serve({
    hostname: options.host,
    port: options.port,
    ...options.tls,
    signal: abort.signal,
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
    async handler(request, info) {
      const { remoteAddr } = info;
      const answered = requests.enter(info.completed);
      const gone = new AbortController();
      const upgrades = new Upgrades(request);
      const look = setTimeout(() => {
        if (request.signal.aborted) gone.abort(HUNG_UP);
        request.signal.addEventListener("abort", () => gone.abort(HUNG_UP), { once: true });
      }, PATIENCE);
      try {
        const response = await options.handle(request, {
          host: remoteAddr.hostname,
          port: remoteAddr.port,
          gone: gone.signal,
          upgrade: (events, protocol, max) => upgrades.ask(events, protocol, max),
        });
        const upgrade = upgrades.taken(response);
        if (upgrade === null) return response;
        const { events, protocol, maxMessage } = upgrade;
        try {
          const upgraded = upgradeWebSocket(request, {
            ...protocol === undefined ? {} : { protocol },
            idleTimeout: IDLE,
          });
          attach(upgraded.socket, events, maxMessage);
          answered();
          return upgraded.response;
        } catch {
          events.close(1006, "");
          return new Response(null, { status: 400 });
        }
      } finally {
        clearTimeout(look);
      }
    },
  });
  /** Deno's server may be told only once to end: who aborts one that is shutting down gets an error that nobody can catch. */
  let ending = false;
  const finished = server.finished.then(() => {
    if (!ending) options.failed?.(new Error("Deno's server has ended by itself"));
  });
  return Promise.resolve({
    host: server.addr.hostname,
    port: server.addr.port,
    // Deno cannot be made to give up what is under way once it shuts down. So it is told to when nothing is.
    async stopListening() {
      await requests.over();
      if (!ending) {
        ending = true;
        await server.shutdown();
      }
      await finished;
    },
    async destroy() {
      if (!ending) {
        ending = true;
        abort.abort();
        return finished;
      }
      // It may wait for ever, as for a client that does not go on with its TLS handshake; the port is free.
      let late!: ReturnType<typeof setTimeout>;
      const over = new Promise<void>((resolve) => late = setTimeout(resolve, LINGER));
      await Promise.race([finished, over]);
      clearTimeout(late);
    },
    ref: () => server.ref(),
    unref: () => server.unref(),
  });
}

/** The requests that have no answer yet, or not all of it. */
class UnderWay {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param completed settles when the answer is sent, or its client gone. @returns what says so where that is not told. */
  enter(completed: Promise<void>): () => void {
    this.#count++;
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      if (--this.#count === 0) { for (const resolve of this.#waiting.splice(0)) resolve(); }
    };
    completed.then(leave, leave);
    return leave;
  }

  /** Resolves when there are none. */
  over(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Milliseconds between two looks at what waits to be sent, of which Deno's sockets tell nothing. */
const LOOK = 20;

function attach(socket: WebSocket, events: WebSocketEvents, maxMessage: number): void {
  socket.binaryType = "arraybuffer";
  let watching = false;
  let over = false;
  let tooLarge = false;
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
    if (tooLarge) return;
    tooLarge = sizeOf(message) > maxMessage;
    if (tooLarge) socket.close(1009, TOO_LARGE);
    else events.message(message);
  };
  socket.onclose = ({ code, reason }) => {
    over = true;
    // A client that does not say good-bye has Deno tell of a close without a code.
    if (tooLarge) events.close(1009, TOO_LARGE);
    else events.close(code === 0 ? 1006 : code, reason);
  };
  socket.onerror = () => {}; // a close follows
}

function sizeOf(message: string | Uint8Array): number {
  return message.length;
}
