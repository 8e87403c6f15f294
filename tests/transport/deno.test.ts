import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { DenoConn, DenoSlice } from "../../lib/transport/_deno_api.ts";
import type { Stream } from "../../lib/transport/contract.ts";
import { denoTransport } from "../../lib/transport/deno.ts";

const MIB = 1024 * 1024;

/** A connection that has so many bytes to read at once. */
function full(bytes: number): DenoConn {
  const address = { hostname: "127.0.0.1", port: 1 };
  return {
    localAddr: address,
    remoteAddr: address,
    read(into) {
      const count = Math.min(bytes, into.length);
      bytes -= count;
      return Promise.resolve(count === 0 ? null : count);
    },
    write: ({ length }) => Promise.resolve(length),
    closeWrite: () => Promise.resolve(),
    close() {},
    ref() {},
    unref() {},
    setNoDelay() {},
  };
}

/** A stream of the adapter over that connection, on any runtime. */
async function streamOver(conn: DenoConn): Promise<Stream> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "Deno");
  const slice: Pick<DenoSlice, "connect"> = { connect: () => Promise.resolve(conn) };
  Object.defineProperty(globalThis, "Deno", { value: slice, configurable: true });
  try {
    return await denoTransport().connect({ host: "127.0.0.1", port: 1 });
  } finally {
    if (own === undefined) Reflect.deleteProperty(globalThis, "Deno");
    else Object.defineProperty(globalThis, "Deno", own);
  }
}

test("a connection that always has more to read leaves all else its turns", async () => {
  const stream = await streamOver(full(20 * MIB));
  let [received, most, ended] = [0, 0, false];
  stream.start({
    data: ({ length }) => void (received += length),
    drain() {},
    end: () => void (ended = true),
    close() {},
  });
  for (let before = 0; !ended; before = received) {
    await macrotask();
    most = Math.max(most, received - before);
  }
  stream.destroy();
  assertEquals(received, 20 * MIB);
  assert(most <= 2 * MIB, `${most} bytes in one turn`);
});
