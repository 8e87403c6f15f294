/**
 * Our stages and those of an Elixir node, both ways. What is there is gen_stage.exs, a GenServer that was written from GenStage's
 * protocol, for GenStage itself is no part of Elixir. What is shown where:
 *
 * |                                        | wire.test.ts, each signal | stage_erlang.test.ts | here                  |
 * | -------------------------------------- | ------------------------- | -------------------- | --------------------- |
 * | automatic demand                       | both                      | both                 | both                  |
 * | manual demand                          |                           | theirs               | both                  |
 * | the consumer cancels                   | both                      | both                 | both, each mode       |
 * | the producer cancels                   |                           | theirs, each mode    | both, each mode       |
 * | the producer ends                      | both                      | theirs, each mode    | both, each mode       |
 * | the consumer ends                      | both                      | theirs               | both                  |
 * | noproc                                 | both                      | ours                 | both                  |
 * | duplicated and unknown subscription    | both                      | theirs               | both                  |
 * | resubscribe                            | both                      | theirs               | both                  |
 * | demand, broadcast, partition           |                           | ours                 | both                  |
 * | producer and consumer in the middle    |                           | ours                 | both                  |
 * | asked to subscribe, info, buffered     |                           | ours                 | both                  |
 * | consumer supervisor                    |                           |                      | ours                  |
 */
