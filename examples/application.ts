/**
 * Two applications in one program: `store` keeps the stock, `shop` sells and needs `store` to run.
 *
 * It shows the environment and what overrides it, start phases, the order of start and stop, and SIGTERM, which this program
 * sends itself in the end (`kill PID` or, with `signals` as below, Ctrl-C does the same).
 *
 *     deno run -A examples/application.ts        bun examples/application.ts        node examples/application.ts
 */

import process from "node:process";
import { application, child, GenServer, on, startNode, t } from "../mod.ts";

class Stock extends GenServer {
  #left = 0;
  override init(left: number): void {
    this.#left = left;
    console.log(`  [store] ${left} pieces in stock`);
  }
  override readonly calls = {
    take: on(t.text, (_article) => this.#left > 0 && this.#left-- > 0),
  };
}

class Till extends GenServer {
  #sold = 0;
  override init(currency: string): void {
    console.log(`  [shop] the till is open, prices are in ${currency}`);
    this.trapExit = true; // so that terminate is called when the application stops
  }
  override readonly calls = {
    sell: on(t.text, async (article) => {
      const taken = await this.node.ref(Stock, "stock").call("take", article);
      if (taken) this.#sold++;
      return taken;
    }),
  };
  override terminate(): void {
    console.log(`  [shop] the till is closed, ${this.#sold} sold`);
  }
}

const store = application({
  name: "store",
  version: "1.0.0",
  env: { pieces: 100 },
  children: (app) => [child(Stock, [app.env("pieces")], { register: "stock" })],
  stop: () => console.log("  [store] stopped"),
});

const shop = application({
  name: "shop",
  version: "2.1.0",
  description: "sells what the store has",
  applications: [store], //    starts before it, stops after it
  mode: "permanent", //        if it ends by itself the node stops, and the program ends with 1
  env: { currency: "EUR" },
  children: (app) => [child(Till, [app.env("currency")], { register: "till" })],
  startPhases: {
    warmUp: () => console.log("  [shop] phase warmUp: the tree is up"),
    openDoors: (app) => console.log(`  [shop] phase openDoors: ${app.name} starts to sell`),
  },
  prepStop: () => console.log("  [shop] closing the doors"),
  stop: () => console.log("  [shop] stopped"),
});

const node = await startNode("mall@localhost", {
  cookie: "only for this example",
  applications: [shop],
  config: { store: { pieces: 2 } }, // overrides the env of store
  signals: ["SIGTERM", "SIGINT"],
});
console.log(`${node.name} runs`, node.applications.which().map(({ name }) => name));

const till = node.whereis("till")!;
console.log("the till belongs to:", node.applications.of(till));
for (const article of ["tea", "cup", "pot"]) {
  console.log(`sell ${article}:`, await node.ref(Till, "till").call("sell", article));
}
const { state, type, processes } = node.applications.info("shop");
console.log(`shop is ${state}, ${type}, with ${processes} processes`);

console.log("SIGTERM: the applications stop, the last started first");
process.kill(process.pid, "SIGTERM");
await node.stopped;
console.log("the node has stopped, the program ends with 0");
