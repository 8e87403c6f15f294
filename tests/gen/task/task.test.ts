import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { Task, type TaskResult } from "../../../lib/gen/task/task.ts";
import { TaskSupervisor } from "../../../lib/gen/task/task_supervisor.ts";
import { TaskLimitError } from "../../../lib/gen/task/task_supervisor_ref.ts";
import { TaskTimeoutError } from "../../../lib/gen/task/task_timeout_error.ts";
import { exit, ExitError, ProcessExitedError } from "../../../lib/node/errors.ts";
import type { Self } from "../../../lib/node/process/self.ts";
import {
  BOOM,
  collector,
  ended,
  forever,
  KILL,
  KILLED,
  nodeTest,
  NORMAL,
  SHUTDOWN,
  spawned,
} from "../../node/_nodes.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { assertJsError, failure, gate } from "../_servers.ts";

nodeTest("a task gives its value to whoever waits", async ({ node }) => {
  const task = Task.async(node, () => 7);
  assert(node.isAlive(task.pid));
  assertEquals(task.settled, null);
  assertEquals(await task.await(), 7);
  assertEquals(await task.await(), 7); // a promise is not used up
  assertEquals(task.settled, { ok: true, value: 7 });
  const later = Task.async(node, async (self) => [await Promise.resolve(1), self.pid] as const);
  assertEquals(await later.result, [1, later.pid]);
  const all = [1, 2, 3].map((n) => Task.async(node, () => n * n));
  assertEquals(await Promise.all(all.map(({ result }) => result)), [1, 4, 9]);
  assertEquals(await Task.async(node, () => {}).await(), undefined);
  assertThrows(() => Task.async(node, 1 as never), TypeError, "a function is needed");
});

nodeTest("a task of the node that fails says why, to nobody else", async (lone) => {
  const { node, platform } = lone;
  const bad = new RangeError("bad");
  const task = Task.async(node, () => {
    throw bad;
  });
  const error = await assertRejects(() => task.result, ExitError);
  assertEquals(error.cause, bad);
  assertJsErrorOf(error.reason);
  assertEquals(await task.yield(), { ok: false, error });
  const exiting = Task.async(node, () => exit(BOOM));
  assertEquals((await assertRejects(() => exiting.await(), ExitError)).reason, BOOM);
  const killed = Task.async(node, forever);
  node.exit(killed.pid, KILL);
  assertEquals((await assertRejects(() => killed.await(), ExitError)).reason, KILLED);
  Task.async(node, () => Promise.reject(bad)); // nobody waits: no rejection is left unhandled
  await platform.settle();
  assertEquals(platform.logs.splice(0).length, 2); // what threw an error is logged
});

function assertJsErrorOf(reason: Term): void {
  assertJsError(reason, "RangeError", "bad");
}

nodeTest("a task and its owner end together", async ({ node, platform }) => {
  const owner = await spawned(node, (self) => Task.async(self, () => exit(BOOM)));
  assertEquals(await ended(node, owner.pid), BOOM);
  let aborted: unknown = null;
  const stays = await spawned(node, (self) =>
    Task.async(self, async (task) => {
      task.signal.addEventListener("abort", () => aborted = task.signal.reason);
      await forever(task);
    }));
  const end = ended(node, stays.value.pid);
  node.exit(stays.pid, BOOM);
  assertEquals(await end, BOOM);
  assertInstanceOf(aborted, ProcessExitedError);
  await assertRejects(() => stays.value.await(), ProcessExitedError, "has exited");
  await assertRejects(() => stays.value.shutdown(), ProcessExitedError);
  await platform.settle();
});

nodeTest(
  "an owner that traps exits lives, and one that ends normally leaves the task",
  async (lone) => {
    const { node, platform } = lone;
    const results: TaskResult<never>[] = [];
    const trapping = collector(node, (self) => {
      self.trapExit = true;
      const task = Task.async(self, () => exit(BOOM));
      void task.yield().then((result) => results.push(result!));
    });
    await platform.settle();
    assertEquals(results.map((result) => result.ok ? null : result.error.reason), [BOOM]);
    assertEquals(trapping.got.map((message) => (message as Term[])[2]), [BOOM]);
    node.exit(trapping.pid, KILL);
    let task!: Task<void>;
    const owner = node.spawn((self) => void (task = Task.async(self, forever)));
    await ended(node, owner);
    assert(node.isAlive(task.pid));
  },
);

