import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { WebSocketEnd, WebSocketEvents } from "./http.ts";
import {
  closeOf,
  closePayload,
  FrameError,
  frameHead,
  FrameReader,
  OPCODE,
  textOf,
} from "./_web_socket_frames.ts";

/** What RFC 6455, section 1.3, has appended to a client's key. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Milliseconds after which a peer that says nothing is asked whether it is there, and then given up. */
const IDLE = 30_000;
/** Milliseconds for the peer's good-bye. */
const GOODBYE = 5_000;

/** The head of the answer that makes a connection a WebSocket. */
export function switchingProtocols(key: string, protocol: string | undefined): string {
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  const agreed = protocol === undefined ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n${agreed}\r\n`;
}

/** A WebSocket over a stream whose handshake is done. */
export class NodeWebSocket implements WebSocketEnd {
  readonly #stream: Duplex;
  readonly #events: WebSocketEvents;
  readonly #reader: FrameReader;
  #goodbye: { readonly code: number; readonly reason: string } | null = null;
  #closing = false;
  #over = false;
  #asked = false;
  #idle: ReturnType<typeof setTimeout>;

  constructor(stream: Duplex, head: Uint8Array, events: WebSocketEvents, maxMessage: number) {
    this.#stream = stream;
    this.#events = events;
    this.#reader = new FrameReader(maxMessage);
    this.#idle = setTimeout(() => this.#ask(), IDLE);
    events.open(this);
    stream.on("data", (bytes: Uint8Array) => this.#data(bytes));
    stream.on("drain", () => events.drain());
    stream.on("end", () => stream.end());
    stream.on("error", () => {}); // a close follows
    stream.on("close", () => this.#closed());
    if (head.length > 0) this.#data(head);
  }

  get buffered(): number {
    return this.#stream.writableLength;
  }

  send(data: string | Uint8Array): void {
    if (this.#closing || this.#over) return;
    const text = typeof data === "string";
    const payload = text ? new TextEncoder().encode(data) : new Uint8Array(data);
    if (this.#frame(text ? OPCODE.text : OPCODE.binary, payload)) {
      // Whoever waits for drain is told also where the system took it at once.
      queueMicrotask(() => this.#over || this.#events.drain());
    }
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    this.#frame(OPCODE.close, closePayload(code, reason));
    this.#restart(GOODBYE, () => this.destroy());
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #frame(opcode: number, payload: Uint8Array): boolean {
    const stream = this.#stream;
    stream.cork();
    stream.write(frameHead(opcode, payload.length));
    const room = stream.write(payload);
    stream.uncork();
    return room;
  }

  #data(bytes: Uint8Array): void {
    if (this.#goodbye !== null || this.#over) return;
    this.#asked = false;
    if (!this.#closing) this.#restart(IDLE, () => this.#ask());
    try {
      for (const { opcode, payload } of this.#reader.read(bytes)) {
        if (opcode === OPCODE.text) this.#events.message(textOf(payload));
        else if (opcode === OPCODE.binary) this.#events.message(payload);
        else if (opcode === OPCODE.ping) this.#pong(payload);
        else if (opcode === OPCODE.close) return this.#peerCloses(payload);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#goodbye = { code: error.code, reason: error.message };
      this.close(error.code, error.message);
      this.#stream.end();
    }
  }

  /** None for a peer that asks again and again and takes no answer: they would wait here for ever. */
  #pong(payload: Uint8Array): void {
    if (!this.#closing && !this.#stream.writableNeedDrain) this.#frame(OPCODE.pong, payload);
  }

  #peerCloses(payload: Uint8Array): void {
    this.#goodbye = closeOf(payload);
    if (!this.#closing) {
      this.#closing = true;
      this.#frame(OPCODE.close, payload.subarray(0, 2));
    }
    this.#restart(GOODBYE, () => this.destroy());
    this.#stream.end();
  }

  #ask(): void {
    if (this.#asked) return this.destroy();
    this.#asked = true;
    this.#frame(OPCODE.ping, new Uint8Array(0));
    this.#restart(IDLE, () => this.#ask());
  }

  #restart(ms: number, fn: () => void): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(fn, ms);
  }

  #closed(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#idle);
    const { code, reason } = this.#goodbye ?? { code: 1006, reason: "" };
    this.#events.close(code, reason);
  }
}
