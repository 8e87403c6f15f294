/**
 * An Elixir producer feeds TypeScript workers, which set its pace. One command runs both sides; Elixir has to be installed.
 *
 *     deno run -A examples/gen_stage.ts        bun examples/gen_stage.ts        node examples/gen_stage.ts
 *
 * It starts a node with two bakers and a kitchen, and by `elixir` the node of examples/gen_stage.exs, whose process `Orders` makes
 * orders: only as many as were asked for, however fast it could be. In a system of yours both run already, and `subscribe` is all.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { child, Consumer, consumerSupervisor, program, type Self, startNode, t } from "../mod.ts";

/** `{number, "cheese cake"}` in Elixir; what is no order is dropped, counted and logged. */
const Order = t.tuple(t.integer, t.text);
type Order = readonly [number: number, cake: string];

/** How many orders there are, and how many of them are done: the program ends with the last. */
const ORDERS = 24;
let done = 0;
let finished: () => void = () => {};

function finish(): void {
  done++;
  if (done === ORDERS) finished();
}

/** Bakes one order after the other. While it does, nothing is asked for: three are on their way to it at most. */
class Baker extends Consumer<Order> {
  override readonly events = Order;
  baked = 0;
  #name = "";
  #ms = 0;

  override init(name: string, ms: number): void {
    this.#name = name;
    this.#ms = ms;
  }

  override async handleEvents(orders: readonly Order[]): Promise<void> {
    for (const [number, cake] of orders) {
      await this.sleep(this.#ms);
      this.baked++;
      console.log(`  [${this.#name}] order ${number}: a ${cake}`);
      finish();
    }
  }

  override readonly calls = { baked: () => this.baked };
}

/** A process for each order, four at once: when one has ended, one more is asked for. A crash is started again, with its order. */
const Kitchen = consumerSupervisor<Order>({
  events: Order,
  children: [child(serve, [], { restart: "transient" })],
});

async function serve(self: Self, [number, cake]: Order): Promise<void> {
  await self.sleep(number % 4 * 10);
  console.log(`  [kitchen] order ${number}: a ${cake} is served`);
  finish();
}

// Names of its own, so that this can run twice on a machine.
const id = process.pid;
const cookie = "only for this example";
await using node = await startNode(`bakery${id}@localhost`, { cookie });

for (
  const part of [
    "two bakers, one slow: who is faster gets more",
    "a kitchen: a process for each order",
  ]
) {
  console.log(part);
  const app = `orders${id}@localhost`;
  const elixir = await node.start(
    program("elixir", {
      args: [
        ...["--sname", app, "--cookie", cookie, "--erl", "-start_epmd false"],
        ...[fileURLToPath(new URL("./gen_stage.exs", import.meta.url)), `${ORDERS}`],
      ],
      packet: "line",
    }),
    [],
  );
  const lines = elixir.output();
  for await (const { text } of lines) if (text === "ready") break;

  done = 0;
  const all = new Promise<void>((resolve) => finished = resolve);
  const orders = { name: "Elixir.Orders", node: app };
  if (part.startsWith("two")) {
    const ann = await node.start(Baker, ["Ann", 5]);
    const bob = await node.start(Baker, ["Bob", 40]);
    for (const baker of [ann, bob]) {
      await baker.subscribe(orders, { maxDemand: 3, minDemand: 2, cancel: "transient" });
    }
    await Promise.all([told(elixir), all]);
    console.log(`Ann has baked ${await ann.call("baked")}, Bob ${await bob.call("baked")}`);
  } else {
    const kitchen = await node.start(Kitchen, []);
    await kitchen.subscribe(orders, { maxDemand: 4, minDemand: 1, cancel: "transient" });
    await Promise.all([told(elixir), all]);
    console.log(`${done} orders were served, by a process each`);
  }
  await elixir.exited;
}

/** Prints what Elixir says, until its producer has ended. */
async function told(elixir: { output(): AsyncIterable<{ readonly text: string }> }): Promise<void> {
  for await (const { text } of elixir.output()) console.log(`  [elixir] ${text}`);
}
