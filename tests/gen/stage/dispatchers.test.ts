import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  atom,
  broadcastDispatcher,
  demandDispatcher,
  type Node,
  none,
  partitionDispatcher,
  type ProducerOptions,
  type Term,
  tuple,
} from "../../../mod.ts";
import { phash2 } from "../../../lib/etf/phash2.ts";
import { ended, KILL, nodeTest, until } from "../../node/_nodes.ts";
import { logs } from "../_servers.ts";
import {
  askTerm,
  cancelTerm,
  Counter,
  instance,
  Keeper,
  keywords,
  Manual,
  type Peer,
  peer,
  subscribeTerm,
} from "./_stages.ts";

/** A producer that emits what a test says, and consumers by hand. */
async function producing(node: Node, options: ProducerOptions<number>) {
  const ref = await node.start(Manual, [options]);
  const manual = instance(node, ref, Manual);
  const consumer = async (
    subscribe: Readonly<Record<string, Term>> = {},
  ): Promise<Peer & { ask(count: number): Promise<void>; cancel(): Promise<void> }> => {
    const one = await peer(node);
    const tag = node._core.makeRef();
    one.toProducer(ref.pid, tag, subscribeTerm(keywords(subscribe)));
    await ref.demand(); // it has come
    return {
      ...one,
      ask: async (count) => {
        one.toProducer(ref.pid, tag, askTerm(count));
        await ref.demand();
      },
      cancel: async () => {
        one.toProducer(ref.pid, tag, cancelTerm(atom("bye")));
        await ref.demand();
      },
    };
  };
  const turn = async (): Promise<void> => void await ref.demand();
  return { ref, manual, consumer, turn };
}

nodeTest("demand: an event goes to whoever has asked for most", async (lone) => {
  const { manual, consumer, turn } = await producing(lone.node, {
    dispatcher: demandDispatcher({ maxDemand: 4 }),
  });
  const [a, b] = [await consumer(), await consumer()];
  await a.ask(2);
  await b.ask(3);
  assertEquals(manual.demands, [2, 3]);
  manual.emit([1, 2, 3, 4]);
  await turn();
  assertEquals([a.got, b.got], [["gen_consumer [4]"], ["gen_consumer [1,2,3]"]]);
  await b.ask(5);
  assert(logs(lone).some((line) => line.includes("expects a demand of 4 at most")));
});

nodeTest("demand: what no consumer has asked for comes to the next that asks", async ({ node }) => {
  const { manual, consumer, turn } = await producing(node, {});
  const a = await consumer();
  await a.ask(1);
  manual.emit([1, 2, 3]);
  await turn();
  assertEquals(a.got, ["gen_consumer [1]"]);
  await a.ask(5);
  assertEquals(a.got[1], "gen_consumer [2,3]");
  assertEquals(manual.demands, [1, 3]);
});

nodeTest("demand: shuffled, every consumer may be the first", async ({ node }) => {
  const firsts = new Set<number>();
  for (let i = 0; i < 60; i++) {
    const { manual, consumer, turn } = await producing(node, {
      dispatcher: demandDispatcher({ shuffle: true }),
    });
    const all = [await consumer(), await consumer(), await consumer()];
    for (const one of all) await one.ask(1);
    manual.emit([1]);
    await turn();
    firsts.add(all.findIndex((one) => one.got.length === 1));
  }
  assertEquals([...firsts].sort(), [0, 1, 2]);
});

nodeTest("broadcast: all get all, when all have asked", async ({ node }) => {
  const { manual, consumer, turn } = await producing(node, { dispatcher: broadcastDispatcher() });
  const [a, b] = [await consumer(), await consumer()];
  await a.ask(3);
  assertEquals(manual.demands, []);
  await b.ask(2);
  assertEquals(manual.demands, [2]);
  manual.emit([1, 2, 3]);
  await turn();
  assertEquals([a.got, b.got], [["gen_consumer [1,2]"], ["gen_consumer [1,2]"]]);
  await b.cancel(); // the one that all waited for
  assertEquals(a.got, ["gen_consumer [1,2]", "gen_consumer [3]"]);
  const c = await consumer();
  await c.ask(1);
  await a.ask(1);
  assertEquals(manual.demands, [2, 1]);
});

