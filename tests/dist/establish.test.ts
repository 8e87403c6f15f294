import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  accept,
  type AcceptOptions,
  type Established,
  initiate,
  type InitiateOptions,
} from "../../lib/dist/establish.ts";
import { announcedFlags } from "../../lib/dist/flags.ts";
import { HandshakeError } from "../../lib/dist/handshake_error.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Listener, Stream } from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { slowClock } from "../_support/clocks.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { FakeStream, Recorder } from "../_support/fake_stream.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const BASE = { creation: 1, flags: announcedFlags(), cookie: () => "secret" };

function initiator(platform: InitiateOptions["platform"], more = {}): InitiateOptions {
  return { ...BASE, platform, name: "a@h", peer: "b@h", ...more };
}

function acceptor(platform: AcceptOptions["platform"], more = {}): AcceptOptions {
  return { ...BASE, platform, name: "b@h", creation: 2, decide: () => "ok", ...more };
}

/** Two streams whose ends are each other's: what one writes the other one reads, in pieces of `size` bytes. */
function pair(size = Infinity): [FakeStream, FakeStream] {
  const streams: [FakeStream, FakeStream] = [new FakeStream(), new FakeStream()];
  streams.forEach((stream, i) => {
    const other = streams[1 - i];
    const later = (fn: () => void): void => void Promise.resolve().then(() => setTimeout(fn, 0));
    stream.write = (bytes) => {
      stream.calls.push(`write ${bytes.length}`);
      later(() => {
        for (let at = 0; at < bytes.length; at += size) {
          other.handler.data(bytes.slice(at, at + Math.min(size, bytes.length - at)));
        }
      });
      return true;
    };
    stream.destroy = () => {
      if (stream.calls.includes("destroy")) return;
      stream.calls.push("destroy");
      later(() => stream.handler?.close());
      later(() => other.handler?.end());
    };
    stream.end = () => {
      stream.calls.push("end");
      later(() => other.handler.end());
    };
  });
  return streams;
}

for (const packet of [2, 4] as const) {
  for (const size of [Infinity, 1, 5]) {
    test(`both roles meet, packet ${packet}, ${size} bytes at a time`, async () => {
      const platform = new FakePlatform();
      const [left, right] = pair(size);
      const [a, b] = await Promise.all([
        initiate(left, initiator(platform, { packet })),
        accept(right, acceptor(platform, { packet })),
      ]);
      const { peer, peerCreation, flags } = a.result;
      assertEquals([peer, peerCreation, flags], ["b@h", 2, announcedFlags()]);
      assertEquals([b.result.peer, b.result.peerCreation, b.result.role], ["a@h", 1, "acceptor"]);
      assertEquals(platform.pendingTimers, 0);
    });
  }
}

test("frames that follow each other go out in one write", async () => {
  const platform = new FakePlatform();
  const [left, right] = pair();
  await Promise.all([
    initiate(left, initiator(platform)),
    accept(right, acceptor(platform)),
  ]);
  assertEquals(left.calls.filter((call) => call.startsWith("write")).length, 2);
  assertEquals(right.calls.filter((call) => call.startsWith("write")).length, 2);
});

test("bytes that come right behind the ack are not lost, nor the close behind them", async () => {
  const platform = new FakePlatform();
  const [left, right] = pair();
  const both = Promise.all([
    initiate(left, initiator(platform)),
    accept(right, acceptor(platform)),
  ]);
  const write = right.write;
  let writes = 0;
  right.write = (bytes) => {
    if (++writes < 2) return write(bytes);
    write(Uint8Array.of(...bytes, 0, 0, 0, 0, 7)); // the ack, a tick and more in one piece
    right.destroy();
    return true;
  };
  const [{ stream }] = await both;
  await new Promise((resolve) => setTimeout(resolve, 5)); // its owner takes its time
  const recorder = new Recorder();
  stream.start(recorder);
  await platform.settle();
  assertEquals(recorder.events, ["data 0,0,0,0,7", "end"]);
});

