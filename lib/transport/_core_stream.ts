import { WriteQueue } from "./_write_queue.ts";
import { HIGH_WATER, type SocketAddress, type Stream, type StreamHandler } from "./contract.ts";

/**
 * What one runtime's socket does for the {@linkcode CoreStream} that owns it. It tells the stream what happens by `data`,
 * `sent`, `ended`, `finished` and `closed`; no method throws.
 */
export interface Driver {
  /** Starts (`true`) or stops to read. Data that was on its way may still be told after a stop. */
  read(on: boolean): void;
  /**
   * Hands bytes to the system and returns how many it took at once. If not all, `sent` tells how many more it took later (0
   * where it only has room again); until then nothing else is sent. The array is left alone until the last byte was taken.
   */
  send(bytes: Uint8Array): number;
  /** Ends our side; `finished` follows. Everything has been sent by then. */
  shutdown(): void;
  /** Frees the socket. Called once, and also after `closed`. */
  close(): void;
  ref(on: boolean): void;
}

/**
 * The stream that all adapters give out: the order of events and the moments at which they may come, the write queue, and the
 * closing of a connection. A driver below it knows its socket and nothing else.
 *
 * - Writes of one turn are flushed together in a microtask at the end of it.
 * - No event comes inside a call that the owner makes: what such a call causes is told in a microtask.
 * - Data that arrives before `start` or while paused is kept and told later, before `end` and `close`. Two things cut it off:
 *   `destroy`, and an error while paused.
 * - A handler that throws ends its stream; `close` gets what it threw.
 */
