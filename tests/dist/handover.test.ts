import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { HandoverStream } from "../../lib/dist/_handover.ts";
import { HIGH_WATER } from "../../lib/transport/contract.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { FakeStream, Recorder } from "../_support/fake_stream.ts";

/** A stream whose first owner is a recorder. */
function opened(): {
  raw: FakeStream;
  stream: HandoverStream;
  first: Recorder;
  platform: FakePlatform;
} {
  const [raw, first, platform] = [new FakeStream(), new Recorder(), new FakePlatform()];
  const stream = new HandoverStream(raw, (fn) => platform.defer(fn));
  stream.open(first);
  return { raw, stream, first, platform };
}

test("the first owner gets events at once", () => {
  const { raw, first } = opened();
  raw.handler.data(Uint8Array.of(1));
  raw.handler.drain();
  raw.handler.end();
  raw.handler.close();
  assertEquals(first.events, ["data 1", "drain", "end", "close"]);
  assertEquals(raw.calls, ["start"]);
});

test("the next owner gets the rest, then what came between, then what comes, not inside start", () => {
  const { raw, stream, first, platform } = opened();
  raw.handler.data(Uint8Array.of(1));
  stream.release(Uint8Array.of(2));
  raw.handler.data(Uint8Array.of(3));
  raw.handler.drain();
  const next = new Recorder();
  stream.start(next);
  raw.handler.data(Uint8Array.of(4));
  assertEquals(next.events, []);
  platform.turn();
  raw.handler.data(Uint8Array.of(5));
  assertEquals(first.events, ["data 1"]);
  assertEquals(next.events, ["data 2", "data 3", "drain", "data 4", "data 5"]);
});

test("an end and a close between two owners reach the next one, behind the data", () => {
  const { raw, stream, platform } = opened();
  stream.release(Uint8Array.of(1));
  raw.handler.data(Uint8Array.of(2));
  raw.handler.end();
  raw.handler.close(new Error("reset"));
  const next = new Recorder();
  stream.start(next);
  platform.turn();
  assertEquals(next.events, ["data 1", "data 2", "end", "close reset"]);
});

test("a close that comes after start and before the kept events stands behind them", () => {
  const { raw, stream, platform } = opened();
  stream.release(Uint8Array.of(1));
  const next = new Recorder();
  stream.start(next);
  raw.handler.close();
  platform.turn();
  assertEquals(next.events, ["data 1", "close"]);
});

test("nothing is kept: the next owner gets events at once", () => {
  const { raw, stream } = opened();
  stream.release(new Uint8Array(0));
  const next = new Recorder();
  stream.start(next);
  raw.handler.data(Uint8Array.of(1));
  assertEquals(next.events, ["data 1"]);
});

test("a stream cannot have two owners", () => {
  const { stream } = opened();
  assertThrows(() => stream.start(new Recorder()), TypeError, "has been started");
});

test("without an owner a mebibyte is kept, then the peer is held back until it is taken", () => {
  const { raw, stream, platform } = opened();
  stream.release(new Uint8Array(0));
  raw.handler.data(new Uint8Array(HIGH_WATER));
  assertEquals(raw.calls, ["start"]);
  raw.handler.data(Uint8Array.of(1));
  raw.handler.data(Uint8Array.of(2));
  assertEquals(raw.calls, ["start", "pause"]);
  const next = new Recorder();
  stream.start(next);
  platform.turn();
  assertEquals(next.events.slice(1), ["data 1", "data 2"]);
  assertEquals(raw.calls, ["start", "pause", "resume"]);
});

test("an owner that pauses gets no more kept data until it resumes", () => {
  const { raw, stream, platform } = opened();
  stream.release(Uint8Array.of(1));
  raw.handler.data(Uint8Array.of(2));
  const next = new Recorder();
  next.data = (bytes) => {
    next.events.push(`data ${bytes}`);
    stream.pause();
  };
  stream.start(next);
  platform.turn();
  assertEquals(next.events, ["data 1"]);
  raw.handler.data(Uint8Array.of(3)); // was on its way
  stream.resume();
  assertEquals(next.events, ["data 1"]);
  platform.turn();
  assertEquals(next.events, ["data 1", "data 2"]);
  stream.resume();
  platform.turn();
  assertEquals(next.events, ["data 1", "data 2", "data 3"]);
});

test("an owner that destroys the stream gets no more data, only the close", () => {
  const { raw, stream, platform } = opened();
  stream.release(Uint8Array.of(1));
  raw.handler.data(Uint8Array.of(2));
  const next = new Recorder();
  next.data = (bytes) => {
    next.events.push(`data ${bytes}`);
    stream.destroy();
  };
  stream.start(next);
  platform.turn();
  raw.handler.close();
  platform.turn();
  assertEquals(next.events, ["data 1", "close"]);
});

test("a paused owner that destroys a stream that is closed already gets the close", () => {
  const { raw, stream, platform } = opened();
  stream.release(Uint8Array.of(1));
  raw.handler.close();
  const next = new Recorder();
  stream.start(next);
  stream.pause();
  platform.turn();
  assertEquals(next.events, []);
  stream.destroy();
  platform.turn();
  assertEquals(next.events, ["close"]);
});

test("an event that a handler causes while it is told the last one comes after it", () => {
  const { raw, stream, platform } = opened();
  stream.release(Uint8Array.of(1));
  const next = new Recorder();
  next.data = (bytes) => {
    if (bytes[0] === 1) raw.handler.data(Uint8Array.of(2));
    next.events.push(`data ${bytes}`);
  };
  stream.start(next);
  platform.turn();
  assertEquals(next.events, ["data 1", "data 2"]);
});

test("what the owner does reaches the stream", () => {
  const { raw, stream } = opened();
  raw.buffered = 7;
  stream.write(Uint8Array.of(1, 2));
  stream.end();
  stream.unref();
  stream.ref();
  stream.destroy();
  assertEquals(raw.calls, ["start", "write 1,2", "end", "unref", "ref", "destroy"]);
  assertEquals([stream.buffered, stream.local.port, stream.remote.port], [7, 1, 2]);
});