test("a refusal is told, then the stream is closed by the peer, or by us at the limit", async () => {
  const platform = new FakePlatform();
  const stream = new FakeStream();
  const accepted = accept(stream, acceptor(platform, { decide: () => "not_allowed" }));
  stream.handler.data(nameFrame());
  const error = await assertRejects(() => accepted, HandshakeError);
  assertEquals([error.reason, error.phase, error.node], ["not_allowed", "decision", "a@h"]);
  assertEquals(stream.calls, ["start", `write ${[0, 12, ...text("snot_allowed")]}`, "end"]);
  stream.handler.data(Uint8Array.of(0, 1, 0)); // nobody listens any more
  await platform.elapse(7000);
  assertEquals(stream.calls.slice(-1), ["destroy"]);
  stream.handler.close();
  assertEquals(platform.pendingTimers, 0);
});

test("a refused peer that closes takes the timer with it", async () => {
  const platform = new FakePlatform();
  const stream = new FakeStream();
  const accepted = accept(stream, acceptor(platform, { decide: () => "nok" }));
  stream.handler.data(nameFrame());
  await assertRejects(() => accepted, HandshakeError, "that attempt goes on");
  stream.handler.end();
  stream.handler.close();
  assertEquals(stream.calls.slice(-1), ["destroy"]);
  assertEquals(platform.pendingTimers, 0);
});

test("a handshake has 7 seconds in all, however busy the peer looks", async () => {
  const platform = new FakePlatform();
  const stream = new FakeStream();
  const accepted = accept(stream, acceptor(platform));
  const error = assertRejects(() => accepted, HandshakeError);
  const frame = nameFrame();
  for (const byte of frame.subarray(0, 14)) {
    stream.handler.data(Uint8Array.of(byte));
    await platform.elapse(499);
  }
  assertEquals(stream.calls, ["start"]);
  await platform.elapse(14);
  assertEquals(stream.calls, ["start", "destroy"]);
  assertEquals([(await error).reason, (await error).phase], ["timeout", "name"]);
  stream.handler.close();
  assertEquals(platform.pendingTimers, 0);
});

test("the limit can be another", async () => {
  const platform = new FakePlatform();
  const stream = new FakeStream();
  const initiated = assertRejects(
    () => initiate(stream, initiator(platform, { timeout: 50 })),
    HandshakeError,
  );
  await platform.elapse(50);
  assertEquals((await initiated).reason, "timeout");
});

test("a frame that is empty or beyond 1 KiB is no handshake, whatever is in it", async () => {
  const lengths: readonly [packet: 2 | 4, length: readonly number[]][] = [
    [2, [0, 0]],
    [2, [4, 1]],
    [4, [0, 0, 4, 1]],
    [4, [255, 255, 255, 255]],
    [4, [0, 0, 0, 0]],
    [2, text("GET / HTTP/1.1\r\n\r\n")],
    [2, [22, 3, 1, 2, 0, 1, 0, 1, 252]], // a TLS client
  ];
  for (const [packet, length] of lengths) {
    const platform = new FakePlatform();
    const stream = new FakeStream();
    const accepted = accept(stream, acceptor(platform, { packet }));
    stream.handler.data(Uint8Array.from(length));
    const error = await assertRejects(() => accepted, HandshakeError, "TLS");
    assertEquals(error.reason, "garbage");
    assertEquals(stream.calls, ["start", "destroy"]);
    assertEquals(platform.pendingTimers, 0);
  }
});

test("a peer that hangs up: at our name, in the middle of a frame, with an error", async () => {
  const platform = new FakePlatform();
  const stream = new FakeStream();
  const initiated = initiate(stream, initiator(platform));
  stream.handler.end();
  stream.handler.close();
  const first = await assertRejects(() => initiated, HandshakeError, "both use TLS or none");
  assertEquals([first.reason, first.phase], ["closed", "status"]);

  const other = new FakeStream();
  const accepted = accept(other, acceptor(platform));
  other.handler.data(nameFrame().subarray(0, 9));
  const reset = new Error("ECONNRESET");
  other.handler.close(reset);
  const second = await assertRejects(() => accepted, HandshakeError);
  assertEquals([second.reason, second.phase, second.cause], ["closed", "name", reset]);
  assertEquals(platform.pendingTimers, 0);
});

