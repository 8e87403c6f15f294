import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Scheduler } from "../../../lib/node/process/scheduler.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

/** A platform that counts how often the scheduler lets others run, and on which time passes only as turns take it. */
class Watched extends FakePlatform {
  yields = 0;
  looks = 0;
  #yielded: (() => boolean | void)[] = [];
  /** What those that have yielded have said of it: whether something waited. */
  readonly waited: (boolean | void)[] = [];

  override now(): number {
    this.looks++;
    return super.now();
  }

  override yield(fn: () => boolean | void): void {
    this.yields++;
    this.#yielded.push(fn);
  }

  /** A macrotask: what has yielded goes on. */
  macrotask(): void {
    for (const fn of this.#yielded.splice(0)) this.waited.push(fn());
    this.turn();
  }
}

test("what is scheduled runs later, one after another, in the order in which it came", () => {
  const platform = new FakePlatform();
  const scheduler = new Scheduler(platform);
  const order: number[] = [];
  for (let i = 0; i < 100; i++) scheduler.schedule({ run: () => void order.push(i) });
  assertEquals(order, []);
  platform.turn();
  assertEquals(order, Array.from({ length: 100 }, (_, i) => i));
});

test("what is scheduled by a turn comes after those that wait", () => {
  const platform = new FakePlatform();
  const scheduler = new Scheduler(platform);
  const order: string[] = [];
  scheduler.schedule({
    run: () => {
      order.push("first");
      scheduler.schedule({ run: () => void order.push("its own") });
    },
  });
  scheduler.schedule({ run: () => void order.push("second") });
  platform.turn();
  assertEquals(order, ["first", "second", "its own"]);
});

test("a turn that throws is logged, and nothing else suffers", () => {
  const platform = new FakePlatform();
  const scheduler = new Scheduler(platform);
  let ran = 0;
  for (const thrown of [new Error("a turn's"), Symbol("hostile"), Object.create(null)]) {
    scheduler.schedule({
      run() {
        throw thrown;
      },
    });
    scheduler.schedule({ run: () => void ran++ });
  }
  platform.turn();
  scheduler.schedule({ run: () => void ran++ });
  platform.turn();
  assertStrictEquals(ran, 4);
  assertStrictEquals(platform.logs.length, 3);
});

test("after a slice of time the queue waits for a macrotask", () => {
  const platform = new Watched();
  const scheduler = new Scheduler(platform);
  let turns = 0;
  const busy = {
    run(): void {
      turns++;
      platform.stall(0.1);
      scheduler.schedule(busy);
    },
  };
  scheduler.schedule(busy);
  platform.turn();
  for (let slice = 0; slice < 20; slice++) {
    const before = turns;
    assertStrictEquals(platform.yields, slice + 1);
    platform.turn(); // microtasks alone bring nothing
    assertStrictEquals(turns, before);
    platform.macrotask();
    assert(turns > before, "a new slice runs");
    assert(turns - before <= 20 + 32, `${turns - before} turns of 0.1 ms in a slice of 2 ms`);
  }
});

test("the budget is not given back by microtasks: a queue that runs empty again and again still yields", () => {
  const platform = new Watched();
  const scheduler = new Scheduler(platform);
  let turns = 0;
  // A ping-pong: one turn, then nothing to do until the next microtask.
  for (let i = 0; i < 1000 && platform.yields === 0; i++) {
    scheduler.schedule({
      run: () => {
        turns++;
        platform.stall(0.1);
      },
    });
    platform.turn();
  }
  assertStrictEquals(platform.yields, 1);
  assert(turns <= 64, `${turns}`);
});

test("the platform is told whether turns have waited for a yield", () => {
  const platform = new Watched();
  const scheduler = new Scheduler(platform);
  const turn = { run: () => platform.stall(0.1) };
  const untilYield = (): void => {
    for (const before = platform.yields; platform.yields === before;) {
      scheduler.schedule(turn);
      platform.turn();
    }
  };
  untilYield();
  platform.macrotask(); // all was idle
  untilYield();
  scheduler.schedule(turn);
  platform.macrotask();
  untilYield();
  platform.macrotask();
  assertEquals(platform.waited, [false, true, false]);
});

test("long turns are looked at one by one", () => {
  const platform = new Watched();
  const scheduler = new Scheduler(platform);
  let turns = 0;
  const slow = {
    run(): void {
      turns++;
      platform.stall(50);
      scheduler.schedule(slow);
    },
  };
  scheduler.schedule(slow);
  for (let i = 0; i < 5; i++) platform.macrotask();
  const before = turns;
  for (let i = 0; i < 10; i++) platform.macrotask();
  assert(turns - before <= 20, `${turns - before} turns of 50 ms in ten slices`);
});

test("short turns cost few looks at the clock", () => {
  const platform = new Watched();
  const scheduler = new Scheduler(platform);
  for (let i = 0; i < 10_000; i++) scheduler.schedule({ run: () => platform.stall(0.0001) });
  for (let i = 0; i < 10; i++) platform.macrotask();
  assert(platform.looks < 10_000 / 16, `${platform.looks}`);
});

test("an idle scheduler asks for nothing", () => {
  const platform = new Watched();
  const scheduler = new Scheduler(platform);
  scheduler.schedule({ run: () => {} });
  platform.macrotask();
  const looks = platform.looks;
  for (let i = 0; i < 10; i++) platform.macrotask();
  assertStrictEquals(platform.looks, looks);
  assertStrictEquals(platform.pendingTimers, 0);
});
