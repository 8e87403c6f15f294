import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Deadline, Deadlines } from "../../../lib/node/process/deadlines.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

class Noted extends Deadline {
  readonly name: string | number;
  #notes: (string | number)[];
  #then: () => void;

  constructor(notes: (string | number)[], name: string | number, then: () => void = () => {}) {
    super();
    this.#notes = notes;
    this.name = name;
    this.#then = then;
  }

  expired(): void {
    this.#notes.push(this.name);
    this.#then();
  }

  override abandoned(): void {
    this.#notes.push(`${this.name} abandoned`);
  }
}

function setUp(): { platform: FakePlatform; deadlines: Deadlines; notes: (string | number)[] } {
  const platform = new FakePlatform();
  return { platform, deadlines: new Deadlines(platform), notes: [] };
}

/** A repeatable row of pseudo-random numbers. */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed % below;
  };
}

test("a deadline fires once, when its time has come and not before", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(new Noted(notes, "a"), 10);
  platform.advance(9);
  assertEquals(notes, []);
  platform.advance(1);
  assertEquals(notes, ["a"]);
  platform.advance(100_000);
  assertEquals(notes, ["a"]);
  assertStrictEquals(deadlines.size, 0);
});

test("deadlines fire in the order of their times, and in the order in which they were set where these are the same", () => {
  const { platform, deadlines, notes } = setUp();
  for (const [i, ms] of [20, 5, 20, 0, 5, 20].entries()) deadlines.set(new Noted(notes, i), ms);
  platform.advance(20);
  assertEquals(notes, [3, 1, 4, 0, 2, 5]);
});

test("ten thousand deadlines of all lengths fire in order, none early and none more than 32 ms late", () => {
  const { platform, deadlines } = setUp();
  const next = random(7);
  const fired: { due: number; at: number; ms: number }[] = [];
  class Timed extends Deadline {
    readonly ms: number;
    readonly due = platform.now();
    constructor(ms: number) {
      super();
      this.ms = ms;
    }
    expired(): void {
      fired.push({ due: this.due + this.ms, at: platform.now(), ms: this.ms });
    }
  }
  for (let i = 0; i < 10_000; i++) {
    deadlines.set(new Timed(next(i % 3 === 0 ? 1_000 : 20_000)), 0);
  }
  platform.advance(1); // those were all due at once
  fired.length = 0;
  for (let i = 0; i < 10_000; i++) {
    const deadline = new Timed(next(i % 3 === 0 ? 1_000 : 20_000));
    deadlines.set(deadline, deadline.ms);
    if (i % 10 === 0) platform.advance(next(4));
  }
  platform.advance(30_000);
  assertStrictEquals(fired.length, 10_000);
  for (const { due, at, ms } of fired) {
    assert(at >= due, `${ms} ms fired ${due - at} ms early`);
    assert(at - due <= (ms >= 1_000 ? 32 : 0), `${ms} ms fired ${at - due} ms late`);
  }
});

test("deadlines of the same long time fire in the order in which they were set", () => {
  const { platform, deadlines, notes } = setUp();
  for (let i = 0; i < 1_000; i++) {
    deadlines.set(new Noted(notes, i), 5_000);
    if (i % 10 === 9) platform.advance(1);
  }
  platform.advance(6_000);
  assertEquals(notes, Array.from({ length: 1_000 }, (_, i) => i));
});

test("a cleared deadline does not fire; clearing it again, or one that is not set, does nothing", () => {
  const { platform, deadlines, notes } = setUp();
  for (const ms of [5, 5_000]) {
    const all = Array.from({ length: 5 }, (_, i) => new Noted(notes, `${ms} ${i}`));
    for (const deadline of all) deadlines.set(deadline, ms);
    deadlines.clear(all[0]);
    deadlines.clear(all[2]);
    deadlines.clear(all[2]);
    deadlines.clear(all[4]);
    deadlines.clear(new Noted(notes, "never set"));
    platform.advance(6_000);
  }
  assertEquals(notes, ["5 1", "5 3", "5000 1", "5000 3"]);
});

