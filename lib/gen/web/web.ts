import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { tuple } from "../../etf/tuple.ts";
import { KILLED, SHUTDOWN } from "../../node/atoms.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import { Certificates } from "../../node/certificates.ts";
import type { ExitReason } from "../../node/process/body.ts";
import type { Process } from "../../node/process/process.ts";
import type { Self } from "../../node/process/self.ts";
import type { Node } from "../../node/node.ts";
import type { HttpClient, HttpServer } from "../../platform/http.ts";
import { GenServer } from "../server/gen_server.ts";
import { BodyTooLarge, withLimit } from "./_body.ts";
import { WebContext, type WebServices } from "./context.ts";
import { EventStream, type EventStreamOptions } from "./event_stream.ts";
import { Gate } from "./_gate.ts";
import {
  checkSocketOptions,
  checkStreamOptions,
  type WebOptions,
  type WebSettings,
  webSettings,
} from "./options.ts";
import { type RequestHandler, Routes } from "./routes.ts";
import { type WebSocketOptions, WebSocketProcess } from "./web_socket.ts";
import { WebRef, type WebStats } from "./web_ref.ts";

const EVENT_STREAM = "text/event-stream";
const LISTENER_LOST: ExitReason = atom("listener_lost");
const CLIENT_GONE: ExitReason = tuple(SHUTDOWN, atom("client_gone")) as unknown as ExitReason;

/**
 * A server of the web on the standard `Request` and `Response`. It is a server as others are (calls, casts, supervision); each request is
 * answered by a process of its own, which ends with it.
 *
 * | what happens | the client gets |
 * | --- | --- |
 * | the handler returns a `Response`, or throws one | that |
 * | it throws something else, or its process exits | 500; the crash is reported, the server and the other requests live on |
 * | no route and no `handleRequest` for it | 404; 405 where the path is there with other methods |
 * | `concurrency` requests are worked on and `queue` wait | 503 |
 * | the answer has not begun after `timeout` ms | 504; the process is ended, its `signal` aborts |
 * | the body is larger than `maxBody` | 413 |
 *
 * - A handler answers later by returning a promise; other requests go on. Where the client hangs up, its process ends.
 * - {@linkcode WebContext.upgrade} and {@linkcode WebContext.events} make a WebSocket or a stream of events a process.
 * - When the server stops in order it listens no more, requests under way have `drain` ms, WebSockets are closed with 1001.
 *
 * @example
 * ```ts
 * import { startNode, Web, type WebContext, type WebOptions } from "@ergo-ts/ergo";
 *
 * class Api extends Web {
 *   override init(port: number): WebOptions {
 *     return { port, timeout: 5_000 };
 *   }
 *   override readonly routes = {
 *     "GET /hello/:name": (_request: Request, { params }: WebContext) => new Response(`Hello, ${params.name}!`),
 *     "POST /echo": async (request: Request) => Response.json(await request.json()),
 *   };
 * }
 *
 * await using node = await startNode("web@localhost", { cookie: "secret" });
 * const api = await node.start(Api, [0]);
 * console.log(await (await fetch(`${api.url}/hello/Zoe`)).text()); // Hello, Zoe!
 * ```
 */
