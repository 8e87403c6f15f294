/** Our consumers and an Elixir node's producers: see the table in _elixir_stages.ts. */
import { after, test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  child,
  consumerSupervisor,
  format,
  type Ref,
  type Self,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { phash2 } from "../../../lib/etf/phash2.ts";
import { assertNothingLeft } from "../../_support/leaks.ts";
import { THEIRS } from "../../_support/our_side.ts";
import { subscribeTerm } from "./_stages.ts";
import {
  before,
  BYE,
  ends,
  eventually,
  keeper,
  MODES,
  ourSide,
  skip,
  SOURCE,
  stageTest,
  upTo,
} from "./_elixir_stages.ts";

after(() => ourSide.close());

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
