/**
 * Two nodes, no Erlang needed: one publishes prices, the other one subscribes, sees those that are kept first, and is told when
 * the publisher ends.
 *
 *     deno run -A examples/events.ts        bun examples/events.ts        node examples/events.ts
 */

import {
  atom,
  event,
  Events,
  type EventsRef,
  format,
  GenServer,
  on,
  startNode,
  t,
  tuple,
} from "../mod.ts";

/** What is published, for both sides. */
const prices = event("prices", t.tuple(t.text, t.number));

class Exchange extends GenServer {
  override init(events: EventsRef): void {
    const publisher = events.registerEvent(this, prices, {
      buffer: 2,
      onStart: () => console.log("  [shop] somebody is interested"),
      onStop: () => console.log("  [shop] nobody is interested any more"),
    });
    this.#publish = (name, price) => void publisher.publish(tuple(name, price));
  }
  #publish: (name: string, price: number) => void = () => {};
  override readonly casts = {
    price: on(t.text, t.number, (name, price) => this.#publish(name, price)),
    close: () => this.stop(atom("shutdown")),
  };
}

const cookie = "only for this example";
await using shop = await startNode("shop@localhost", { cookie });
const events = await shop.start(Events, [], { register: "events" });
const exchange = await shop.start(Exchange, [events]);
for (const price of [1, 2, 3]) exchange.cast("price", "ERGO", price);

await using home = await startNode("home@localhost", { cookie });
const there = await home.start(Events, [], { register: "events" });
console.log("subscribing from home@localhost; the last two prices are kept for us");
let seen = 0;
for await (const item of there.streamEvent(prices, { node: "shop@localhost" })) {
  if (item.type === "event") console.log("  [home] price:", item.value[0], item.value[1]);
  else if (item.type === "down") console.log("  [home] the event is down:", format(item.reason));
  else console.log("  [home]", item);
  if (++seen === 2) exchange.cast("price", "ERGO", 4);
  if (seen === 3) exchange.cast("close");
}
// From Erlang: {ok, Ref} = gen_server:call({events, 'shop@localhost'}, {subscribe, prices}), receive {event, Ref, prices, {Name, Price}} -> ... end
