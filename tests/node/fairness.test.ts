// Calls and messages of processes beside a live socket and a 5 ms timer: neither starves, on any runtime. Nothing here depends on
// how fast the machine is: what is asserted is how much the others got for each time that the scheduler let them run.
import { setInterval as every } from "node:timers";
import { test } from "node:test";
import { assert, assertStrictEquals } from "@std/assert";
import { startNode } from "../../lib/boot/start_node.ts";
import { atom } from "../../lib/etf/atom.ts";
import { GenServer } from "../../lib/gen/server/gen_server.ts";
import type { ServerRef } from "../../lib/gen/server/server_ref.ts";
import type { Pid } from "../../lib/etf/identifiers.ts";
import type { Node } from "../../lib/node/node.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Stream } from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

class Counter extends GenServer {
  #count = 0;
  override readonly calls = {
    next: () => ++this.#count,
    slowly: async () => {
      for (let i = 0; i < 3; i++) await null;
      return ++this.#count;
    },
  };
  override readonly casts = {
    add: () => void this.#count++,
  };
}

interface Others {
  readonly node: Node;
  /** How often the scheduler let others run. */
  yields: number;
  roundTrips: number;
  ticks: number;
}

/** A node, a socket on which 64 bytes go to and fro all the time, and a timer. */
async function besideOthers(work: (node: Node) => Promise<void>): Promise<Others> {
  const platform = await defaultPlatform();
  const others = { yields: 0, roundTrips: 0, ticks: 0 };
  const node = await startNode("fair@localhost", {
    network: false,
    signals: false,
    platform: {
      ...platform,
      yield: (fn) => {
        others.yields++;
        platform.yield(fn);
      },
    },
  });
  const socket = await echoing(() => others.roundTrips++);
  const timer = every(() => others.ticks++, 5);
  const before = { ...others };
  await work(node);
  const result = {
    node,
    yields: others.yields - before.yields,
    roundTrips: others.roundTrips - before.roundTrips,
    ticks: others.ticks - before.ticks,
  };
  clearInterval(timer);
  await socket.close();
  await node.stop();
  return result;
}

/** Sends 64 bytes to an echo on loopback, and again as soon as they are back. */
async function echoing(onRoundTrip: () => void): Promise<{ close(): Promise<void> }> {
  const transport = await defaultTransport();
  const streams: Stream[] = [];
  const closed: Promise<void>[] = [];
  const begin = (stream: Stream, data: (bytes: Uint8Array) => void): void => {
    streams.push(stream);
    closed.push(
      new Promise((resolve) =>
        stream.start({ data, drain() {}, end() {}, close: () => resolve() })
      ),
    );
  };
  const listener = await transport.listen({ port: 0 }, (stream) => {
    begin(stream, (bytes) => stream.write(bytes.slice()));
  });
  const client = await transport.connect({ host: "127.0.0.1", port: listener.address.port });
  let missing = 64;
  begin(client, (bytes) => {
    missing -= bytes.length;
    if (missing > 0) return;
    missing = 64;
    onRoundTrip();
    client.write(new Uint8Array(64));
  });
  client.write(new Uint8Array(64));
  return {
    async close() {
      for (const stream of streams) stream.destroy();
      await Promise.all(closed);
      await listener.close();
    },
  };
}

// A slice is 2 ms at least, so that two in five of them see a tick of 5 ms; and a round trip takes a macrotask or two at each end.
function assertNobodyStarved({ yields, roundTrips, ticks }: Others): void {
  assert(yields >= 10, `others were let run ${yields} times`);
  assert(roundTrips >= yields / 20, `${roundTrips} round trips in ${yields} slices`);
  assert(ticks >= yields / 20, `${ticks} ticks in ${yields} slices`);
}

const CALLS = 300_000;

async function callMany(ref: ServerRef<Counter>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await ref.call("next");
}

test("calls one after another let a socket and a timer live", async () => {
  assertNobodyStarved(
    await besideOthers(async (node) => {
      const ref = await node.start(Counter, []);
      await callMany(ref, CALLS);
      assertStrictEquals(await ref.call("next"), CALLS + 1);
    }),
  );
});

test("calls from process to process do too", async () => {
  assertNobodyStarved(
    await besideOthers(async (node) => {
      const ref = await node.start(Counter, []);
      await new Promise<void>((resolve) => {
        node.spawn(async (self) => {
          await callMany(ref.as(self), CALLS);
          resolve();
        });
      });
    }),
  );
});

test("calls of a handler that waits do too, all of it in microtasks", async () => {
  assertNobodyStarved(
    await besideOthers(async (node) => {
      const ref = await node.start(Counter, []);
      for (let i = 0; i < CALLS / 2; i++) await ref.call("slowly");
    }),
  );
});

test("a hundred callers at once do too", async () => {
  assertNobodyStarved(
    await besideOthers(async (node) => {
      await Promise.all(
        Array.from(
          { length: 100 },
          async () => callMany(await node.start(Counter, []), CALLS / 100),
        ),
      );
    }),
  );
});

test("messages to and fro between two functions do too", async () => {
  assertNobodyStarved(
    await besideOthers(async (node) => {
      const pong = node.spawn(async (self) => {
        for await (const from of self) self.send(from as Pid, null);
      });
      await new Promise<void>((resolve) => {
        node.spawn(async (self) => {
          for (let i = 0; i < CALLS / 2; i++) {
            self.send(pong, self.pid);
            await self.receive();
          }
          resolve();
        });
      });
    }),
  );
});

test("a flood by one sender does too, and others get their calls through it", async () => {
  let answered = 0;
  assertNobodyStarved(
    await besideOthers(async (node) => {
      const [flooded, other] = [await node.start(Counter, []), await node.start(Counter, [])];
      let flooding = true;
      const calls = (async () => {
        while (flooding) {
          await other.call("next");
          answered++;
        }
      })();
      for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 50_000; j++) flooded.cast("add");
        await flooded.call("next");
      }
      flooding = false;
      await calls;
    }),
  );
  assert(answered > 1_000, `${answered} calls beside a million casts`);
});

test("calling what is not there again and again lets it come", async () => {
  let failures = 0;
  let came = false;
  const { yields } = await besideOthers(async (node) => {
    const registering = node.sleep(50).then(() => node.start(Counter, [], { register: "late" }));
    // Without a turn in between this would be one endless microtask; the limit is for that case only.
    while (!came && failures < 2_000_000) {
      await node.call("late", atom("next")).then(() => came = true, () => failures++);
    }
    await registering;
  });
  assert(came, `not there after ${failures} calls and ${yields} slices`);
});

test("pairs of processes get the same share", async () => {
  const done: number[] = Array.from({ length: 10 }, () => 0);
  let shares: number[] = [];
  await besideOthers(async (node) => {
    const refs = await Promise.all(done.map(() => node.start(Counter, [])));
    await Promise.race(refs.map(async (ref, i) => {
      for (; done[i] < 20_000; done[i]++) await ref.call("next");
      shares = shares.length > 0 ? shares : [...done];
    }));
  });
  assert(
    Math.min(...shares) > 10_000,
    `when the first had its 20000 calls the others had ${shares}`,
  );
});

testNothingIsLeft();
