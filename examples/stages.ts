/**
 * Streams with back-pressure: a producer, workers that ask for what they can do, and a stage between them.
 *
 *     deno run -A examples/stages.ts        bun examples/stages.ts        node examples/stages.ts
 *
 * Stages speak the protocol of Elixir's GenStage: each of them may as well be an Elixir process, on another node.
 */

import {
  broadcastDispatcher,
  Consumer,
  type ConsumerOptions,
  format,
  pipe,
  Producer,
  ProducerConsumer,
  type ProducerConsumerOptions,
  startNode,
  type Subscription,
  t,
} from "../mod.ts";

/** Makes as many orders as it is asked for, and no more. */
class Orders extends Producer<number> {
  #next = 1;
  readonly #last = 12;
  override handleDemand(demand: number): number[] {
    const orders: number[] = [];
    while (orders.length < demand && this.#next <= this.#last) orders.push(this.#next++);
    if (orders.length > 0) console.log(`  [orders] asked for ${demand}: makes ${orders.join(" ")}`);
    return orders;
  }
}

/** Gives each order a price. `events` says what an order is: what comes from other nodes is parsed. */
class Prices extends ProducerConsumer<number, string> {
  override readonly events = t.integer;
  override handleEvents(orders: readonly number[]): string[] {
    return orders.map((order) => `#${order} for ${order * 5} EUR`);
  }
}

/** Packs one order after the other: while it works, nobody makes more than it has asked for. */
class Packer extends Consumer<string> {
  override readonly events = t.text;
  #name = "";
  override init(name: string): void {
    this.#name = name;
  }
  override async handleEvents(orders: readonly string[], _from: Subscription): Promise<void> {
    for (const order of orders) {
      await this.sleep(this.#name === "Ann" ? 5 : 20);
      console.log(`  [${this.#name}] has packed ${order}`);
    }
  }
}

await using node = await startNode("shop@localhost", { cookie: "only for this example" });

console.log("a slow packer sets the pace: three orders on their way at most");
{
  const orders = await node.start(Orders, [], { register: "orders" });
  const prices = await node.start(Prices, []);
  const bob = await node.start(Packer, ["Bob"]);
  // From Elixir: GenStage.sync_subscribe(consumer, to: {:orders, :shop@localhost}, max_demand: 3)
  await pipe([orders, prices, bob], { maxDemand: 3, minDemand: 2, cancel: "transient" });
  await node.sleep(120);
  await orders.stop(); // in order: those behind it go on
  await node.sleep(200);
  await bob.stop();
  await prices.stop();
}

console.log("\ntwo packers share the work: who is faster asks more often, and gets more");
{
  const orders = await node.start(Orders, []);
  const prices = await node.start(Prices, []);
  for (const name of ["Ann", "Bob"]) {
    const packer = await node.start(Packer, [name]);
    await packer.subscribe(prices, { maxDemand: 1, minDemand: 0, cancel: "transient" });
  }
  await prices.subscribe(orders, { maxDemand: 2, minDemand: 1, cancel: "transient" });
  await node.sleep(250);
  await orders.stop();
  await prices.stop();
}

console.log("\nbroadcast: each of two loops gets all letters, at the pace of the slower one");
{
  /** A stage that reads from what JavaScript has: an iterator, an async one, or a ReadableStream. */
  const letters = await node.start(Producer.from("abcdef"), []);
  class All extends ProducerConsumer<string, string> {
    override init(): ProducerConsumerOptions<string> & ConsumerOptions {
      return {
        dispatcher: broadcastDispatcher(),
        subscribeTo: [[letters, { maxDemand: 2, cancel: "transient" }]],
      };
    }
    override handleEvents(events: readonly string[]): readonly string[] {
      return events;
    }
  }
  const all = await node.start(All, []);
  const read = async (name: string, ms: number): Promise<void> => {
    let seen = "";
    for await (const letter of all.events({ maxDemand: 1, minDemand: 0 })) {
      await node.sleep(ms);
      seen += letter;
      if (seen.length === 4) break; // ends the subscription
    }
    console.log(`  [${name}] has read ${seen}`);
  };
  await Promise.all([read("fast", 1), read("slow", 20)]);
  const buffered = await all.estimateBufferedCount();
  console.log(`the loops have ended; ${format(buffered)} events wait, and nothing more is read`);
}