nodeTest("waiting has its time, and may be given up", async ({ node, platform }) => {
  const done = gate<string>();
  const task = Task.async(node, () => done.promise);
  const tooLong = failure(task.await({ timeout: 50 }));
  const asked = task.yield({ timeout: 50 });
  const usual = failure(task.await());
  const abort = new AbortController();
  const givenUp = failure(task.await({ signal: abort.signal, timeout: Infinity }));
  abort.abort(new Error("enough"));
  assertEquals((await givenUp as Error).message, "enough");
  const already = failure(task.yield({ signal: abort.signal }));
  assertEquals((await already as Error).message, "enough");
  await platform.elapse(60);
  const error = await tooLong;
  assertInstanceOf(error, TaskTimeoutError);
  assertEquals([error.timeout, error.exitReason], [50, atom("timeout")]);
  assertEquals(await asked, null);
  await platform.elapse(5_000);
  assertEquals((await usual as TaskTimeoutError).timeout, 5_000);
  done.open("late");
  assertEquals(await task.yield(), { ok: true, value: "late" });
});

nodeTest("a server that does not catch the timeout ends, and its tasks with it", async (lone) => {
  const { node, platform } = lone;
  const tasks: Task<void>[] = [];
  class Impatient extends GenServer {
    override readonly calls = {
      go: async () => {
        tasks.push(Task.async(this, forever));
        await tasks[0].await({ timeout: 20 });
      },
    };
  }
  const server = await node.start(Impatient, []);
  const call = failure(server.call("go"));
  const end = platform.settle().then(() => ended(node, tasks[0].pid));
  await platform.elapse(30);
  assertEquals((await call as ExitError).reason, atom("timeout"));
  assertEquals(await end, atom("timeout"));
  platform.logs.splice(0);
});

nodeTest("a task is shut down without harm to its owner", async ({ node, platform }) => {
  const results: unknown[] = [];
  const owner = node.spawn(async (self) => {
    const idle = Task.async(self, forever);
    results.push(await idle.shutdown());
    results.push(await Task.async(self, forever).shutdown("brutal_kill"));
    const stubborn = Task.async(self, async (task) => {
      task.trapExit = true;
      await forever(task);
    });
    results.push(await stubborn.shutdown(100));
    const done = Task.async(self, () => "value");
    await done.result;
    results.push(await done.shutdown());
    const [first, second] = [gate(), gate()];
    const failing = Task.async(self, async (task) => {
      task.trapExit = true;
      first.open();
      await task.receive();
      exit(BOOM);
    });
    await first.promise;
    const failed = await failing.shutdown();
    results.push(failed?.ok === false ? failed.error.reason : failed);
    const replying = Task.async(self, async (task) => {
      task.trapExit = true;
      second.open();
      await task.receive();
      return "in time";
    });
    await second.promise;
    results.push(await replying.shutdown());
    results.push(idle.settled?.ok);
    await forever(self);
  });
  for (let i = 0; i < 10; i++) await platform.elapse(50);
  assertEquals(results, [
    null,
    null,
    null,
    { ok: true, value: "value" },
    BOOM,
    { ok: true, value: "in time" },
    false,
  ]);
  assert(node.isAlive(owner));
});

nodeTest("a block ends its task", async ({ node }) => {
  let signal!: AbortSignal;
  let task!: Task<void>;
  {
    await using inside = Task.async(node, (self) => {
      signal = self.signal;
      return forever(self);
    });
    task = inside;
    while (signal === undefined) await Promise.resolve();
  }
  assert(signal.aborted && !node.isAlive(task.pid));
});

nodeTest("a task that is ignored goes on alone", async ({ node }) => {
  const both = await spawned(node, (self) => {
    const task = Task.async(self, forever);
    task.ignore();
    return task;
  });
  node.exit(both.pid, BOOM);
  assert(node.isAlive(both.value.pid));
});

nodeTest("a node that stops ends what waits", async ({ node, platform }) => {
  const task = Task.async(node, async (self) => {
    self.trapExit = true;
    for (;;) await self.receive();
  });
  const waiting = failure(task.await({ timeout: Infinity }));
  const stopped = node.stop();
  await platform.elapse(10_000);
  await stopped;
  assertInstanceOf(await waiting, Error);
});

