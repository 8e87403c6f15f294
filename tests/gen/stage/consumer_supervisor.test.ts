/** A process for each event: what a consumer supervisor asks its producers, and what becomes of its children. */
import { test } from "node:test";
import { setImmediate as macrotask } from "node:timers/promises";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  child,
  type ChildOptions,
  type ConsumerOptions,
  ConsumerSupervisor,
  consumerSupervisor,
  ConsumerSupervisorRef,
  type ConsumerSupervisorSpec,
  type ExitReason,
  format,
  GenServer,
  ignore,
  type Node,
  type Pid,
  Producer,
  type Self,
  supervisor,
  SupervisorError,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { BOOM, ended, KILL, nodeTest, NORMAL, SHUTDOWN, until } from "../../node/_nodes.ts";
import { bothWays, failure, logs } from "../_servers.ts";
import { cancelTerm, peer } from "./_stages.ts";

/** What runs, by event; a child lives until it is told to end. */
class Shop {
  readonly running: Map<number, Pid[]> = new Map();
  readonly begun: number[] = [];
  readonly job = async (self: Self, event: number): Promise<void> => {
    this.begun.push(event);
    this.running.set(event, [...this.running.get(event) ?? [], self.pid]);
    await self.receive(); // it ends in order
  };

  /** The process of an event, the last one where it was started again. */
  of(event: number): Pid {
    return this.running.get(event)!.at(-1)!;
  }
}

class Jobs extends ConsumerSupervisor<number> {
  override readonly events = t.integer;
  override init(
    shop: Shop,
    options: ChildOptions = {},
    more: Partial<ConsumerSupervisorSpec<number>> = {},
  ): ConsumerSupervisorSpec<number> {
    return { children: [child(shop.job, [], { restart: "temporary", ...options })], ...more };
  }
}

/** Ends the process of an event. */
function end(node: Node, shop: Shop, event: number, reason: ExitReason = SHUTDOWN): void {
  if (reason === NORMAL) node.send(shop.of(event), BOOM);
  else node.exit(shop.of(event), reason);
}

const FOUR = { maxDemand: 4, minDemand: 2, cancel: "temporary" } as const;

bothWays(
  "asks for max_demand, and for more when min_demand children have ended",
  async ({ node }) => {
    const shop = new Shop();
    const producer = await peer(node);
    const jobs = await node.start(Jobs, [shop]);
    assert(jobs instanceof ConsumerSupervisorRef);
    const tag = await jobs.subscribe(producer.pid, FOUR);
    await until(() => producer.got.length === 2);
    assertEquals(producer.got, [
      "gen_producer {subscribe,nil,[{min_demand,2},{max_demand,4},{cancel,temporary}]}",
      "gen_producer {ask,4}",
    ]);
    producer.toConsumer(jobs.pid, tag, [1, 2, 3]);
    await until(() => shop.begun.length === 3);
    assertEquals(shop.begun, [1, 2, 3]);
    assertEquals(await jobs.countChildren(), { specs: 1, active: 3, supervisors: 0, workers: 3 });
    end(node, shop, 2);
    assertEquals((await jobs.countChildren()).active, 2);
    assertEquals(producer.got.length, 2); // one is not enough
    end(node, shop, 1, BOOM);
    await until(() => producer.got.length === 3);
    assertEquals(producer.got[2], "gen_producer {ask,2}");
    producer.toConsumer(jobs.pid, tag, [4, 5, 6]); // one of the first four, and two
    await until(() => shop.begun.length === 6);
    assertEquals((await jobs.whichChildren()).map(({ state, type, id }) => [state, type, id]), [
      ["running", "worker", null],
      ["running", "worker", null],
      ["running", "worker", null],
      ["running", "worker", null],
    ]);
    await jobs.stop();
    assert([3, 4, 5, 6].every((event) => node._core.process(shop.of(event)) === undefined));
  },
);