nodeTest("broadcast: a process subscribes once, and goes on with that", async (lone) => {
  const { node } = lone;
  const numbers = await node.start(Counter, [{ dispatcher: broadcastDispatcher() }, 20]);
  const keeper = await node.start(Keeper, []);
  await keeper.subscribe(numbers, { maxDemand: 4 });
  await keeper.subscribe(numbers, { maxDemand: 4 });
  const keeps = instance(node, keeper, Keeper);
  await until(() => keeps.got.length === 20);
  assertEquals(keeps.cancelled.map(({ reason }) => reason), [atom("already_subscribed")]);
  assertEquals(keeps.producers.length, 1);
});

nodeTest(
  "broadcast: a selector takes what it wants, and the rest counts as taken",
  async ({ node }) => {
    const numbers = await node.start(Counter, [{ dispatcher: broadcastDispatcher() }, 100]);
    const [all, odd] = [await node.start(Keeper, []), await node.start(Keeper, [])];
    numbers.setDemand("accumulate");
    const options = { maxDemand: 10, minDemand: 5 };
    await all.subscribe(numbers, options);
    await odd.subscribe(numbers, { ...options, selector: (n) => n % 2 === 1 });
    numbers.setDemand("forward");
    const [alls, odds] = [instance(node, all, Keeper), instance(node, odd, Keeper)];
    await until(() => alls.got.length === 100 && odds.got.length === 50);
    assertEquals(odds.got, Array.from({ length: 50 }, (_, i) => 2 * i + 1));
  },
);

nodeTest("partition: phash2 says which, and each partition is in order", async ({ node }) => {
  const dispatcher = partitionDispatcher({ partitions: 3 });
  const numbers = await node.start(Counter, [{ dispatcher }, 90]);
  const keepers: Keeper[] = [];
  for (const partition of [0, 1, 2]) {
    const keeper = await node.start(Keeper, []);
    await keeper.subscribe(numbers, { partition, maxDemand: 10 });
    keepers.push(instance(node, keeper, Keeper));
  }
  await until(() => keepers.reduce((sum, { got }) => sum + got.length, 0) === 90);
  const all = Array.from({ length: 90 }, (_, i) => i);
  for (const [i, { got }] of keepers.entries()) {
    assertEquals(got, all.filter((n) => phash2(n, 3) === i));
  }
});

nodeTest("partition: by name, none, and a name that is not there", async (lone) => {
  const { node } = lone;
  const dispatcher = partitionDispatcher<number>({
    partitions: ["even", "odd"],
    hash: (n) => n === 0 ? none : n < 0 ? "negative" : n % 2 === 0 ? "even" : "odd",
  });
  const { manual, consumer, turn } = await producing(node, { dispatcher });
  const even = await consumer({ partition: atom("even") });
  const odd = await consumer({ partition: atom("odd") });
  await even.ask(2);
  await odd.ask(2);
  manual.emit([0, 1, -7, 3]);
  await turn();
  assertEquals(odd.got, ["gen_consumer [1,3]"]);
  await turn();
  assertEquals(manual.demands, [2, 2, 2]); // in the place of the two that went nowhere
  assertEquals([manual.dropped, manual.discarded], [[1], 1]);
  manual.emit([2, 4]);
  await turn();
  assertEquals(even.got, ["gen_consumer [2,4]"]);
  assert(logs(lone).some((line) => line.includes("negative")), logs(lone).join("\n"));
});

nodeTest("partition: any term may be a name", async ({ node }) => {
  const names = [tuple(atom("shop"), 1), tuple(atom("shop"), 2), 7, [1, 2]] as const;
  const { manual, consumer, turn } = await producing(node, {
    dispatcher: partitionDispatcher<number>({
      partitions: names,
      hash: (n) => [tuple(atom("shop"), 1), tuple(atom("shop"), 2), 7, [1, 2]][n % 4], // equal, not the same
    }),
  });
  const all = [];
  for (const partition of names) all.push(await consumer({ partition: partition as Term }));
  for (const one of all) await one.ask(2);
  manual.emit([0, 1, 2, 3, 4, 5, 6, 7]);
  await turn();
  assertEquals(all.map(({ got }) => got), [
    ["gen_consumer [0,4]"],
    ["gen_consumer [1,5]"],
    ["gen_consumer [2,6]"],
    ["gen_consumer [3,7]"],
  ]);
  const float = await consumer({ partition: atom("7") });
  assert(float.got[0].includes("there are {shop,1}, {shop,2}, 7, [1,2]"), float.got[0]);
});

