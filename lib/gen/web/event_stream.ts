import { atom } from "../../etf/atom.ts";
import { tuple } from "../../etf/tuple.ts";
import { SHUTDOWN } from "../../node/atoms.ts";
import type { ExitReason } from "../../node/process/body.ts";
import { GenServer } from "../server/gen_server.ts";

/** How server-sent events are sent. */
export interface EventStreamOptions {
  /** Milliseconds after which a comment is sent where nothing else is, so that proxies keep the connection; 0 for never. Default 15,000. */
  readonly heartbeat?: number;
  /** Bytes that may wait for a slow client; beyond it the stream ends. Default 1 MiB. */
  readonly maxBuffered?: number;
  /** Further headers of the response. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One event. */
export interface ServerSentEvent {
  /** What the client gets; what is no text goes as JSON. */
  readonly data: unknown;
  /** The event's type. Default "message". */
  readonly event?: string;
  /** What the client says in `Last-Event-ID` when it comes again. */
  readonly id?: string;
  /** Milliseconds after which the client is to come again when the stream has ended. */
  readonly retry?: number;
}

const CLIENT_GONE = tuple(SHUTDOWN, atom("client_gone")) as unknown as ExitReason;
const TOO_SLOW = tuple(SHUTDOWN, atom("client_too_slow")) as unknown as ExitReason;
const encoder = new TextEncoder();

/**
 * Server-sent events to one client, as a process: it gets messages, can be called, monitored and registered. The response ends with it,
 * and it ends with `{shutdown, client_gone}` where the client hangs up. Made by {@linkcode WebContext.events}.
 */
export abstract class EventStream extends GenServer {
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #over = false;
  #silent = true;
  #maxBuffered = 0;
  #buffered: Uint8Array[] = [];
  #waiting: (() => void)[] = [];

  /**
   * Sends an event. Returns at once; what is too much for a slow client waits in memory, up to `maxBuffered`, beyond which the stream
   * ends. Whoever sends much awaits {@linkcode EventStream.emitted} now and then. Can be used from `init` on.
   */
  emit(event: ServerSentEvent): void {
    if (event === null || typeof event !== "object" || !("data" in event)) {
      throw new TypeError("Cannot emit an event: an object with data is needed, as { data: 1 }");
    }
    const { data, event: type, id, retry } = event;
    const text = typeof data === "string" ? data : JSON.stringify(data) ?? "null";
    let lines = "";
    if (type !== undefined) lines += `event: ${line("event", type)}\n`;
    if (id !== undefined) lines += `id: ${line("id", id)}\n`;
    if (retry !== undefined && !(Number.isInteger(retry) && retry >= 0)) {
      throw new TypeError("Cannot emit an event: its retry must be milliseconds, a whole number");
    }
    if (retry !== undefined) lines += `retry: ${retry}\n`;
    for (const one of text.split(/\r\n|\r|\n/)) lines += `data: ${one}\n`;
    this.#write(`${lines}\n`);
  }

  /** Resolves when the client has taken what was sent, or the stream has ended. */
  emitted(): Promise<void> {
    if (this.#over || (this.#controller?.desiredSize ?? 1) > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** @ignore @internal The response whose body is what this process emits. */
  _response(options: EventStreamOptions): Response {
    this.#maxBuffered = options.maxBuffered ?? 1024 * 1024;
    const process = this._process;
    const { heartbeat = 15_000 } = options;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        for (const bytes of this.#buffered.splice(0)) controller.enqueue(bytes);
        if (process.exited) this._ended();
      },
      pull: () => this.#drained(),
      cancel: () => this._clientGone(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: 16_384 }));
    if (heartbeat > 0 && !process.exited) {
      this.every(heartbeat, () => {
        if (this.#silent) this.#write(": \n\n");
        this.#silent = true;
      });
    }
    const headers = new Headers(options.headers);
    headers.set("content-type", "text/event-stream");
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    return new Response(body, { headers });
  }

  /** @ignore @internal */
  _clientGone(): void {
    this.#over = true;
    this.#drained();
    if (!this._process.exited) this._process.exit(CLIENT_GONE);
  }

  /** @ignore @internal */
  _ended(): void {
    const over = this.#over;
    this.#over = true;
    this.#drained();
    if (over || this.#controller === null) return;
    try {
      this.#controller.close();
    } catch {
      // It had ended by itself.
    }
  }

  #write(text: string): void {
    if (this.#over) return;
    this.#silent = false;
    const bytes = encoder.encode(text);
    if (this.#controller === null) {
      this.#buffered.push(bytes);
      return;
    }
    this.#controller.enqueue(bytes);
    if (-(this.#controller.desiredSize ?? 0) > this.#maxBuffered) {
      this._core.logger._log(
        "warning",
        "An event stream ends: the client is too slow",
        this._process,
      );
      this._process.exit(TOO_SLOW);
    }
  }

  #drained(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function line(what: string, text: string): string {
  if (/[\r\n\0]/.test(text)) {
    throw new TypeError(`Cannot emit an event: its ${what} has a line break, one line is needed`);
  }
  return text;
}
