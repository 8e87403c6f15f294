import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { api, GenServer, later, type Node, on, startNode, t } from "../mod.ts";
import { eachTakes, perSecond, type Row } from "./_measure.ts";

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

const OPTIONS = { cookie: "bench", epmd: { port: 24_999 } } as const;
const FAR = "bench_far@localhost";
const CALLERS = 120;

/** What runs in the other process. */
export async function serveFar(): Promise<void> {
  const node = await startNode(FAR, OPTIONS);
  await node.start(FarServer, [], { register: "far" });
  console.log("ready");
  process.stdin.resume().on("end", () => node.stop());
}

export async function remote(): Promise<Row[]> {
  await using node = await startNode("bench_near@localhost", OPTIONS);
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
  const target = { name: "far", node: FAR };
  const far = node.ref(Far, target).with({ timeout: 60_000 });
  const megabyte = new Uint8Array(1024 * 1024).fill(7);
  const count = 100_000;
  return [
    await eachTakes("remote call, one at a time", async () => {
      for (let i = 0; i < 3_000; i++) await far.call("get");
      return 3_000;
    }),
    await perSecond(`remote calls, ${CALLERS} callers`, async () => {
      const caller = async (): Promise<void> => {
        for (let i = 0; i < 200; i++) await far.call("get");
      };
      await Promise.all(Array.from({ length: CALLERS }, caller));
      return CALLERS * 200;
    }),
    await perSecond("remote send, 1 to 1", async () => {
      for (let i = 0; i < count; i++) node.send(target, i);
      await far.call("seen", count);
      return count;
    }),
    await eachTakes("remote call with 1 MB there and back", async () => {
      for (let i = 0; i < 50; i++) await far.call("echo", megabyte);
      return 50;
    }),
  ];
}
