import process from "node:process";
import {
  GenServer,
  type Node,
  on,
  type Pid,
  type Self,
  type ServerRef,
  t,
  type Term,
} from "../../mod.ts";
import { until } from "../node/_nodes.ts";
import { collectGarbage } from "./garbage.ts";

/** What each of many takes, in bytes. */
export interface Bytes {
  /** Of the heap, when what is not used any more was collected. */
  readonly heap: number;
  /** Of the memory that the operating system has given, which holds free places too. */
  readonly resident: number;
}

/** The most that one may take: what the issue of this project asks for, and CI holds. */
export const MOST = { process: 600, server: 1_024 } as const;

/** One kind of things of which there are many. */
export interface Kind<T> {
  make(node: Node): T | Promise<T>;
  /** All of them are alive: has each answer. */
  answer(node: Node, made: readonly T[]): Promise<void>;
}

/** A server with three handlers, one of which parses. */
class Counter extends GenServer {
  #count = 0;
  override readonly calls = {
    get: () => this.#count,
    add: on(t.integer, (n) => this.#count += n),
    slow: async () => await this.#count,
  };
}

function waitOnce(self: Self): Promise<Term> {
  return self.receive();
}

/** A function's process that waits for its message, and ends when it has come. */
export const BARE: Kind<Pid> = {
  make: (node) => node.spawn(waitOnce),
  async answer(node, pids) {
    const others = node.info().processes - pids.length;
    for (const pid of pids) node.send(pid, true);
    await until(() => node.info().processes === others);
  },
};

/** Each is called twice, so that its mailbox was in use. */
export const SERVERS: Kind<ServerRef<Counter>> = {
  make: async (node) => {
    const server = await node.start(Counter, []);
    await server.call("add", 1);
    return server;
  },
  async answer(_node, servers) {
    for (const server of servers) {
      if (await server.call("get") !== 1) throw new Error("Cannot go on: a server has forgotten");
    }
    for (const server of servers) await server.stop();
  },
};

/** Makes `count` of a kind, and tells what each takes while all of them wait. Then each has to answer, and all end. */
export async function bytesOf<T>(node: Node, kind: Kind<T>, count: number): Promise<Bytes> {
  const made: T[] = new Array(count).fill(null);
  const before = await memory();
  for (let i = 0; i < count; i++) {
    const one = kind.make(node);
    made[i] = one instanceof Promise ? await one : one;
  }
  await new Promise<void>((resolve) => void node.spawn(() => resolve())); // behind all that was spawned
  const after = await memory();
  await kind.answer(node, made);
  return {
    heap: Math.round((after.heap - before.heap) / count),
    resident: Math.round((after.resident - before.resident) / count),
  };
}

async function memory(): Promise<Bytes> {
  await collectGarbage(20);
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, resident: rss };
}
