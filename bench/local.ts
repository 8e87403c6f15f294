import { GenServer, type Node, on, type ServerRef, startNode, t } from "../mod.ts";
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

/** What is measured on one node, by name: each makes the work that is repeated. */
export const LOCAL = {
  "call": async (node: Node): Promise<Work> => {
    const counter = await node.start(Counter, []);
    return async () => {
      for (let i = 0; i < 10_000; i++) await counter.call("get");
      return 10_000;
    };
  },
  "call with an argument": async (node: Node): Promise<Work> => {
    const counter = await node.start(Counter, []);
    return async () => {
      for (let i = 0; i < 10_000; i++) await counter.call("add", 1);
      return 10_000;
    };
  },
  "calls of pairs": async (node: Node): Promise<Work> => {
    const many = await Promise.all(Array.from({ length: PAIRS }, () => node.start(Counter, [])));
    return async () => {
      await Promise.all(many.map((server) => callMany(server, 500)));
      return PAIRS * 500;
    };
  },
  "send": async (node: Node): Promise<Work> => {
    const sink = await node.start(Sink, []);
    const count = 100_000;
    return async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      await sink.call("expect", count, resolve);
      for (let i = 0; i < count; i++) sink.send(i);
      await promise;
      return count;
    };
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
      const began = performance.now();
      const servers = await Promise.all(
        Array.from({ length: 2_000 }, () => node.start(Counter, [])),
      );
      const ms = performance.now() - began;
      await Promise.all(servers.map((server) => server.stop()));
      return { count: servers.length, ms };
    }),
} as const;

/** What a process of each kind takes in memory, in bytes. */
export const MEMORY = {
  "process": (node: Node, count: number): Promise<number> =>
    bytesEach(count, () => node.spawn((self) => self.receive())),
  "server": (node: Node, count: number): Promise<number> =>
    bytesEach(count, () => node.start(Counter, [])),
} as const;

async function callMany(server: ServerRef<Counter>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await server.call("get");
}

async function bytesEach(count: number, make: () => unknown): Promise<number> {
  const before = await heap();
  const made: unknown[] = [];
  for (let i = 0; i < count; i++) made.push(make());
  await Promise.all(made);
  const after = await heap();
  return Math.round((after - before) / made.length);
}

async function heap(): Promise<number> {
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
