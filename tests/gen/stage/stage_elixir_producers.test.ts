/** Our producers and an Elixir node's consumers, and stages in the middle: see the table in _elixir_stages.ts. */
import { after, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  atom,
  broadcastDispatcher,
  Consumer,
  demandDispatcher,
  format,
  partitionDispatcher,
  Producer,
  ProducerConsumer,
  t,
  type Term,
} from "../../../mod.ts";
import { assertNothingLeft } from "../../_support/leaks.ts";
import { Doubler, instance } from "./_stages.ts";
import {
  before,
  BYE,
  counter,
  ends,
  eventually,
  keeper,
  MIDDLE,
  MODES,
  NUMBERS,
  ourSide,
  SINK,
  skip,
  SOURCE,
  stageTest,
  type There,
  upTo,
} from "./_elixir_stages.ts";

after(() => ourSide.close());

stageTest("automatic: our producer, their consumer, 20,000 in order", async (node, there) => {
  const numbers = await counter(node, {}, 20_000);
  await there(`consumer(:sink, to: [{${NUMBERS}, min_demand: 200, max_demand: 700}])`);
  await there.until("events(:sink) == Enum.to_list(0..19999)", "true");
  assertEquals([...new Set(numbers.demands)], [700, 500]);
  assertEquals(format(numbers.seen[0].terms as Term), "[{min_demand,200},{max_demand,700}]");
});

stageTest("manual: our producer gives what their consumer asks for", async (node, there) => {
  const numbers = await counter(node);
  await there(`consumer(:sink, mode: :manual, to: [{${NUMBERS}, []}])`);
  await there("ask(:sink, 3)");
  await there.until("events(:sink)", "[0, 1, 2]");
  await there("ask(:sink, 1)");
  await there.until("events(:sink)", "[0, 1, 2, 3]");
  assertEquals(numbers.demands, [3, 1]);
});

for (const mode of MODES) {
  const options = `to: [{${NUMBERS}, cancel: :${mode}}]`;
  const stays = async (there: There, reason: string): Promise<void> => {
    if (ends(mode, reason)) await eventually(() => there.eval("Process.whereis(:sink)"), "nil");
    else assertEquals(await there("count(:sink)"), "{0, 0}");
  };

  stageTest(`their consumer cancels what is ${mode}`, async (node, there) => {
    const numbers = await counter(node, {}, 4);
    await there(`consumer(:sink, ${options})`);
    await there.until("events(:sink)", "[0, 1, 2, 3]");
    await there("cancel(:sink, :bye)");
    await eventually(() => numbers.cancelled.length, 1);
    assertEquals(numbers.cancelled, [{ kind: "cancel", reason: BYE }]);
    if (!ends(mode, ":bye")) await there.until("log(:sink)", "[cancel: :bye]");
    await stays(there, ":bye");
  });

  stageTest(`our producer cancels what is ${mode} there`, async (node, there) => {
    const numbers = await counter(node, {}, 4);
    await there(`consumer(:sink, ${options})`);
    await there.until("events(:sink)", "[0, 1, 2, 3]");
    node.ref(Producer, "numbers").cancel(numbers.consumers[0].tag, atom("shutdown"));
    await eventually(() => numbers.cancelled.length, 1);
    if (!ends(mode, ":shutdown")) await there.until("log(:sink)", "[cancel: :shutdown]");
    await stays(there, ":shutdown");
  });

  for (
    const [reason, told] of [["shutdown", ":shutdown"], ["boom", ":boom"], ["kill", ":killed"]]
  ) {
    stageTest(
      `our producer ends with ${reason}, the subscription is ${mode} there`,
      async (node, there) => {
        const numbers = await counter(node, {}, 4);
        await there(`consumer(:sink, ${options})`);
        await there.until("events(:sink)", "[0, 1, 2, 3]");
        node.exit(numbers.pid, atom(reason));
        if (!ends(mode, told)) await there.until("log(:sink)", `[down: ${told}]`);
        await stays(there, told);
      },
    );
  }

  stageTest(`their consumer subscribes to nobody here: noproc, ${mode}`, async (_node, there) => {
    await there(`consumer(:sink, to: [{{:nope, :ours@localhost}, cancel: :${mode}}])`);
    if (!ends(mode, ":noproc")) await there.until("log(:sink)", "[down: :noproc]");
    await stays(there, ":noproc");
  });
}

