/**
 * A journey that is booked whole or not at all: a saga on one node has others take part on a second one. Each says how to take back what it does; when the last
 * part fails, all that was booked before is given back, the last first. When all have agreed, all keep it.
 *
 *     deno run -A examples/saga.ts        bun examples/saga.ts        node examples/saga.ts
 */

import {
  type JobContext,
  Saga,
  SagaWorker,
  startNode,
  t,
  type Transaction,
  TransactionCancelledError,
} from "../mod.ts";

const Order = t.object({ city: t.text, days: t.integer });
type Order = ReturnType<typeof Order.parse>;

/** Books something, as long as there is some of it. */
class Bookings extends Saga<Order, string> {
  override readonly value = Order; // what comes from other nodes is checked
  #what = "";
  #left = 0;

  override init(what: string, left: number): void {
    this.#what = what;
    this.#left = left;
  }

  override handleTransaction(tx: Transaction<Order>, { city }: Order): string {
    if (this.#left === 0) throw new Error(`no ${this.#what} in ${city}`); // cancels the journey
    this.#left--;
    tx.compensate(() => {
      this.#left++;
      console.log(`  ${this.#what} in ${city} is given back`);
    });
    console.log(`  ${this.#what} in ${city} is booked`);
    return `a ${this.#what}`;
  }

  override handleCommit(tx: Transaction<Order>): void {
    console.log(`  ${this.#what} in ${tx.value.city} is paid`);
  }
}

/** Something that takes its time is done by a process of its own, which ends with the transaction. */
class Weather extends SagaWorker<string, string> {
  override handleJob(city: string, job: JobContext): string {
    job.interim(`looking out of the window in ${city}`);
    return "sun";
  }
}

class Journeys extends Saga<Order, string> {
  override async handleTransaction(tx: Transaction<Order>, order: Order): Promise<string> {
    const weather = tx.job(Weather, order.city, { interim: (part) => console.log(`  ${part}`) });
    const parts: string[] = [];
    for (const name of ["flights", "rooms", "cars"]) {
      const saga = { name, node: "agency@localhost" };
      parts.push(await tx.next(saga, orderTerm(order), { result: t.text, timeout: 10_000 }));
    }
    return `${order.days} days of ${await weather} in ${order.city}: ${parts.join(", ")}`;
  }
}

const orderTerm = (order: Order) => Order.toTerm(order);

const cookie = "only for this example";
await using agency = await startNode("agency@localhost", { cookie });
await using home = await startNode("home@localhost", { cookie });
await agency.start(Bookings, ["flight", 2], { register: "flights" });
await agency.start(Bookings, ["room", 2], { register: "rooms" });
await agency.start(Bookings, ["car", 1], { register: "cars" });
const journeys = await home.start(Journeys, []);

for (const city of ["Oslo", "Lima"]) {
  console.log(`a journey to ${city}:`);
  try {
    console.log(`  ${await journeys.run({ city, days: 7 }, { lifespan: 30_000 })}`);
  } catch (error) {
    if (!(error instanceof TransactionCancelledError)) throw error;
    console.log(`  not booked, ${error.reason}`);
  }
}