test("a deadline may clear others as it fires, also of the same time and of a later one", () => {
  const { platform, deadlines, notes } = setUp();
  const same = new Noted(notes, "same");
  const later = new Noted(notes, "later");
  deadlines.set(
    new Noted(notes, "first", () => {
      deadlines.clear(same);
      deadlines.clear(later);
    }),
    10,
  );
  deadlines.set(same, 10);
  deadlines.set(later, 11);
  platform.stall(50); // both times are due at once
  platform.advance(0);
  assertEquals(notes, ["first"]);
});

test("a deadline may set itself anew as it fires; one of 0 ms waits for another turn", () => {
  const { platform, deadlines, notes } = setUp();
  let again = 3;
  const deadline: Noted = new Noted(notes, "again", () => {
    if (again-- > 0) deadlines.set(deadline, again === 1 ? 0 : 10);
  });
  deadlines.set(deadline, 10);
  platform.advance(10);
  assertEquals(notes, ["again"]);
  platform.advance(100);
  assertEquals(notes, ["again", "again", "again", "again"]);

  const endless: Noted = new Noted(notes, "endless", () => deadlines.set(endless, 0));
  deadlines.set(endless, 0);
  platform.stall(5);
  let turns = 0;
  platform.setTimer(0, () => turns++);
  notes.length = 0;
  deadlines.clear(endless);
  platform.advance(0);
  assertStrictEquals(turns, 1);
});

test("a deadline that is set again counts from then", () => {
  const { platform, deadlines, notes } = setUp();
  const deadline = new Noted(notes, "moved");
  deadlines.set(deadline, 10);
  platform.advance(5);
  deadlines.set(deadline, 10);
  platform.advance(9);
  assertEquals(notes, []);
  deadlines.set(deadline, 5_000);
  deadlines.set(deadline, 5_000);
  platform.advance(4_999);
  assertEquals(notes, []);
  platform.advance(33);
  assertEquals(notes, ["moved"]);
});

test("a deadline that throws is logged, and the others fire", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(
    new Noted(notes, "bad", () => {
      throw Symbol("hostile");
    }),
    5,
  );
  deadlines.set(new Noted(notes, "good"), 5);
  deadlines.set(new Noted(notes, "later"), 6);
  platform.advance(10);
  assertEquals(notes, ["bad", "good", "later"]);
  assertStrictEquals(platform.logs.length, 1);
});

test("times that are none are refused and harm no other deadline", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(new Noted(notes, "before"), 10);
  for (const ms of [NaN, -1, -Infinity, "10" as never, undefined as never, null as never]) {
    assertThrows(
      () => deadlines.set(new Noted(notes, "none"), ms),
      RangeError,
      "0 or more is needed",
    );
  }
  deadlines.set(new Noted(notes, "after"), 10);
  platform.advance(10);
  assertEquals(notes, ["before", "after"]);
});

test("Infinity is no deadline", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(new Noted(notes, "never"), Infinity);
  platform.advance(1e9);
  assertEquals(notes, []);
  assertStrictEquals(platform.pendingTimers, 0);
});

test("times beyond what a platform's timer can take are waited for in parts", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(new Noted(notes, "month"), 2 ** 31 * 1.2);
  deadlines.set(new Noted(notes, "aeon"), Number.MAX_VALUE);
  platform.advance(2 ** 31 * 1.2 - 1);
  assertEquals(notes, []);
  platform.advance(40);
  assertEquals(notes, ["month"]);
  deadlines.set(new Noted(notes, "soon"), 5);
  platform.advance(6);
  assertEquals(notes, ["month", "soon"]);
});