nodeTest("with min_demand 0 each child that ends is one event more", async ({ node }) => {
  const shop = new Shop();
  const producer = await peer(node);
  const jobs = await node.start(Jobs, [shop]);
  const tag = await jobs.subscribe(producer.pid, { maxDemand: 2, minDemand: 0 });
  producer.toConsumer(jobs.pid, tag, [1, 2]);
  await until(() => shop.begun.length === 2);
  end(node, shop, 1);
  end(node, shop, 2);
  await until(() => producer.got.length === 4);
  assertEquals(producer.got.slice(1), [
    "gen_producer {ask,2}",
    "gen_producer {ask,1}",
    "gen_producer {ask,1}",
  ]);
});

nodeTest("children of several subscriptions are counted each for itself", async ({ node }) => {
  const shop = new Shop();
  const [one, two] = [await peer(node), await peer(node)];
  const jobs = await node.start(Jobs, [shop]);
  const options = { maxDemand: 1, minDemand: 0, cancel: "temporary" } as const;
  const tags = [await jobs.subscribe(one.pid, options), await jobs.subscribe(two.pid, options)];
  one.toConsumer(jobs.pid, tags[0], [1]);
  two.toConsumer(jobs.pid, tags[1], [2]);
  await until(() => shop.begun.length === 2);
  end(node, shop, 2);
  await until(() => two.got.length === 3);
  assertEquals([one.got.length, two.got[2]], [2, "gen_producer {ask,1}"]);
  one.toConsumer(jobs.pid, tags[0], cancelTerm(BOOM));
  await jobs.info(atom("hello")).catch(() => {});
  end(node, shop, 1); // whose producer has gone
  await until(() => node._core.process(shop.of(1)) === undefined);
  assertEquals((await jobs.countChildren()).active, 0);
  assertEquals(one.got.length, 2);
});

nodeTest("events that nobody has asked for wait until children have ended", async (lone) => {
  const { node } = lone;
  const shop = new Shop();
  const producer = await peer(node);
  const jobs = await node.start(Jobs, [shop]);
  const tag = await jobs.subscribe(producer.pid, { maxDemand: 2, minDemand: 1 });
  producer.toConsumer(jobs.pid, tag, [1, 2, 3, 4, 5]);
  await until(() => shop.begun.length === 2);
  assertEquals((await jobs.countChildren()).active, 2);
  assert(logs(lone).some((line) => line.includes("has got 3 events")), logs(lone).join("\n"));
  for (const event of [1, 2, 3]) {
    end(node, shop, event);
    await until(() => shop.begun.length === event + 2);
  }
  assertEquals([shop.begun, producer.got.length], [[1, 2, 3, 4, 5], 2]);
  end(node, shop, 5);
  await until(() => producer.got.length === 3);
  end(node, shop, 4);
  await until(() => producer.got.length === 4);
  assertEquals(producer.got.slice(2), ["gen_producer {ask,1}", "gen_producer {ask,1}"]);
});

nodeTest("an event that does not parse, and a start that fails, count as ended", async (lone) => {
  const { node } = lone;
  class Fussy extends GenServer {
    override init(event: number): typeof ignore | void {
      if (event === 1) throw new RangeError("one is too few");
      if (event === 2) return ignore;
    }
  }
  const producer = await peer(node);
  const Fussies = consumerSupervisor({
    events: t.integer,
    children: [child(Fussy, [], { restart: "transient" })],
  });
  const jobs = await node.start(Fussies, []);
  const tag = await jobs.subscribe(producer.pid, { maxDemand: 4, minDemand: 3 });
  producer.toConsumer(jobs.pid, tag, [1, 2, atom("three"), 4]);
  await until(() => producer.got.length === 3);
  assertEquals(producer.got[2], "gen_producer {ask,3}");
  assertEquals(await jobs.countChildren(), { specs: 1, active: 1, supervisors: 0, workers: 1 });
  const lines = logs(lone).join("\n");
  assert(/cannot start child.*one is too few/.test(lines), lines);
  assert(lines.includes("dropped an event"), lines);
});

