/**
 * A pool of workers behind one name: who gets what, what waits, what is refused, and what a crash does.
 *
 *     deno run -A examples/pool.ts        bun examples/pool.ts        node examples/pool.ts
 */

import { format, GenServer, on, pool, PoolBusyError, startNode, t } from "../mod.ts";

/** One worker renders one page at a time, as a browser or an external service would. */
class Renderer extends GenServer {
  #name = "";
  #pages = 0;
  override init(names: Iterator<string>): void {
    this.#name = names.next().value ?? "?";
    console.log(`  [${this.#name}] starts`);
  }
  override readonly calls = {
    render: on(t.text, async (page) => {
      if (page === "bad.html") throw new Error("cannot render that");
      await this.sleep(50);
      return `${page} by ${this.#name} (its page ${++this.#pages})`;
    }),
  };
}

await using node = await startNode("pdf@localhost", { cookie: "only for this example" });

console.log("three workers, each has one page at a time; two more pages may wait");
const names = ["Ann", "Bob", "Cid", "Dora", "Eve", "Fay"].values();
const options = { size: 3, maxPerWorker: 1, maxWaiting: 2 };
const renderers = await node.start(pool(Renderer, [names], options), [], { register: "pdf" });
// From Elixir: GenServer.call({:pdf, :pdf@localhost}, {:render, "a.html"})

console.log("\nseven pages at once: three are begun, two wait, two are refused at once");
await show(["1.html", "2.html", "3.html", "4.html", "5.html", "6.html", "7.html"]);

console.log("\na page that crashes its worker: its caller is told at once, the others get theirs");
await show(["8.html", "bad.html", "9.html"]);

console.log("\nthe pool grows to five workers");
await renderers.resize(5);
await show(["10.html", "11.html", "12.html", "13.html", "14.html"]);

console.log("\nand shrinks to two: those that go finish what they have");
const last = ["15.html", "16.html", "17.html"].map((page) => renderers.call("render", page));
await node.sleep(10); // they have begun
await renderers.resize(2);
await Promise.all(last);

const { size, refused, restarts, workers } = renderers.stats();
const handled = workers.map((worker) => `${format(worker.pid)} ${worker.handled}`).join(", ");
console.log(`\n${size} workers, ${refused} refused, ${restarts} restart; handled: ${handled}`);

/** Asks for all pages at the same time, and prints what comes of each. */
async function show(pages: readonly string[]): Promise<void> {
  await Promise.all(pages.map(async (page) => {
    try {
      console.log("  ", await renderers.call("render", page));
    } catch (error) {
      const what = error instanceof PoolBusyError ? "refused" : "failed";
      console.log("  ", page, `${what}: ${(error as Error).message.split("\n")[0].slice(0, 90)}`);
    }
  }));
}
