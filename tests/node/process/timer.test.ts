import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Self } from "../../../lib/node/process/self.ts";
import { BOOM, collector, ended, forever, nodeTest, processOf, spawned } from "../_nodes.ts";

nodeTest("after runs its function once, not before its time", async ({ node, platform }) => {
  let runs = 0;
  await spawned(node, (self) => self.after(50, () => void runs++));
  await platform.elapse(49);
  assertStrictEquals(runs, 0);
  await platform.elapse(1);
  assertStrictEquals(runs, 1);
  await platform.elapse(1000);
  assertStrictEquals(runs, 1);
});

nodeTest(
  "timers run in the order of their times, and those of one time in the order in which they were set",
  async ({ node, platform }) => {
    const order: number[] = [];
    await spawned(node, (self) => {
      for (const [i, ms] of [30, 10, 20, 10, 0, 30].entries()) {
        self.after(ms, () => void order.push(i));
      }
    });
    await platform.elapse(50);
    assertEquals(order, [4, 1, 3, 2, 0, 5]);
  },
);

nodeTest("every runs again and again, until it is disposed", async ({ node, platform }) => {
  let runs = 0;
  const { value: timer } = await spawned(node, (self) => self.every(10, () => void runs++));
  await platform.elapse(35);
  assertStrictEquals(runs, 3);
  timer[Symbol.dispose]();
  timer[Symbol.dispose]();
  await platform.elapse(100);
  assertStrictEquals(runs, 3);
});

nodeTest(
  "every counts from the end of one run to the next, also where a run takes its time",
  async ({ node, platform }) => {
    const starts: number[] = [];
    await spawned(node, (self) =>
      self.every(10, async () => {
        starts.push(platform.now());
        await node.sleep(25);
      }));
    await platform.elapse(120);
    assertEquals(starts, [10, 45, 80, 115]);
  },
);

nodeTest("every of 0 is every millisecond: it lets time pass", async ({ node, platform }) => {
  let runs = 0;
  await spawned(node, (self) => self.every(0, () => void runs++));
  await platform.elapse(10);
  assert(runs > 5 && runs <= 11, `${runs}`);
});

nodeTest("a timer may dispose itself, and set another", async ({ node, platform }) => {
  const order: string[] = [];
  await spawned(node, (self: Self) => {
    const timer = self.every(10, () => {
      order.push("every");
      timer[Symbol.dispose]();
      self.after(5, () => void order.push("after"));
    });
  });
  await platform.elapse(100);
  assertEquals(order, ["every", "after"]);
});

nodeTest(
  "a disposed timer does not run, though its time has come and its turn not yet",
  async ({ node, platform }) => {
    let runs = 0;
    let go!: () => void;
    const { value: timer } = await spawned(node, (self) => {
      self.after(5, () => new Promise<void>((resolve) => go = resolve)); // holds the mailbox
      return self.after(10, () => void runs++);
    });
    await platform.elapse(20);
    timer[Symbol.dispose]();
    go();
    await platform.settle();
    assertStrictEquals(runs, 0);
  },
);

nodeTest("timers end with their process", async ({ node, platform }) => {
  let runs = 0;
  const { pid, value: self } = await spawned(node, (self) => {
    self.after(50, () => void runs++);
    self.every(10, () => void runs++);
    return self;
  });
  await platform.elapse(15);
  assertStrictEquals(runs, 1);
  node.exit(pid, BOOM);
  await platform.elapse(200);
  assertStrictEquals(runs, 1);
  assertThrows(() => self.after(1, () => {}), Error, "set a timer");
});

nodeTest(
  "a timer's function runs in turn: it waits for its process, and its process for it",
  async ({ node, platform }) => {
    const order: string[] = [];
    let go!: () => void;
    const pid = node.spawn(async (self) => {
      self.after(10, async () => {
        order.push("timer");
        await new Promise<void>((resolve) => go = resolve);
        order.push("timer done");
      });
      self.after(10, () => void order.push("second timer"));
      for await (const message of self) order.push(String(message));
    });
    await platform.elapse(10);
    node.send(pid, 1);
    await platform.settle();
    assertEquals(order, ["timer"]);
    go();
    await platform.settle();
    assertEquals(order, ["timer", "timer done", "second timer", "1"]);
  },
);