nodeTest("tasks of a supervisor, with a link and without", async ({ node, platform }) => {
  const tasks = await node.start(TaskSupervisor, [{ maxChildren: 3 }], { register: "tasks" });
  const owner = await spawned(node, (self) => ({
    self,
    linked: tasks.async(self, forever),
    alone: tasks.asyncNolink(self, () => exit(BOOM)),
  }));
  const { self, linked, alone } = owner.value;
  const result = await alone.yield();
  assertEquals(result?.ok === false && result.error.reason, BOOM);
  assert(node.isAlive(owner.pid));
  assertEquals(tasks.children().map(({ key }) => key), [linked.pid.key]);
  const stays = tasks.asyncNolink(self, forever);
  const end = ended(node, linked.pid);
  node.exit(owner.pid, BOOM);
  assertEquals(await end, BOOM);
  assert(node.isAlive(stays.pid));
  const more = [tasks.startChild(forever), tasks.startChild(forever)];
  const full = assertThrows(() => tasks.startChild(forever), TaskLimitError, "3 run already");
  assertEquals(full.exitReason, atom("max_children"));
  assertThrows(() => tasks.async(node, forever), TaskLimitError);
  assert(await tasks.terminateChild(more[0]));
  assert(!await tasks.terminateChild(more[0]));
  assertEquals(await tasks.call("count_children").then((counts) => counts[1][1]), 2);
  await tasks.stop();
  assertEquals((await assertRejects(() => stays.result, ExitError)).reason, SHUTDOWN);
  assertThrows(() => tasks.startChild(forever), ProcessExitedError);
  await platform.settle();
});

nodeTest("a child is started again as it was asked for", async ({ node, platform }) => {
  const tasks = await node.start(TaskSupervisor, []);
  const runs: string[] = [];
  tasks.startChild(() => void runs.push("temporary"));
  tasks.startChild(() => void runs.push("transient"), { restart: "transient" });
  let times = 0;
  tasks.startChild((self) => {
    runs.push("permanent");
    return times++ < 2 ? exit(NORMAL) : forever(self);
  }, { restart: "permanent" });
  await platform.settle();
  assertEquals(runs.sort(), ["permanent", "permanent", "permanent", "temporary", "transient"]);
});

/** What runs at a time, at most. */
class Concurrency {
  now = 0;
  most = 0;
  readonly begun: number[] = [];

  async run<T>(n: number, work: () => Promise<T>): Promise<T> {
    this.begun.push(n);
    this.most = Math.max(this.most, ++this.now);
    try {
      return await work();
    } finally {
      this.now--;
    }
  }
}

nodeTest("a stream runs so many at a time, and keeps the order", async ({ node, platform }) => {
  const concurrency = new Concurrency();
  const work = (n: number, self: Self): Promise<number> =>
    concurrency.run(n, async () => {
      await self.sleep((10 - n) * 10);
      return n * n;
    });
  for (const ordered of [true, false]) {
    concurrency.begun.length = 0;
    const options = { maxConcurrency: 3, ordered };
    const results: number[] = [];
    let over = false;
    const reading = (async () => {
      for await (const item of Task.asyncStream(node, [1, 2, 3, 4, 5, 6], work, options)) {
        assert(item.ok);
        assertEquals(item.value, item.input ** 2);
        results.push(item.input);
      }
      over = true;
    })();
    while (!over) await platform.elapse(10);
    await reading;
    assertEquals(concurrency.begun, [1, 2, 3, 4, 5, 6]);
    assertEquals(concurrency.most, 3);
    assertEquals(ordered ? results : results.toSorted(), [1, 2, 3, 4, 5, 6]);
    if (!ordered) assertEquals(results[0], 3); // the quickest of the first three
  }
});

nodeTest("a stream takes elements as its results are taken", async ({ node, platform }) => {
  const taken: number[] = [];
  let closed = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (let n = 0;; n++) {
        taken.push(n);
        yield await Promise.resolve(n);
      }
    } finally {
      closed = true;
    }
  }
  const before = node.processes().length;
  const slow: Task<unknown>[] = [];
  for await (
    const item of Task.asyncStream(node, endless(), (n, self) => n < 3 ? n : forever(self), {
      maxConcurrency: 2,
      timeout: Infinity,
    })
  ) {
    if (item.ok && item.value === 2) break;
  }
  assertEquals(slow, []);
  assert(taken.length <= 6 && closed, String(taken));
  await platform.settle();
  assertEquals(node.processes().length, before); // those that ran have ended
});

