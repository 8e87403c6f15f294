import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { HttpOptions, HttpServer } from "./http.ts";
import { Upgrades } from "./_upgrades.ts";
import { NodeWebSocket, switchingProtocols } from "./_web_socket_node.ts";

/** `node:http`. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { tls } = options;
  const server: Server = tls === undefined ? createServer() : createTlsServer({ ...tls });
  server.requestTimeout = 0; // how long a request may take is not decided here
  const sockets: Set<Socket> = new Set();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const exchange = new Exchange(options, tls !== undefined);
  server.on("request", (incoming, outgoing) => void exchange.answer(incoming, outgoing));
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
    if (asksToUpgrade(incoming)) void exchange.upgrade(incoming, socket, head);
    else readAgain(server, tls === undefined ? "connection" : "secureConnection", incoming, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => options.failed?.(error));
  const { address, port } = server.address() as AddressInfo;
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  const stopListening = (): Promise<void> => {
    if (server.listening) server.close();
    return exchange.idle();
  };
  return {
    host: address,
    port,
    stopListening,
    destroy() {
      void stopListening();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy(); // those that are WebSockets by now
      return closed;
    },
    ref: () => void server.ref(),
    unref: () => void server.unref(),
  };
}

/** Turns Node's requests into those of the web, and answers of the web into Node's. */
class Exchange {
  readonly #options: HttpOptions;
  readonly #scheme: string;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(options: HttpOptions, tls: boolean) {
    this.#options = options;
    this.#scheme = tls ? "https" : "http";
  }

  /** Resolves when no request is under way. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    this.#underWay++;
    outgoing.on("close", () => {
      if (--this.#underWay === 0) { for (const resolve of this.#waiting.splice(0)) resolve(); }
    });
    const gone = new AbortController();
    outgoing.on("close", () => {
      if (!outgoing.writableFinished) gone.abort(new Error("The client has hung up"));
    });
    const request = this.#request(incoming, gone.signal);
    const response = request === null
      ? badRequest()
      : await this.#handle(incoming, request, gone.signal, new Upgrades(request));
    await write(response, incoming, outgoing);
  }

  async upgrade(incoming: IncomingMessage, socket: Socket, head: Uint8Array): Promise<void> {
    const gone = new AbortController();
    const hangUp = (): void => gone.abort(new Error("The client has hung up"));
    socket.on("error", hangUp);
    socket.on("close", hangUp);
    const request = this.#request(incoming, gone.signal);
    const upgrades = request === null ? null : new Upgrades(request);
    const response = upgrades === null
      ? badRequest()
      : await this.#handle(incoming, request!, gone.signal, upgrades);
    const upgraded = upgrades?.taken(response) ?? null;
    if (upgraded === null) {
      const outgoing = new ServerResponse(incoming);
      outgoing.shouldKeepAlive = false;
      outgoing.assignSocket(socket);
      outgoing.on("finish", () => socket.end());
      return write(response, incoming, outgoing);
    }
    if (socket.destroyed) return upgraded.events.close(1006, "");
    socket.off("close", hangUp);
    socket.off("error", hangUp);
    socket.setNoDelay(true);
    const key = String(incoming.headers["sec-websocket-key"]);
    socket.write(switchingProtocols(key, upgraded.protocol));
    new NodeWebSocket(socket, head, upgraded.events, upgraded.maxMessage);
  }

  #handle(
    incoming: IncomingMessage,
    request: Request,
    gone: AbortSignal,
    upgrades: Upgrades,
  ): Promise<Response> {
    const { remoteAddress, remotePort } = incoming.socket;
    return this.#options.handle(request, {
      host: remoteAddress ?? "",
      port: remotePort ?? 0,
      gone,
      upgrade: (events, protocol, max) => upgrades.ask(events, protocol, max),
    });
  }

  /** `null` where a request cannot be one of the web: its host or its method is not allowed there. */
  #request(incoming: IncomingMessage, signal: AbortSignal): Request | null {
    const { method = "GET", headers, rawHeaders, url = "/" } = incoming;
    try {
      const all = new Headers();
      for (let i = 0; i < rawHeaders.length; i += 2) all.append(rawHeaders[i], rawHeaders[i + 1]);
      const target = url.startsWith("/")
        ? `${this.#scheme}://${headers.host ?? "localhost"}${url}`
        : url;
      const hasBody = method !== "GET" && method !== "HEAD";
      const body = hasBody ? Readable.toWeb(incoming) as ReadableStream : null;
      // `duplex` is missing in TypeScript's types.
      return new Request(
        target,
        { method, headers: all, body, signal, duplex: "half" } as RequestInit,
      );
    } catch {
      return null;
    }
  }
}

function badRequest(): Response {
  return new Response("Bad Request", { status: 400 });
}

/** Whether Node's parser has stopped for something that may become a WebSocket. */
function asksToUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && /\bwebsocket\b/i.test(headers.upgrade ?? "");
}

/**
 * What else a client would like to go on with is passed over (RFC 9110, section 7.8), as HTTP/2 over plain connections: Node's parser has
 * left the body unread, so the request is read once more without that header.
 */
function readAgain(
  server: Server,
  event: "connection" | "secureConnection",
  { method, url, httpVersion, rawHeaders, socket }: IncomingMessage,
  rest: Uint8Array,
): void {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].toLowerCase() === "upgrade") continue;
    head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), rest]));
  server.emit(event, socket);
}

/** What cannot be sent, as an answer that was sent before, is a 500; it must not end the program. */
async function write(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    await writeAnswer(response, incoming, outgoing);
  } catch {
    if (outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
    outgoing.writeHead(500, { connection: "close" }).end();
  }
}

async function writeAnswer(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (outgoing.destroyed) return void response.body?.cancel().catch(() => {});
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  // What is left of a body that nobody read would be taken for the next request.
  if (!incoming.complete) outgoing.setHeader("connection", "close");
  const { body } = response;
  if (body === null || incoming.method === "HEAD") {
    outgoing.writeHead(response.status, response.statusText || undefined);
    outgoing.end();
    return void body?.cancel().catch(() => {});
  }
  const stream = Readable.fromWeb(body as NodeReadableStream);
  outgoing.writeHead(response.status, response.statusText || undefined);
  outgoing.flushHeaders();
  stream.on("error", () => outgoing.destroy());
  outgoing.on("close", () => stream.destroy());
  stream.pipe(outgoing);
  await new Promise<void>((resolve) => outgoing.once("close", resolve));
}
