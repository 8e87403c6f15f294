import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { CONTROL } from "../../lib/dist/control.ts";
import { FLAGS } from "../../lib/dist/flags.ts";
import { FrameError } from "../../lib/dist/frames.ts";
import { FRAGMENT } from "../../lib/dist/large_message.ts";
import { FROM, from, message, setup, TICK, TO, to } from "./_connection.ts";

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

test("by default eight of the largest messages may be under way at once, whatever the largest is", () => {
  const { receive, connection } = setup({ maxMessage: 400 }, HEADER);
  const begin = fragment(69, 3, [0, 104, 3, 97, 22, ...FROM, ...TO, 97]);
  const middle = fragment(70, 2, new Array(200).fill(0));
  let open = 0;
  while (connection.alive) {
    receive(begin.with(13, open), middle.with(13, open));
    open++;
  }
  const each = 200 + 1; // of the payload
  assertEquals(open, Math.floor(8 * 400 / each) + 1);
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