nodeTest("partition: each has one consumer, which names it", async ({ node }) => {
  const dispatcher = partitionDispatcher({ partitions: 2 });
  const { manual, consumer, turn } = await producing(node, { dispatcher });
  const first = await consumer({ partition: 1 });
  for (
    const [wrong, words] of [[{}, "no partition"], [{ partition: 2 }, "there are 0, 1"], [{
      partition: 1,
    }, "has it"]] as const
  ) {
    const refused = await consumer(wrong as Record<string, Term>);
    await until(() => refused.got.length === 1);
    assert(refused.got[0].includes("{cancel,{bad_opts"), refused.got[0]);
    assert(refused.got[0].includes(words), refused.got[0]);
  }
  await first.ask(4);
  const zero = [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => phash2(n, 2) === 0);
  const one = [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => phash2(n, 2) === 1);
  manual.emit([zero[0], one[0], zero[1], one[1]]);
  await turn();
  assertEquals(first.got, [`gen_consumer [${one[0]},${one[1]}]`]);
  const second = await consumer({ partition: 0 }); // what has waited for it
  await second.ask(1);
  assertEquals(second.got, [`gen_consumer [${zero[0]}]`]);
  await second.ask(1);
  assertEquals(second.got[1], `gen_consumer [${zero[1]}]`);
  node.exit(first.pid, KILL);
  await until(() => manual.consumers.length === 1);
  const third = await consumer({ partition: 1 });
  await third.ask(1);
  manual.emit([one[0]]);
  await turn();
  assertEquals(third.got, [`gen_consumer [${one[0]}]`]);
});

nodeTest(
  "partition: an info waits for all partitions that have events before it",
  async ({ node }) => {
    const dispatcher = partitionDispatcher<number>({ partitions: 2, hash: (n) => n % 2 });
    const { ref, manual, consumer, turn } = await producing(node, { dispatcher });
    const [even, odd] = [await consumer({ partition: 0 }), await consumer({ partition: 1 })];
    await even.ask(4);
    manual.emit([1, 3, 5, 2]);
    await ref.info(atom("behind"));
    await turn();
    assertEquals([even.got, manual.infos], [["gen_consumer [2]"], []]);
    await odd.ask(2);
    assertEquals(manual.infos, []);
    await odd.ask(1);
    await until(() => manual.infos.length === 1);
    assertEquals(odd.got, ["gen_consumer [1,3]", "gen_consumer [5]"]);
  },
);

nodeTest(
  "partition: what waited for one that has gone is counted, and others are asked for",
  async ({ node }) => {
    const dispatcher = partitionDispatcher<number>({ partitions: 2, hash: (n) => n % 2 });
    const { manual, consumer, turn } = await producing(node, { dispatcher });
    const [even, odd] = [await consumer({ partition: 0 }), await consumer({ partition: 1 })];
    await even.ask(3);
    await odd.ask(1);
    manual.emit([1, 3, 5, 2]);
    await turn();
    await odd.cancel();
    assertEquals([manual.discarded, manual.dropped], [2, [2]]);
    assertEquals(manual.demands, [3, 1, 2]);
  },
);

nodeTest("dispatchers say what is wrong with them", () => {
  const words = (fn: () => unknown, text: string): void => void assertThrows(fn, Error, text);
  words(() => partitionDispatcher({ partitions: 0 }), "partitions 0");
  words(() => partitionDispatcher({ partitions: ["a"] }), "hash");
  words(() => demandDispatcher({ maxDemand: 0 }), "maxDemand 0");
  words(() => demandDispatcher({ maxDemnad: 1 } as never), "maxDemand may be meant");
});

nodeTest("a stage with a wrong subscription ends with what it is", async ({ node }) => {
  const dispatcher = partitionDispatcher({ partitions: 2 });
  const numbers = await node.start(Counter, [{ dispatcher }, 10]);
  const keeper = await node.start(Keeper, []);
  const over = ended(node, keeper.pid);
  await keeper.subscribe(numbers, { partition: "left" });
  assertEquals((await over as unknown as { tag: string }).tag, "bad_opts");
  assertEquals(instance(node, numbers, Counter).consumers, []);
});
