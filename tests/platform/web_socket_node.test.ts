import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { WebSocketEnd } from "../../lib/platform/http.ts";
import { NodeWebSocket } from "../../lib/platform/_web_socket_node.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** A ping of a client, with 100 bytes under a mask of zero. */
const PING = Uint8Array.from([0x89, 0x80 | 100, 0, 0, 0, 0, ...new Uint8Array(100)]);

/** A connection whose other end reads what it is let. */
class Slow extends Duplex {
  written = 0;
  reads = false;
  #waiting: (() => void) | null = null;

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.written += bytes.length;
    if (this.reads) done();
    else this.#waiting = done;
  }

  readsAll(): void {
    this.reads = true;
    this.#waiting?.();
  }
}

test("pings of a client that takes no answers do not fill the memory", async () => {
  const stream = new Slow();
  const closes: number[] = [];
  let socket!: WebSocketEnd;
  new NodeWebSocket(stream, new Uint8Array(0), {
    open: (end) => socket = end,
    message: () => {},
    drain: () => {},
    close: (code) => closes.push(code),
  }, 1000);
  const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  for (let i = 0; i < 100; i++) {
    stream.push(Buffer.concat(Array.from({ length: 100 }, () => PING)));
    await tick();
  }
  assert(socket.buffered < 100_000, `${socket.buffered} bytes wait to be sent`);
  stream.readsAll();
  while (stream.writableLength > 0) await tick();
  const before = stream.written;
  stream.push(PING);
  while (stream.written === before) await tick(); // a client that reads is answered
  assertEquals(stream.written - before, 102);
  socket.destroy();
  while (closes.length === 0) await tick();
  assertEquals(closes, [1006]);
});

testNothingIsLeft();
