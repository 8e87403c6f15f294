import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  HIGH_WATER,
  type Listener,
  type Stream,
  TransportError,
} from "../../lib/transport/contract.ts";
import { freePort } from "../_support/erlang.ts";
import { Probe, turns } from "./_probe.ts";
import { type Kind, kinds, listening, pair } from "./_transports.ts";

const MIB = 1024 * 1024;

/** A byte that tells where it stands, so that nothing can be lost, doubled or moved. */
function byteAt(position: number): number {
  return (position ^ (position >>> 8) ^ (position >>> 16)) & 255;
}

function pattern(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = byteAt(from + i);
  return bytes;
}

/** Checks the pattern as it comes, without keeping it. */
function expectPattern(probe: Probe): { wrong: number } {
  const state = { wrong: 0 };
  let position = 0;
  probe.onData = (bytes) => {
    for (let i = 0; i < bytes.length; i++) if (bytes[i] !== byteAt(position + i)) state.wrong++;
    position += bytes.length;
  };
  return state;
}

function echo(stream: Stream): Probe {
  const probe = new Probe(stream);
  probe.onData = (bytes) => void probe.write(bytes);
  probe.untilEnded().then(() => probe.end());
  return probe.start();
}

function suite(kind: Kind): void {
  const it = (title: string, body: () => Promise<void>): void =>
    void test(`${kind.name}: ${title}`, body);

  it("what is written comes back from an echo", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    far.onData = (bytes) => void far.write(bytes);
    far.start();
    near.write("hello");
    await near.untilText("hello");
    assertEquals(near.text, "hello");
    await finish();
  });

  it("bytes come to where their owner wants them, also in turns with others and with pauses", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    const size = 3 * MIB;
    const target = new Uint8Array(size);
    let [position, pauses, direct] = [0, 0, 0];
    // Not always, and never the whole.
    far.room = () =>
      position % 4 === 3 || position === size
        ? null
        : target.subarray(position, Math.min(size, position + 200_000));
    far.onData = (bytes) => {
      if (bytes.buffer !== target.buffer) target.set(bytes, position);
      else if (bytes.byteOffset === position) direct++;
      else throw new Error(`bytes at ${bytes.byteOffset}, ${position} is expected`);
      position += bytes.length;
      if (position < (pauses + 1) * 500_000) return;
      pauses++;
      far.pause();
      setTimeout(() => far.resume());
    };
    far.start();
    for (let at = 0; at < size; at += 100_001) {
      near.write(pattern(at, Math.min(100_001, size - at)));
    }
    await far.until(() => position === size);
    assert(target.every((byte, i) => byte === byteAt(i)));
    const runtime = "Deno" in globalThis ? "native" : "Bun" in globalThis ? "" : "node:net";
    if (kind.name === runtime) assert(direct > 0);
    await finish();
  });

  it("both ends name the same addresses", async () => {
    const { near, far, listener, finish } = await pair(kind);
    assertEquals(near.stream.remote, listener.address);
    assertEquals(far.stream.local, listener.address);
    assertEquals(near.stream.local, far.stream.remote);
    assertEquals(near.stream.local.host, "127.0.0.1");
    assert(near.stream.local.port > 0);
    await finish();
  });

  it("ten thousand small writes of one turn arrive in order", async () => {
    const { near, far, finish } = await pair(kind);
    const state = expectPattern(far.start());
    near.start();
    let sent = 0;
    for (let i = 0; i < 10_000; i++) {
      const length = 1 + (i * 7) % 50;
      near.write(pattern(sent, length));
      sent += length;
      assertEquals(near.stream.buffered, sent);
    }
    await far.until(() => far.received === sent);
    assertEquals(state.wrong, 0);
    await finish();
  });

  it("small and large writes keep their order", async () => {
    const { near, far, finish } = await pair(kind);
    const state = expectPattern(far.start());
    near.start();
    let sent = 0;
    for (const length of [1, 20_000, 3, 16_384, 16_383, 2 * MIB, 5, 70_000, 9, 9]) {
      near.write(pattern(sent, length));
      sent += length;
    }
    await far.until(() => far.received === sent);
    assertEquals(state.wrong, 0);
    await finish();
  });

  it("bytes that are sent one at a time come back one at a time", async () => {
    const { near, far, finish } = await pair(kind);
    far.onData = (bytes) => void far.write(bytes);
    far.start();
    near.start();
    for (let i = 0; i < 500; i++) {
      near.write(new Uint8Array([byteAt(i)]));
      await near.until(() => near.received === i + 1);
    }
    assertEquals(near.pieces.map((piece) => piece[0]), [...pattern(0, 500)]);
    await finish();
  });

  it("64 MiB pass with pauses on one side and waits for drain on the other", async () => {
    const { near, far, finish } = await pair(kind);
    const total = 64 * MIB;
    const state = expectPattern(far);
    const check = far.onData!;
    let sincePause = 0;
    far.onData = (bytes) => {
      check(bytes);
      sincePause += bytes.length;
      if (sincePause < 8 * MIB) return;
      sincePause = 0;
      far.pause();
      const before = far.received;
      turns(3).then(() => {
        if (far.received !== before) state.wrong++;
        far.resume();
      });
    };
    far.start();
    near.start();
    let sent = 0;
    let most = 0;
    while (sent < total) {
      const more = near.write(pattern(sent, 256 * 1024));
      sent += 256 * 1024;
      most = Math.max(most, near.stream.buffered);
      assertEquals(more, near.stream.buffered <= HIGH_WATER);
      const drains = near.drains;
      if (!more) await near.until(() => near.drains > drains);
    }
    near.end();
    await far.untilEnded();
    assertEquals(far.received, total);
    assertEquals(state.wrong, 0);
    assert(most <= HIGH_WATER + 256 * 1024, `${most} bytes were queued`);
    assertEquals(near.stream.buffered, 0);
    await finish();
  });

  it("a paused reader holds the writer back", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    far.start();
    far.pause();
    near.write(new Uint8Array(64 * MIB));
    await turns(100);
    assertEquals(far.received, 0);
    assert(near.stream.buffered > 0);
    assertEquals(near.drains, 0);
    far.onData = () => {};
    far.resume();
    await far.until(() => far.received === 64 * MIB);
    await near.until(() => near.drains === 1);
    await finish();
  });

  it("a reader that is paused before it is started hears nothing", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    far.pause();
    far.start();
    near.write("early");
    near.end();
    await turns(50);
    assertEquals([far.received, far.ended], [0, false]);
    far.resume();
    await far.untilEnded();
    assertEquals(far.text, "early");
    await finish();
  });

  it("what arrived before the start is told after it, with the end", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    near.write("before");
    near.end();
    await turns(50);
    far.start();
    await far.untilEnded();
    assertEquals(far.text, "before");
    far.end();
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    assertEquals([near.error, far.error], [undefined, undefined]);
    await finish();
  });

  it("data that was handed over is not written to again", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    far.start();
    let sent = 0;
    for (let i = 0; i < 200; i++) {
      near.write(pattern(sent, 3_000));
      sent += 3_000;
      await far.until(() => far.received === sent);
    }
    let position = 0;
    for (const piece of far.pieces) {
      for (const byte of piece) assertEquals(byte, byteAt(position++));
    }
    await finish();
  });

  for (const [first, second] of [["near", "far"], ["far", "near"]] as const) {
    it(`the ${first} end can end its side and still hear the other`, async () => {
      const ends = await pair(kind);
      const [one, other] = [ends[first].start(), ends[second].start()];
      one.write("question");
      one.end();
      await other.untilEnded();
      assertEquals(other.text, "question");
      assert(!other.closed && !one.ended);
      other.write("answer");
      await one.untilText("answer");
      other.write(", and more");
      other.end();
      await Promise.all([one.untilClosed(), other.untilClosed()]);
      assertEquals(one.text, "answer, and more");
      assert(one.ended);
      assertEquals([one.error, other.error], [undefined, undefined]);
      await ends.finish();
    });
  }

  it("both ends can end at the same time", async () => {
    const { near, far, finish } = await pair(kind);
    near.start().write("a");
    far.start().write("b");
    near.end();
    far.end();
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    assertEquals([near.text, far.text], ["b", "a"]);
    assert(near.ended && far.ended);
    assertEquals([near.error, far.error], [undefined, undefined]);
    await finish();
  });

  it("end sends everything that is queued first", async () => {
    const { near, far, finish } = await pair(kind);
    const state = expectPattern(far);
    near.start().write(pattern(0, 5 * MIB));
    near.end();
    near.write("too late");
    far.start();
    await far.untilEnded();
    assertEquals([far.received, state.wrong], [5 * MIB, 0]);
    await finish();
  });

  it("destroy in the middle of a write closes both ends", async () => {
    const { near, far, finish } = await pair(kind);
    far.onData = () => {};
    far.start();
    near.start().write(new Uint8Array(64 * MIB));
    await far.until(() => far.received > 0);
    near.destroy();
    near.destroy();
    assertEquals(near.stream.buffered, 0);
    assert(near.write("after"));
    await near.untilClosed();
    assertEquals([near.error, near.ended, near.drains], [undefined, false, 0]);
    await far.until(() => far.ended || far.closed);
    assert(far.received < 64 * MIB);
    await finish();
  });

  it("what was written in earlier turns arrives although the stream is destroyed", async () => {
    const { near, far, finish } = await pair(kind);
    // First a greeting: a TLS client must have read what the server sends after the handshake, or its system resets.
    far.start().write("hello");
    await near.start().untilText("hello");
    near.write("goodbye");
    while (near.stream.buffered > 0) await turns(1);
    near.destroy();
    await far.until(() => far.ended || far.closed);
    assertEquals(far.text, "goodbye");
    await finish();
  });

  it("nothing but the close comes after destroy", async () => {
    const { near, far, finish } = await pair(kind);
    near.start().write("ping");
    far.onData = () => far.destroy();
    far.start();
    near.write("pong");
    await far.untilClosed();
    near.write("nobody hears this");
    await near.until(() => near.ended || near.closed);
    await turns(20);
    assert(!far.ended);
    assertEquals(far.error, undefined);
    await finish();
  });

  it("a stream that was accepted and never started can be destroyed", async () => {
    const { near, far, finish } = await pair(kind);
    near.start().write("unheard");
    await turns(5);
    far.destroy();
    await near.until(() => near.ended || near.closed);
    far.start();
    await far.untilClosed();
    assertEquals([far.received, far.error], [0, undefined]);
    await finish();
  });

  it("writing to a peer that is gone ends in a close that says so", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    far.destroy();
    while (!near.closed) {
      near.write(new Uint8Array(1000));
      await turns(1);
    }
    assertInstanceOf(near.error, TransportError);
    assertMatch(near.error.code, /^(ECONNRESET|EPIPE|ECONNABORTED)$/);
    assertMatch(near.error.message, /^Cannot keep the connection to 127\.0\.0\.1:\d+: /);
    assertEquals(near.stream.buffered, 0);
    await finish();
  });

  it("a handler that throws ends its stream with what it threw", async () => {
    const { near, far, finish } = await pair(kind);
    near.start();
    const fault = new Error("thrown by the test");
    far.onData = () => {
      throw fault;
    };
    far.start();
    near.write("x");
    await far.untilClosed();
    assertEquals(far.error, fault);
    await near.until(() => near.ended || near.closed);
    await finish();
  });

  it("a thousand connections are open at once, and all come to their end", async () => {
    const transport = await kind.make();
    const servers: Probe[] = [];
    const listener = await transport.listen(
      { port: 0, tls: kind.tls?.listen, handshakeTimeout: 100_000 }, // a hundred at once take their time
      (stream) => servers.push(echo(stream)),
    );
    const clients: Probe[] = [];
    const { host, port } = listener.address;
    // In waves, for a system queues only some hundred that nobody has accepted yet.
    while (clients.length < 1000) {
      const wave = Array.from({ length: 100 }, async () => {
        const client = new Probe(await transport.connect({ host, port, tls: kind.tls?.connect }));
        clients.push(client.start());
      });
      await Promise.all(wave);
    }
    await Promise.all(clients.map(async (client, i) => {
      client.write(`number ${i}`);
      await client.untilText(`number ${i}`);
      assertEquals(client.text, `number ${i}`);
    }));
    for (const client of clients) client.end();
    await Promise.all([...clients, ...servers].map((probe) => probe.untilClosed()));
    assertEquals(servers.length, 1000);
    assertEquals([...clients, ...servers].filter((probe) => probe.error !== undefined), []);
    await listener.close();
  });

  it("nobody listens: refused, with the system's code", async () => {
    const transport = await kind.make();
    const { listener } = await listening(kind, transport);
    const { host, port } = listener.address;
    await listener.close();
    const error = await assertRejects(
      () => transport.connect({ host, port, tls: kind.tls?.connect }),
      TransportError,
    );
    assertEquals(error.code, "ECONNREFUSED");
    assertMatch(error.message, /^Cannot connect to 127\.0\.0\.1:\d+: refused, /);
  });

  it("a port that is taken cannot be listened on, and can after the close", async () => {
    const transport = await kind.make();
    const port = await freePort(); // none that the system may give to a connection meanwhile
    const again = (): Promise<Listener> =>
      transport.listen({ port, tls: kind.tls?.listen }, () => {});
    const listener = await again();
    const error = await assertRejects(again, TransportError);
    assertEquals(error.code, "EADDRINUSE");
    assertMatch(error.message, /^Cannot listen on 127\.0\.0\.1:\d+: the port is in use, /);
    await listener.close();
    await listener.close();
    const second = await again();
    assertEquals(second.address, { host: "127.0.0.1", port });
    await second.close();
  });

  it("streams live on when their listener is closed", async () => {
    const { near, far, listener, finish } = await pair(kind);
    near.start();
    far.start();
    await listener.close();
    near.write("still there");
    await far.untilText("still there");
    assertEquals(far.text, "still there");
    await finish();
  });

  it("an attempt is given up at the signal", async () => {
    const transport = await kind.make();
    const streams: Stream[] = [];
    const listener = await transport.listen({ port: 0, tls: kind.tls?.listen }, (stream) => {
      streams.push(stream);
    });
    const { host, port } = listener.address;
    const attempt = (signal: AbortSignal): Promise<Stream> =>
      transport.connect({ host, port, signal, tls: kind.tls?.connect });
    const reason = new Error("enough");
    assertEquals(await assertRejects(() => attempt(AbortSignal.abort(reason))), reason);
    const controller = new AbortController();
    const given = attempt(controller.signal);
    controller.abort(reason);
    assertEquals(await assertRejects(() => given), reason);
    // Whatever reached the listener is closed by the one who gave up.
    await turns(20);
    for (const stream of streams) {
      const probe = new Probe(stream).start();
      await probe.until(() => probe.ended || probe.closed);
      probe.destroy();
    }
    // A signal that comes too late does nothing.
    const late = new AbortController();
    const client = new Probe(await attempt(late.signal)).start();
    late.abort();
    await turns(5);
    assert(!client.closed);
    const { local } = client.stream;
    while (!streams.some(({ remote }) => remote.port === local.port)) await turns(1);
    client.destroy();
    await client.untilClosed();
    for (const stream of streams) stream.destroy();
    await listener.close();
  });
}

for (const kind of kinds) suite(kind);
