import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { ExitReason } from "../../node/process/body.ts";
import { Turn } from "../../node/process/turn.ts";
import type { WebSocketEnd, WebSocketEvents } from "../../platform/http.ts";
import { GenServer } from "../server/gen_server.ts";

/** How a WebSocket is opened. */
export interface WebSocketOptions {
  /** What is agreed on of the client's `Sec-WebSocket-Protocol`. Default: none. */
  readonly protocol?: string;
  /** Bytes (of a text: UTF-16 units) that a message of the client may have, 64 MiB at most; beyond it the socket is closed with 1009. Default 1 MiB. */
  readonly maxMessage?: number;
  /** Messages of the client that may wait for the process; beyond it the socket is closed with 1008. Default 1,000. */
  readonly maxQueue?: number;
  /** Bytes (of texts: UTF-16 units) that may wait for the process in all, besides one message; beyond it the socket is closed with 1008. Default 16 MiB. */
  readonly maxQueueBytes?: number;
  /** Bytes that may wait to be sent to the client; beyond it the socket is closed with 1008. Default 16 MiB. */
  readonly maxBuffered?: number;
}

const WEBSOCKET_CLOSED = atom("websocket_closed");
const TOO_SLOW = tuple(SHUTDOWN, atom("client_too_slow")) as unknown as ExitReason;
const TOO_MANY = tuple(SHUTDOWN, atom("too_many_messages")) as unknown as ExitReason;

/**
 * A WebSocket of a client, as a process: it has a pid, gets messages, can be called, monitored and registered, and ends with its socket,
 * as the socket ends with it. Made by {@linkcode WebContext.upgrade}.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | the socket is open | `handleOpen()` |
 * | the client sends | `handleMessage(data)`, a text or bytes |
 * | a process sends | `handleInfo(message)`, and calls and casts as those of every server |
 * | the socket is closed | `handleClose(code, reason)`; then the process ends: with `normal` after 1000 or 1001, else `{shutdown, {websocket_closed, Code}}` |
 *
 * The process's end closes the socket: with 1000 where it is `normal`, 1001 where it is shut down, else 1011.
 */
export abstract class WebSocketProcess extends GenServer {
  #socket: WebSocketEnd | null = null;
  #closed = false;
  #maxBuffered = Infinity;
  readonly #waiting: (() => void)[] = [];

  /** The socket is open. Messages can be pushed from here on. */
  handleOpen(): unknown {
    return undefined;
  }

  /** A message of the client. One at a time: the next waits until the promise has settled. */
  abstract handleMessage(data: string | Uint8Array): unknown;

  /** The socket has been closed: by the client, or 1006 where the connection was lost. */
  handleClose(_code: number, _reason: string): unknown {
    return undefined;
  }

  /**
   * Sends a message to the client: a text or bytes. Returns at once; what is too much for a slow client waits in memory, up to
   * `maxBuffered`, beyond which the socket is closed. Whoever sends much awaits {@linkcode WebSocketProcess.pushed} now and then.
   *
   * @throws {Error} before the socket is open.
   */
  push(data: string | Uint8Array): void {
    const socket = this.#socket;
    if (socket === null) {
      throw new Error("Cannot push: the socket is not open yet, begin in handleOpen");
    }
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      throw new TypeError(`Cannot push a ${typeof data}: a text or bytes are needed`);
    }
    if (this.#closed) return;
    socket.send(data);
    if (socket.buffered > this.#maxBuffered) this.#giveUp(TOO_SLOW, "the client is too slow");
  }

  /** Bytes that wait to be sent to the client. */
  get buffered(): number {
    return this.#closed ? 0 : this.#socket?.buffered ?? 0;
  }

  /** Resolves when what was pushed is with the operating system, or the socket is closed. */
  pushed(): Promise<void> {
    if (this.buffered === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Closes the socket; `handleClose` follows, and the process's end. */
  close(code = 1000, reason = ""): void {
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new RangeError(`Cannot close a WebSocket with ${code}: 1000 or 3000 to 4999 is needed`);
    }
    this.#socket?.close(code, reason);
  }

  /** @ignore @internal What the socket tells becomes messages of this process. */
  _attachSocket(options: WebSocketOptions): WebSocketEvents {
    const { maxQueue = 1_000, maxQueueBytes = 16 * 1024 * 1024 } = options;
    let waiting = 0;
    this.#maxBuffered = options.maxBuffered ?? 16 * 1024 * 1024;
    const process = this._process;
    return {
      open: (socket) => {
        this.#socket = socket;
        if (process.exited) socket.close(...this.#codeOf(process.reason));
        else process.deliver(new SocketTurn(() => this.handleOpen()));
      },
      message: (data) => {
        if (process.exited) return;
        const { length } = data;
        const isTooMuch = waiting > 0 && waiting + length > maxQueueBytes;
        if (isTooMuch || process.queued >= maxQueue) {
          return this.#giveUp(TOO_MANY, "more came than could be handled");
        }
        waiting += length;
        process.deliver(
          new SocketTurn(() => {
            waiting -= length;
            return this.handleMessage(data);
          }),
        );
      },
      drain: () => this.#drained(),
      close: (code, reason) => {
        this.#closed = true;
        this.#drained();
        process.deliver(new SocketTurn(() => this.#handleClose(code, reason)));
      },
    };
  }

  /** @ignore @internal */
  _ended(): void {
    const socket = this.#socket;
    this.#drained();
    if (socket !== null && !this.#closed) socket.close(...this.#codeOf(this._process.reason));
  }

  async #handleClose(code: number, reason: string): Promise<void> {
    await this.handleClose(code, reason);
    const orderly = code === 1000 || code === 1001 || code === 1005;
    const closed = tuple(WEBSOCKET_CLOSED, code);
    this.stop(orderly ? NORMAL : tuple(SHUTDOWN, closed) as unknown as ExitReason);
  }

  #giveUp(reason: ExitReason, why: string): void {
    this._core.logger._log("warning", `A WebSocket is closed: ${why}`, this._process);
    this._process.exit(reason);
  }

  #drained(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #codeOf(reason: Term): [code: number, reason: string] {
    if (reason === NORMAL) return [1000, ""];
    if (reason === TOO_SLOW || reason === TOO_MANY) return [1008, "too much"];
    const shutdown = reason === SHUTDOWN ||
      (Array.isArray(reason) && reason[0] === SHUTDOWN);
    return shutdown ? [1001, "going away"] : [1011, "internal error"];
  }
}

/** Something of the socket's whose turn comes as a message's. */
class SocketTurn extends Turn {
  readonly #fn: () => unknown;

  constructor(fn: () => unknown) {
    super();
    this.#fn = fn;
  }

  run(): unknown {
    return this.#fn();
  }
}
