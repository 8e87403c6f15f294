import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  type SocketAddress,
  type Transport,
  TransportError,
} from "../../lib/transport/contract.ts";
import { DATAGRAM_BUFFER, type DatagramSocket } from "../../lib/transport/datagrams.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { freePort } from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** A bound socket that writes down what it is told, and checks that nothing is told inside a call. */
class Datagrams {
  readonly socket: DatagramSocket;
  readonly got: { readonly bytes: Uint8Array; readonly from: SocketAddress }[] = [];
  readonly unsent: { readonly to: SocketAddress; readonly error: Error }[] = [];
  #inside = false;
  #wake: () => void = () => {};

  constructor(socket: DatagramSocket) {
    this.socket = socket;
    socket.start({
      datagram: (bytes, from) => {
        assert(!this.#inside);
        this.got.push({ bytes, from });
        this.#wake();
      },
      unsent: (to, error) => {
        assert(!this.#inside);
        this.unsent.push({ to, error });
        this.#wake();
      },
      broken: (error) => {
        throw error;
      },
    });
  }

  static async bind(transport: Transport, host?: string): Promise<Datagrams> {
    return new Datagrams(await transport.bind({ host }));
  }

  send(bytes: Uint8Array, to: SocketAddress): boolean {
    this.#inside = true;
    const taken = this.socket.send(bytes, to);
    this.#inside = false;
    return taken;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

const kinds: readonly (readonly [string, () => Promise<Transport> | Transport])[] = [
  ["native", defaultTransport],
  ["memory", memoryNetwork],
];

for (const [kind, make] of kinds) {
  const it = (title: string, body: (transport: Transport) => Promise<void>): void =>
    void test(`${kind}: ${title}`, async () => await body(await make()));

  it("what is sent arrives, and its answer where it came from", async (transport) => {
    const [a, b] = [await Datagrams.bind(transport), await Datagrams.bind(transport)];
    assert(a.send(Uint8Array.of(1, 2, 3), b.socket.address));
    await b.until(() => b.got.length === 1);
    const [{ bytes, from }] = b.got;
    assertEquals(bytes, Uint8Array.of(1, 2, 3));
    assertEquals(bytes.constructor, Uint8Array);
    assertEquals(from, a.socket.address);
    b.send(bytes, from);
    await a.until(() => a.got.length === 1);
    assertEquals(a.got[0], { bytes, from: b.socket.address });
    await Promise.all([a.socket.close(), b.socket.close()]);
  });

  it("an empty datagram and the largest one arrive, each as one", async (transport) => {
    const [a, b] = [await Datagrams.bind(transport), await Datagrams.bind(transport)];
    for (const size of [0, 60_000, 65_507, 1]) {
      a.send(new Uint8Array(size).fill(size), b.socket.address);
      await b.until(() => b.got.at(-1)?.bytes.length === size);
    }
    assertEquals(b.got.map(({ bytes }) => bytes.length), [0, 60_000, 65_507, 1]);
    // A small one does not hold on to the memory of a large one.
    assert(b.got[3].bytes.buffer.byteLength < 1_000);
    await Promise.all([a.socket.close(), b.socket.close()]);
  });

  it("one that is larger than it can be is told of", async (transport) => {
    const a = await Datagrams.bind(transport);
    const to = { host: "127.0.0.1", port: 9 };
    assert(a.send(new Uint8Array(70_000), to));
    await a.until(() => a.unsent.length === 1);
    const [{ to: where, error }] = a.unsent;
    assertEquals(where, to);
    assertInstanceOf(error, TransportError);
    assertEquals(error.code, "EMSGSIZE");
    await a.socket.close();
  });

  it("a port that is taken is told of, and free when it was closed", async (transport) => {
    const port = await freePort(); // none that the system may give to another program meanwhile
    const a = new Datagrams(await transport.bind({ port }));
    const error = await assertRejects(() => transport.bind({ port }), TransportError);
    assertEquals((error as TransportError).code, "EADDRINUSE");
    await Promise.all([a.socket.close(), a.socket.close()]);
    assertEquals(a.send(Uint8Array.of(1), { host: "127.0.0.1", port }), false);
    const b = await transport.bind({ port });
    assertEquals(b.address.port, port);
    b.ref();
    b.unref();
    await b.close();
  });

  it("a socket is started once", async (transport) => {
    const a = await Datagrams.bind(transport);
    assertThrows(() => new Datagrams(a.socket), TypeError, "it was started");
    await a.socket.close();
  });
}

test("native: what waits to be sent is bounded, and the rest is not taken", async () => {
  const transport = await defaultTransport();
  const [a, b] = [await Datagrams.bind(transport), await Datagrams.bind(transport)];
  const bytes = new Uint8Array(50_000);
  let taken = 0;
  // A name is looked up first, so that all waits.
  while (a.send(bytes, { host: "localhost", port: b.socket.address.port })) taken++;
  assert(taken * bytes.length >= DATAGRAM_BUFFER - bytes.length, `${taken} taken`);
  assert(a.socket.buffered <= DATAGRAM_BUFFER + bytes.length + 1);
  await b.until(() => b.got.length > 0);
  while (a.socket.buffered > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert(a.send(bytes, b.socket.address));
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test("native: IPv6 and names", async () => {
  const transport = await defaultTransport();
  const [a, b] = [await Datagrams.bind(transport, "::1"), await Datagrams.bind(transport, "::1")];
  assertEquals(a.socket.address.host, "::1");
  a.send(Uint8Array.of(6), b.socket.address);
  await b.until(() => b.got.length === 1);
  assertEquals(b.got[0].from, a.socket.address);
  a.send(Uint8Array.of(7), { host: "no.such.name.invalid", port: 9 });
  await a.until(() => a.unsent.length === 1);
  assertEquals((a.unsent[0].error as TransportError).code, "ENOTFOUND");
  await Promise.all([a.socket.close(), b.socket.close()]);
  await assertRejects(() => transport.bind({ host: "192.0.2.1" }), TransportError, "EADDRNOTAVAIL");
});

test("memory: machines have ports of their own, loopback is for itself, and what nobody takes is lost", async () => {
  const network = memoryNetwork();
  const [one, two] = [network.machine("one"), network.machine("two")];
  const inside = new Datagrams(await two.bind({ port: 7 }));
  const open = new Datagrams(await two.bind({ host: "0.0.0.0", port: 8 }));
  const a = new Datagrams(await one.bind({ host: "0.0.0.0", port: 7 }));
  a.send(Uint8Array.of(1), { host: "two", port: 7 });
  a.send(Uint8Array.of(2), { host: "two", port: 9 });
  a.send(Uint8Array.of(3), { host: "two", port: 8 });
  await open.until(() => open.got.length === 1);
  assertEquals(open.got, [{ bytes: Uint8Array.of(3), from: { host: "one", port: 7 } }]);
  assertEquals(inside.got, []);
  open.send(Uint8Array.of(4), open.got[0].from);
  await a.until(() => a.got.length === 1);
  assertEquals(a.got[0].from, { host: "two", port: 8 });
});

test("memory: a datagram may be lost on its way, and nothing else is broken by it", async () => {
  const travelling: (readonly [number, boolean])[] = [];
  const network = memoryNetwork({
    defer: (deliver, { bytes, datagram }) => {
      travelling.push([bytes, datagram]);
      if (!datagram || bytes !== 2) setImmediate(deliver);
    },
  });
  const [a, b] = [await Datagrams.bind(network), await Datagrams.bind(network)];
  for (const size of [1, 2, 3]) a.send(new Uint8Array(size), b.socket.address);
  await b.until(() => b.got.length === 2);
  assertEquals(b.got.map(({ bytes }) => bytes.length), [1, 3]);
  assertEquals(travelling, [[1, true], [2, true], [3, true]]);
});

testNothingIsLeft();
