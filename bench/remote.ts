import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { api, GenServer, later, type Node, on, startNode, t } from "../mod.ts";
import { inProcess, inProcesses } from "./_processes.ts";
import { eachTakes, perSecond, type Row, type Work } from "./_measure.ts";

const Far = api({
  calls: { get: [t.integer], echo: [t.term, t.term], seen: [t.integer, t.boolean] },
  casts: {},
});

/** The server on the other node. */
class FarServer extends GenServer {
  #seen = 0;
  #wanted = Infinity;
  #tell: (reached: true) => void = () => {};
  override readonly calls = {
    get: () => 5,
    echo: on(t.term, (term) => term),
    // Answers once so many messages have come.
    seen: on(t.integer, (count) => {
      const { promise, resolve } = Promise.withResolvers<true>();
      this.#wanted = count;
      this.#tell = resolve;
      return this.#check(promise);
    }),
  };
  override handleInfo(): void {
    this.#seen++;
    this.#check(null);
  }
  #check(promise: Promise<true> | null): unknown {
    if (this.#seen >= this.#wanted) {
      this.#seen = 0;
      this.#wanted = Infinity;
      this.#tell(true);
    }
    return promise === null ? undefined : later(promise);
  }
}

/** How nodes of the benchmarks are started. */
export const OPTIONS = {
  cookie: "bench",
  epmd: { port: Number(process.env.BENCH_EPMD_PORT ?? 24_999) },
} as const;
const FAR = "bench_far@localhost";
const CALLERS = 120;
const SENDERS = 100;

/** A node whose server, `far`, answers what is measured here; callers need not be ours. */
export async function startFar(name: string, busyPoll = 0): Promise<Node> {
  const node = await startNode(name, { ...OPTIONS, busyPoll });
  await node.start(FarServer, [], { register: "far" });
  return node;
}

/** The node that calls and sends. */
export function startNear(name: string, busyPoll = 0): Promise<Node> {
  return startNode(name, { ...OPTIONS, busyPoll });
}

/** What runs in the other process until its standard input ends. */
export async function serveFar(name = FAR, busyPoll = 0): Promise<void> {
  const node = await startFar(name, busyPoll);
  console.log("ready");
  process.stdin.resume().on("end", () => node.stop());
}

/** What is measured between two nodes, by name: each makes the work that is repeated. Processes call and send, as they do in OTP. */
export const REMOTE = {
  "call": (node: Node, name: string): Work => {
    const far = farServer(node, name);
    return () =>
      inProcess(node, async (self) => {
        const ref = far.as(self);
        for (let i = 0; i < 200; i++) await ref.call("get");
        return 200;
      });
  },
  "call of 1 MB": (node: Node, name: string): Work => {
    const far = farServer(node, name);
    const megabyte = new Uint8Array(1024 * 1024).fill(7);
    return () =>
      inProcess(node, async (self) => {
        const ref = far.as(self);
        for (let i = 0; i < 5; i++) await ref.call("echo", megabyte);
        return 5;
      });
  },
  "calls of many": (node: Node, name: string): Work => {
    const far = farServer(node, name);
    return () =>
      inProcesses(node, CALLERS, async (self) => {
        const ref = far.as(self);
        for (let i = 0; i < 50; i++) await ref.call("get");
        return 50;
      });
  },
  "send": (node: Node, name: string): Work => {
    const far = farServer(node, name);
    const target = { name: "far", node: name };
    const count = 20_000;
    return () =>
      inProcess(node, async (self) => {
        for (let i = 0; i < count; i++) self.send(target, i);
        await far.as(self).call("seen", count);
        return count;
      });
  },
  "send of many": (node: Node, name: string): Work => {
    const far = farServer(node, name);
    const target = { name: "far", node: name };
    const each = 200;
    return async () => {
      const sent = await inProcesses(node, SENDERS, (self) => {
        for (let i = 0; i < each; i++) self.send(target, i);
        return each;
      });
      await far.call("seen", sent);
      return sent;
    };
  },
} as const;

function farServer(node: Node, name: string) {
  return node.ref(Far, { name: "far", node: name }).with({ timeout: 60_000 });
}

export async function remote(): Promise<Row[]> {
  await using node = await startNear("bench_near@localhost");
  const runtime = "Deno" in globalThis ? ["run", "-A"] : [];
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const child = spawn(process.execPath, [...runtime, main, "--far"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  try {
    return await measure(node);
  } finally {
    child.stdin.end();
    await once(child, "exit");
  }
}

async function measure(node: Node): Promise<Row[]> {
  return [
    await eachTakes("remote call, one at a time", REMOTE["call"](node, FAR)),
    await perSecond(`remote calls, ${CALLERS} callers`, REMOTE["calls of many"](node, FAR)),
    await perSecond("remote send, 1 to 1", REMOTE["send"](node, FAR)),
    await perSecond(`remote send, ${SENDERS} to 1`, REMOTE["send of many"](node, FAR)),
    await eachTakes("remote call with 1 MB there and back", REMOTE["call of 1 MB"](node, FAR)),
  ];
}