stageTest("their consumer ends: our producer is told how", async (node, there) => {
  const numbers = await counter(node, {}, 4);
  for (const [how, told] of [["kill(:sink)", "killed"], ["stop(:sink, :boom)", "boom"]]) {
    await there(`consumer(:sink, to: [{${NUMBERS}, []}])`);
    await eventually(() => numbers.consumers.length, 1);
    await there(how);
    await eventually(() => numbers.consumers.length, 0);
    assertEquals(numbers.cancelled.splice(0), [{ kind: "down", reason: atom(told) }]);
  }
});

stageTest(
  "their consumer subscribes twice, asks with an unknown tag, and anew",
  async (node, there) => {
    const numbers = await counter(node, {}, 100);
    await there(`consumer(:sink, mode: :manual, to: [{${NUMBERS}, cancel: :temporary}])`);
    await there("unknown(:sink, {:ask, 1})");
    await there.until("log(:sink)", "[cancel: :unknown_subscription]");
    await there("unknown(:sink, {:cancel, :bye})"); // not answered
    await there("ask(:sink, 2)");
    await there.until("events(:sink)", "[0, 1]");
    await there(`resubscribe(:sink, :bye, ${NUMBERS}, max_demand: 4)`);
    await there.until("log(:sink)", "[cancel: :unknown_subscription, cancel: :bye]");
    assertEquals(numbers.cancelled, [{ kind: "cancel", reason: BYE }]);
    assertEquals([numbers.consumers.length, await there("count(:sink)")], [1, "{0, 1}"]);
    await there("ask(:sink, 1)");
    await there.until("events(:sink)", "[0, 1, 2]");
    await there("duplicate(:sink)");
    // What it has there is permanent: it ends by what it has said twice.
    await eventually(() => there.eval("Process.whereis(:sink)"), "nil");
    await eventually(() => numbers.consumers.length, 0);
    assertEquals(numbers.cancelled[1], { kind: "down", reason: atom("duplicated_subscription") });
  },
);

for (const kind of ["demand", "broadcast", "partition"] as const) {
  stageTest(`our ${kind} dispatcher, two consumers of theirs`, async (node, there) => {
    const dispatcher = {
      demand: demandDispatcher({ maxDemand: 10 }),
      broadcast: broadcastDispatcher(),
      partition: partitionDispatcher<number>({
        partitions: ["even", "odd"],
        hash: (n) => n % 2 === 0 ? "even" : "odd",
      }),
    }[kind];
    const numbers = await counter(node, { dispatcher, producer: "accumulate" }, 200);
    for (const [name, partition] of [["sink", "even"], ["sink2", "odd"]]) {
      await there(
        `consumer(:${name}, to: [{${NUMBERS}, max_demand: 10, partition: :${partition}}])`,
      );
    }
    await eventually(() => numbers.consumers.length, 2);
    await there.eval(`GenServer.cast(${NUMBERS}, {:"$demand", :forward})`);
    const got = "{StagePeer.events(:sink), StagePeer.events(:sink2)}";
    const all = "Enum.to_list(0..199)";
    const wanted = {
      demand: `with {a, b} <- ${got}, do: Enum.sort(a ++ b) == ${all}`,
      broadcast: `${got} == {${all}, ${all}}`,
      partition: `${got} == {Enum.to_list(0..198//2), Enum.to_list(1..199//2)}`,
    }[kind];
    await eventually(() => there.eval(wanted), "true");
  });
}

// In the middle

stageTest(
  "our stage in the middle of two of theirs, that were told to subscribe",
  async (node, there) => {
    await there("producer(:source, limit: 20000)");
    const doubler = await node.start(Doubler, [], { register: "doubler" });
    await there(
      "consumer(:sink, to: [{{:doubler, :ours@localhost}, max_demand: 50, min_demand: 20}])",
    );
    // As GenStage.sync_subscribe does; the name is one of that node.
    const asked = await there.eval(`GenServer.call({:doubler, :ours@localhost},
    {:"$subscribe", nil, {:source, node()}, [cancel: :temporary, max_demand: 100]})`);
    assert(asked.startsWith("{:ok, #Reference<"), asked);
    await there.until("events(:sink) == Enum.map(0..19999, & &1 * 2)", "true");
    const doubles = instance(node, doubler, Doubler);
    assert(
      doubles.batches.every((length) => length <= 50),
      "no more than it has asked for at once",
    );
    assertEquals(
      await there("log(:source) |> Enum.uniq()"),
      "[{:subscribe, nil, [cancel: :temporary, max_demand: 100]}, {:ask, 100}, {:ask, 50}]",
    );
  },
);

