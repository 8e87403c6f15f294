import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { ConnectionDown } from "../../lib/dist/connection.ts";
import { CONTROL, ControlError } from "../../lib/dist/control.ts";
import { FrameError } from "../../lib/dist/frames.ts";
import { AtomLimitError, DecodeError } from "../../lib/etf/errors.ts";
import type { Encodable } from "../../lib/etf/term.ts";
import { from, message, type Setup, setup, to } from "./_connection.ts";

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
