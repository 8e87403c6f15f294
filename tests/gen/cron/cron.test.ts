import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  atom,
  Cron,
  CronError,
  type CronTick,
  ExitError,
  GenServer,
  type Term,
  tuple,
} from "../../../mod.ts";
import { collector, type Lone, nodeTest } from "../../node/_nodes.ts";

const HOUR = 3_600_000;
/** When the clock of the tests begins. */
const START = Date.UTC(2024, 0, 1);

async function hours({ platform }: Lone, count: number): Promise<void> {
  for (let i = 0; i < count * 60; i++) await platform.elapse(60_000);
  await platform.elapse(50); // a timer may be a little late
}

nodeTest("a message is sent at each time, once", async (lone) => {
  const { node, platform } = lone;
  const { pid, got } = collector(node);
  const cron = await node.start(Cron, [{
    jobs: [
      { name: "plain", schedule: "30 * * * *", send: pid },
      { name: "made", schedule: "0 1 * * *", send: pid, message: ({ job, due }) => [job, due] },
    ],
  }]);
  await hours(lone, 2);
  const plain = (due: number): Term => tuple(atom("cron"), "plain", due) as unknown as Term;
  assertEquals(got, [plain(START + HOUR / 2), ["made", START + HOUR], plain(START + 1.5 * HOUR)]);
  const [first, second] = await cron.jobs();
  assertEquals([first.runs, first.last, first.next], [2, START + 1.5 * HOUR, START + 2.5 * HOUR]);
  assertEquals([second.runs, second.schedule, second.timeZone], [1, "0 1 * * *", "UTC"]);
  assertEquals(platform.logs, []);
});

nodeTest(
  "whoever asks for runs chooses the times, but ends nothing by that and holds nobody up",
  async ({ node }) => {
    const jobs = Array.from({ length: 20 }, (_, i) => ({
      name: `job ${i}`,
      schedule: i % 2 === 0 ? "0 0 29 2 1" : "0 3 * * *",
      timeZone: "Europe/Berlin",
      send: node.pid,
    }));
    const cron = await node.start(Cron, [{ jobs }], { register: "cron" });
    const ends = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 8.65e15, -8.65e15];
    for (const from of ends) {
      for (const until of ends) {
        if (from < 0 && until > 0) continue; // which are many
        assertEquals(await node.call("cron", tuple(atom("schedule"), from, until)), []);
      }
    }
    let turns = 0;
    const done = cron.schedule(0, 8e15);
    const waiting = done.then(() => "done");
    while (
      await Promise.race([waiting, new Promise((go) => setTimeout(go, 0))]) !== "done"
    ) turns++;
    const runs = await done;
    assertEquals([runs.length, runs[0].job, runs[9].job], [10_000, "job 1", "job 19"]);
    assert(turns > 10, `others had ${turns} turns meanwhile`);
  },
);

nodeTest("a server is called, and a call that fails is counted and logged", async (lone) => {
  const { node, platform } = lone;
  let calls = 0;
  class Reports extends GenServer {
    override readonly calls = {
      daily: () => {
        calls++;
      },
    };
  }
  await node.start(Reports, [], { register: "reports" });
  const cron = await node.start(Cron, [{
    jobs: [
      { name: "good", schedule: "@hourly", call: "reports", request: atom("daily") },
      { name: "bad", schedule: "@hourly", call: "nobody", request: atom("daily"), timeout: 100 },
    ],
  }]);
  await hours(lone, 1);
  const [good, bad] = await cron.jobs();
  assertEquals([calls, good.runs, good.failures, good.running, good.lastError], [1, 1, 0, 0, null]);
  assertEquals([bad.runs, bad.failures, bad.running], [1, 1, 0]);
  assertStringIncludes(bad.lastError!, "nobody");
  assertEquals(platform.logs.length, 1);
  assertStringIncludes(platform.logs[0].message, "The job bad failed");
});

