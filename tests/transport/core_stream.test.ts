import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { CoreStream, type Driver } from "../../lib/transport/_core_stream.ts";
import { HIGH_WATER } from "../../lib/transport/contract.ts";
import { Probe } from "./_probe.ts";

/** A driver that writes down what it is asked for and takes as many bytes as it is told to. */
class FakeDriver implements Driver {
  readonly stream: CoreStream;
  readonly sent: Uint8Array[] = [];
  readonly calls: string[] = [];
  /** How many bytes it takes at once. */
  room = Infinity;

  constructor() {
    const nowhere = { host: "", port: 0 };
    this.stream = new CoreStream(this, nowhere, nowhere);
  }

  read(on: boolean): void {
    this.calls.push(on ? "read" : "stop reading");
  }

  send(bytes: Uint8Array): number {
    const count = Math.min(this.room, bytes.length);
    this.room -= count;
    this.sent.push(bytes.slice(0, count));
    return count;
  }

  shutdown(): void {
    this.calls.push("shutdown");
  }

  close(): void {
    this.calls.push("close");
  }

  ref(on: boolean): void {
    this.calls.push(on ? "ref" : "unref");
  }
}

function bytes(...values: number[]): Uint8Array {
  return new Uint8Array(values);
}

async function microtasks(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

function started(): { driver: FakeDriver; probe: Probe } {
  const driver = new FakeDriver();
  return { driver, probe: new Probe(driver.stream).start() };
}

test("the small writes of one turn reach the system as one", async () => {
  const { driver, probe } = started();
  for (let i = 0; i < 1000; i++) probe.write(new Uint8Array(60).fill(i));
  assertEquals(driver.sent, []);
  await microtasks();
  assertEquals(driver.sent.length, 1);
  assertEquals(driver.sent[0].length, 60_000);
  assertEquals(driver.sent[0][60], 1);
  assertEquals(driver.sent[0][59_999], 999 & 255);
});

test("what is the last of its turn reaches the system at once, unless something waits before it", async () => {
  const { driver, probe } = started();
  const { stream } = probe;
  assertEquals(stream.write(bytes(1), true), true);
  assertEquals(driver.sent, [bytes(1)]);
  stream.write(bytes(2));
  stream.write(bytes(3), true); // behind the one before it
  assertEquals(driver.sent, [bytes(1)]);
  await microtasks();
  assertEquals(driver.sent, [bytes(1), bytes(2, 3)]);
  driver.room = 1;
  assertEquals(stream.write(bytes(4, 5), true), true); // of which the system takes one
  assertEquals(stream.buffered, 1);
  stream.write(bytes(6), true);
  await microtasks();
  assertEquals(stream.buffered, 2);
  driver.room = Infinity;
  driver.stream.sent(0);
  assertEquals(driver.sent.slice(2), [bytes(4), bytes(5), bytes(6)]);
  assertEquals(stream.buffered, 0);
});

test("what is too much is held, also where it was handed over at once", async () => {
  const { driver, probe } = started();
  driver.room = 0;
  assertEquals(probe.stream.write(new Uint8Array(HIGH_WATER + 1), true), false);
  await microtasks();
  assertEquals(probe.drains, 0);
  driver.room = Infinity;
  driver.stream.sent(0);
  assertEquals(probe.drains, 1);
});

test("nothing is handed over at once by a stream that is ended", async () => {
  const { driver, probe } = started();
  probe.stream.end();
  probe.stream.write(bytes(1), true);
  await microtasks();
  assertEquals(driver.sent, []);
  assertEquals(driver.calls.includes("shutdown"), true);
});

test("large writes are handed on as they are", async () => {
  const { driver, probe } = started();
  probe.write(new Uint8Array(16 * 1024));
  probe.write(bytes(1));
  probe.write(bytes(2));
  probe.write(new Uint8Array(100_000));
  await microtasks();
  assertEquals(driver.sent.map((piece) => piece.length), [16 * 1024, 2, 100_000]);
});

test("what the system did not take is sent again, from there on", async () => {
  const { driver, probe } = started();
  driver.room = 3;
  probe.write(bytes(1, 2, 3, 4, 5));
  await microtasks();
  assertEquals(probe.stream.buffered, 2);
  probe.write(bytes(6));
  await microtasks();
  assertEquals(probe.stream.buffered, 3);
  // Room again, for one byte.
  driver.room = 1;
  driver.stream.sent(0);
  assertEquals(probe.stream.buffered, 2);
  // A driver that finishes by itself tells how much it took.
  driver.stream.sent(1);
  driver.room = Infinity;
  await microtasks();
  driver.stream.sent(0);
  assertEquals(driver.sent.map((piece) => [...piece]).filter((piece) => piece.length > 0), [
    [1, 2, 3],
    [4],
    [6],
  ]);
  assertEquals(probe.stream.buffered, 0);
});

test("drain comes once for each time that the mark was passed", async () => {
  const { driver, probe } = started();
  assertEquals(probe.write(new Uint8Array(HIGH_WATER)), true);
  await microtasks();
  assertEquals(probe.drains, 0);
  driver.room = 0;
  assertEquals(probe.write(new Uint8Array(HIGH_WATER)), true);
  assertEquals(probe.write(bytes(1)), false);
  await microtasks();
  assertEquals(probe.drains, 0);
  driver.room = Infinity;
  driver.stream.sent(0);
  assertEquals(probe.drains, 1);
  driver.stream.sent(0);
  assertEquals(probe.drains, 1);
});

test("room is asked for while the owner hears all that comes, and not before or while it is paused", async () => {
  const driver = new FakeDriver();
  const probe = new Probe(driver.stream);
  const room = bytes(0, 0);
  probe.room = () => room;
  assertEquals(driver.stream.room(), null);
  probe.start();
  assertEquals(driver.stream.room(), room);
  probe.pause();
  assertEquals(driver.stream.room(), null);
  driver.stream.data(bytes(1));
  probe.resume();
  // What came meanwhile is told first.
  assertEquals(driver.stream.room(), null);
  await microtasks();
  assertEquals(probe.pieces, [bytes(1)]);
  assertEquals(driver.stream.room(), room);
  probe.destroy();
  assertEquals(driver.stream.room(), null);
});

test("data that comes too early is kept, and told in order", async () => {
  const driver = new FakeDriver();
  const probe = new Probe(driver.stream);
  driver.stream.data(bytes(1));
  driver.stream.data(bytes(2));
  driver.stream.ended();
  probe.pause();
  probe.start();
  await microtasks();
  assertEquals(probe.received, 0);
  probe.resume();
  await microtasks();
  assertEquals(probe.pieces, [bytes(1), bytes(2)]);
  assertEquals(probe.ended, true);
});

test("a socket that goes before the start is told after it, behind its data", async () => {
  const driver = new FakeDriver();
  const probe = new Probe(driver.stream);
  driver.stream.data(bytes(1));
  const fault = new Error("reset");
  driver.stream.closed(fault);
  probe.start();
  await probe.untilClosed();
  assertEquals([probe.received, probe.error], [1, fault]);
});

test("a paused owner hears of an orderly close when it goes on, and of a fault at once", async () => {
  const orderly = started();
  orderly.probe.pause();
  orderly.driver.stream.data(bytes(1));
  orderly.driver.stream.ended();
  orderly.driver.stream.closed();
  await microtasks();
  assertEquals(orderly.probe.closed, false);
  orderly.probe.resume();
  await microtasks();
  assertEquals([orderly.probe.received, orderly.probe.ended, orderly.probe.closed], [
    1,
    true,
    true,
  ]);

  const broken = started();
  broken.probe.pause();
  broken.driver.stream.data(bytes(1));
  broken.driver.stream.closed(new Error("reset"));
  await microtasks();
  assertEquals([broken.probe.received, broken.probe.closed], [0, true]);
});

test("a pause in the middle of what was kept keeps the rest", async () => {
  const driver = new FakeDriver();
  const probe = new Probe(driver.stream);
  for (const value of [1, 2, 3]) driver.stream.data(bytes(value));
  probe.onData = (data) => {
    if (data[0] === 2) probe.pause();
  };
  probe.start();
  await microtasks();
  assertEquals(probe.received, 2);
  driver.stream.data(bytes(4));
  probe.onData = undefined;
  probe.resume();
  await microtasks();
  assertEquals(probe.pieces, [bytes(3), bytes(4)]);
});

test("the socket is closed once, when both sides have ended or at the first fault", async () => {
  const ended = started();
  ended.probe.end();
  await microtasks();
  ended.driver.stream.finished();
  ended.driver.stream.ended();
  ended.driver.stream.closed();
  ended.probe.destroy();
  await microtasks();
  assertEquals(ended.driver.calls, ["read", "shutdown", "close"]);
  assertEquals([ended.probe.ended, ended.probe.closed, ended.probe.error], [true, true, undefined]);

  const broken = started();
  const fault = new Error("reset");
  broken.driver.stream.closed(fault);
  broken.driver.stream.closed(new Error("again"));
  await microtasks();
  assertEquals(broken.driver.calls, ["read", "close"]);
  assertEquals(broken.probe.error, fault);
});

test("ref and unref reach the socket until it is closed", () => {
  const { driver, probe } = started();
  probe.stream.unref();
  probe.stream.ref();
  probe.destroy();
  probe.stream.ref();
  assertEquals(driver.calls, ["read", "unref", "ref", "close"]);
});

test("a flush hands over what was written, and tells nothing that was not asked for", async () => {
  const { driver, probe } = started();
  probe.write(bytes(1, 2));
  driver.stream.flush();
  assertEquals(driver.sent, [bytes(1, 2)]);
  probe.write(new Uint8Array(HIGH_WATER + 1));
  driver.stream.flush();
  assertEquals(probe.drains, 0);
  await microtasks();
  assertEquals(probe.drains, 1);
  driver.room = 1;
  probe.write(bytes(3, 4));
  driver.stream.flush();
  driver.stream.flush(); // the driver is not done with the one before
  assertEquals(driver.sent.slice(2), [bytes(3)]);
});
