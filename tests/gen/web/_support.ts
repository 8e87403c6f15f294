import { connect } from "node:net";
import {
  atom,
  EventStream,
  formatText,
  type Node,
  type RequestHandler,
  startNode,
  type Term,
  Web,
  type WebOptions,
  type WebRef,
  WebSocketProcess,
} from "../../../mod.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import type { Platform } from "../../../lib/platform/contract.ts";

let count = 0;
export const logs: string[] = [];

/** A node with nothing of a network but what the web server opens. */
export async function withNode(body: (node: Node) => Promise<unknown>): Promise<void> {
  const platform: Platform = {
    ...await defaultPlatform(),
    log: (_level, message) => void logs.push(message),
  };
  logs.length = 0;
  const node = await startNode(`web${++count}@localhost`, {
    cookie: "secret",
    listen: false,
    epmd: false,
    platform,
  });
  try {
    await body(node);
  } finally {
    await node.stop();
  }
}

/** A server with these routes. */
export function serving(
  routes: Record<string, RequestHandler>,
  options: WebOptions = {},
): new () => Web {
  return class extends Web {
    override readonly routes = routes;
    override init(): WebOptions {
      return { port: 0, ...options };
    }
  };
}

export function get(api: WebRef<Web>, path: string, init?: RequestInit): Promise<Response> {
  return fetch(api.url + path, init);
}

/** Something that a test waits for and lets go. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => resolve = given);
  return { promise, resolve };
}

/** Answers in capitals, closes at "bye" and crashes at "crash". */
export class Chat extends WebSocketProcess {
  #room = "";
  override init(room: string): void {
    this.#room = room;
  }
  override readonly calls = { room: () => this.#room };
  override handleOpen(): void {
    this.push(`welcome to ${this.#room}`);
  }
  override handleMessage(data: string | Uint8Array): void {
    if (data === "crash") throw new Error("crashed");
    if (data === "bye") return this.close(4000, "bye");
    this.push(typeof data === "string" ? data.toUpperCase() : data);
  }
  override handleInfo(message: Term): void {
    this.push(formatText("~tp", [message]));
  }
}

/** What comes from a socket, in order. */
export async function* from(socket: WebSocket): AsyncGenerator<unknown> {
  socket.binaryType = "arraybuffer";
  const queue: unknown[] = [];
  let wake = (): void => {};
  socket.onmessage = ({ data }) => {
    queue.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    wake();
  };
  socket.onclose = ({ code, reason }) => {
    queue.push({ code, reason });
    wake();
  };
  for (;;) {
    while (queue.length === 0) await new Promise<void>((resolve) => wake = resolve);
    yield queue.shift();
  }
}

/** The head of what the server answers, written by hand. */
export async function raw(api: WebRef<Web>, request: string): Promise<string> {
  const socket = connect(api.port, api.host);
  socket.write(`${request}\r\n\r\n`);
  let text = "";
  for await (const bytes of socket) {
    text += bytes;
    if (text.includes("\r\n\r\n")) break;
  }
  socket.destroy();
  return text;
}

/** Emits so many events, and then what it is sent. */
export class Ticker extends EventStream {
  override init(count: number): void {
    for (let i = 1; i <= count; i++) this.emit({ data: { i }, event: "tick", id: String(i) });
  }
  override handleInfo(message: Term): void {
    if (message === atom("stop")) this.stop();
    else this.emit({ data: String(message) });
  }
}
