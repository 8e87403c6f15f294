import type { HttpClient } from "../../platform/http.ts";
import type { Self } from "../../node/process/self.ts";
import type { EventStream, EventStreamOptions } from "./event_stream.ts";
import type { WebSocketOptions, WebSocketProcess } from "./web_socket.ts";

/** What the server does for a request besides answering it. */
export interface WebServices {
  upgrade<S extends WebSocketProcess>(
    self: Self,
    client: HttpClient,
    behaviour: new () => S,
    args: Parameters<S["init"]>,
    options: WebSocketOptions,
  ): Promise<Response>;
  events<S extends EventStream>(
    self: Self,
    client: HttpClient,
    behaviour: new () => S,
    args: Parameters<S["init"]>,
    options: EventStreamOptions,
  ): Promise<Response>;
}

/** What a handler gets besides the request. */
export class WebContext {
  /** The process that answers this request: it calls, sends, receives and monitors in its own name. Its `signal` aborts where the client hangs up. */
  readonly self: Self;
  /** What stood for the `:names` of the route, decoded; `*` is the rest of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** The request's URL, parsed. */
  readonly url: URL;
  readonly #client: HttpClient;
  readonly #services: WebServices;

  /** @ignore @internal */
  constructor(
    self: Self,
    params: Readonly<Record<string, string>>,
    url: URL,
    client: HttpClient,
    services: WebServices,
  ) {
    this.self = self;
    this.params = params;
    this.url = url;
    this.#client = client;
    this.#services = services;
  }

  /** The address of the client, or of the proxy before it. */
  get remote(): { readonly host: string; readonly port: number } {
    const { host, port } = this.#client;
    return { host, port };
  }

  /**
   * Goes on with the connection as a WebSocket, which is a process of that class from here on. Returns what the handler is to return:
   * 426 where the request does not ask for a WebSocket. Where the handler answers with something else, the process ends.
   *
   * @param args what its `init` takes; where that throws, the client gets a 500.
   */
  upgrade<S extends WebSocketProcess>(
    behaviour: new () => S,
    args: Parameters<S["init"]>,
    options: WebSocketOptions = {},
  ): Promise<Response> {
    return this.#services.upgrade(this.self, this.#client, behaviour, args, options);
  }

  /**
   * Answers with server-sent events, which a process of that class emits until it ends or the client hangs up. Returns what the handler
   * is to return; where it answers with something else, the process ends.
   *
   * @param args what its `init` takes; where that throws, the client gets a 500.
   */
  events<S extends EventStream>(
    behaviour: new () => S,
    args: Parameters<S["init"]>,
    options: EventStreamOptions = {},
  ): Promise<Response> {
    return this.#services.events(this.self, this.#client, behaviour, args, options);
  }
}