test("a peer that hangs up before its status under TLS has probably refused our certificate", async () => {
  const alert = (message: string): Error => Object.assign(new Error(message), { code: "EPROTO" });
  const cases: [close: Error | undefined, said: string][] = [
    [undefined, "so it has probably refused our certificate, or that we gave none; see its log"],
    [new Error("ECONNRESET"), "so it has probably refused our certificate"],
    [
      alert("Cannot keep the connection to [::1]:4711: it does not like us (EPROTO)"),
      "it refused us over TLS, it does not like us (EPROTO)",
    ],
  ];
  for (const [close, said] of cases) {
    const platform = new FakePlatform();
    const stream = new FakeStream();
    const initiated = initiate(stream, initiator(platform, { packet: 4 }));
    stream.handler.close(close);
    const error = await assertRejects(() => initiated, HandshakeError, said);
    assertEquals([error.reason, error.phase, error.cause], ["closed", "status", close]);
    assertEquals(platform.pendingTimers, 0);
  }
});

test("TLS where none is spoken is told of by name", async () => {
  for (const bytes of [[0x16, 3, 1, 2, 0], [0x15, 3, 3, 0, 2, 2, 70]]) {
    const stream = new FakeStream();
    const accepted = accept(stream, acceptor(new FakePlatform()));
    stream.handler.data(Uint8Array.from(bytes));
    await assertRejects(
      () => accepted,
      HandshakeError,
      "that is TLS, which we do not speak with it",
    );
  }
});

test("a signal gives up, before and in the middle", async () => {
  const platform = new FakePlatform();
  const stream = new FakeStream();
  const reason = new Error("enough");
  await assertRejects(
    () => initiate(stream, initiator(platform, { signal: AbortSignal.abort(reason) })),
    Error,
    "enough",
  );
  assertEquals(stream.calls, ["destroy"]);

  const controller = new AbortController();
  const other = new FakeStream();
  const accepted = accept(other, acceptor(platform, { signal: controller.signal }));
  other.handler.data(nameFrame());
  controller.abort(reason);
  const error = await assertRejects(() => accepted, Error);
  assert(error === reason);
  assertEquals(other.calls.slice(-1), ["destroy"]);
  assertEquals(platform.pendingTimers, 0);
});

test("an owner that throws ends the handshake with its error", async () => {
  const platform = new FakePlatform();
  for (
    const options of [{ decide: (): never => fail() }, {
      cookie: (): never => fail(),
    }] as Partial<AcceptOptions>[]
  ) {
    const [left, right] = pair();
    const peer = assertRejects(() => initiate(left, initiator(platform)), HandshakeError);
    await assertRejects(() => accept(right, acceptor(platform, options)), Error, "owner");
    await peer;
    assert(right.calls.includes("destroy"));
  }
  function fail(): never {
    throw new Error("owner");
  }
});

test("wrong options are refused, and the stream is closed", async () => {
  const stream = new FakeStream();
  await assertRejects(
    () => initiate(stream, initiator(new FakePlatform(), { name: "a" })),
    RangeError,
    "name@host",
  );
  assertEquals(stream.calls, ["destroy"]);
});

test("alive: the initiator insists unless its owner says no", async () => {
  for (const insist of [undefined, (): boolean => true, (): boolean => false]) {
    const platform = new FakePlatform();
    const [left, right] = pair();
    const [a, b] = await Promise.allSettled([
      initiate(left, initiator(platform, { insist })),
      accept(right, acceptor(platform, { decide: () => "alive" })),
    ]);
    const goesOn = insist === undefined || insist();
    assertEquals([a.status, b.status], Array(2).fill(goesOn ? "fulfilled" : "rejected"));
    if (b.status === "fulfilled") assertEquals(b.value.result.replaces, true);
    else assertEquals(b.reason.reason, "alive");
  }
});

