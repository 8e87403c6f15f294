import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CONTROL, type Control } from "../../lib/dist/control.ts";
import { EncodeError } from "../../lib/etf/errors.ts";
import { Float } from "../../lib/etf/float.ts";
import { Ref } from "../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { from, LINK, message, setup, TICK, to } from "./_connection.ts";

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
  for (let i = 0; i < 21; i++) connection.send([CONTROL.SEND_SENDER, from, to], payload);
  // Little at first, so that the peer can begin.
  const early = [20_104, 40_208, 70_364, 70_364];
  assertEquals(stream.writes.map((bytes) => bytes.length), early);
  assertEquals(stream.flushes, 4);
  platform.turn();
  assertEquals(stream.writes.map((bytes) => bytes.length), [...early, 10_052]);
});

test("the end of a monitor goes out with what follows it in a few microtasks, and not later than that", () => {
  const { stream, platform, connection } = setup();
  const ref = new Ref(from._node, 1, [1, 2, 3]);
  const demonitor = () => connection.send([CONTROL.DEMONITOR_P, from, to, ref]);
  demonitor();
  platform.defer(() => platform.defer(() => connection.send([CONTROL.SEND_SENDER, from, to], 1)));
  platform.turn();
  assertEquals(stream.writes.length, 1);
  assertEquals(stream.writes[0].slice(-message(1).length), message(1));
  demonitor();
  platform.turn();
  assertEquals(stream.writes.length, 2);
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
