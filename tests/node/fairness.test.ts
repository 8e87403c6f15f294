import { test } from "node:test";
import { assert } from "@std/assert";
import { GenServer, type Node, type ServerRef, startNode } from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import type { Listener, Stream, StreamHandler } from "../../lib/transport/contract.ts";

/**
 * What went on beside a flood of messages: a round trip over a socket and a timer of 5 ms both need the program's macrotasks,
 * which a run queue that is drained in microtasks would never let it get to.
 */
interface Beside {
  /** Round trips of one byte over a socket on loopback. */
  roundTrips: number;
  /** Times that a timer of 5 ms has fired. */
  ticks: number;
}

/** So many of both have to get through before a flood may end; a starved one would never let them. */
const ENOUGH: Beside = { roundTrips: 50, ticks: 20 };

class Ponger extends GenServer {
  override readonly calls = { ping: () => 0, slow: async () => await 0 };
}

/** Calls the other one from inside a process, for as long as it is told to. */
class Pinger extends GenServer {
  override readonly calls = {
    rally: async (ponger: ServerRef<Ponger>, name: "ping" | "slow", over: () => boolean) => {
      let calls = 0;
      for (; !over(); calls++) await ponger.call(name);
      return calls;
    },
  };
}

for (const name of ["ping", "slow"] as const) {
  test(`a rally of calls (${name}) between two processes starves neither a socket nor a timer`, async () => {
    await flood(async (node, over) => {
      const ponger = await node.start(Ponger, []);
      const pinger = await node.start(Pinger, []);
      return await pinger.with({ timeout: Infinity }).call("rally", ponger, name, over);
    });
  });
}

test("calls from outside of any process, one after the other, starve neither a socket nor a timer", async () => {
  await flood(async (node, over) => {
    const ponger = await node.start(Ponger, []);
    let calls = 0;
    for (; !over(); calls++) await ponger.call("ping");
    return calls;
  });
});

test("processes that send to themselves for ever starve neither a socket nor a timer", async () => {
  await flood(async (node, over) => {
    let messages = 0;
    await Promise.all(Array.from({ length: 3 }, () =>
      new Promise<void>((resolve) => {
        node.spawn(async (self) => {
          self.send(self.pid, 0);
          for await (const _ of self) {
            messages++;
            if (over()) return resolve();
            self.send(self.pid, 0);
          }
        });
      })));
    return messages;
  });
});

/** Runs a flood beside a socket and a timer until both had enough turns, and checks that it was a flood. */
async function flood(run: (node: Node, over: () => boolean) => Promise<number>): Promise<void> {
  await using node = await startNode("fair@localhost", { network: false });
  const beside: Beside = { roundTrips: 0, ticks: 0 };
  const stop = await startBeside(beside);
  const over = (): boolean =>
    beside.roundTrips >= ENOUGH.roundTrips && beside.ticks >= ENOUGH.ticks;
  const messages = await run(node, over);
  await stop();
  // Had the flood let go after each message, sockets and timers would have had no need of a scheduler.
  assert(messages > 20 * (beside.roundTrips + beside.ticks), `only ${messages} messages`);
}

async function startBeside(beside: Beside): Promise<() => Promise<void>> {
  const platform = await defaultPlatform();
  const transport = await defaultTransport();
  let running = true;
  const tick = (): void => {
    beside.ticks++;
    if (running) platform.setTimer(5, tick);
  };
  platform.setTimer(5, tick);
  const listener: Listener = await transport.listen({ port: 0 }, (stream) => {
    stream.start(handler((bytes) => stream.write(bytes), () => stream.end()));
  });
  const stream: Stream = await transport.connect({
    host: "127.0.0.1",
    port: listener.address.port,
  });
  const closed = new Promise<void>((resolve) => {
    const count = (bytes: Uint8Array): void => {
      beside.roundTrips++;
      if (running) stream.write(bytes);
      else stream.end();
    };
    stream.start({ ...handler(count, () => {}), close: () => resolve() });
  });
  stream.write(new Uint8Array(1));
  return async () => {
    running = false;
    await closed;
    await listener.close();
  };
}

function handler(data: (bytes: Uint8Array) => void, end: () => void): StreamHandler {
  return { data, end, drain: () => {}, close: () => {} };
}