nodeTest("a timer whose function throws ends its process", async ({ node, platform }) => {
  const pid = node.spawn(async (self) => {
    self.after(5, () => {
      throw new Error("in the timer");
    });
    await forever(self);
  });
  const down = ended(node, pid);
  await platform.elapse(10);
  assert(String(((await down) as never)[0][2]).includes("in the timer"));
});

nodeTest("a time that is none is refused", async ({ node }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  for (const ms of [-1, NaN, -Infinity, "5" as never, undefined as never]) {
    assertThrows(() => self.after(ms, () => {}), RangeError, "0 or more is needed");
    assertThrows(() => self.every(ms, () => {}), RangeError);
  }
  assertStrictEquals(processOf(node, pid).ownedCount, 0);
});

nodeTest(
  "a timer beyond what a platform's timer takes is set, and one that never comes too",
  async ({ node, platform }) => {
    let runs = 0;
    const { value: timers } = await spawned(node, (self) => [
      self.after(2 ** 31 + 1000, () => void runs++),
      self.after(Infinity, () => void runs++),
      self.after(Number.MAX_VALUE, () => void runs++),
    ]);
    await platform.elapse(2 ** 31 + 999);
    assertStrictEquals(runs, 0);
    await platform.elapse(40);
    assertStrictEquals(runs, 1);
    for (const timer of timers) timer[Symbol.dispose]();
  },
);

nodeTest(
  "a hundred thousand timers that are set and taken back leave nothing",
  async ({ node, platform }) => {
    const { pid, value: self } = await spawned(node, (self) => self);
    for (let i = 0; i < 100_000; i++) self.after(i % 10_000, () => {})[Symbol.dispose]();
    assertStrictEquals(processOf(node, pid).ownedCount, 0);
    assert(platform.pendingTimers <= 2);
    await platform.elapse(11_000);
    assertStrictEquals(platform.pendingTimers, 0);
  },
);

nodeTest(
  "timers of many processes fire though some processes have ended",
  async ({ node, platform }) => {
    const counting = collector(node);
    const pids = Array.from({ length: 100 }, (_, i) =>
      node.spawn(async (self) => {
        self.after(10 + i % 5, () => self.send(counting.pid, i));
        await forever(self);
      }));
    await platform.settle();
    for (let i = 0; i < 100; i += 2) node.exit(pids[i], BOOM);
    await platform.elapse(20);
    assertEquals(
      (counting.got as number[]).toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, i) => 2 * i + 1),
    );
  },
);

nodeTest(
  "a timer that has run is let go of, and one that disposed itself sets nothing again",
  async ({ node, platform }) => {
    const { pid } = await spawned(node, (self) => {
      for (let i = 0; i < 100; i++) self.after(i, () => {});
    });
    await platform.elapse(100);
    assertStrictEquals(processOf(node, pid).ownedCount, 0);
    await spawned(node, (self) => {
      const timer = self.every(10, () => timer[Symbol.dispose]());
    });
    await platform.elapse(10);
    assertStrictEquals(platform.pendingTimers, 0);
  },
);

nodeTest(
  "what a timer's function returns like a promise is waited for, even a hostile one",
  async ({ node, platform }) => {
    const thenables: [PromiseLike<unknown>, boolean][] = [
      [{ then: (resolve: () => void) => resolve() } as never, true],
      [{
        then: (resolve: () => void, reject: (error: unknown) => void) => {
          resolve();
          resolve();
          reject(new Error("late"));
        },
      } as never, true],
      [{
        then: () => {
          throw new Error("at once");
        },
      } as never, false],
      [{
        then: (_: unknown, reject: (error: unknown) => void) => reject(new Error("rejected")),
      } as never, false],
    ];
    for (const [thenable, lives] of thenables) {
      const got: unknown[] = [];
      const pid = node.spawn(async (self) => {
        self.after(1, () => thenable);
        for await (const message of self) {
          got.push(message);
        }
      });
      await platform.elapse(2);
      for (let i = 0; i < 3; i++) node.send(pid, i);
      await platform.settle();
      assertEquals([node.isAlive(pid), got], [lives, lives ? [0, 1, 2] : []]);
    }
  },
);
