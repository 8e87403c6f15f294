/** Our stages and those of another node, both ways. What is there is gen_stage.erl, a peer that was written from GenStage's protocol. */
import { after, test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  broadcastDispatcher,
  Consumer,
  ConsumerRef,
  format,
  type Node,
  partitionDispatcher,
  Producer,
  t,
  type Term,
} from "../../../mod.ts";
import { startErlang } from "../../_support/erlang.ts";
import { COOKIE, loadErlang } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { OurSide, THEIRS } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";
import { ended } from "../../node/_nodes.ts";
import { failure } from "../_servers.ts";
import { Counter, Doubler, instance, Keeper } from "./_stages.ts";

const skip = needs("erl", "epmd");
const before = openNow();
const ourSide = new OurSide(async (_kind, epmdPort) => {
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await loadErlang(erl, "gen_stage");
  return erl;
});
after(() => ourSide.close());

const SOURCE = { name: "source", node: THEIRS };
const OURS = "'ours@localhost'";

/** A test with both nodes; what it has named there is ended behind it. */
function stageTest(
  title: string,
  body: (node: Node, there: (code: string) => Promise<string>) => Promise<void>,
): void {
  test(title, { skip }, async () => {
    const { node, peer } = await ourSide.get("erlang");
    const there = (code: string): Promise<string> => peer.eval(`gen_stage:${code}`);
    try {
      await body(node, there);
    } finally {
      await peer.eval(
        "[exit(P, kill) || P <- [whereis(source), whereis(sink), whereis(sink2)], is_pid(P)]",
      );
      await eventually(
        () => peer.eval("[N || N <- [source, sink, sink2], whereis(N) =/= undefined]"),
        "[]",
      );
      for (const name of ["numbers", "doubler", "keeper"]) {
        const pid = node.whereis(name);
        if (pid !== undefined) {
          node.exit(pid, atom("kill"));
        }
      }
    }
  });
}