test("a name is given to one that asks", async () => {
  const platform = new FakePlatform();
  const [left, right] = pair();
  const flags = announcedFlags({ nameMe: true });
  const [a, b] = await Promise.all([
    initiate(left, initiator(platform, { name: "h", creation: 0, flags })),
    accept(right, acceptor(platform, { decide: () => ({ named: "x1@h", creation: 99 }) })),
  ]);
  assertEquals([a.result.name, a.result.creation], ["x1@h", 99]);
  assertEquals([b.result.peer, b.result.peerCreation], ["x1@h", 99]);
});

test("each handshake has a challenge of its own", async () => {
  const platform = new FakePlatform();
  const challenges = new Set<string>();
  for (let i = 0; i < 10; i++) {
    const [left, right] = pair();
    const data: Uint8Array[] = [];
    const both = Promise.all([
      initiate(left, initiator(platform)),
      accept(right, acceptor(platform)),
    ]);
    const write = right.write;
    right.write = (bytes) => {
      data.push(bytes);
      return write(bytes);
    };
    await both;
    challenges.add(`${data[0].subarray(2 + 3 + 2 + 9, 2 + 3 + 2 + 13)}`);
  }
  assertEquals(challenges.size, 10);
});

test("200 handshakes at once over TCP, beside stalled ones that bother nobody", async () => {
  const transport = await defaultTransport();
  const platform = slowClock(await defaultPlatform()); // so many at once take their time
  const accepted: Promise<Established>[] = [];
  const streams: Stream[] = [];
  const listener: Listener = await transport.listen({ port: 0 }, (stream) => {
    streams.push(stream);
    const result = accept(stream, acceptor(platform));
    result.catch(() => {});
    accepted.push(result);
  });
  const { host, port } = listener.address;
  const stalled = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const stream = await transport.connect({ host, port });
      stream.start(new Recorder());
      if (i % 2 === 0) stream.write(nameFrame().subarray(0, i));
      return stream;
    }),
  );
  const peers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const stream = await transport.connect({ host, port });
      return await initiate(stream, initiator(platform, { name: `n${i}@h`, creation: i }));
    }),
  );
  assertEquals(peers.map(({ result }) => result.peer), Array(200).fill("b@h"));
  for (const stream of stalled) stream.destroy();
  const results = await Promise.allSettled(accepted);
  const names = results.filter((result) => result.status === "fulfilled")
    .map(({ value }) => [value.result.peer, value.result.peerCreation]);
  assertEquals(new Set(names.map(String)).size, 200);
  const failed = results.filter((result) => result.status === "rejected");
  assertEquals(failed.length, 20);
  for (const { reason } of failed) assertInstanceOf(reason, HandshakeError);
  const gone = streams.length;
  assertEquals(gone, 220);
  for (const { stream } of peers) stream.destroy();
  for (const result of results) {
    if (result.status === "fulfilled") result.value.stream.destroy();
  }
  await listener.close();
});

test("random bytes: nothing but typed errors, and always closed", async () => {
  let state = 5;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
  for (let round = 0; round < 300; round++) {
    const platform = new FakePlatform();
    const stream = new FakeStream();
    const established = round % 2 === 0
      ? accept(stream, acceptor(platform))
      : initiate(stream, initiator(platform));
    for (let i = 0; i < 5; i++) {
      const bytes = Uint8Array.from(
        { length: random(20) },
        () => random(4) === 0 ? random(256) : 0,
      );
      stream.handler.data(bytes);
    }
    stream.handler.end();
    stream.handler.close();
    await assertRejects(() => established, HandshakeError);
    assertEquals(platform.pendingTimers, 0);
  }
});

testNothingIsLeft();

/** The name message of a@h, with its length. */
function nameFrame(): Uint8Array {
  return Uint8Array.of(
    ...[0, 18, 0x4e, 0, 0, 0, 0x0d, 0x07, 0x5f, 0x5f, 0xbc, 0, 0, 0, 1, 0, 3],
    ...text("a@h"),
  );
}

function text(characters: string): number[] {
  return [...characters].map((character) => character.charCodeAt(0));
}