test("a hundred thousand deadlines need no more than two of the platform's timers at a time, and few of them in all", () => {
  const { platform, deadlines, notes } = setUp();
  let set = 0;
  let most = 0;
  const original = platform.setTimer.bind(platform);
  platform.setTimer = (ms, fn, options) => {
    set++;
    const timer = original(ms, fn, options);
    most = Math.max(most, platform.pendingTimers);
    return timer;
  };
  for (let i = 0; i < 100_000; i++) {
    const deadline = new Noted(notes, i);
    deadlines.set(deadline, 5_000);
    if (i % 1_000 !== 0) deadlines.clear(deadline);
    if (i % 100 === 0) platform.advance(1);
  }
  assert(set <= 100, `${set} timers set in a second of a hundred calls each millisecond`);
  assert(most <= 2, `${most} at a time`);
  platform.advance(10_000);
  assertStrictEquals(notes.length, 100);
  assertStrictEquals(platform.pendingTimers, 0);
});

test("thousands of different short times share the timer too", () => {
  const { platform, deadlines, notes } = setUp();
  const next = random(3);
  for (let i = 0; i < 5_000; i++) deadlines.set(new Noted(notes, i), next(999));
  assert(platform.pendingTimers <= 1);
  platform.advance(1_000);
  assertStrictEquals(notes.length, 5_000);
  assertStrictEquals(platform.pendingTimers, 0);
});

test("no timer is left when all were cleared, after their time at the latest", () => {
  const { platform, deadlines, notes } = setUp();
  const all = [1, 50, 999, 1_000, 5_000, 60_000].map((ms) => {
    const deadline = new Noted(notes, ms);
    deadlines.set(deadline, ms);
    return deadline;
  });
  for (const deadline of all) deadlines.clear(deadline);
  platform.advance(61_000);
  assertStrictEquals(platform.pendingTimers, 0);
  assertStrictEquals(deadlines.size, 0);
  assertEquals(notes, []);
});

test("calls with long timeouts that are soon answered leave no heap of empty buckets", () => {
  const { platform, deadlines, notes } = setUp();
  const kept = new Noted(notes, "kept");
  deadlines.set(kept, 3_600_000);
  for (let i = 0; i < 20_000; i++) {
    const deadline = new Noted(notes, i);
    deadlines.set(deadline, i % 2 === 0 ? 3_600_000 : 500 + i);
    platform.advance(40);
    deadlines.clear(deadline);
  }
  assert(deadlines.size < 2_100, `${deadlines.size}`);
  platform.advance(3_600_000);
  assertEquals(notes, ["kept"]);
});

test("when it is stopped every deadline is abandoned, and none can be set", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(new Noted(notes, "short"), 5);
  deadlines.set(new Noted(notes, "long"), 5_000);
  platform.advance(1);
  deadlines.set(new Noted(notes, "longer"), 6_000);
  deadlines.stop();
  assertEquals(notes.toSorted(), ["long abandoned", "longer abandoned", "short abandoned"]);
  assertStrictEquals(platform.pendingTimers, 0);
  deadlines.set(new Noted(notes, "late"), 5);
  deadlines.set(new Noted(notes, "late"), 5_000);
  assertStrictEquals(platform.pendingTimers, 0);
  platform.advance(10_000);
  assertStrictEquals(notes.length, 3);
  deadlines.stop();
});

test("a clock that stood still makes deadlines late, never early, and loses none", () => {
  const { platform, deadlines, notes } = setUp();
  deadlines.set(new Noted(notes, 1), 10);
  deadlines.set(new Noted(notes, 2), 5_000);
  deadlines.set(new Noted(notes, 3), 500);
  platform.stall(100_000);
  platform.advance(0);
  assertEquals(notes, [1, 3]); // the second one's time begins when its bucket is closed, which was put off
  platform.advance(5_000);
  assertEquals(notes, [1, 3, 2]);
});

test("a timer of the platform that fires early is set again", () => {
  const { platform, deadlines, notes } = setUp();
  const original = platform.setTimer.bind(platform);
  platform.setTimer = (ms, fn, options) => original(ms > 2 ? ms - 2 : ms, fn, options);
  deadlines.set(new Noted(notes, "exact"), 100);
  platform.advance(99);
  assertEquals(notes, []);
  platform.advance(1);
  assertEquals(notes, ["exact"]);
});
