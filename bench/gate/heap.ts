import process from "node:process";
import { api, GenServer, type Node, startNode, t } from "../../mod.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { BARE, bytesOf, type Kind, SERVERS } from "../../tests/_support/memory.ts";
import { inProcess } from "../_processes.ts";
import type { Figure } from "./figures.ts";

const Far = api({ calls: { get: [t.integer] }, casts: {} });

class Answering extends GenServer {
  override readonly calls = { get: () => 5 };
  override handleInfo(): void {}
}

/** Bytes that are alive and bytes that are made; they differ a little from run to run, and from runtime to runtime. */
export async function heapFigures(): Promise<Figure[]> {
  const figures = [
    await alive("process that waits", BARE),
    await alive("GenServer that has answered", SERVERS),
  ];
  // The memory of the third does not tell of itself before garbage is collected.
  return "Bun" in globalThis ? figures : [...figures, ...await madeFigures()];
}

async function alive<T>(name: string, kind: Kind<T>): Promise<Figure> {
  await using node = await startNode("gate@localhost", { network: false });
  const { heap } = await bytesOf(node, kind, 50_000);
  // JavaScriptCore counts in larger pieces.
  return {
    name: `${name}: bytes`,
    unit: "bytes",
    value: heap,
    varies: "Bun" in globalThis ? 0.1 : 0.03,
  };
}

async function madeFigures(): Promise<Figure[]> {
  await using node = await startNode("gate@localhost", { network: false });
  const server = await node.start(Answering, []);
  const network = memoryNetwork();
  const options = { cookie: "gate", epmd: false, signals: false, transport: network } as const;
  await using far = await startNode("far@localhost", options);
  await far.start(Answering, [], { register: "far" });
  await using near = await startNode("near@localhost", {
    ...options,
    listen: false,
    routes: { "far@localhost": { port: far.addresses[0].port } },
  });
  const remote = near.ref(Far, { name: "far", node: "far@localhost" });
  const target = { name: "far", node: "far@localhost" };
  const repeat = (node: Node, work: (i: number) => unknown) => (count: number): Promise<number> =>
    inProcess(node, async () => {
      for (let i = 0; i < count; i++) {
        const done = work(i);
        if (done instanceof Promise) await done;
      }
      return count;
    });
  return [
    await made("local call", repeat(node, () => server.call("get"))),
    // Few bytes, to which it makes a difference how the compiler has seen them.
    await made(
      "local send",
      repeat(node, (i) => few(i, server.send(i), () => server.call("get"))),
      0.6,
    ),
    await made("spawn and end", repeat(node, () => void node.spawn(() => {}))),
    await made("remote call, both ends", repeat(near, () => remote.call("get"))),
    await made(
      "remote send, both ends",
      repeat(near, (i) => few(i, near.send(target, i), () => remote.call("get"))),
    ),
  ];
}

/** After each hundred messages it waits, so that mailboxes stay short. */
function few(i: number, _sent: void, settle: () => Promise<unknown>): Promise<unknown> | void {
  return i % 100 === 99 ? settle() : undefined;
}

const [WARM, COUNT, ROUNDS] = [20_000, 2_000, 15];

/** Bytes that doing something once makes: the median of rounds, for in one of them garbage may be collected. */
async function made(
  name: string,
  work: (count: number) => Promise<number>,
  varies = 0.1,
): Promise<Figure> {
  for (let done = 0; done < WARM; done += COUNT) await work(COUNT);
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.memoryUsage().heapUsed;
    await work(COUNT);
    samples.push((process.memoryUsage().heapUsed - before) / COUNT);
  }
  const value = Math.round(samples.sort((a, b) => a - b)[ROUNDS >> 1]);
  return { name: `${name}: bytes made`, unit: "bytes", value, varies };
}
