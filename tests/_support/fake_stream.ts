import type { SocketAddress, Stream, StreamHandler } from "../../lib/transport/contract.ts";

/** A stream whose other end is the test: it writes down what its owner does, and the test calls `handler`. */
export class FakeStream implements Stream {
  readonly local: SocketAddress = { host: "127.0.0.1", port: 1 };
  readonly remote: SocketAddress = { host: "127.0.0.1", port: 2 };
  buffered = 0;
  /** What the owner called, as `pause`; written bytes as `write 1,2,3`. */
  readonly calls: string[] = [];
  handler!: StreamHandler;

  start(handler: StreamHandler): void {
    this.calls.push("start");
    this.handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    this.calls.push(`write ${bytes}`);
    return true;
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
  }

  ref(): void {
    this.calls.push("ref");
  }

  unref(): void {
    this.calls.push("unref");
  }
}

/** A handler that writes down what it is told: `data 1,2`, `drain`, `end`, `close`. */
export class Recorder implements StreamHandler {
  readonly events: string[] = [];

  data(bytes: Uint8Array): void {
    this.events.push(`data ${bytes}`);
  }

  drain(): void {
    this.events.push("drain");
  }

  end(): void {
    this.events.push("end");
  }

  close(error?: Error): void {
    this.events.push(error === undefined ? "close" : `close ${error.message}`);
  }
}