stageTest(
  "their consumer that does not ask holds our stage, and by it their producer",
  async (node, there) => {
    await there("producer(:source)"); // without an end
    await node.start(Doubler, [], { register: "doubler" });
    const doubler = node.ref(ProducerConsumer, "doubler");
    await there("consumer(:sink, mode: :manual, to: [{{:doubler, :ours@localhost}, []}])");
    await doubler.subscribe(SOURCE, { maxDemand: 10, cancel: "temporary" });
    await there.until(
      "log(:source)",
      "[{:subscribe, nil, [max_demand: 10, cancel: :temporary]}, {:ask, 10}]",
    );
    await there("ask(:sink, 7)");
    await there.until("events(:sink)", `[${upTo(7, (n) => 2 * n).join(", ")}]`);
    const asks = Number(await there("log(:source) |> length()")) - 1;
    assert(asks <= 3, `it has asked ${asks} times, for more than anybody wants`);
  },
);

stageTest(
  "their stage in the middle of two of ours, told to subscribe from here",
  async (node, there) => {
    await counter(node, {}, 20_000);
    await there("between(:middle, [])");
    class Seen extends Consumer<readonly Term[]> {
      override readonly events = t.tagged("seen", t.integer);
      readonly got: number[] = [];
      override handleEvents(events: readonly (readonly Term[])[]): void {
        for (const [, n] of events) this.got.push(n as number);
      }
    }
    const ref = await node.start(Seen, [], { register: "keeper" });
    await ref.subscribe(MIDDLE, { maxDemand: 50, minDemand: 20, cancel: "temporary" });
    const middle = node.ref(ProducerConsumer, MIDDLE);
    await middle.subscribe("numbers", { maxDemand: 100, cancel: "temporary" }); // a name of ours
    const { got } = instance(node, ref, Seen);
    await eventually(() => got.length, 20_000);
    assertEquals(got, upTo(20_000));
  },
);

stageTest(
  "asked from outside, both ways: async_subscribe, info, what is buffered",
  async (node, there) => {
    const numbers = await counter(node, { bufferSize: 5 }, 0);
    numbers.emit([1, 2, 3]);
    assertEquals(await there.eval(`GenServer.call(${NUMBERS}, :"$estimate_buffered_count")`), "3");
    await there("producer(:source, limit: 10)");
    const source = node.ref(Producer, SOURCE);
    assertEquals(await source.estimateBufferedCount(), 0);
    await source.info(atom("hello"));
    assertEquals(await there("log(:source)"), "[info: :hello]");

    const { keeps } = await keeper(node);
    await there.eval(
      `GenServer.cast({:keeper, :ours@localhost}, {:"$subscribe", nil, ${NUMBERS}, [cancel: :temporary]})`,
    );
    await eventually(() => keeps.got.join(), "1,2,3");
    assertEquals(
      await there.eval(`GenServer.call({:keeper, :ours@localhost}, {:"$info", :behind})`),
      ":ok",
    );
    await eventually(() => keeps.infos.length, 1);
    assertEquals(keeps.infos, [atom("behind")]);
    await there("consumer(:sink, mode: :automatic)");
    node.ref(Consumer, SINK).asyncSubscribe(SOURCE, { maxDemand: 5 });
    await there.until("events(:sink)", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]");
    for (
      const wrong of [
        "[max_demand: 0]",
        "[cancel: :never]",
        ":none",
        "[min_demand: 5, max_demand: 5]",
      ]
    ) {
      const answer = await there.eval(
        `GenServer.call({:keeper, :ours@localhost}, {:"$subscribe", nil, ${NUMBERS}, ${wrong}})`,
      );
      assert(answer.startsWith('{:error, {:bad_opts, "expected '), answer);
    }
    assertEquals(
      await there.eval(`GenServer.call(${NUMBERS}, {:"$subscribe", nil, ${NUMBERS}, []})`),
      "{:error, :not_a_consumer}",
    );
  },
);

test("nothing is left", { skip }, async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
