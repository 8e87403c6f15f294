import type {
  ConnectOptions,
  ListenOptions,
  Stream,
  Transport,
} from "../../lib/transport/contract.ts";

/** What nodes have written. */
export interface Written {
  writes: number;
  bytes: number;
  /** Control messages: frames that are no ticks. */
  frames: number;
}

/** A transport that counts what is written to its streams; each write holds whole frames, or a part of a large one. */
export class CountingTransport implements Transport {
  readonly name: string;
  readonly #inner: Transport;
  readonly #written: Written = { writes: 0, bytes: 0, frames: 0 };
  #frames = new Frames();

  constructor(inner: Transport) {
    this.#inner = inner;
    this.name = inner.name;
  }

  /** What was written since the last time, which is to be asked while nothing is on its way. There is one connection. */
  take(): Written {
    const taken = { ...this.#written };
    this.#frames = new Frames();
    Object.assign(this.#written, { writes: 0, bytes: 0, frames: 0 });
    return taken;
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    return this.#counted(await this.#inner.connect(options));
  }

  listen(
    options: ListenOptions,
    accept: (stream: Stream) => void,
  ): ReturnType<Transport["listen"]> {
    return this.#inner.listen(options, (stream) => accept(this.#counted(stream)));
  }

  bind(options: Parameters<Transport["bind"]>[0]): ReturnType<Transport["bind"]> {
    return this.#inner.bind(options);
  }

  #counted(stream: Stream): Stream {
    const write = stream.write.bind(stream);
    stream.write = (bytes) => {
      this.#written.writes++;
      this.#written.bytes += bytes.length;
      this.#written.frames += this.#frames.in(bytes);
      return write(bytes);
    };
    return stream;
  }
}

/** Counts the frames in what is written behind a whole frame: 4 bytes of length before each. */
class Frames {
  #head: number[] = [];
  #left = 0;

  in(bytes: Uint8Array): number {
    let count = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, bytes.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      this.#head.push(bytes[at++]);
      if (this.#head.length < 4) continue;
      this.#left = this.#head.reduce((sum, byte) => sum * 256 + byte, 0);
      this.#head = [];
      if (this.#left > 0) count++;
    }
    return count;
  }
}
