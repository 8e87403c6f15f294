import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  Connection,
  type ConnectionDown,
  type ConnectionHandler,
  type ConnectionOptions,
} from "../../lib/dist/connection.ts";
import { CONTROL, type Control, ControlError } from "../../lib/dist/control.ts";
import { FLAGS } from "../../lib/dist/flags.ts";
import { FrameError } from "../../lib/dist/frames.ts";
import { FRAGMENT } from "../../lib/dist/large_message.ts";
import { atom } from "../../lib/etf/atom.ts";
import { AtomLimitError, DecodeError, EncodeError } from "../../lib/etf/errors.ts";
import { Float } from "../../lib/etf/float.ts";
import { Pid } from "../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import type { SocketAddress, Stream, StreamHandler } from "../../lib/transport/contract.ts";
import { FakePlatform } from "../_support/fake_platform.ts";

const NODE = atom("a@b");
const from = new Pid(NODE, 1, 2, 3);
const to = new Pid(NODE, 4, 5, 6);
const FROM = [88, 119, 3, 97, 64, 98, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
const TO = [88, 119, 3, 97, 64, 98, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
const LINK = [0, 0, 0, 42, 112, 131, 104, 3, 97, 1, ...FROM, ...TO];
const TICK = [0, 0, 0, 0];

/** A frame that sends a small number to `to`. */
function message(n: number): number[] {
  return [0, 0, 0, 45, 112, 131, 104, 3, 97, 22, ...FROM, ...TO, 131, 97, n];
}

class FakeStream implements Stream {
  readonly local: SocketAddress = { host: "127.0.0.1", port: 1 };
  readonly remote: SocketAddress = { host: "127.0.0.1", port: 2 };
  readonly writes: number[][] = [];
  buffered = 0;
  full = false;
  ended = false;
  destroyed = false;
  held = true;
  handler!: StreamHandler;

  start(handler: StreamHandler): void {
    this.handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    this.writes.push([...bytes]);
    return !this.full;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  ref(): void {
    this.held = true;
  }

  unref(): void {
    this.held = false;
  }

  pause(): void {}
  resume(): void {}
}

type Event =
  | { readonly signal: Control; readonly payload: Term | undefined }
  | { readonly busy: boolean }
  | { readonly down: ConnectionDown };

interface Setup {
  readonly stream: FakeStream;
  readonly platform: FakePlatform;
  readonly connection: Connection;
  readonly events: Event[];
  readonly handler: { -readonly [K in keyof ConnectionHandler]: ConnectionHandler[K] };
  receive(...bytes: number[][]): void;
  /** The numbers that were sent by `message`. */
  readonly numbers: () => Term[];
  readonly downs: () => ConnectionDown[];
}

function setup(options: Partial<ConnectionOptions> = {}, flags = 5n): Setup {
  const stream = new FakeStream();
  const platform = new FakePlatform();
  const events: Event[] = [];
  const handler: Setup["handler"] = {
    signal: (signal, payload) => void events.push({ signal, payload }),
    busy: (busy) => void events.push({ busy }),
    down: (down) => void events.push({ down }),
  };
  const result = {
    role: "initiator",
    peer: "a@b",
    peerCreation: 3,
    peerFlags: 7n,
    flags,
    hidden: true,
    name: "us@b",
    creation: 4,
    replaces: false,
  } as const;
  const connection = new Connection({ stream, result }, { platform, ...options }, handler);
  return {
    stream,
    platform,
    connection,
    events,
    handler,
    receive: (...bytes) => stream.handler.data(new Uint8Array(bytes.flat())),
    numbers: () => events.flatMap((event) => "signal" in event ? [event.payload as Term] : []),
    downs: () => events.flatMap((event) => "down" in event ? [event.down] : []),
  };
}

test("a program lives for the connection's stream, or not", () => {
  const { connection, stream } = setup();
  connection.unref();
  assert(!stream.held);
  connection.ref();
  assert(stream.held);
});

// ---- in

test("a connection tells who the peer is", () => {
  const { connection } = setup();
  assertEquals(connection.peer, { name: "a@b", creation: 3, flags: 5n, hidden: true });
  assert(connection.alive);
  assert(!connection.busy);
});

test("signals come in the order of the bytes, with what they carry", () => {
  const { receive, events } = setup();
  receive(message(1), LINK, TICK, message(2));
  const seen = events.map((event) => "signal" in event && [event.signal[0], event.payload]);
  assertEquals(seen, [[22, 1], [1, undefined], [22, 2]]);
});

test("signals come the same when the bytes come one at a time", () => {
  const { receive, numbers } = setup();
  for (const byte of [message(1), TICK, LINK, message(2)].flat()) receive([byte]);
  assertEquals(numbers(), [1, undefined as unknown as Term, 2]);
});

test("a receiver may have its terms another way than the connection", () => {
  const { receive, handler, numbers, connection, platform } = setup();
  const wrap = { floats: "wrap" } as const;
  const seen: Control[] = [];
  handler.terms = (control) => {
    seen.push(control);
    if (seen.length === 3) throw new Error("boom");
    return seen.length === 1 ? null : wrap;
  };
  const float = [...message(0).slice(0, -2), 70, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0];
  float[3] += 7;
  receive(LINK, float, float, float, float);
  const [, ...payloads] = numbers();
  assertEquals(payloads.map((payload) => payload instanceof Float), [false, true, false, true]);
  assertEquals(seen.map((control) => control[0]), [22, 22, 22, 22]);
  assertEquals(platform.logs.length, 1);
  assert(connection.alive);
});

test("a handler that throws is logged, and the next signal comes", () => {
  const { receive, handler, platform, connection, numbers } = setup();
  const { signal } = handler;
  handler.signal = (control, payload) => {
    signal(control, payload);
    if (payload === 1) throw new Error("boom");
  };
  receive(message(1), message(2));
  assertEquals(numbers(), [1, 2]);
  assert(connection.alive);
  assertEquals(platform.logs.length, 1);
  assertEquals(platform.logs[0].level, "error");
  assert(platform.logs[0].message.includes("Cannot handle SEND_SENDER of node a@b: "));
  assert(platform.logs[0].message.includes("boom"));
});

test("nothing comes after the handler has closed the connection, be it in the same chunk", () => {
  const { receive, handler, connection, events, numbers, downs } = setup();
  const { signal } = handler;
  handler.signal = (control, payload) => {
    signal(control, payload);
    if (payload === 2) connection.close();
  };
  receive(message(1), message(2), message(3));
  receive(message(4));
  assertEquals(numbers(), [1, 2]);
  assertEquals(downs(), [{ reason: "disconnected" }]);
  assertEquals(events.length, 3);
});

// ---- out

test("what is sent in one turn goes out in one write at its end, in order", () => {
  const { stream, platform, connection } = setup();
  for (let i = 0; i < 100; i++) assert(connection.send([CONTROL.SEND_SENDER, from, to], i));
  assertEquals(stream.writes, []);
  platform.turn();
  assertEquals(stream.writes, [Array.from({ length: 100 }, (_, i) => message(i)).flat()]);
  connection.send([CONTROL.LINK, from, to]);
  platform.turn();
  assertEquals(stream.writes[1], LINK);
});

test("what is sent while a signal is handled goes out in one write", () => {
  const { stream, platform, connection, handler, receive } = setup();
  handler.signal = (_, payload) =>
    void connection.send([CONTROL.SEND_SENDER, from, to], payload as Encodable);
  receive(message(1), message(2), message(3));
  platform.turn();
  assertEquals(stream.writes, [[...message(1), ...message(2), ...message(3)]]);
});

test("a turn that sends much does not hold it all back until its end", () => {
  const { stream, platform, connection } = setup();
  const payload = new Uint8Array(10_000);
  for (let i = 0; i < 20; i++) connection.send([CONTROL.SEND_SENDER, from, to], payload);
  assertEquals(stream.writes.map((bytes) => bytes.length), [70_364, 70_364]);
  platform.turn();
  assertEquals(stream.writes.map((bytes) => bytes.length), [70_364, 70_364, 60_312]);
});

test("a value that is no term throws, and the messages around it go out", () => {
  const { stream, platform, connection } = setup();
  connection.send([CONTROL.SEND_SENDER, from, to], 1);
  const bad = [1, { not: "a term" }] as unknown as Encodable;
  assertThrows(() => connection.send([CONTROL.SEND_SENDER, from, to], bad), EncodeError);
  assertThrows(() => connection.send([CONTROL.SEND_SENDER, from, to]), EncodeError);
  connection.send([CONTROL.SEND_SENDER, from, to], 2);
  platform.turn();
  assertEquals(stream.writes, [[...message(1), ...message(2)]]);
  assertEquals(connection.stats.messagesOut, 2);
});

test("a message beyond the limit is refused to its sender, and others go out", () => {
  const { stream, platform, connection } = setup({ maxMessage: 1000 });
  const large = new Uint8Array(995);
  assertThrows(
    () => connection.send([CONTROL.SEND_SENDER, from, to], large),
    EncodeError,
    "a message of 1043 bytes, at most 1000 are allowed",
  );
  assertThrows(
    () => connection.send([CONTROL.SEND_SENDER, from, to], new Uint8Array(1e9)),
    EncodeError,
    "more than 1000 bytes",
  );
  connection.send([CONTROL.SEND_SENDER, from, to], 1);
  platform.turn();
  assertEquals(stream.writes, [message(1)]);
});

test("a stream that is full makes the connection busy until it has drained", () => {
  const { stream, platform, connection, events } = setup();
  stream.full = true;
  assert(connection.send([CONTROL.SEND_SENDER, from, to], 1));
  platform.turn();
  assertEquals(events, [{ busy: true }]);
  assert(connection.busy);
  assert(!connection.send([CONTROL.SEND_SENDER, from, to], 2));
  platform.turn();
  assertEquals(stream.writes, [message(1), message(2)]);
  assertEquals(events, [{ busy: true }]);
  stream.full = false;
  stream.handler.drain();
  assertEquals(events, [{ busy: true }, { busy: false }]);
  assert(connection.send([CONTROL.SEND_SENDER, from, to], 3));
});

test("what went over the connection is counted", () => {
  const { stream, platform, connection, receive } = setup();
  receive(message(1), TICK, LINK);
  connection.send([CONTROL.SEND_SENDER, from, to], 1);
  stream.buffered = 7;
  const counted = {
    ...{ bytesIn: 99, messagesIn: 2, messagesOut: 1 },
    ...{ fragmentsIn: 0, fragmentsOut: 0, sequencesIn: 0, sequencesOut: 0 },
    ...{ ticksIn: 1, ticksOut: 0 },
  };
  assertEquals(connection.stats, { ...counted, bytesOut: 0, queued: 56 });
  platform.turn();
  assertEquals(connection.stats, { ...counted, bytesOut: 49, queued: 7 });
});

// ---- ticks

test("a silent connection sends a tick each quarter of the tick time", () => {
  const { stream, platform, receive } = setup();
  for (let i = 1; i <= 20; i++) {
    platform.advance(14_999);
    assertEquals(stream.writes.length, i - 1);
    platform.advance(1);
    assertEquals(stream.writes.length, i);
    assertEquals(stream.writes[i - 1], TICK);
    receive(TICK);
  }
});

test("no tick is sent where something else was, and ticks are never answered", () => {
  const { stream, platform, connection, receive } = setup({ tickTime: 4000 });
  platform.advance(500);
  connection.send([CONTROL.SEND_SENDER, from, to], 1);
  receive(TICK, TICK, TICK);
  platform.advance(500);
  assertEquals(stream.writes, [message(1)]);
  platform.advance(1000);
  assertEquals(stream.writes, [message(1), TICK]);
  platform.advance(1000);
  assertEquals(stream.writes, [message(1), TICK, TICK]);
});

test("a peer that is only read from hears from us all the same", () => {
  const { stream, platform, receive } = setup({ tickTime: 4000 });
  for (let i = 0; i < 40; i++) {
    platform.advance(100);
    receive(message(1));
  }
  assertEquals(stream.writes, [TICK, TICK, TICK, TICK]);
});

for (const silentFrom of [0, 1, 999, 1000, 1001, 5500]) {
  test(`a peer that is silent from ${silentFrom} ms on is given up within 1 to 1.25 tick times`, () => {
    const { stream, platform, receive, downs, connection } = setup({ tickTime: 4000 });
    while (platform.now() < silentFrom) {
      platform.advance(Math.min(500, silentFrom - platform.now()));
      receive(TICK);
    }
    platform.advance(3999);
    assertEquals(downs(), []);
    platform.advance(1001);
    assertEquals(downs(), [{ reason: "net_tick_timeout" }]);
    assert(stream.destroyed);
    assert(!connection.alive);
    assertEquals(platform.pendingTimers, 0);
  });
}

test("a part of a message is a sign of life", () => {
  const { platform, receive, numbers, downs } = setup({ tickTime: 4000 });
  for (const byte of message(7)) {
    receive([byte]);
    platform.advance(3000);
  }
  assertEquals(numbers(), [7]);
  assertEquals(downs(), []);
});

test("a program that was suspended reads what has piled up before it gives up a peer", () => {
  const { platform, receive, downs } = setup({ tickTime: 4000 });
  for (let i = 0; i < 10; i++) {
    platform.stall(3_600_000);
    platform.advance(0); // the timer is late and comes before the input
    receive(TICK);
  }
  assertEquals(downs(), []);
});

test("the tick time is rounded up to whole checks, and its settings have a range", () => {
  const { stream, platform } = setup({ tickTime: 4001, tickIntensity: 10 });
  platform.advance(400);
  assertEquals(stream.writes, []);
  platform.advance(1);
  assertEquals(stream.writes, [TICK]);
  // deno-fmt-ignore
  for (const options of [{ tickTime: 0 }, { tickTime: -1 }, { tickTime: NaN }, { tickTime: Infinity }, { tickIntensity: 3 }, { tickIntensity: 1001 }]) {
    assertThrows(() => setup(options), RangeError, "Cannot use tick");
  }
});

// ---- the end

const broken = new Error("reset");

/** Ways to end, and how the connection calls them. */
const ENDS: readonly (readonly [string, (setup: Setup) => void, ConnectionDown])[] = [
  ["the peer ends its side", ({ stream }) => stream.handler.end(), { reason: "closed" }],
  ["the stream closes", ({ stream }) => stream.handler.close(), { reason: "closed" }],
  ["the network breaks", ({ stream }) => stream.handler.close(broken), {
    reason: "lost",
    error: broken,
  }],
  ["we close", ({ connection }) => connection.close(), { reason: "disconnected" }],
  ["we destroy", ({ connection }) => connection.destroy(), { reason: "disconnected" }],
  ["we dispose", ({ connection }) => connection[Symbol.dispose](), { reason: "disconnected" }],
  ["the peer is silent", ({ platform }) => void platform.advance(75_000), {
    reason: "net_tick_timeout",
  }],
];

for (const [what, end, down] of ENDS) {
  test(`the handler hears once that the connection is down: ${what}, and whatever comes then`, () => {
    const all = setup();
    const { stream, connection, platform, events, downs, receive } = all;
    end(all);
    assertEquals(downs(), [down]);
    assert(!connection.alive);
    for (const [, other] of ENDS) other(all);
    receive(message(1));
    stream.handler.drain();
    platform.advance(200_000);
    assertEquals(downs(), [down]);
    assertEquals(events.length, 1);
    assertEquals(platform.pendingTimers, 0);
    assertEquals(platform.logs, []);
  });
}

test("a connection that is down swallows what is sent, and says so", () => {
  const { stream, platform, connection } = setup();
  connection.destroy();
  assertEquals(connection.send([CONTROL.SEND_SENDER, from, to], 1), false);
  assertEquals(connection.send([CONTROL.SEND_SENDER, from, to], {} as unknown as Encodable), false);
  platform.turn();
  assertEquals(stream.writes, []);
  assertEquals(connection.stats.queued, 0);
});

test("closing sends first what was sent before, then the end", () => {
  const { stream, platform, connection } = setup();
  connection.send([CONTROL.SEND_SENDER, from, to], 1);
  connection.close();
  assertEquals(stream.writes, [message(1)]);
  assert(stream.ended);
  platform.turn();
  assertEquals(stream.writes, [message(1)]);
  assert(!stream.destroyed);
  stream.handler.end();
  stream.handler.close();
  assertEquals(platform.pendingTimers, 0);
});

test("a peer that does not take what is left is cut off after five seconds", () => {
  const { stream, platform, connection } = setup();
  connection.close();
  platform.advance(4999);
  assert(!stream.destroyed);
  platform.advance(1);
  assert(stream.destroyed);
  assertEquals(platform.pendingTimers, 0);
});

test("destroying cuts short a close", () => {
  const { stream, platform, connection, downs } = setup();
  connection.close();
  connection.destroy();
  assert(stream.destroyed);
  assertEquals(platform.pendingTimers, 0);
  assertEquals(downs(), [{ reason: "disconnected" }]);
});

test("a handler that throws at the end is logged", () => {
  const { connection, handler, platform } = setup();
  handler.down = () => {
    throw "no error";
  };
  connection.close();
  assertEquals(platform.logs.map(({ message }) => message), [
    "Cannot handle down of node a@b: no error",
  ]);
});

// deno-fmt-ignore
const VIOLATIONS: readonly (readonly [string, number[], typeof FrameError | typeof ControlError | typeof DecodeError | typeof AtomLimitError])[] = [
  ["text", [...new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")], FrameError],
  ["a packet of another type", [0, 0, 0, 2, 113, 131], FrameError],
  ["a message beyond the limit", [0, 0, 4, 1], FrameError],
  ["a control message of another arity", [0, 0, 0, 8, 112, 131, 104, 2, 97, 1, 97, 1], ControlError],
  ["a term that is cut", [0, 0, 0, 6, 112, 131, 104, 9, 97, 1], DecodeError],
  ["more atoms than there may be", [0, 0, 0, 6, 112, 131, 119, 2, 255 - 129, 33], AtomLimitError],
];

for (const [what, bytes, type] of VIOLATIONS) {
  test(`a peer that sends ${what} is cut off, and what came before it is delivered`, () => {
    const decode = type === AtomLimitError ? { atomLimit: 0 } : {};
    const { receive, stream, connection, numbers, downs, events } = setup({
      maxMessage: 1024,
      decode,
    });
    if (type !== AtomLimitError) receive(message(1));
    receive(bytes, message(2));
    receive(message(3));
    assertEquals(numbers(), type !== AtomLimitError ? [1] : []);
    const [down] = downs();
    assertEquals(down.reason, "protocol");
    assertInstanceOf(down.reason === "protocol" && down.error, type);
    assertEquals("down" in events[events.length - 1], true);
    assert(stream.destroyed);
    assert(!connection.alive);
  });
}

const HEADER = FLAGS.DIST_HDR_ATOM_CACHE.value | FLAGS.FRAGMENTS.value;

/** A fragment of a message to `to`: the first one of two, the last one, any other type. */
function fragment(type: number, number: number, content: number[]): number[] {
  const bytes = [131, type, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, number, ...content];
  return [0, 0, 0, bytes.length, ...bytes];
}
const BEGIN = fragment(69, 2, [0, 104, 3, 97, 22, ...FROM, ...TO, 97]);
const WHOLE = [0, 0, 0, 45, 131, 68, 0, 104, 3, 97, 22, ...FROM, ...TO, 97, 1];

test("a message in fragments comes when its last byte has, also where bytes come one at a time", () => {
  const { receive, numbers, connection } = setup({}, HEADER);
  for (const byte of [BEGIN, WHOLE, TICK, fragment(70, 1, [7])].flat()) receive([byte]);
  assertEquals(numbers(), [1, 7]);
  const { messagesIn, fragmentsIn, ticksIn, sequencesIn } = connection.stats;
  assertEquals([messagesIn, fragmentsIn, ticksIn, sequencesIn], [2, 2, 1, 0]);
});

test("a large message that the stream does not take holds up neither ticks nor the messages of others", () => {
  const { stream, platform, connection, receive, events } = setup({}, HEADER);
  const size = 3 * FRAGMENT;
  stream.full = true;
  assert(!connection.send([CONTROL.SEND_SENDER, from, to], new Uint8Array(size)));
  platform.turn();
  assertEquals(connection.stats.sequencesOut, 1);
  const begun = stream.writes.length;
  connection.send([CONTROL.LINK, to, from]);
  platform.turn();
  for (let i = 1; i <= 8; i++) {
    platform.advance(15_000);
    receive(TICK);
  }
  // The first of the checks had the message and the link to go by.
  assertEquals(stream.writes.length, begun + 1 + 7);
  assertEquals(connection.stats.ticksOut, 7);
  stream.full = false;
  stream.handler.drain();
  platform.turn();
  assertEquals(connection.stats.sequencesOut, 0);
  assertEquals(events.map((event) => "busy" in event && event.busy), [true, false]);

  const other = setup({}, HEADER);
  other.receive(...stream.writes);
  const signals = other.events.map((event) => "signal" in event && event.signal[0]);
  assertEquals(signals, [CONTROL.LINK, CONTROL.SEND_SENDER]);
  assertEquals((other.numbers()[1] as unknown as Uint8Array).length, size);
  assertEquals(other.connection.stats.ticksIn, 7);
});

// deno-fmt-ignore
const HOSTILE: readonly (readonly [string, number[]])[] = [
  ["a fragment of nothing", fragment(70, 1, [7])],
  ["a fragment out of its order", [...BEGIN, ...fragment(70, 2, [7])]],
  ["the beginning of a sequence twice", [...BEGIN, ...BEGIN]],
  ["one sequence too many", [...BEGIN, ...BEGIN.with(13, 1), ...BEGIN.with(13, 2)]],
  ["more of open sequences than is allowed", [...BEGIN, ...fragment(70, 1, new Array(200).fill(0))]],
  ["an atom that is not in the cache", [0, 0, 0, 6, 131, 68, 1, 0, 7, 97]],
  ["a packet without a header", message(1)],
];

for (const [what, bytes] of HOSTILE) {
  test(`a peer that sends ${what} is cut off`, () => {
    const limits = { maxSequences: 2, maxSequenceBytes: 100 };
    const { receive, stream, connection, numbers, downs } = setup(limits, HEADER);
    receive(WHOLE, bytes, WHOLE);
    assertEquals(numbers(), [1]);
    const [down] = downs();
    assertInstanceOf(down.reason === "protocol" && down.error, FrameError);
    assert(stream.destroyed);
    assert(!connection.alive);
  });
}
