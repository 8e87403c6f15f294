import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  HIGH_WATER,
  type Stream,
  type Transport,
  TransportError,
} from "../../lib/transport/contract.ts";
import { type MemoryNetwork, memoryNetwork } from "../../lib/transport/memory.ts";
import { joined, Probe } from "./_probe.ts";

/** A network whose every delivery waits until the test lets it go, as a simulator's does. */
function stepped(
  window?: number,
): {
  network: MemoryNetwork;
  waiting: string[];
  step: () => Promise<void>;
  run: () => Promise<void>;
} {
  const tasks: (() => void)[] = [];
  const waiting: string[] = [];
  const network = memoryNetwork({
    window,
    defer: (deliver, { from, to, bytes }) => {
      tasks.push(deliver);
      waiting.push(`${from} to ${to}: ${bytes}`);
    },
  });
  const microtasks = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  async function step(): Promise<void> {
    waiting.shift();
    tasks.shift()!();
    await microtasks();
  }
  async function run(): Promise<void> {
    await microtasks();
    while (tasks.length > 0) await step();
  }
  return { network, waiting, step, run };
}

async function connected(
  from: Transport,
  to: Transport,
  host: string,
  run: () => Promise<void>,
): Promise<[Probe, Probe]> {
  let far: Stream | undefined;
  const listener = await to.listen({ host, port: 4000 }, (stream) => far = stream);
  const dialled = from.connect({ host, port: 4000 });
  await run();
  const near = await dialled;
  await listener.close();
  return [new Probe(near).start(), new Probe(far!).start()];
}

test("nothing arrives before it is delivered", async () => {
  const { network, waiting, step, run } = stepped();
  const [near, far] = await connected(network, network, "localhost", run);
  near.write("one");
  await Promise.resolve();
  near.write("two");
  await Promise.resolve();
  assertEquals(waiting, ["localhost to localhost: 3", "localhost to localhost: 3"]);
  assertEquals(far.text, "");
  await step();
  assertEquals(far.text, "one");
  await step();
  assertEquals(far.text, "onetwo");
});

test("a connection is made when its request and its answer have travelled", async () => {
  const { network, waiting, step } = stepped();
  const [a, b] = [network.machine("a"), network.machine("b")];
  let accepted = false;
  let connected = false;
  await b.listen({ host: "b", port: 1 }, () => accepted = true);
  a.connect({ host: "b", port: 1 }).then(() => connected = true);
  assertEquals(waiting, ["a to b: 0"]);
  await step();
  assertEquals([accepted, connected], [true, false]);
  assertEquals(waiting, ["b to a: 0"]);
  await step();
  assert(connected);
});

test("each machine has its own ports and its own loopback", async () => {
  const { network, run } = stepped();
  const [a, b] = [network.machine("a"), network.machine("b")];
  await a.listen({ port: 4369 }, () => {});
  await b.listen({ port: 4369 }, () => {});
  assertEquals(
    (await assertRejects(() => a.listen({ port: 4369 }, () => {}), TransportError)).code,
    "EADDRINUSE",
  );
  const near = a.connect({ host: "localhost", port: 4369 });
  await run();
  assertEquals((await near).remote, { host: "127.0.0.1", port: 4369 });
  const closed = assertRejects(() => a.connect({ host: "b", port: 4369 }), TransportError);
  await run();
  assertEquals((await closed).code, "ECONNREFUSED");
  await b.listen({ host: "0.0.0.0", port: 80 }, () => {});
  const far = a.connect({ host: "b", port: 80 });
  await run();
  assertEquals((await far).remote, { host: "b", port: 80 });
});

test("ports that the network chooses are free ones", async () => {
  const network = memoryNetwork();
  const ports = new Set<number>();
  for (let i = 0; i < 100; i++) {
    ports.add((await network.listen({ port: 0 }, () => {})).address.port);
  }
  assertEquals(ports.size, 100);
});

test("the receiver may write to what it got", async () => {
  const { network, run } = stepped();
  const [near, far] = await connected(network, network, "localhost", run);
  const bytes = new Uint8Array([1, 2, 3]);
  near.write(bytes);
  far.onData = (got) => got.fill(9);
  await run();
  assertEquals(bytes, new Uint8Array([1, 2, 3]));
});

test("the sender is held back when the window is full, and goes on as the receiver reads", async () => {
  const { network, run } = stepped(100);
  const [near, far] = await connected(network, network, "localhost", run);
  far.pause();
  near.write(new Uint8Array(HIGH_WATER + 1));
  await run();
  assertEquals(near.stream.buffered, HIGH_WATER + 1 - 100);
  assertEquals(far.received, 0);
  far.resume();
  await run();
  assertEquals(far.received, HIGH_WATER + 1);
  assertEquals(joined(far.pieces).length, HIGH_WATER + 1);
  assertEquals([near.stream.buffered, near.drains], [0, 1]);
});

test("reset breaks the streams between two machines and no others", async () => {
  const { network, run } = stepped();
  const [a, b, c] = ["a", "b", "c"].map((name) => network.machine(name));
  const [ab, ba] = await connected(a, b, "b", run);
  const [ac, ca] = await connected(a, c, "c", run);
  network.reset(["a", "b"]);
  await run();
  for (const probe of [ab, ba]) {
    assertInstanceOf(probe.error, TransportError);
    assertEquals(probe.error.code, "ECONNRESET");
  }
  assert(!ac.closed && !ca.closed);
  network.reset();
  await run();
  assert(ac.closed && ca.closed);
});

test("a machine that vanishes is told nothing; the others hear of it, unless it was silent", async () => {
  for (const silent of [false, true]) {
    const { network, run, waiting } = stepped();
    const [a, b] = ["a", "b"].map((name) => network.machine(name));
    const [ab, ba] = await connected(a, b, "b", run);
    await b.listen({ host: "b", port: 4001 }, () => {});
    ba.stream.write(new Uint8Array(3));
    network.vanish("b", silent);
    await run();
    assertEquals([ba.closed, ab.closed], [false, !silent]);
    assertEquals(waiting, []);
    ab.stream.write(new Uint8Array(5));
    await run();
    assert(ab.closed);
    assertInstanceOf(ab.error, TransportError);
    assertEquals(ab.error.code, "ECONNRESET");
    const refused = assertRejects(() => a.connect({ host: "b", port: 4001 }), TransportError);
    await run();
    assertEquals((await refused).code, "ECONNREFUSED");
  }
});

test("a stream that is closed with unread bytes resets its peer", async () => {
  const { network, run } = stepped();
  const [near, far] = await connected(network, network, "localhost", run);
  far.pause();
  near.write("unread");
  await run();
  far.destroy();
  await run();
  assertEquals((near.error as TransportError).code, "ECONNRESET");
});

test("an attempt that is given up closes what was accepted", async () => {
  const { network, step, run } = stepped();
  let far: Probe | undefined;
  await network.listen({ port: 1 }, (stream) => far = new Probe(stream).start());
  const controller = new AbortController();
  const attempt = network.connect({ host: "localhost", port: 1, signal: controller.signal });
  await step();
  controller.abort(new Error("enough"));
  await assertRejects(() => attempt, Error, "enough");
  await run();
  assert(far!.ended);
});
