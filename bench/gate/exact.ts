import { setImmediate } from "node:timers";
import { api, GenServer, type Node, on, startNode, t } from "../../mod.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { inProcess } from "../_processes.ts";
import { CountingTransport, type Written } from "./counted.ts";
import type { Figure } from "./figures.ts";

const Far = api({ calls: { get: [t.integer], echo: [t.term, t.term] }, casts: {} });

class FarServer extends GenServer {
  override readonly calls = { get: () => 5, echo: on(t.term, (term) => term) };
  override handleInfo(): void {}
}

class Local extends GenServer {
  override readonly calls = { get: () => 5 };
}

/** Those that are the same in every run, and on every runtime. */
export async function exactFigures(): Promise<Figure[]> {
  return [...await localFigures(), ...await remoteFigures()];
}

function exact(name: string, unit: string, value: number): Figure {
  return { name: `${name}: ${unit}`, unit, value, varies: 0 };
}

async function localFigures(): Promise<Figure[]> {
  await using node = await startNode("gate@localhost", { network: false });
  const server = await node.start(Local, []);
  // What is made at the first time of all is not counted.
  await server.call("get");
  return [
    exact("local call", "turns", await turns(() => server.call("get"))),
    exact(
      "local call of a process",
      "turns",
      await inProcess(node, (self) => turns(() => server.as(self).call("get"))),
    ),
    exact("GenServer start", "turns", await turns(() => node.start(Local, []))),
    exact("spawn and end", "turns", await turns(() => inProcess(node, () => 0))),
  ];
}

/** How many turns of the microtask queue pass until a promise settles. */
async function turns(start: () => Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = start().then(() => isDone = true);
  let count = 0;
  for (; !isDone; count++) await null;
  await done;
  return count;
}

const COOKIE = "gate";
const FAR = "far@localhost";

async function remoteFigures(): Promise<Figure[]> {
  const network = memoryNetwork();
  const [here, there] = [new CountingTransport(network), new CountingTransport(network)];
  const options = { cookie: COOKIE, epmd: false, signals: false } as const;
  await using far = await startNode(FAR, { ...options, transport: there });
  await far.start(FarServer, [], { register: "far" });
  await using near = await startNode("near@localhost", {
    ...options,
    listen: false,
    routes: { [FAR]: { port: far.addresses[0].port } },
    transport: here,
  });
  const target = { name: "far", node: FAR };
  const ref = near.ref(Far, target).with({ timeout: 60_000 });
  // What comes before the figures, and after each of them: nothing is on its way then.
  const settle = async (): Promise<void> => void await ref.call("get");
  const counted = async (work: (near: Node) => unknown): Promise<[Written, Written]> => {
    await settle();
    here.take();
    there.take();
    await work(near);
    return [here.take(), there.take()];
  };
  const sending = (count: number): Promise<number> =>
    inProcess(near, (self) => {
      for (let i = 0; i < count; i++) self.send(target, i);
      return count;
    });
  const behind = async (work: () => Promise<unknown>): Promise<void> => {
    await work();
    await settle();
  };

  // The second time, when both ends know all atoms.
  await settle();
  await inProcess(near, async (self) => await ref.as(self).call("get"));
  const [callOut, callBack] = await counted(() => ref.call("get"));
  // What goes out before any of the replies can have come: how many turns these take is a matter of time.
  let calling: Promise<unknown> = Promise.resolve();
  const [callsOut] = await counted(async () => {
    calling = Promise.all(Array.from({ length: 120 }, () => ref.call("get")));
    await new Promise((resolve) => setImmediate(resolve));
  });
  await calling;
  await sending(1);
  const [oneOut] = await counted(() => behind(() => sending(1)));
  const [manyOut] = await counted(() => behind(() => sending(1_000)));
  const megabyte = new Uint8Array(1024 * 1024);
  await ref.call("echo", megabyte);
  const [largeOut, largeBack] = await counted(() => ref.call("echo", megabyte));
  return [
    exact("remote call, there", "writes", callOut.writes),
    exact("remote call, there", "control messages", callOut.frames),
    exact("remote call, there", "bytes", callOut.bytes),
    exact("remote call, back", "writes", callBack.writes),
    exact("remote call, back", "control messages", callBack.frames),
    exact("remote call, back", "bytes", callBack.bytes),
    exact("120 remote calls at once", "writes", callsOut.writes),
    exact("120 remote calls at once", "bytes", callsOut.bytes),
    exact("remote send and a call", "bytes", oneOut.bytes),
    exact("1,000 remote sends and a call", "writes", manyOut.writes),
    exact("1,000 remote sends and a call", "bytes", manyOut.bytes),
    exact("remote call of 1 MB, there", "writes", largeOut.writes),
    exact("remote call of 1 MB, there", "bytes", largeOut.bytes),
    exact("remote call of 1 MB, back", "writes", largeBack.writes),
  ];
}