nodeTest(
  "a transient child is started again with its event, a temporary one never",
  async (lone) => {
    const { node } = lone;
    for (
      const [restart, reason, again] of [
        ["transient", BOOM, true],
        ["transient", KILL, true],
        ["transient", NORMAL, false],
        ["transient", SHUTDOWN, false],
        ["transient", tuple(SHUTDOWN, BOOM) as Term, false],
        ["temporary", BOOM, false],
      ] as const
    ) {
      const shop = new Shop();
      const producer = await peer(node);
      const jobs = await node.start(Jobs, [shop, { restart }]);
      const tag = await jobs.subscribe(producer.pid, { maxDemand: 1, minDemand: 0 });
      producer.toConsumer(jobs.pid, tag, [7]);
      await until(() => shop.begun.length === 1);
      const first = shop.of(7);
      end(node, shop, 7, reason as ExitReason);
      if (again) {
        await until(() => shop.begun.length === 2);
        assertEquals(shop.begun, [7, 7]);
        assert(!shop.of(7).equals(first));
        assertEquals(producer.got.length, 2); // it has not ended
      } else {
        await until(() => producer.got.length === 3);
        assertEquals([shop.begun, producer.got[2]], [[7], "gen_producer {ask,1}"]);
      }
      await jobs.stop();
    }
  },
);

nodeTest(
  "too many restarts end it with shutdown, three within five seconds do not",
  async (lone) => {
    const { node } = lone;
    const shop = new Shop();
    const producer = await peer(node);
    const jobs = await node.start(Jobs, [shop, { restart: "transient" }]);
    const over = ended(node, jobs.pid);
    const tag = await jobs.subscribe(producer.pid, { maxDemand: 1, minDemand: 0 });
    producer.toConsumer(jobs.pid, tag, [1]);
    for (let i = 1; i <= 4; i++) {
      await until(() => shop.begun.length === i);
      end(node, shop, 1, BOOM);
    }
    assertStrictEquals(await over, SHUTDOWN);
    assertEquals(shop.begun.length, 4);
  },
);

nodeTest(
  "it ends with a subscription that is permanent, and its children with it",
  async (lone) => {
    const { node } = lone;
    for (
      const [cancel, ends] of [["permanent", true], ["transient", true], [
        "temporary",
        false,
      ]] as const
    ) {
      const shop = new Shop();
      const producer = await peer(node);
      const subscribeTo: ConsumerOptions["subscribeTo"] = [[producer.pid, { ...FOUR, cancel }]];
      const jobs = await node.start(Jobs, [shop, {}, { subscribeTo }]);
      const over = ended(node, jobs.pid);
      await until(() => producer.raw.length === 2);
      const tag = (producer.raw[0] as never as [unknown, [unknown, never]])[1][1];
      producer.toConsumer(jobs.pid, tag, [1]);
      await until(() => shop.begun.length === 1);
      producer.end(BOOM);
      if (ends) {
        assertStrictEquals(await over, BOOM);
        assertEquals(node._core.process(shop.of(1)), undefined);
      } else {
        await until(() => node._core.process(producer.pid) === undefined);
        assertEquals((await jobs.countChildren()).active, 1);
        await jobs.stop();
      }
    }
  },
);