/** Asks until the answer is that, for as long as the test may take. */
async function eventually(ask: () => unknown, answer: unknown): Promise<void> {
  for (;;) {
    const now = await ask();
    if (now === answer) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

stageTest("their producer feeds a consumer of ours: 20,000 in order", async (node, there) => {
  await there("producer(source, 20000)");
  const keeper = await node.start(Keeper, [], { register: "keeper" });
  await keeper.subscribe(SOURCE, { cancel: "temporary" });
  const keeps = instance(node, keeper, Keeper);
  await eventually(() => keeps.got.length, 20_000);
  assertEquals(keeps.got, Array.from({ length: 20_000 }, (_, i) => i));
  assert(keeps.from[0].pid !== null, "its pid is known since the first events");
  assertEquals(
    (await there("log(source)")).slice(0, 71),
    "[{subscribe,nil,[{cancel,temporary}]},{ask,1000},{ask,500},{ask,500},{a",
  );
});

stageTest("the messages of a small subscription are those of GenStage", async (node, there) => {
  await there("producer(source, 6)");
  const keeper = await node.start(Keeper, [], { register: "keeper" });
  await keeper.subscribe(SOURCE, { minDemand: 2, maxDemand: 4, cancel: "temporary" });
  const keeps = instance(node, keeper, Keeper);
  await eventually(() => keeps.got.length, 6);
  assertEquals(keeps.batches, [[0, 1], [2, 3], [4, 5]]);
  await eventually(
    () => there("log(source)"),
    "[{subscribe,nil,[{min_demand,2},{max_demand,4},{cancel,temporary}]},{ask,4},{ask,2},{ask,2},{ask,2}]",
  );
  keeps.cancel(keeps.producers[0], atom("bye"));
  await eventually(() => keeps.cancelled.length, 1);
  assertEquals(keeps.cancelled, [{ kind: "cancel", reason: atom("bye") }]);
  assertEquals(await there("state(source)"), "0");
});

stageTest("our producer feeds their consumer: 20,000 in order", async (node, there) => {
  await node.start(Counter, [{}, 20_000], { register: "numbers" });
  await there(`consumer(sink, {numbers, ${OURS}}, [])`);
  await eventually(() => there("events(sink) =:= lists:seq(0, 19999)"), "true");
});

stageTest("a stage of ours between two of theirs, subscribed from there", async (node, there) => {
  await there("producer(source, 20000)");
  await node.start(Doubler, [], { register: "doubler" });
  const request = "{'$subscribe', nil, {source, node()}, [{cancel, temporary}, {max_demand, 100}]}";
  await there(`consumer(sink, {doubler, ${OURS}}, [{max_demand, 50}])`);
  const answer = await there(`calls({doubler, ${OURS}}, ${request})`);
  assert(answer.startsWith("{ok,#Ref<"), answer);
  await eventually(() => there("events(sink) =:= [2 * I || I <- lists:seq(0, 19999)]"), "true");
});

for (const mode of ["permanent", "transient", "temporary"] as const) {
  for (const reason of ["normal", "{shutdown,late}", "boom"]) {
    const ends = mode === "permanent" || (mode === "transient" && reason === "boom");
    stageTest(
      `their producer ends with ${reason}, the subscription is ${mode}`,
      async (node, there) => {
        await there("producer(source, 4)");
        const keeper = await node.start(Keeper, [], { register: "keeper" });
        const over = ended(node, keeper.pid);
        await keeper.subscribe(SOURCE, { cancel: mode });
        const keeps = instance(node, keeper, Keeper);
        await eventually(() => keeps.got.length, 4);
        await there(`stop(source, ${reason})`);
        await eventually(() => keeps.cancelled.length, 1);
        assertEquals([keeps.cancelled[0].kind, format(keeps.cancelled[0].reason)], [
          "down",
          reason,
        ]);
        if (ends) assertEquals(format(await over), reason);
        else await keeper.info(atom("lives"));
      },
    );
  }

  stageTest(`their producer cancels, the subscription is ${mode}`, async (node, there) => {
    await there("producer(source, 4)");
    const keeper = await node.start(Keeper, [], { register: "keeper" });
    const over = ended(node, keeper.pid);
    await keeper.subscribe(SOURCE, { cancel: mode });
    const keeps = instance(node, keeper, Keeper);
    await eventually(() => keeps.got.length, 4);
    await there("gone(source)");
    await eventually(() => keeps.cancelled.length, 1);
    assertEquals(keeps.cancelled, [{ kind: "cancel", reason: atom("bye") }]);
    if (mode === "temporary") await keeper.info(atom("lives"));
    else assertStrictEquals(await over, atom("bye"));
  });
}

stageTest("nobody has that name there: noproc", async (node) => {
  const keeper = await node.start(Keeper, [], { register: "keeper" });
  const over = ended(node, keeper.pid);
  await keeper.subscribe({ name: "nope", node: THEIRS });
  assertStrictEquals(await over, atom("noproc"));
});

stageTest("their consumer ends; its monitor here is told how", async (node, there) => {
  const numbers = await node.start(Counter, [{}, 10], { register: "numbers" });
  const counter = instance(node, numbers, Counter);
  await there(`consumer(sink, {numbers, ${OURS}}, [])`);
  await eventually(() => counter.consumers.length, 1);
  await there("stop(sink, boom)");
  await eventually(() => counter.consumers.length, 0);
  assertEquals(counter.cancelled, [{ kind: "down", reason: atom("boom") }]);
});

stageTest(
  "their consumer cancels, asks with an unknown tag, subscribes twice, and anew",
  async (node, there) => {
    const numbers = await node.start(Counter, [{}, 100], { register: "numbers" });
    await there(`consumer(sink, {numbers, ${OURS}}, [], manual)`);
    await there("unknown(sink, {ask, 1})");
    await there("unknown(sink, {cancel, bye})"); // not answered
    await there("duplicate(sink)");
    await there("ask(sink, 3)");
    await eventually(() => there("events(sink)"), "[0,1,2]");
    await there("resubscribe(sink, bye, [{max_demand, 2}, {min_demand, 1}])");
    await eventually(
      () => there("length(events(sink))").catch(() => 0).then(() => there("log(sink)")),
      "[{cancel,unknown_subscription,false},{cancel,duplicated_subscription,true},{cancel,bye,false}]",
    );
    await eventually(() => instance(node, numbers, Counter).next, 100);
    await there("cancel(sink, enough)");
    await eventually(() => instance(node, numbers, Counter).consumers.length, 0);
    assertEquals(instance(node, numbers, Counter).cancelled, [
      { kind: "cancel", reason: atom("bye") },
      { kind: "cancel", reason: atom("enough") },
    ]);
  },
);

stageTest("our producer ends; their consumer is told", async (node, there) => {
  const numbers = await node.start(Counter, [{}, 10], { register: "numbers" });
  await there(`consumer(sink, {numbers, ${OURS}}, [])`);
  await eventually(() => instance(node, numbers, Counter).consumers.length, 1);
  await numbers.stop(atom("shutdown"));
  await eventually(() => there("log(sink)"), "[{down,shutdown}]");
});

stageTest(
  "partitions by phash2 and by name, and broadcast, to consumers there",
  async (node, there) => {
    const dispatcher = partitionDispatcher({ partitions: 2 });
    await node.start(Counter, [{ dispatcher }, 200], { register: "numbers" });
    await there(`consumer(sink, {numbers, ${OURS}}, [{partition, 0}, {max_demand, 10}])`);
    await there(`consumer(sink2, {numbers, ${OURS}}, [{partition, 1}, {max_demand, 10}])`);
    for (const [sink, partition] of [["sink", 0], ["sink2", 1]]) {
      const all = `[N || N <- lists:seq(0, 199), erlang:phash2(N, 2) =:= ${partition}]`;
      await eventually(() => there(`events(${sink}) =:= ${all}`), "true");
    }
  },
);

stageTest("broadcast to consumers there: all get all", async (node, there) => {
  const dispatcher = broadcastDispatcher();
  const producer = "accumulate" as const;
  const numbers = await node.start(Counter, [{ dispatcher, producer }, 200], {
    register: "numbers",
  });
  for (const sink of ["sink", "sink2"]) {
    await there(`consumer(${sink}, {numbers, ${OURS}}, [{max_demand, 10}])`);
  }
  await eventually(() => instance(node, numbers, Counter).consumers.length, 2);
  numbers.setDemand("forward");
  for (const sink of ["sink", "sink2"]) {
    await eventually(() => there(`events(${sink}) =:= lists:seq(0, 199)`), "true");
  }
});

class Untyped extends Consumer {
  override handleEvents(): void {}
}

stageTest(
  "a class that does not say what its events are takes none of another node",
  async (node, there) => {
    await there("producer(source, 10)");
    const keeper = await node.start(Untyped, [], { register: "keeper" });
    const error = await failure(keeper.subscribe(SOURCE));
    assert(String(error).includes("override events with a schema"), String(error));
    assertEquals(await there("log(source)"), "[]");
  },
);

stageTest("the events of their producer in a loop, and as a stream", async (node, there) => {
  await there("producer(source, 10)");
  const source = node.ref(Producer, SOURCE);
  const read: Term[] = [];
  for await (const n of source.events({ schema: t.integer, maxDemand: 2 })) {
    read.push(n as Term);
    if (read.length === 5) break;
  }
  assertEquals(read, [0, 1, 2, 3, 4]);
  await eventually(() => there("state(source)"), "0");
  assert(String(await failure(source.events().next())).includes("schema"));
  await node.start(Keeper, [], { register: "keeper" });
  const keeper = node.ref(Consumer, "keeper");
  assert(keeper instanceof ConsumerRef);
});

test("nothing is left", { skip }, async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
