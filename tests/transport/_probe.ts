import type { Stream, StreamHandler } from "../../lib/transport/contract.ts";

interface Waiting {
  readonly holds: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * An owner of a stream that writes down what it is told, waits for it, and checks what holds for every stream: no event inside
 * a call, `end` after the data, `close` once and last.
 */
export class Probe {
  readonly stream: Stream;
  /** Called for each piece of data; for tests that do not keep it all. */
  onData: ((bytes: Uint8Array) => void) | undefined;
  /** Where the next bytes are wanted, for tests that know. */
  room: (() => Uint8Array | null) | undefined;
  readonly pieces: Uint8Array[] = [];
  received = 0;
  drains = 0;
  started = false;
  ended = false;
  closed = false;
  error: Error | undefined;
  #inside = false;
  #fault: Error | undefined;
  #waiting = new Set<Waiting>();

  constructor(stream: Stream) {
    this.stream = stream;
  }

  start(): this {
    this.started = true;
    this.#call(() => this.stream.start(this.#handler));
    return this;
  }

  write(bytes: Uint8Array | string): boolean {
    const array = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    return this.#call(() => this.stream.write(array));
  }

  pause(): void {
    this.#call(() => this.stream.pause());
  }

  resume(): void {
    this.#call(() => this.stream.resume());
  }

  end(): void {
    this.#call(() => this.stream.end());
  }

  destroy(): void {
    this.#call(() => this.stream.destroy());
  }

  get text(): string {
    return new TextDecoder().decode(joined(this.pieces));
  }

  /** Resolves as soon as `holds` does; asked after each event. Fails where the stream broke a rule. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ holds, resolve, reject });
      this.#wake();
    });
  }

  untilText(text: string): Promise<void> {
    return this.until(() => this.text.length >= text.length);
  }

  untilEnded(): Promise<void> {
    return this.until(() => this.ended);
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.closed);
  }

  #handler: StreamHandler = {
    data: (bytes) => {
      this.#event();
      this.#rule(!this.ended, "data after end");
      this.#rule(bytes.constructor === Uint8Array, "data that is no plain Uint8Array");
      this.#rule(bytes.length > 0, "data that is empty");
      this.received += bytes.length;
      if (this.onData === undefined) this.pieces.push(bytes);
      else this.onData(bytes);
      this.#wake();
    },
    room: () => this.room?.() ?? null,
    drain: () => {
      this.#event();
      this.#rule(this.stream.buffered === 0, "drain with bytes in the queue");
      this.drains++;
      this.#wake();
    },
    end: () => {
      this.#event();
      this.#rule(!this.ended, "a second end");
      this.ended = true;
      this.#wake();
    },
    close: (error) => {
      this.#event();
      this.closed = true;
      this.error = error;
      this.#wake();
    },
  };

  #event(): void {
    this.#rule(!this.#inside, "an event inside a call");
    this.#rule(!this.closed, "an event after close");
  }

  #rule(kept: boolean, broken: string): void {
    if (!kept) this.#fault ??= new Error(`The stream told ${broken}`);
  }

  #call<T>(call: () => T): T {
    this.#inside = true;
    try {
      return call();
    } finally {
      this.#inside = false;
    }
  }

  #wake(): void {
    for (const waiting of this.#waiting) {
      if (this.#fault === undefined && !waiting.holds()) continue;
      this.#waiting.delete(waiting);
      if (this.#fault === undefined) waiting.resolve();
      else waiting.reject(this.#fault);
    }
  }
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}

/** Lets input and timers have their turn, `count` times. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
