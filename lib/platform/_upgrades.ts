import { asksWebSocket, type WebSocketEvents } from "./http.ts";

/** A WebSocket that a request is to become. */
export interface Upgrade {
  readonly events: WebSocketEvents;
  readonly protocol: string | undefined;
  readonly maxMessage: number;
}

/**
 * The WebSockets that one request has asked for. None is opened before it is known what the request is answered with: a handler may crash
 * or be given up after it has asked, and Deno's server ends where an upgrade is not what is answered.
 */
export class Upgrades {
  readonly #request: Request;
  #asked: Map<Response, Upgrade> | null = null;

  constructor(request: Request) {
    this.#request = request;
  }

  /**
   * @returns the response that stands for the WebSocket.
   * @throws {TypeError} if the request asks for none.
   */
  ask(events: WebSocketEvents, protocol: string | undefined, maxMessage: number): Response {
    if (!asksWebSocket(this.#request)) {
      throw new TypeError("Cannot open a WebSocket: the request does not ask for one");
    }
    const response = new Response(null);
    (this.#asked ??= new Map()).set(response, { events, protocol, maxMessage });
    return response;
  }

  /** The WebSocket that the answer stands for; `null` where it is an ordinary answer. All others are told that they are not opened. */
  taken(answer: Response): Upgrade | null {
    if (this.#asked === null) return null;
    for (const [response, { events }] of this.#asked) {
      if (response !== answer) events.close(1006, "");
    }
    return this.#asked.get(answer) ?? null;
  }
}