import { after, test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  broadcastDispatcher,
  type CancelMode,
  child,
  Consumer,
  consumerSupervisor,
  demandDispatcher,
  format,
  type Node,
  partitionDispatcher,
  Producer,
  ProducerConsumer,
  type Ref,
  type Self,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { phash2 } from "../../../lib/etf/phash2.ts";
import { startElixir } from "../../_support/elixir.ts";
import { COOKIE, loadElixir } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { OurSide, THEIRS } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";
import { ended } from "../../node/_nodes.ts";
import { Counter, Doubler, instance, Keeper, subscribeTerm } from "./_stages.ts";

const skip = needs("elixir", "epmd");
const before = openNow();
const ourSide = new OurSide(async (_kind, epmdPort) => {
  const elixir = await startElixir({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await elixir.eval("Logger.configure(level: :none)"); // stages end with all reasons here
  await loadElixir(elixir, "gen_stage.exs");
  return elixir;
});
after(() => ourSide.close());

const SOURCE = { name: "source", node: THEIRS };
const SINK = { name: "sink", node: THEIRS };
const MIDDLE = { name: "middle", node: THEIRS };
const NUMBERS = "{:numbers, :ours@localhost}";
const BYE = atom("bye");
const MODES: readonly CancelMode[] = ["permanent", "transient", "temporary"];

interface There {
  /** A function of StagePeer: `there("log(:source)")`. */
  (call: string): Promise<string>;
  eval(code: string): Promise<string>;
  /** Asks until the answer is that, for as long as the test may take. */
  until(call: string, answer: string): Promise<void>;
}

/** A test with both nodes; the stages that it has named are ended behind it. */
function stageTest(title: string, body: (node: Node, there: There) => Promise<void>): void {
  test(title, { skip }, async () => {
    const { node, peer } = await ourSide.get("elixir");
    const call = (code: string): Promise<string> => peer.eval(`StagePeer.${code}`);
    const there = Object.assign(call, {
      eval: (code: string) => peer.eval(code),
      until: (code: string, answer: string) => eventually(() => call(code), answer),
    }) as There;
    try {
      await body(node, there);
    } finally {
      await peer.eval(
        `for name <- [:source, :sink, :sink2, :middle], Process.whereis(name), do: StagePeer.kill(name)`,
      );
      for (const name of ["numbers", "doubler", "keeper", "keeper2", "jobs"]) {
        const pid = node.whereis(name);
        if (pid === undefined) continue;
        const over = ended(node, pid);
        node.exit(pid, atom("kill"));
        await over;
      }
    }
  });
}

async function eventually(ask: () => unknown, answer: unknown): Promise<void> {
  for (;;) {
    if (await ask() === answer) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function keeper(node: Node, register = "keeper"): Promise<{
  readonly ref: Awaited<ReturnType<typeof start>>;
  readonly keeps: Keeper;
  readonly over: Promise<Term>;
}> {
  const ref = await start(node, register);
  return { ref, keeps: instance(node, ref, Keeper), over: ended(node, ref.pid) };
}

function start(node: Node, register: string) {
  return node.start(Keeper, [], { register });
}

async function counter(node: Node, ...args: Parameters<Counter["init"]>): Promise<Counter> {
  return instance(node, await node.start(Counter, args, { register: "numbers" }), Counter);
}

/** Whether a consumer of that mode ends with that reason. */
function ends(mode: CancelMode, reason: string): boolean {
  const orderly = reason === ":normal" || reason === ":shutdown" || reason.startsWith("{:shutdown");
  return mode === "permanent" || (mode === "transient" && !orderly);
}

function upTo(count: number, of = (n: number): number => n): number[] {
  return Array.from({ length: count }, (_, i) => of(i));
}

// Their producer, our consumer

stageTest("automatic: their producer, our consumer, 20,000 in order", async (node, there) => {
  await there("producer(:source, limit: 20000)");
  const { ref, keeps } = await keeper(node);
  await ref.subscribe(SOURCE, { minDemand: 200, maxDemand: 700, cancel: "temporary" });
  await eventually(() => keeps.got.length, 20_000);
  assertEquals(keeps.got, upTo(20_000));
  assert(keeps.batches.every((batch) => batch.length <= 500));
  await there.until(
    "log(:source) |> Enum.uniq()",
    "[{:subscribe, nil, [min_demand: 200, max_demand: 700, cancel: :temporary]}, {:ask, 700}, {:ask, 500}]",
  );
});

stageTest("manual: their producer gets what our consumer asks for", async (node, there) => {
  await there("producer(:source)"); // without an end
  const { ref, keeps } = await keeper(node);
  await ref.subscribe(SOURCE, { manual: true, cancel: "temporary" });
  keeps.ask(keeps.subscriptions[0], 3);
  await eventually(() => keeps.got.length, 3);
  keeps.ask(keeps.subscriptions[0], 1);
  await eventually(() => keeps.got.length, 4);
  assertEquals(keeps.batches, [[0, 1, 2], [3]]);
  assertEquals(
    await there("log(:source)"),
    "[{:subscribe, nil, [cancel: :temporary, manual: true]}, {:ask, 3}, {:ask, 1}]",
  );
});

for (const mode of MODES) {
  stageTest(`our consumer cancels what is ${mode}`, async (node, there) => {
    await there("producer(:source, limit: 4)");
    const { ref, keeps, over } = await keeper(node);
    await ref.subscribe(SOURCE, { cancel: mode });
    await eventually(() => keeps.got.length, 4);
    keeps.cancel(keeps.producers[0], BYE);
    await eventually(() => keeps.cancelled.length, 1);
    assertEquals(keeps.cancelled, [{ kind: "cancel", reason: BYE }]);
    if (ends(mode, ":bye")) assertStrictEquals(await over, BYE);
    else await ref.info(atom("lives"));
    await there.until("count(:source)", "{0, 0}");
    assertEquals(
      (await there("log(:source)")).split("{:ask, ")[0],
      `[{:subscribe, nil, [cancel: :${mode}]}, `,
    );
    assert((await there("log(:source) |> List.last()")).startsWith("{:cancel, :bye}"));
  });

  stageTest(`their producer cancels what is ${mode}`, async (node, there) => {
    await there("producer(:source, limit: 4)");
    const { ref, keeps, over } = await keeper(node);
    await ref.subscribe(SOURCE, { cancel: mode });
    await eventually(() => keeps.got.length, 4);
    await there("cancel_all(:source, :normal)");
    await eventually(() => keeps.cancelled.length, 1);
    assertEquals(keeps.cancelled, [{ kind: "cancel", reason: atom("normal") }]);
    if (ends(mode, ":normal")) assertStrictEquals(await over, atom("normal"));
    else await ref.info(atom("lives"));
  });

  for (const reason of [":normal", "{:shutdown, :late}", ":boom", ":killed"]) {
    stageTest(
      `their producer ends with ${reason}, the subscription is ${mode}`,
      async (node, there) => {
        await there("producer(:source, limit: 4)");
        const { ref, keeps, over } = await keeper(node);
        await ref.subscribe(SOURCE, { cancel: mode });
        await eventually(() => keeps.got.length, 4);
        await there(reason === ":killed" ? "kill(:source)" : `stop(:source, ${reason})`);
        await eventually(() => keeps.cancelled.length, 1);
        const told = reason.replaceAll(":", "").replace(" ", "");
        assertEquals([keeps.cancelled[0].kind, format(keeps.cancelled[0].reason)], ["down", told]);
        if (ends(mode, reason)) assertEquals(format(await over), told);
        else await ref.info(atom("lives"));
      },
    );
  }

  stageTest(`our consumer subscribes to nobody there: noproc, ${mode}`, async (node) => {
    const { ref, keeps, over } = await keeper(node);
    await ref.subscribe({ name: "nope", node: THEIRS }, { cancel: mode });
    await eventually(() => keeps.cancelled.length, 1);
    assertEquals(keeps.cancelled, [{ kind: "down", reason: atom("noproc") }]);
    if (ends(mode, ":noproc")) assertStrictEquals(await over, atom("noproc"));
    else await ref.info(atom("lives"));
  });
}

stageTest("our consumer ends: their producer is told how", async (node, there) => {
  await there("producer(:source)");
  for (const [reason, told] of [["kill", ":killed"], ["shutdown", ":shutdown"]]) {
    const { ref, keeps, over } = await keeper(node);
    await ref.subscribe(SOURCE, { manual: true, cancel: "temporary" });
    keeps.ask(keeps.subscriptions[0], 1);
    await eventually(() => keeps.got.length, 1); // so its monitor has come, too
    node.exit(ref.pid, atom(reason));
    await over;
    await there.until("count(:source)", "{0, 0}");
    assertEquals(await there("log(:source) |> List.last()"), `{:down, ${told}}`);
  }
});

stageTest("our subscription is told twice, and one is not known there", async (node, there) => {
  await there("producer(:source, limit: 4)");
  const { ref, keeps } = await keeper(node);
  const tag = await ref.subscribe(SOURCE, { cancel: "temporary" });
  await eventually(() => keeps.got.length, 4);
  const say = (to: Ref, what: Term): void => {
    node.send(SOURCE, tuple(atom("$gen_producer"), tuple(ref.pid, to), what) as never);
  };
  say(tag, subscribeTerm());
  await eventually(() => keeps.cancelled.length, 1);
  assertEquals(keeps.cancelled, [{ kind: "cancel", reason: atom("duplicated_subscription") }]);
  assertEquals(keeps.producers, []);
  say(node._core.makeRef(), tuple(atom("ask"), 1) as Term); // answered, and nobody's here
  await there.until("log(:source) |> List.last()", "{:ask, 1}");
  await ref.info(atom("lives"));
  await eventually(() => keeps.infos.length, 1);
  assertEquals(keeps.cancelled.length, 1);
});

stageTest("their events of an unknown subscription are answered", async (node, there) => {
  const { ref, keeps } = await keeper(node);
  await there.eval(`Process.register(self(), :source)
    send({:keeper, :ours@localhost}, {:"$gen_consumer", {self(), make_ref()}, [1]})
    receive do {:"$gen_producer", {pid, tag}, what} when is_pid(pid) and is_reference(tag) -> what end`)
    .then((answer) => assertEquals(answer, "{:cancel, :unknown_subscription}"));
  await ref.info(atom("lives"));
  assertEquals(keeps.got, []);
});

stageTest("our consumer resubscribes to their producer", async (node, there) => {
  await there("producer(:source, limit: 20)");
  const { ref, keeps } = await keeper(node);
  const first = await ref.subscribe(SOURCE, { maxDemand: 10, cancel: "temporary" });
  await eventually(() => keeps.got.length, 20);
  const second = await ref.resubscribe(first, BYE, SOURCE, { maxDemand: 4, cancel: "temporary" });
  await eventually(() => keeps.cancelled.length, 1);
  assertEquals(keeps.cancelled, [{ kind: "cancel", reason: BYE }]);
  assertEquals(keeps.producers.map(({ tag }) => tag.equals(second)), [true]);
  await there.until("count(:source)", "{1, 0}");
  assertEquals(
    (await there("log(:source) |> Enum.take(-2)")).replace(/#Reference<[^>]*>/, "tag"),
    "[{:subscribe, {tag, :bye}, [max_demand: 4, cancel: :temporary]}, {:ask, 4}]",
  );
});

for (const dispatcher of [":demand", ":broadcast", "{:partition, [:a, :b]}"]) {
  stageTest(`their dispatcher ${dispatcher}, two consumers of ours`, async (node, there) => {
    await there(`producer(:source, limit: 400, dispatcher: ${dispatcher})`);
    const [one, two] = [await keeper(node), await keeper(node, "keeper2")];
    const options = { manual: true, cancel: "temporary" } as const; // so that both are there at first
    await one.ref.subscribe(SOURCE, { ...options, partition: "a" });
    await two.ref.subscribe(SOURCE, { ...options, partition: "b" });
    await there.until("count(:source)", "{2, 0}");
    for (const { keeps } of [one, two]) keeps.ask(keeps.subscriptions[0], 400);
    const [first, second] = [one.keeps.got, two.keeps.got];
    const all = upTo(400);
    if (dispatcher === ":broadcast") {
      await eventually(() => first.length + second.length, 800);
      assertEquals([first, second], [all, all]);
    } else {
      await eventually(() => first.length + second.length, 400);
      assertEquals([...first, ...second].sort((a, b) => a - b), all);
      if (dispatcher !== ":demand") {
        assertEquals(first, all.filter((n) => phash2(n, 2) === 0));
        assertEquals(second, all.filter((n) => phash2(n, 2) === 1));
      }
    }
  });
}

// Our producer, their consumer

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

// A consumer supervisor

stageTest("their producer feeds a process for each event", async (node, there) => {
  await there("producer(:source, limit: 100)");
  const done: number[] = [];
  const held: (() => void)[] = [];
  let now = 0;
  let most = 0;
  const Jobs = consumerSupervisor<number>({
    events: t.integer,
    children: [
      child(
        async (_self: Self, n: number) => {
          most = Math.max(most, ++now);
          await new Promise<void>((resolve) => held.push(resolve));
          now--;
          done.push(n);
        },
        [],
        { restart: "transient" },
      ),
    ],
    subscribeTo: [[SOURCE, { maxDemand: 6, minDemand: 3, cancel: "temporary" }]],
  });
  const jobs = await node.start(Jobs, [], { register: "jobs" });
  await eventually(() => held.length, 6);
  const asks = "log(:source) |> tl()";
  assertEquals(await there(asks), "[ask: 6]");
  assertEquals(
    await there.eval("GenServer.call({:jobs, :ours@localhost}, :count_children) |> Enum.sort()"),
    "[active: 6, specs: 1, supervisors: 0, workers: 6]",
  );
  const children = await there.eval("GenServer.call({:jobs, :ours@localhost}, :which_children)");
  assertEquals(children.match(/\{:undefined, #PID<[\d.]+>, :worker, \[:anonymous\]\}/g)?.length, 6);
  for (const end of held.splice(0, 3)) end();
  await there.until(asks, "[ask: 6, ask: 3]");
  while (done.length < 100) {
    for (const end of held.splice(0)) end();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assertEquals([most, [...done].sort((a, b) => a - b)], [6, upTo(100)]);
  await eventually(() => jobs.countChildren().then(({ active }) => active), 0);

  const call = (request: string): Promise<string> =>
    there.eval(`GenServer.call({:jobs, :ours@localhost}, ${request})`);
  const pid = await call("{:start_child, [7]}");
  assert(/^\{:ok, #PID<[\d.]+>\}$/.test(pid), pid);
  assert((await call("{:start_child, [:seven]}")).startsWith("{:error, {:bad_request"));
  assert((await call("{:start_child, [1, 2]}")).startsWith("{:error, {:bad_request"));
  assert((await call("{:start_child, :x}")).startsWith("{:error, {:bad_request"));
  assertEquals(await call("{:terminate_child, self()}"), "{:error, :not_found}");
  const one =
    `{:terminate_child, GenServer.call({:jobs, :ours@localhost}, :which_children) |> hd() |> elem(1)}`;
  assertEquals(await call(one), ":ok");
  assertEquals((await jobs.countChildren()).active, 0);
});

stageTest(
  "nobody elsewhere starts children of one that does not say what they take",
  async (node, there) => {
    const Jobs = consumerSupervisor<unknown>({
      children: [child((_self: Self, _event: unknown) => {}, [], { restart: "temporary" })],
    });
    const jobs = await node.start(Jobs, [], { register: "jobs" });
    const answer = await there.eval(
      "GenServer.call({:jobs, :ours@localhost}, {:start_child, [1]})",
    );
    assert(answer.includes("other nodes start children of classes only"), answer);
    assert(await jobs.startChild({ any: "value" }) !== null);
  },
);

test("nothing is left", { skip }, async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