export abstract class Web extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: WebRef<this>;
  /** What answers which path: `"GET /users/:id"`, `"/files/*"` for each method. The first that fits; what fits none goes to `handleRequest`. */
  declare readonly routes: Readonly<Record<string, RequestHandler>>;
  /** The processes of requests. */
  readonly #working: Set<Process> = new Set();
  /** Those of WebSockets and event streams. */
  readonly #open: Set<Process> = new Set();
  /** The event streams that requests under way have begun. */
  readonly #begun: Map<HttpClient, Map<Response, EventStream>> = new Map();
  #settings: WebSettings | null = null;
  #routes: Routes | null = null;
  #gate: Gate | null = null;
  #server: HttpServer | null = null;
  #stopping = false;
  #counts = { requests: 0, refused: 0, timedOut: 0, failed: 0 };

  /**
   * Sets the server up.
   *
   * @returns where to listen, and what to take on; a promise delays the start.
   */
  override init(..._args: never[]): WebOptions | Promise<WebOptions> {
    return {};
  }

  /** Answers what no route does. */
  handleRequest(_request: Request, _context: WebContext): Response | Promise<Response> {
    return text(404);
  }

  /** The settings and the counts, besides the public fields. */
  override formatState(): unknown {
    const { routes: _, ...state } = super.formatState() as { readonly routes?: unknown };
    return { ...state, stats: this.#stats() };
  }

  /** As every server that holds something of the outside it is told of the end of what it is linked to. */
  override async terminate(_reason: ExitReason): Promise<void> {
    await this.#drain();
  }

  /** @ignore @internal */
  override async _initialized(options: unknown): Promise<void> {
    const settings = webSettings(options);
    this.#settings = settings;
    this.#routes = new Routes(this.routes ?? {});
    this.#gate = new Gate(settings.concurrency, settings.queue);
    this.trapExit = true;
    const { host, port } = settings;
    const tls = await this.#tls();
    const server = await this._core.platform.serveHttp({
      host,
      port,
      ...tls === null ? {} : { tls },
      handle: (request, client) => this.#handle(request, client),
      failed: (error) => this.#lost(error),
    });
    server.unref(); // the node says how long the program lives
    this.#server = server;
    if (this._process.exited) this._ended();
  }

  /** @ignore @internal */
  _ended(): void {
    this.#stopping = true;
    this.#gate?.clear();
    for (const process of [...this.#working, ...this.#open]) process.exit(SHUTDOWN);
    const ending = this.#server?.destroy();
    if (ending !== undefined) this.node._outlives(ending);
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): WebRef<this> {
    const { host, port } = this.#server!;
    const scheme = this.#settings!.tls === undefined ? "http" : "https";
    const url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
    return new WebRef<this>(node, pid, { host, port, url }, () => this.#stats());
  }

  /** Checked before the runtime sees it: some start without a certificate, and fail at each connection. */
  async #tls(): Promise<{ readonly cert: string; readonly key: string } | null> {
    const { tls } = this.#settings!;
    if (tls === undefined) return null;
    const { platform } = this._core;
    const what = "start a web server with option tls";
    const { cert, key } = await (await Certificates.load(what, tls, ["server"], platform))
      .current();
    return { cert: cert!, key: key! };
  }

  #stats(): WebStats {
    const { running, queued } = this.#gate!;
    return { running, queued, open: this.#open.size, ...this.#counts };
  }

  async #handle(request: Request, client: HttpClient): Promise<Response> {
    this.#counts.requests++;
    const gate = this.#gate!;
    const late = new Late(this, this.#settings!.timeout);
    client.gone.addEventListener("abort", late.clientGone, { once: true });
    try {
      const inside = this.#stopping ? false : gate.enter(late.signal);
      if (inside !== true && !await inside) {
        return late.signal.aborted ? this.#tooLate(late) : this.#refused();
      }
      try {
        return await this.#answer(request, client, late);
      } finally {
        gate.leave();
      }
    } catch (error) {
      this._core.fault("Cannot answer a request", error);
      return text(500);
    } finally {
      late.clear();
      client.gone.removeEventListener("abort", late.clientGone);
    }
  }

  #answer(request: Request, client: HttpClient, late: Late): Promise<Response> {
    if (late.signal.aborted) return Promise.resolve(this.#tooLate(late));
    return new Promise((resolve) => {
      let answered: Response | null = null;
      const answer = (response: () => Response): void => {
        if (answered === null) resolve(answered = response());
      };
      const pid = this.node.spawn(async (self) => {
        const response = await this.#respond(request, client, self);
        // Nobody reads what comes too late: where it is a stream, it is told.
        if (answered !== null) void response.body?.cancel().catch(() => {});
        answer(() => response);
      });
      const process = this._core.process(pid)!;
      this.#working.add(process);
      late.signal.addEventListener("abort", () => {
        answer(() => this.#tooLate(late));
        process.exit(late.reason);
      }, { once: true });
      process.addWatcher({
        down: () => {
          this.#working.delete(process);
          answer(() => this.#stopping ? this.#refused() : this.#failed());
          if (this.#begun.size > 0) this.#leave(client, answered!);
        },
      });
    });
  }

  async #respond(request: Request, client: HttpClient, self: Self): Promise<Response> {
    try {
      const url = urlOf(request);
      if (url === null) return text(400);
      const found = this.#routes!.find(request.method, url.pathname);
      if (found !== null && "allow" in found) {
        return text(405, { allow: found.allow.join(", ") });
      }
      const handler = found?.handler ?? this.handleRequest;
      const context = new WebContext(self, found?.params ?? {}, url, client, this.#services);
      const limited = withLimit(request, this.#settings!.maxBody);
      const response: unknown = await handler.call(this, limited, context);
      const fault = faultOf(response);
      if (fault === null) return response as Response;
      throw new TypeError(`Cannot answer ${request.method} ${url.pathname}: ${fault}`);
    } catch (error) {
      if (faultOf(error) === null) return error as Response;
      if (error instanceof BodyTooLarge) return text(413, { connection: "close" });
      if (error instanceof URIError) return text(400);
      throw error; // the process crashes, and is reported
    }
  }

  readonly #services: WebServices = {
    upgrade: (self, client, behaviour, args, options) =>
      this.#upgrade(self, client, behaviour, args, options),
    events: (self, client, behaviour, args, options) =>
      this.#events(self, client, behaviour, args, options),
  };

  async #upgrade<S extends WebSocketProcess>(
    self: Self,
    client: HttpClient,
    behaviour: new () => S,
    args: Parameters<S["init"]>,
    options: WebSocketOptions,
  ): Promise<Response> {
    checkSocketOptions(options);
    const socket = await this.#startOpen(behaviour, args, WebSocketProcess, "WebSocketProcess");
    mustWait(self, socket._process);
    try {
      const events = socket._attachSocket(options);
      return client.upgrade(events, options.protocol, options.maxMessage ?? 1024 * 1024);
    } catch (error) {
      socket._process.exit(SHUTDOWN);
      if (error instanceof TypeError) {
        return text(426, { upgrade: "websocket", "sec-websocket-version": "13" });
      }
      throw error;
    }
  }

  async #events<S extends EventStream>(
    self: Self,
    client: HttpClient,
    behaviour: new () => S,
    args: Parameters<S["init"]>,
    options: EventStreamOptions,
  ): Promise<Response> {
    checkStreamOptions(options);
    const stream = await this.#startOpen(behaviour, args, EventStream, "EventStream");
    mustWait(self, stream._process);
    client.gone.addEventListener("abort", () => stream._clientGone(), { once: true });
    const response = stream._response(options);
    let begun = this.#begun.get(client);
    if (begun === undefined) this.#begun.set(client, begun = new Map());
    begun.set(response, stream);
    return response;
  }

  /** The request has its answer, or none any more: the streams that are not part of it end. */
  #leave(client: HttpClient, answer: Response): void {
    const begun = this.#begun.get(client);
    if (begun === undefined) return;
    this.#begun.delete(client);
    // It may have been put into a Response with other headers.
    if (answer.headers.get("content-type") === EVENT_STREAM) return;
    for (const stream of begun.values()) stream._clientGone();
  }

  /** The runtime's server has ended by itself; whoever supervises this one starts it again. */
  #lost(error: unknown): void {
    if (this._process.exited) return;
    this._core.fault("Cannot listen any more", error);
    this._process.exit(LISTENER_LOST);
  }

  /** Starts a process that lives as long as its connection. */
  #startOpen<B extends WebSocketProcess | EventStream>(
    behaviour: new () => B,
    args: readonly unknown[],
    base: abstract new () => WebSocketProcess | EventStream,
    name: string,
  ): Promise<B> {
    if (typeof behaviour !== "function" || !(behaviour.prototype instanceof base)) {
      throw new TypeError(`Cannot open it: a class that extends ${name} is needed`);
    }
    if (this.#open.size >= this.#settings!.maxOpen) throw this.#refused();
    return new Promise((resolve, reject) => {
      const { process, instance } = this.node._start(behaviour, args, {}, (error) => {
        if (error !== null) reject(error);
        else resolve(instance as B);
      });
      this.#open.add(process);
      process.addWatcher({
        down: () => void this.#open.delete(process),
      });
    });
  }

  /** Listens no more, closes what stays open by itself, and waits for the answers that are under way. */
  async #drain(): Promise<void> {
    this.#stopping = true;
    this.#gate?.clear();
    if (this.#server === null) return;
    for (const process of this.#open) process.exit(SHUTDOWN);
    const late = new Late(this, this.#settings!.drain);
    const over = new Promise<void>((resolve) => {
      late.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([this.#server.stopListening(), over]);
    late.clear();
  }

  #refused(): Response {
    this.#counts.refused++;
    return text(503, { "retry-after": "1" });
  }

  #tooLate(late: Late): Response {
    if (late.reason === CLIENT_GONE) return text(499); // which nobody gets
    this.#counts.timedOut++;
    return text(504);
  }

  #failed(): Response {
    this.#counts.failed++;
    return text(500);
  }
}

/** `null` where it is no address: HTTP/1.0 has no host. */
function urlOf({ url }: Request): URL | null {
  try {
    return new URL(url, "http://localhost");
  } catch {
    return null;
  }
}

/** Why it cannot be sent; `null` where it can. */
function faultOf(response: unknown): string | null {
  if (!(response instanceof Response)) return "its handler returned no Response";
  if (response.bodyUsed) return "its Response was used before, make one for each request";
  return response.status === 0 ? "Response.error() has no status, one is needed" : null;
}

/** What a request has begun that has been given up meanwhile must not stay. */
function mustWait({ _process: request }: Self, begun: Process): void {
  if (!request.exited) return;
  begun.exit(SHUTDOWN);
  request.mustLive("open it");
}

/** The time that a request has, and its client's patience. */
class Late extends Deadline {
  readonly #web: Web;
  readonly #abort: AbortController = new AbortController();
  /** What the process that works on it exits with. */
  reason: ExitReason = KILLED;

  constructor(web: Web, ms: number) {
    super();
    this.#web = web;
    if (ms !== Infinity) web._core.setDeadline(this, ms);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  readonly clientGone = (): void => {
    this.reason = CLIENT_GONE;
    this.#abort.abort();
  };

  override expired(): void {
    this.#abort.abort();
  }

  clear(): void {
    this.#web._core.clearDeadline(this);
  }
}

const TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  426: "Upgrade Required",
  499: "Client Closed Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function text(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${TEXTS[status]}\n`, { status, headers });
}
