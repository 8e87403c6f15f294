/** The messages of stages, one by one, against processes that speak GenStage's protocol by hand; and stages among themselves. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom, format, type Pid, type Ref, ReplyError, type Term, tuple } from "../../../mod.ts";
import {
  BOOM,
  ended,
  KILL,
  KILLED,
  nodeTest,
  NOPROC,
  NORMAL,
  SHUTDOWN,
  until,
} from "../../node/_nodes.ts";
import { bothWays, failure, gate, logs } from "../_servers.ts";
import {
  askTerm,
  cancelTerm,
  Counter,
  Doubler,
  instance,
  Keeper,
  keywords,
  Manual,
  peer,
  subscribeTerm,
  tagIn,
} from "./_stages.ts";

const TEMPORARY = atom("temporary");

// A consumer of ours, and a producer by hand

bothWays(
  "a consumer subscribes, asks for max_demand, and then for what it has handled",
  async ({ node }) => {
    const producer = await peer(node);
    const consumer = await node.start(Keeper, []);
    const tag = await consumer.subscribe(producer.pid, {
      minDemand: 2,
      maxDemand: 4,
      cancel: "temporary",
    });
    await until(() => producer.got.length === 2);
    assertEquals(producer.got, [
      "gen_producer {subscribe,nil,[{min_demand,2},{max_demand,4},{cancel,temporary}]}",
      "gen_producer {ask,4}",
    ]);
    assert(tagIn(producer.raw[0]).equals(tag));
    producer.toConsumer(consumer.pid, tag, [0, 1, 2, 3]);
    await until(() => producer.got.length === 4);
    assertEquals(producer.got.slice(2), ["gen_producer {ask,2}", "gen_producer {ask,2}"]);
    assertEquals(instance(node, consumer, Keeper).batches, [[0, 1], [2, 3]]);
  },
);

nodeTest("the defaults are 1,000 and half of it, and nothing of it is sent", async ({ node }) => {
  const producer = await peer(node);
  const consumer = await node.start(Keeper, []);
  const tag = await consumer.subscribe(producer.pid);
  await until(() => producer.got.length === 2);
  assertEquals(producer.got, ["gen_producer {subscribe,nil,[]}", "gen_producer {ask,1000}"]);
  producer.toConsumer(consumer.pid, tag, Array.from({ length: 499 }, (_, i) => i));
  producer.toConsumer(consumer.pid, tag, [499]);
  await until(() => producer.got.length === 3);
  assertEquals(producer.got[2], "gen_producer {ask,500}");
});

nodeTest("nothing is asked for while events are handled", async ({ node }) => {
  const producer = await peer(node);
  const open = gate();
  const consumer = await node.start(Keeper, [{}, () => open.promise]);
  const tag = await consumer.subscribe(producer.pid, { maxDemand: 2, minDemand: 0 });
  producer.toConsumer(consumer.pid, tag, [1, 2]);
  await until(() => instance(node, consumer, Keeper).got.length === 2);
  assertEquals(producer.got.length, 2);
  open.open();
  await until(() => producer.got.length === 3);
  assertEquals(producer.got[2], "gen_producer {ask,2}");
});

nodeTest("manual demand is only what the consumer asks for", async ({ node }) => {
  const producer = await peer(node);
  const consumer = await node.start(Keeper, []);
  const tag = await consumer.subscribe(producer.pid, { manual: true });
  const keeper = instance(node, consumer, Keeper);
  keeper.ask(keeper.subscriptions[0], 3);
  await until(() => producer.got.length === 2);
  assertEquals(producer.got, [
    "gen_producer {subscribe,nil,[{manual,true}]}",
    "gen_producer {ask,3}",
  ]);
  producer.toConsumer(consumer.pid, tag, [1, 2, 3]);
  await until(() => keeper.got.length === 3);
  assertEquals(keeper.batches, [[1, 2, 3]]);
  assertEquals(producer.got.length, 2);
  assertEquals(
    await failure(Promise.resolve().then(() => keeper.ask(keeper.from[0], 0))) instanceof
      RangeError,
    true,
  );
});

nodeTest("events that nobody has asked for are handled, and not asked for again", async (lone) => {
  const { node } = lone;
  const producer = await peer(node);
  const consumer = await node.start(Keeper, []);
  const tag = await consumer.subscribe(producer.pid, { minDemand: 0, maxDemand: 2 });
  producer.toConsumer(consumer.pid, tag, [1, 2, 3, 4, 5]);
  await until(() => instance(node, consumer, Keeper).got.length === 5);
  assertEquals(producer.got.slice(2), ["gen_producer {ask,2}"]);
  assert(logs(lone).some((line) => line.includes("has got 3 events")), logs(lone).join("\n"));
});

nodeTest(
  "events of an unknown subscription are answered with unknown_subscription",
  async ({ node }) => {
    const producer = await peer(node);
    const consumer = await node.start(Keeper, []);
    producer.toConsumer(consumer.pid, node._core.makeRef(), [1]);
    producer.toConsumer(consumer.pid, node._core.makeRef(), cancelTerm(BOOM));
    await until(() => producer.got.length === 1);
    assertEquals(producer.got, ["gen_producer {cancel,unknown_subscription}"]);
    assertEquals(instance(node, consumer, Keeper).got, []);
  },
);

for (
  const [mode, reason, ends] of [
    ["permanent", NORMAL, true],
    ["permanent", BOOM, true],
    ["transient", NORMAL, false],
    ["transient", SHUTDOWN, false],
    ["transient", tuple(SHUTDOWN, BOOM) as Term, false],
    ["transient", BOOM, true],
    ["temporary", BOOM, false],
  ] as const
) {
  for (const how of ["cancels", "ends"]) {
    nodeTest(
      `a producer ${how} with ${format(reason)}, the subscription is ${mode}`,
      async ({ node }) => {
        const producer = await peer(node);
        const consumer = await node.start(Keeper, []);
        const over = ended(node, consumer.pid);
        const tag = await consumer.subscribe(producer.pid, { cancel: mode });
        const keeper = instance(node, consumer, Keeper);
        if (how === "cancels") producer.toConsumer(consumer.pid, tag, cancelTerm(reason));
        else producer.end(reason);
        await until(() => keeper.cancelled.length === 1);
        assertEquals(keeper.cancelled[0].kind, how === "cancels" ? "cancel" : "down");
        assertEquals(format(keeper.cancelled[0].reason), format(reason));
        if (ends) assertEquals(format(await over), format(reason));
        else {
          assertEquals(keeper.producers, []);
          await consumer.info(BOOM); // it lives
        }
      },
    );
  }
}

nodeTest("a producer that is not there is noproc, by pid and by name", async ({ node }) => {
  const gone = (await peer(node)).pid;
  node.exit(gone, KILL);
  for (const target of [gone, "nobody"]) {
    const consumer = await node.start(Keeper, []);
    const over = ended(node, consumer.pid);
    await consumer.subscribe(target);
    assertStrictEquals(await over, NOPROC);
    const other = await node.start(Keeper, []);
    await other.subscribe(target, { cancel: "temporary" });
    await until(() => instance(node, other, Keeper).cancelled.length === 1);
    assertEquals(instance(node, other, Keeper).cancelled, [{ kind: "down", reason: NOPROC }]);
  }
});

nodeTest(
  "a consumer cancels; the subscription ends when the producer answers",
  async ({ node }) => {
    const producer = await peer(node);
    const consumer = await node.start(Keeper, []);
    const tag = await consumer.subscribe(producer.pid, { cancel: "temporary" });
    const keeper = instance(node, consumer, Keeper);
    keeper.cancel(keeper.subscriptions[0], BOOM);
    await until(() => producer.got.length === 3);
    assertEquals(producer.got[2], "gen_producer {cancel,boom}");
    assertEquals(keeper.producers.length, 1);
    producer.toConsumer(consumer.pid, tag, cancelTerm(BOOM));
    await until(() => keeper.cancelled.length === 1);
    assertEquals(keeper.producers.length, 0);
  },
);

nodeTest("a consumer resubscribes with the old tag in the new subscription", async ({ node }) => {
  const producer = await peer(node);
  const consumer = await node.start(Keeper, []);
  const first = await consumer.subscribe(producer.pid, { cancel: "temporary" });
  const second = await consumer.resubscribe(first, BOOM, producer.pid, { maxDemand: 10 });
  await until(() => producer.got.length === 4);
  assertEquals(producer.got.slice(2), [
    "gen_producer {subscribe,{Ref,boom},[{max_demand,10}]}",
    "gen_producer {ask,10}",
  ]);
  assert(!first.equals(second));
});

// A producer of ours, and a consumer by hand

bothWays(
  "a producer answers demand, and knows its subscriptions by their tags",
  async ({ node }) => {
    const producer = await node.start(Counter, [], { register: "counter" });
    const consumer = await peer(node);
    const [one, two] = [node._core.makeRef(), node._core.makeRef()];
    consumer.toProducer("counter", one, subscribeTerm());
    consumer.toProducer("counter", two, subscribeTerm());
    consumer.toProducer("counter", one, askTerm(3));
    await until(() => consumer.got.length === 1);
    consumer.toProducer("counter", two, askTerm(2));
    await until(() => consumer.got.length === 2);
    assertEquals(consumer.got, ["gen_consumer [0,1,2]", "gen_consumer [3,4]"]);
    assert(tagIn(consumer.raw[0]).equals(one) && tagIn(consumer.raw[1]).equals(two));
    const from = (consumer.raw[0] as unknown as [unknown, [Pid, Ref]])[1][0];
    assert(from.equals(producer.pid));
  },
);

nodeTest(
  "unknown and duplicated subscriptions are answered; a cancelled one is unknown",
  async ({ node }) => {
    await node.start(Counter, [], { register: "counter" });
    const consumer = await peer(node);
    const [tag, other] = [node._core.makeRef(), node._core.makeRef()];
    consumer.toProducer("counter", other, askTerm(1));
    consumer.toProducer("counter", tag, subscribeTerm());
    consumer.toProducer("counter", tag, subscribeTerm());
    consumer.toProducer("counter", tag, askTerm(1));
    consumer.toProducer("counter", tag, cancelTerm(BOOM));
    consumer.toProducer("counter", tag, cancelTerm(BOOM));
    consumer.toProducer("counter", tag, askTerm(1));
    await until(() => consumer.got.length === 5);
    assertEquals(consumer.got, [
      "gen_consumer {cancel,unknown_subscription}",
      "gen_consumer {cancel,duplicated_subscription}",
      "gen_consumer [0]",
      "gen_consumer {cancel,boom}",
      "gen_consumer {cancel,unknown_subscription}",
    ]);
  },
);

nodeTest("a new subscription replaces another one", async ({ node }) => {
  const producer = await node.start(Counter, []);
  const consumer = await peer(node);
  const [old, tag] = [node._core.makeRef(), node._core.makeRef()];
  consumer.toProducer(producer.pid, old, subscribeTerm());
  consumer.toProducer(producer.pid, tag, subscribeTerm([], tuple(old, BOOM) as Term));
  consumer.toProducer(producer.pid, old, askTerm(1));
  consumer.toProducer(producer.pid, tag, askTerm(1));
  await until(() => consumer.got.length === 3);
  assertEquals(consumer.got, [
    "gen_consumer {cancel,boom}",
    "gen_consumer {cancel,unknown_subscription}",
    "gen_consumer [0]",
  ]);
  assertEquals(instance(node, producer, Counter).consumers.length, 1);
});

nodeTest(
  "a consumer that dies is forgotten; what it had asked for goes to the next",
  async ({ node }) => {
    const producer = await node.start(Manual, []);
    const [first, second] = [await peer(node), await peer(node)];
    const tag = node._core.makeRef();
    first.toProducer(producer.pid, tag, subscribeTerm());
    first.toProducer(producer.pid, tag, askTerm(5));
    const manual = instance(node, producer, Manual);
    await until(() => manual.demands.length === 1);
    node.exit(first.pid, KILL);
    await until(() => manual.consumers.length === 0);
    const other = node._core.makeRef();
    second.toProducer(producer.pid, other, subscribeTerm());
    second.toProducer(producer.pid, other, askTerm(7));
    await until(() => manual.demands.length === 2);
    assertEquals(manual.demands, [5, 2]); // five are owed still
    manual.emit([1, 2, 3, 4, 5, 6, 7]);
    await until(() => second.got.length === 1);
    assertEquals(second.got, ["gen_consumer [1,2,3,4,5,6,7]"]);
  },
);

nodeTest("handleCancel is told how a consumer has gone", async ({ node }) => {
  const producer = await node.start(Counter, []);
  const [first, second] = [await peer(node), await peer(node)];
  const tag = node._core.makeRef();
  first.toProducer(producer.pid, tag, subscribeTerm());
  first.toProducer(producer.pid, tag, cancelTerm(BOOM));
  second.toProducer(producer.pid, node._core.makeRef(), subscribeTerm());
  const counter = instance(node, producer, Counter);
  await until(() => counter.consumers.length === 1 && counter.cancelled.length === 1);
  node.exit(second.pid, KILL);
  await until(() => counter.cancelled.length === 2);
  assertEquals(counter.cancelled, [{ kind: "cancel", reason: BOOM }, {
    kind: "down",
    reason: KILLED,
  }]);
});

nodeTest("hostile forms do no harm", async (lone) => {
  const { node } = lone;
  const producer = await node.start(Manual, []);
  const consumer = await peer(node);
  const tag = node._core.makeRef();
  consumer.toProducer(producer.pid, tag, subscribeTerm(keywords({ max_demand: atom("infinity") })));
  for (const count of [-5, 0]) consumer.toProducer(producer.pid, tag, askTerm(count));
  consumer.toProducer(producer.pid, tag, askTerm(1.5));
  consumer.toProducer(producer.pid, tag, askTerm(atom("all")));
  consumer.toProducer(producer.pid, tag, BOOM);
  consumer.toProducer(producer.pid, tag, tuple(atom("subscribe"), BOOM, []) as Term);
  consumer.toConsumer(producer.pid, tag, [1]);
  consumer.send(producer.pid, tuple(atom("$gen_producer"), BOOM, askTerm(1)) as Term);
  consumer.toProducer(producer.pid, tag, askTerm(2n ** 80n));
  const manual = instance(node, producer, Manual);
  await until(() => manual.demands.length === 1);
  assertEquals(manual.demands, [Number.MAX_SAFE_INTEGER]);
  assertEquals(manual.infos.length, 5); // what has no form of GenStage is a message
  assert(logs(lone).some((line) => line.includes("asked for -5 events")));
  assertEquals(consumer.got, []);
});

// Stages of ours

bothWays("events go through three stages in order", async ({ node }) => {
  const numbers = await node.start(Counter, [{}, 1_000]);
  const doubler = await node.start(Doubler, []);
  const keeper = await node.start(Keeper, []);
  await keeper.subscribe(doubler, { maxDemand: 10 });
  await doubler.subscribe(numbers, { maxDemand: 10 });
  const { got } = instance(node, keeper, Keeper);
  await until(() => got.length >= 1_000);
  assertEquals(got, Array.from({ length: 1_000 }, (_, i) => 2 * i));
});

nodeTest("a consumer that does nothing stops the whole chain", async ({ node }) => {
  const open = gate();
  const numbers = await node.start(Counter, [{}, 200]);
  const doubler = await node.start(Doubler, []);
  const keeper = await node.start(Keeper, [{}, () => open.promise]);
  await keeper.subscribe(doubler, { maxDemand: 4 });
  await doubler.subscribe(numbers, { maxDemand: 10 });
  const keeps = instance(node, keeper, Keeper);
  await until(() => keeps.got.length === 2);
  for (let i = 0; i < 20; i++) await numbers.demand(); // a turn for all
  const made = instance(node, numbers, Counter).next;
  assert(made <= 30, String(made));
  for (let i = 0; i < 20; i++) await numbers.demand();
  assertEquals(instance(node, numbers, Counter).next, made);
  open.open();
  await until(() => keeps.got.length === 200);
  await Promise.all([keeper.stop(), numbers.stop()]);
});

nodeTest(
  "a stage that produces and consumes waits with the end of its producer until its events have gone",
  async ({ node }) => {
    const producer = await peer(node);
    const doubler = await node.start(Doubler, []);
    const tag = await doubler.subscribe(producer.pid, { maxDemand: 10 });
    const over = ended(node, doubler.pid);
    const { infos } = instance(node, doubler, Doubler);
    producer.toConsumer(doubler.pid, tag, [1, 2, 3]);
    await doubler.info(atom("late"));
    producer.toConsumer(doubler.pid, tag, cancelTerm(BOOM));
    const consumer = await peer(node);
    const mine = node._core.makeRef();
    consumer.toProducer(doubler.pid, mine, subscribeTerm());
    consumer.toProducer(doubler.pid, mine, askTerm(1));
    await until(() => consumer.got.length === 1);
    assertEquals(infos, []);
    consumer.toProducer(doubler.pid, mine, askTerm(2));
    await until(() => consumer.got.length === 2);
    consumer.toProducer(doubler.pid, mine, askTerm(1));
    assertStrictEquals(await over, BOOM);
    assertEquals(consumer.got.slice(0, 2), ["gen_consumer [2]", "gen_consumer [4,6]"]);
  },
);

nodeTest("from outside: $subscribe, $info, $demand, $estimate_buffered_count", async ({ node }) => {
  const numbers = await node.start(Counter, [{ producer: "accumulate" }, 100]);
  const keeper = await node.start(Keeper, []);
  const options = keywords({ max_demand: 4, cancel: TEMPORARY });
  const subscribe = tuple(atom("$subscribe"), null, numbers.pid, options) as Term;
  const reply = await node.call(keeper, subscribe);
  assert(format(reply).startsWith("{ok,#Ref<"), format(reply));
  assertEquals(format(await node.call(numbers, subscribe)), "{error,not_a_consumer}");
  const wrong = tuple(atom("$subscribe"), null, numbers.pid, keywords({ max_demand: 0 })) as Term;
  assertEquals(
    format(await node.call(keeper, wrong)),
    '{error,{bad_opts,<<"expected max_demand to be greater than or equal to 1, got: 0">>}}',
  );
  assertEquals(await numbers.demand(), "accumulate");
  assertEquals(instance(node, numbers, Counter).demands, []);
  numbers.setDemand("forward");
  const keeps = instance(node, keeper, Keeper);
  await until(() => keeps.got.length >= 4);
  assertEquals(await numbers.demand(), "forward");
  assertEquals(await numbers.estimateBufferedCount(), 0);
  assertEquals(await node.call(keeper, atom("$estimate_buffered_count")), 0);
  numbers.setDemand("accumulate");
  await keeper.info(atom("hello"));
  assertEquals(keeps.infos, [atom("hello")]);
  const error = await failure(keeper.subscribe(numbers, { maxDemand: 0 }));
  assert(error instanceof ReplyError);
});

nodeTest(
  "what nobody has asked for waits, as much as there is room for; the rest is counted and told",
  async (lone) => {
    const { node } = lone;
    for (const [bufferKeep, first] of [["last", 4], ["first", 1]] as const) {
      const producer = await node.start(Manual, [{ bufferSize: 3, bufferKeep }]);
      const manual = instance(node, producer, Manual);
      manual.emit([1, 2, 3, 4, 5, 6]);
      assertEquals(await producer.estimateBufferedCount(), 3);
      assertEquals([manual.dropped, manual.discarded], [[3], 3]);
      const consumer = await peer(node);
      const tag = node._core.makeRef();
      consumer.toProducer(producer.pid, tag, subscribeTerm());
      consumer.toProducer(producer.pid, tag, askTerm(2));
      await until(() => consumer.got.length === 1);
      assertEquals(consumer.got[0], `gen_consumer [${first},${first + 1}]`);
      await producer.info(atom("behind"));
      assertEquals(manual.infos, []);
      consumer.toProducer(producer.pid, tag, askTerm(2));
      await until(() => manual.infos.length === 1);
      assertEquals(consumer.got[1], `gen_consumer [${first + 2}]`);
      assertEquals(manual.demands, [1]);
    }
    assert(logs(lone).some((line) => line.includes("discarded 3 events")), logs(lone).join("\n"));
  },
);

nodeTest("an event that does not parse is dropped, told, and asked for again", async (lone) => {
  const { node } = lone;
  const producer = await peer(node);
  const consumer = await node.start(Keeper, []);
  const tag = await consumer.subscribe(producer.pid, { maxDemand: 4, minDemand: 0 });
  producer.toConsumer(consumer.pid, tag, [1, BOOM, 3, atom("x")]);
  await until(() => producer.got.length === 3);
  assertEquals(producer.got[2], "gen_producer {ask,4}");
  const keeper = instance(node, consumer, Keeper);
  assertEquals([keeper.got, keeper.invalid], [[1, 3], 2]);
  assert(logs(lone).some((line) => line.includes("dropped an event")), logs(lone).join("\n"));
});

nodeTest(
  "a stage subscribes as it starts; a mistake in its options fails the start",
  async ({ node }) => {
    const numbers = await node.start(Counter, [{}, 100]);
    const keeper = await node.start(Keeper, [{
      subscribeTo: [[numbers, { maxDemand: 2 }], numbers],
    }]);
    assertEquals(instance(node, keeper, Keeper).producers.length, 2);
    await numbers.stop();
    const bad = { subscribeTo: [[numbers, { maxDemand: -1 }]] } as const;
    assert(String(await failure(node.start(Keeper, [bad]))).includes("max_demand"));
    assert(String(await failure(node.start(Counter, [{ bufferSize: -1 }]))).includes("bufferSize"));
    const misspelt = { bufferSiz: 1 } as never;
    assert(
      String(await failure(node.start(Counter, [misspelt]))).includes("bufferSize may be meant"),
    );
  },
);