nodeTest("tasks of a stream that fail, or take too long", async ({ node, platform }) => {
  const tasks = await node.start(TaskSupervisor, []);
  const work = (n: number, self: Self): unknown =>
    n === 2 ? exit(BOOM) : n === 3 ? forever(self) : n;
  const collected: unknown[] = [];
  const options = { timeout: 50, onTimeout: "kill_task" } as const;
  const owner = await spawned(node, (self) => {
    return (async () => {
      for await (const item of tasks.asyncStreamNolink(self, [1, 2, 3, 4], work, options)) {
        collected.push(item.ok ? item.value : [item.input, item.error.exitReason]);
      }
    })();
  });
  const reading = owner.value;
  await platform.elapse(60);
  await reading;
  assertEquals(collected, [1, [2, BOOM], [3, atom("timeout")], 4]);
  assert(node.isAlive(owner.pid));
  assertEquals(tasks.children(), []);
  const stream = tasks.asyncStream(node, [1, 3], work, { timeout: 50 });
  assertEquals((await stream.next()).value?.ok, true);
  const next = failure(stream.next());
  await platform.elapse(60);
  assertInstanceOf(await next, TaskTimeoutError);
  await platform.settle();
  assertEquals(tasks.children(), []);
});

nodeTest("a stream fails where its input does", async ({ node }) => {
  function* input(): Generator<number> {
    yield 1;
    throw new Error("no more");
  }
  const stream = Task.asyncStream(node, input(), (n) => n);
  await assertRejects(() => Array.fromAsync(stream), Error, "no more");
  const limited = await node.start(TaskSupervisor, [{ maxChildren: 1 }]);
  const two = limited.asyncStream(node, [1, 2], (_, self) => forever(self));
  await assertRejects(() => two.next(), TaskLimitError);
  const bad = Task.asyncStream(node, [], (n) => n, { maxConcurrency: 0 });
  await assertRejects(() => bad.next(), RangeError, "maxConcurrency 0");
  assertEquals(await Array.fromAsync(Task.asyncStream(node, [], (n) => n)), []);
});

nodeTest("a stream whose input waits can be left", async ({ node }) => {
  const more = gate();
  async function* input(): AsyncGenerator<number> {
    yield 1;
    await more.promise;
    yield 2;
  }
  let ran = 0;
  for await (const _ of Task.asyncStream(node, input(), () => ran++)) break;
  more.open();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assertEquals(ran, 1);
});

clusterTest("only its owner waits for a task, as far as that is known", async (node) => {
  const owner = await new Promise<{ task: Task<number>; value: Promise<number> }>((resolve) => {
    node.spawn(async (self) => {
      const task = Task.async(self, () => 7);
      resolve({ task, value: task.await() });
      await forever(self);
    });
  });
  assertEquals(await owner.value, 7);
  const other = await new Promise<unknown>((resolve) => {
    node.spawn(async () => resolve(await failure(owner.task.await())));
  });
  assert(String(other).includes("Cannot wait for the task of another process"), String(other));
  assertEquals(await owner.task.result, 7); // a promise is for everybody
}, { names: ["a@localhost"], node: { currentProcess: true } });

nodeTest("misspelt options are refused", async ({ node }) => {
  const task = Task.async(node, () => 1);
  const wrong = { timeuot: 1 } as never;
  await assertRejects(() => task.await(wrong), TypeError, "timeout may be meant");
  await assertRejects(() => task.yield(wrong), TypeError, "timeout may be meant");
  const stream = (options: unknown) => Task.asyncStream(node, [1], (n) => n, options as never);
  const concurrent = stream({ maxConcurency: 1 });
  await assertRejects(() => concurrent.next(), TypeError, "maxConcurrency may be meant");
  const killing = stream({ onTimeout: "kill" });
  await assertRejects(() => killing.next(), TypeError, '"exit" or "kill_task" is needed');
  assertEquals(await task.await(), 1);
});
