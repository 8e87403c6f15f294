import {
  HIGH_WATER,
  type SocketAddress,
  type Stream,
  type StreamHandler,
} from "../transport/contract.ts";

type StreamEvent = (handler: StreamHandler) => void;

/**
 * A stream that changes its owner: it can be taken from one handler and started again with the next, and no event is lost
 * or overtakes another one, be it that the stream closes just between the two.
 *
 * While it has no owner it keeps what comes, at most {@linkcode HIGH_WATER} bytes before it holds the peer back.
 */
export class HandoverStream implements Stream {
  readonly #stream: Stream;
  readonly #defer: (fn: () => void) => void;
  #handler: StreamHandler | null = null;
  #events: StreamEvent[] = [];
  #kept = 0;
  #held = false;
  #paused = false;
  #delivering = false;
  #closed = false;
  #destroyed = false;

  /** @param defer Calls a function after what runs now (the platform's). */
  constructor(stream: Stream, defer: (fn: () => void) => void) {
    this.#stream = stream;
    this.#defer = defer;
  }

  get local(): SocketAddress {
    return this.#stream.local;
  }

  get remote(): SocketAddress {
    return this.#stream.remote;
  }

  get buffered(): number {
    return this.#stream.buffered;
  }

  /** The first owner: begins to read. */
  open(handler: StreamHandler): void {
    this.#handler = handler;
    this.#stream.start({
      data: (bytes) => this.#data(bytes),
      room: () => this.#current() ? this.#handler!.room?.() ?? null : null,
      sent: (bytes) => this.#handler?.sent?.(bytes),
      drain: () => this.#event((owner) => owner.drain()),
      end: () => this.#event((owner) => owner.end()),
      close: (error) => {
        this.#closed = true;
        this.#event((owner) => owner.close(error));
      },
    });
  }

  /** The owner leaves. `rest` are bytes that it was given and that are not its own. */
  release(rest: Uint8Array): void {
    this.#handler = null;
    if (rest.length > 0) this.#keep(rest);
  }

  /** The next owner. What came meanwhile is delivered first, not inside this call. */
  start(handler: StreamHandler): void {
    if (this.#handler !== null) throw new TypeError("Cannot start stream: it has been started");
    this.#handler = handler;
    this.#deliverSoon();
  }

  write(bytes: Uint8Array, now?: boolean): boolean {
    return this.#stream.write(bytes, now);
  }

  flush(): void {
    this.#stream.flush?.();
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#held) this.#stream.resume();
    this.#deliverSoon();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#destroyed = true;
    if (!this.#closed) this.#events.length = 0;
    this.#stream.destroy();
    this.#deliverSoon();
  }

  ref(): void {
    this.#stream.ref();
  }

  unref(): void {
    this.#stream.unref();
  }

  #data(bytes: Uint8Array): boolean | void {
    // Where bytes pass once the owner has caught up: no closure is made for them.
    if (this.#current()) return (this.#handler as StreamHandler).data(bytes);
    this.#keep(bytes);
  }

  #event(event: StreamEvent): void {
    if (this.#current()) event(this.#handler as StreamHandler);
    else this.#events.push(event);
  }

  #keep(bytes: Uint8Array): void {
    this.#kept += bytes.length;
    this.#events.push((owner) => {
      this.#kept -= bytes.length;
      if (!this.#destroyed) owner.data(bytes);
    });
    if (this.#kept > HIGH_WATER && !this.#held) {
      this.#held = true;
      this.#stream.pause();
    }
  }

  /** Whether the owner has seen everything that came before. */
  #current(): boolean {
    return this.#handler !== null && this.#events.length === 0 && !this.#delivering;
  }

  #deliverSoon(): void {
    if (this.#events.length > 0) this.#defer(() => this.#deliver());
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#events.length > 0) {
        if (this.#handler === null || (this.#paused && !this.#destroyed)) return;
        (this.#events.shift() as StreamEvent)(this.#handler);
      }
    } finally {
      this.#delivering = false;
    }
    if (this.#held) {
      this.#held = false;
      if (!this.#paused) this.#stream.resume();
    }
  }
}