export class CoreStream implements Stream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  #driver: Driver;
  #handler: StreamHandler | undefined;

  // Reading.
  #reading = false;
  #paused = false;
  #held: Uint8Array[] = [];
  #ended = false;
  #endTold = false;
  #tellScheduled = false;

  // Writing.
  #queue = new WriteQueue();
  #buffered = 0;
  #above = false;
  /** What is left of the piece that the driver has. */
  #rest: Uint8Array | undefined;
  #flushScheduled = false;
  #ending = false;
  #shut = false;
  #finished = false;

  // Closing.
  #closed = false;
  #destroyed = false;
  #closeTold = false;
  #error: Error | undefined;

  constructor(driver: Driver, local: SocketAddress, remote: SocketAddress) {
    this.#driver = driver;
    this.local = local;
    this.remote = remote;
  }

  get buffered(): number {
    return this.#buffered;
  }

  start(handler: StreamHandler): void {
    if (this.#handler !== undefined) throw new TypeError("Cannot start the stream: it was started");
    this.#handler = handler;
    this.#scheduleTell();
    if (this.#closed) return;
    this.#reading = !this.#paused;
    if (this.#reading) this.#driver.read(true);
  }

  write(bytes: Uint8Array, now = false): boolean {
    if (this.#closed || this.#ending || bytes.length === 0) return !this.#above;
    this.#buffered += bytes.length;
    if (now && !this.#flushScheduled && this.#rest === undefined) {
      this.#send(bytes); // nothing is queued
    } else {
      this.#queue.push(bytes);
      this.#scheduleFlush();
    }
    if (this.#buffered <= HIGH_WATER) return true;
    this.#above = true;
    return false;
  }

  flush(): void {
    if (this.#closed || this.#rest !== undefined) return;
    this.#sendQueued();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#reading = false;
    if (this.#handler !== undefined && !this.#closed) this.#driver.read(false);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#handler === undefined) return;
    this.#scheduleTell();
    if (this.#closed) return;
    this.#reading = true;
    this.#driver.read(true);
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.#scheduleFlush();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#held = [];
    this.#error = undefined;
    this.closed();
    this.#scheduleTell();
  }

  ref(): void {
    if (!this.#closed) this.#driver.ref(true);
  }

  unref(): void {
    if (!this.#closed) this.#driver.ref(false);
  }

  // What follows is the driver's.

  /**
   * @internal Bytes arrived, in an array that nobody else writes to.
   *
   * @returns whether the array may be used again.
   */
  data(bytes: Uint8Array): boolean {
    if (this.#closed) return false;
    if (!this.#reading || this.#held.length > 0) {
      this.#held.push(bytes);
      return false;
    }
    try {
      return this.#handler!.data(bytes) === true;
    } catch (error) {
      this.#fault(error as Error);
      return false;
    }
  }

  /** @internal Where the owner wants the next bytes, if anywhere. To be asked right before they are read. */
  room(): Uint8Array | null {
    if (!this.#reading || this.#held.length > 0) return null;
    return this.#handler!.room?.() ?? null;
  }

  /** @internal The system took `count` more bytes of what it was given, or has room again. */
  sent(count: number): void {
    const rest = this.#rest;
    if (this.#closed || rest === undefined) return;
    this.#buffered -= count;
    this.#rest = undefined;
    if (count < rest.length) {
      if (!this.#send(count === 0 ? rest : rest.subarray(count))) return;
    } else {
      this.#handler?.sent?.(rest);
    }
    this.#flush();
  }

  /** @internal The peer ended its side. */
  ended(): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    this.#tell();
  }

  /** @internal Our side is ended. */
  finished(): void {
    this.#finished = true;
    if (!this.#closed && this.#endTold) this.closed();
  }

  /** @internal The socket is gone, or is to go. */
  closed(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reading = false;
    this.#error = error;
    this.#queue.clear();
    this.#rest = undefined;
    this.#buffered = 0;
    this.#above = false;
    this.#driver.close();
    this.#scheduleTell();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#rest !== undefined) return;
    this.#flushScheduled = true;
    queueMicrotask(this.#flush);
  }

  #flush = (): void => {
    this.#flushScheduled = false;
    if (this.#closed || this.#rest !== undefined || !this.#sendQueued()) return;
    if (this.#ending) {
      if (this.#shut) return;
      this.#shut = true;
      this.#driver.shutdown();
    } else if (this.#above) {
      this.#above = false;
      try {
        this.#handler?.drain();
      } catch (error) {
        this.#fault(error as Error);
      }
    }
  };

  /** Whether the driver took all that there was. */
  #sendQueued(): boolean {
    for (;;) {
      const piece = this.#queue.next();
      if (piece === undefined) return true;
      if (!this.#send(piece)) return false;
    }
  }

  /** Whether the driver took it all and can have more. */
  #send(piece: Uint8Array): boolean {
    const taken = this.#driver.send(piece);
    if (this.#closed) return false;
    this.#buffered -= taken;
    if (taken === piece.length) {
      this.#handler?.sent?.(piece);
      return true;
    }
    this.#rest = taken === 0 ? piece : piece.subarray(taken);
    return false;
  }

  #scheduleTell(): void {
    if (this.#tellScheduled) return;
    this.#tellScheduled = true;
    queueMicrotask(this.#scheduledTell);
  }

  #scheduledTell = (): void => {
    this.#tellScheduled = false;
    this.#tell();
  };

  /** The handler threw: nothing more is told but the close, with what it threw. */
  #fault(error: Error): void {
    this.#destroyed = true;
    this.#held = [];
    this.closed();
    this.#error = error;
  }

  /** Tells what is due, as far as the owner wants to hear it now. */
  #tell(): void {
    const handler = this.#handler;
    if (handler === undefined || this.#closeTold) return;
    try {
      while (this.#held.length > 0 && !this.#paused) handler.data(this.#held.shift()!);
      if (this.#ended && !this.#endTold && !this.#paused && !this.#destroyed) {
        this.#endTold = true;
        handler.end();
      }
    } catch (error) {
      this.#fault(error as Error);
    }
    if (this.#endTold && this.#finished) this.closed();
    if (!this.#closed) return;
    const complete = this.#held.length === 0 && (this.#endTold || !this.#ended);
    if (!complete && !this.#destroyed && this.#error === undefined) return;
    this.#closeTold = true;
    this.#held = [];
    handler.close(this.#error);
  }
}