nodeTest("start_child and terminate_child, as ConsumerSupervisor's functions ask", async (lone) => {
  const { node } = lone;
  const shop = new Shop();
  const producer = await peer(node);
  const jobs = await node.start(Jobs, [shop]);
  const tag = await jobs.subscribe(producer.pid, { maxDemand: 1, minDemand: 0 });
  const pid = await jobs.startChild(5);
  await until(() => shop.begun.length === 1);
  assert(pid !== null && shop.of(5).equals(pid));
  end(node, shop, 5);
  await until(() => node._core.process(pid) === undefined);
  assertEquals((await jobs.countChildren()).workers, 0);
  assertEquals(producer.got.length, 2); // nobody has asked for that one
  const gone = await failure(jobs.terminateChild(pid));
  assert(gone instanceof SupervisorError && gone.code === "not_found", String(gone));

  producer.toConsumer(jobs.pid, tag, [6]);
  await until(() => shop.begun.length === 2);
  await jobs.terminateChild(shop.of(6));
  assertEquals(node._core.process(shop.of(6)), undefined);
  await until(() => producer.got.length === 3);
  assertEquals(producer.got[2], "gen_producer {ask,1}");

  const ask = (request: unknown): Promise<unknown> => node.call(jobs, request as Term);
  const words = async (request: unknown): Promise<string> => format(await ask(request) as Term);
  assertEquals(
    await words(atom("count_children")),
    "#{specs => 1,active => 0,supervisors => 0,workers => 0}",
  );
  assertEquals(await words(atom("which_children")), "[]");
  assert(
    (await words(tuple(atom("start_child"), [atom("x")]))).startsWith("{error,{bad_request,[],"),
  );
  assert((await words(tuple(atom("start_child"), [1, 2]))).includes("a list of one argument"));
  assert((await words(tuple(atom("start_child"), [8]))).startsWith("{ok,<"));
  const [one] = await ask(atom("which_children")) as Term[];
  assert(/^\{undefined,<[^>]+>,worker,\[job\]\}$/.test(format(one)), format(one));
});

nodeTest("mistakes are told at the start", async ({ node }) => {
  const shop = new Shop();
  const told = async (...args: Parameters<Jobs["init"]>): Promise<string> =>
    String(await failure(node.start(Jobs, args)));
  assert((await told(shop, { restart: "permanent" })).includes('restart: "temporary"'));
  assert((await told(shop, { restart: undefined })).includes('restart: "temporary"'));
  assert((await told(shop, {}, { strategy: "one_for_all" as never })).includes("one_for_all"));
  assert((await told(shop, {}, { children: [] as never })).includes("array of one"));
  assert((await told(shop, {}, { intensity: -1 })).includes("intensity"));
  assert((await told(shop, {}, { intensty: 1 } as never)).includes("intensity"));
  assert((await told(shop, {}, { subscribeTo: 5 as never })).includes("subscribeTo"));
  class None extends ConsumerSupervisor {
    override init(): never {
      return undefined as never;
    }
  }
  assert(String(await failure(node.start(None, []))).includes("children: [child(...)]"));
});

nodeTest("is a supervisor among the children of another one", async ({ node }) => {
  const shop = new Shop();
  const Tree = supervisor({ children: [child(Jobs, [shop], { register: "jobs" })] });
  const tree = await node.start(Tree, []);
  assertEquals((await tree.whichChildren())[0].type, "supervisor");
  const jobs = node.ref(ConsumerSupervisor, "jobs");
  await jobs.startChild(1);
  await until(() => shop.begun.length === 1);
  assertEquals(format(await node.call("jobs", atom("which_children"))).includes("worker"), true);
  await tree.stop();
  assertEquals(node._core.process(shop.of(1)), undefined);
});

nodeTest("work flows: no more children at once than were asked for", async ({ node }) => {
  let [now, most, done] = [0, 0, 0];
  const Workers = consumerSupervisor<number>({
    children: [
      child(
        async (_self: Self, n: number) => {
          most = Math.max(most, ++now);
          for (let turn = 0; turn < n % 5; turn++) await macrotask();
          now--;
          done++;
        },
        [],
        { restart: "temporary" },
      ),
    ],
  });
  const numbers = await node.start(Producer.from(Array.from({ length: 500 }, (_, i) => i)), []);
  const workers = await node.start(Workers, []);
  await workers.subscribe(numbers, { maxDemand: 8, minDemand: 2, cancel: "temporary" });
  await until(() => done === 500);
  assert(most <= 8 && most > 1, String(most));
});

test("consumerSupervisor needs a specification", async () => {
  const error = await failure(Promise.resolve().then(() => consumerSupervisor(null as never)));
  assert(String(error).includes("children: [child(...)]"), String(error));
});
