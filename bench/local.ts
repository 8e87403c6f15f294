import {
  GenServer,
  type Node,
  on,
  type Self,
  type ServerRef,
  startNode,
  t,
  type Term,
} from "../mod.ts";
import { inProcess, inProcesses } from "./_processes.ts";
import { eachTakes, figure, perSecond, type Row, type Work } from "./_measure.ts";

class Counter extends GenServer {
  #count = 0;
  override readonly calls = {
    get: () => this.#count,
    add: on(t.integer, (n) => this.#count += n),
    slow: async () => await this.#count,
  };
}

/** Counts messages, and says when it has got as many as it was to get. */
class Sink extends GenServer {
  #left = 0;
  #done: () => void = () => {};
  override handleInfo(): void {
    if (--this.#left === 0) this.#done();
  }
  override readonly calls = {
    expect: (count: number, done: () => void) => {
      this.#left = count;
      this.#done = done;
    },
  };
}

const PAIRS = 120;

export async function local(): Promise<Row[]> {
  await using node = await startNode("bench@localhost", { network: false });
  return [
    await eachTakes("local call, one at a time", await LOCAL["call"](node)),
    await eachTakes(
      "local call with a parsed argument",
      await LOCAL["call with an argument"](node),
    ),
    await perSecond(`local calls, ${PAIRS} pairs`, await LOCAL["calls of pairs"](node)),
    await perSecond("local send, 1 to 1", await LOCAL["send"](node)),
    await perSecond("spawn and exit", await LOCAL["spawn"](node)),
    await perSecond("GenServer start", await LOCAL["start"](node)),
    figure("memory of a process that waits", "B", await MEMORY["process"](node, 100_000)),
    figure("memory of a GenServer with three handlers", "B", await MEMORY["server"](node, 100_000)),
  ];
}

/** What is measured on one node, by name: each makes the work that is repeated. Processes call and send, as they do in OTP. */
export const LOCAL = {
  "call": async (node: Node): Promise<Work> => {
    const counter = await node.start(Counter, []);
    return () => inProcess(node, (self) => callMany(counter.as(self), 10_000));
  },
  "call with an argument": async (node: Node): Promise<Work> => {
    const counter = await node.start(Counter, []);
    return () =>
      inProcess(node, async (self) => {
        const ref = counter.as(self);
        for (let i = 0; i < 10_000; i++) await ref.call("add", 1);
        return 10_000;
      });
  },
  "calls of pairs": async (node: Node): Promise<Work> => {
    const many = await Promise.all(Array.from({ length: PAIRS }, () => node.start(Counter, [])));
    return () => inProcesses(node, PAIRS, (self, i) => callMany(many[i].as(self), 500));
  },
  "send": async (node: Node): Promise<Work> => {
    const sink = await node.start(Sink, []);
    const count = 20_000;
    return () =>
      inProcess(node, async (self) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const ref = sink.as(self);
        await ref.call("expect", count, resolve);
        for (let i = 0; i < count; i++) ref.send(i);
        await promise;
        return count;
      });
  },
  "spawn": (node: Node): Promise<Work> =>
    Promise.resolve(async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const count = 10_000;
      let left = count;
      for (let i = 0; i < count; i++) {
        node.spawn(() => {
          if (--left === 0) resolve();
        });
      }
      await promise;
      return count;
    }),
  "start": (node: Node): Promise<Work> =>
    Promise.resolve(async () => {
      const servers: ServerRef<Counter>[] = [];
      const began = performance.now();
      for (let i = 0; i < 2_000; i++) servers.push(await node.start(Counter, []));
      const ms = performance.now() - began;
      await Promise.all(servers.map((server) => server.stop()));
      return { count: servers.length, ms };
    }),
} as const;

/** What a process of each kind takes in memory, in bytes. */
export const MEMORY = {
  "process": (node: Node, count: number): Promise<number> =>
    bytesEach(node, count, () => node.spawn(waitOnce)),
  "server": (node: Node, count: number): Promise<number> =>
    bytesEach(node, count, () => node.start(Counter, [])),
  /** A server that has answered a call, and so has had a mailbox in use. All of them are alive at the end, and answer. */
  "answered": (node: Node, count: number): Promise<number> =>
    bytesEach(
      node,
      count,
      async () => {
        const server = await node.start(Counter, []);
        await server.call("add", 1);
        return server;
      },
      async (servers) => {
        for (const server of servers) {
          if (await server.call("get") !== 1) {
            throw new Error("Cannot go on: a server has forgotten");
          }
        }
      },
    ),
} as const;

/** One function for all, as programs have it. */
function waitOnce(self: Self): Promise<Term> {
  return self.receive();
}

async function callMany(server: ServerRef<Counter>, count: number): Promise<number> {
  for (let i = 0; i < count; i++) await server.call("get");
  return count;
}

/** What each of many takes, without the array that holds them here. */
async function bytesEach<T>(
  node: Node,
  count: number,
  make: () => T | Promise<T>,
  check?: (made: readonly T[]) => Promise<void>,
): Promise<number> {
  const made: T[] = new Array(count).fill(null);
  const before = await heap();
  for (let i = 0; i < count; i++) {
    const one = make();
    made[i] = one instanceof Promise ? await one : one;
  }
  // Behind all that was spawned.
  await inProcess(node, () => 0);
  const after = await heap();
  await check?.(made);
  return Math.round((after - before) / count);
}

/** Bytes in use, after garbage was collected. */
export async function heap(): Promise<number> {
  const { gc, process, Bun } = globalThis as unknown as {
    gc?: () => void;
    process: { memoryUsage(): { heapUsed: number } };
    Bun?: { gc(force: boolean): void };
  };
  for (let i = 0; i < 3; i++) {
    Bun?.gc(true);
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}