nodeTest("a process is spawned; one that still runs can keep the next run out", async (lone) => {
  const { node } = lone;
  let release!: () => void;
  const held = new Promise<void>((resolve) => release = resolve);
  const ticks: CronTick[] = [];
  const cron = await node.start(Cron, [{
    jobs: [
      {
        name: "one",
        schedule: "@hourly",
        overlap: false,
        spawn: (_self, tick) => (ticks.push(tick), held),
      },
      {
        name: "boom",
        schedule: "@hourly",
        spawn: () => {
          throw new Error("boom");
        },
      },
    ],
  }]);
  await hours(lone, 2);
  const [one, boom] = await cron.jobs();
  assertEquals(ticks, [{ job: "one", due: START + HOUR, missed: 0 }]);
  assertEquals([one.runs, one.running, one.missed], [1, 1, 1]);
  assertEquals([boom.runs, boom.failures, boom.running], [2, 2, 0]);
  assertStringIncludes(boom.lastError!, "boom");
  release();
  await hours(lone, 1);
  assertEquals((await cron.jobs())[0].runs, 2);
});

nodeTest(
  "what falls due while the program stands still runs once, unless it is not to be",
  async (lone) => {
    const { node, platform } = lone;
    const { pid, got } = collector(node);
    const message = ({ due, missed }: CronTick): Term => [due, missed];
    const cron = await node.start(Cron, [{
      jobs: [
        { name: "made up for", schedule: "@hourly", send: pid, message },
        { name: "left out", schedule: "@hourly", send: pid, message, catchUp: false },
      ],
    }]);
    await hours(lone, 0.5);
    platform.stall(5 * HOUR);
    await platform.elapse(60_000);
    assertEquals(got, [[START + 5 * HOUR, 4]]);
    await hours(lone, 1);
    assertEquals(got.slice(1), [[START + 6 * HOUR, 0], [START + 6 * HOUR, 0]]);
    assertEquals((await cron.jobs()).map(({ runs, missed }) => [runs, missed]), [[2, 4], [1, 5]]);
  },
);

nodeTest(
  "a clock that is set back a little runs nothing twice; one that was wrong by days is planned anew",
  async (lone) => {
    const { node, platform } = lone;
    const { pid, got } = collector(node);
    let ahead = 0;
    const real = platform.systemTime.bind(platform);
    platform.systemTime = () => real() + ahead;
    await node.start(Cron, [{ jobs: [{ name: "a", schedule: "@hourly", send: pid }] }]);
    await hours(lone, 1);
    assertEquals(got.length, 1);
    ahead = -HOUR / 2;
    await hours(lone, 1);
    assertEquals(got.length, 1);
    await hours(lone, 0.5);
    assertEquals(got.length, 2);
    ahead = -72 * HOUR;
    await hours(lone, 2);
    assertEquals(got.length, 4);
  },
);

nodeTest("jobs are added, switched, run and taken away while it runs", async (lone) => {
  const { node } = lone;
  const { pid, got } = collector(node);
  const cron = await node.start(Cron, [{ timeZone: "Europe/Berlin" }]);
  await cron.add({ name: "a", schedule: "0 3 * * *", send: pid, message: 1 });
  assertEquals(await cron.schedule(START, START + 48 * HOUR), [
    { at: START + 2 * HOUR, job: "a" },
    { at: START + 26 * HOUR, job: "a" },
  ]);
  await assertRejects(
    () => cron.add({ name: "a", schedule: "@daily", send: pid }),
    CronError,
    "one of that name",
  );
  await assertRejects(
    () => cron.add({ name: "b", schedule: "x", send: pid }),
    CronError,
    "5 fields",
  );
  await assertRejects(
    () => cron.add({ name: "b", schedule: "@daily", send: pid, timeZone: "Nowhere" }),
    CronError,
    "time zone",
  );
  await assertRejects(
    () => cron.add({ name: "b", schedule: "@daily" } as never),
    CronError,
    "send, call and spawn",
  );
  assertEquals([await cron.disable("a"), await cron.disable("b")], [true, false]);
  await hours(lone, 3);
  assertEquals(got, []);
  assertEquals((await cron.jobs())[0].next, null);
  assertEquals(await cron.run("a"), true);
  await lone.platform.settle();
  assertEquals(got, [1]);
  await cron.enable("a");
  assertEquals((await cron.jobs())[0].next, START + 26 * HOUR);
  assertEquals([await cron.remove("a"), await cron.remove("a")], [true, false]);
  assertEquals(await cron.jobs(), []);
  assert(node.isAlive(cron.pid));
});

nodeTest("a Cron with a job that cannot be read does not start", async ({ node }) => {
  const error = await assertRejects(
    () => node.start(Cron, [{ jobs: [{ name: "a", schedule: "61 * * * *", send: node.pid }] }]),
    ExitError,
  );
  assertStringIncludes(error.message, "the minute");
});
