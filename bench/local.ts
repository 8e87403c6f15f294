import { GenServer, type Node, on, type ServerRef, startNode, t } from "../mod.ts";
import { eachTakes, figure, perSecond, type Row } from "./_measure.ts";

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
    ...await calls(node),
    await sends(node),
    await spawns(node),
    await starts(node),
    ...await memory(node),
  ];
}

async function calls(node: Node): Promise<Row[]> {
  const counter = await node.start(Counter, []);
  const many = await Promise.all(Array.from({ length: PAIRS }, () => node.start(Counter, [])));
  return [
    await eachTakes("local call, one at a time", async () => {
      for (let i = 0; i < 100_000; i++) await counter.call("get");
      return 100_000;
    }),
    await eachTakes("local call with a parsed argument", async () => {
      for (let i = 0; i < 100_000; i++) await counter.call("add", 1);
      return 100_000;
    }),
    await perSecond(`local calls, ${PAIRS} pairs`, async () => {
      await Promise.all(many.map((server) => callMany(server, 2_000)));
      return PAIRS * 2_000;
    }),
  ];
}

async function callMany(server: ServerRef<Counter>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await server.call("get");
}

async function sends(node: Node): Promise<Row> {
  const sink = await node.start(Sink, []);
  const count = 500_000;
  return await perSecond("local send, 1 to 1", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await sink.call("expect", count, resolve);
    for (let i = 0; i < count; i++) sink.send(i);
    await promise;
    return count;
  });
}

function spawns(node: Node): Promise<Row> {
  return perSecond("spawn and exit", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = 50_000;
    for (let i = 0; i < 50_000; i++) {
      node.spawn(() => {
        if (--left === 0) resolve();
      });
    }
    await promise;
    return 50_000;
  });
}

function starts(node: Node): Promise<Row> {
  return perSecond("GenServer start and stop", async () => {
    const servers = await Promise.all(Array.from({ length: 5_000 }, () => node.start(Counter, [])));
    await Promise.all(servers.map((server) => server.stop()));
    return 5_000;
  });
}

async function memory(node: Node): Promise<Row[]> {
  const count = 100_000;
  const idle = await bytesEach(count, () => node.spawn((self) => self.receive()));
  const servers = await bytesEach(count, () => node.start(Counter, []));
  return [
    figure("memory of a process that waits", "B", idle),
    figure("memory of a GenServer with three handlers", "B", servers),
  ];
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
