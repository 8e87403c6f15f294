import { assertEquals, assertThrows } from "@std/assert";
import { setImmediate } from "node:timers";
import { describe, it } from "node:test";
import { atom, GenServer, startNode } from "../../../mod.ts";
import { BusyPoll, busyPollOf, checkBusyPoll } from "../../../lib/node/remote/busy_poll.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

/** A busy poll of 100 microseconds whose turns and time are given by hand. */
class Looking {
  now = 0;
  turns = 0;
  readonly poll: BusyPoll;
  #next: (() => void) | null = null;

  constructor() {
    this.poll = new BusyPoll({ now: () => this.now }, (fn) => {
      assertEquals(this.#next, null, "one turn at a time");
      this.#next = fn;
    }, 100);
  }

  get looks(): boolean {
    return this.#next !== null;
  }

  /** One turn, that takes so many microseconds. */
  turn(microseconds = 10): void {
    const next = this.#next!;
    this.#next = null;
    this.now += microseconds / 1000;
    this.turns++;
    next();
  }

  /** Turns until it sleeps. Returns how many. */
  untilAsleep(microseconds = 10): number {
    const before = this.turns;
    while (this.looks) this.turn(microseconds);
    return this.turns - before;
  }

  pass(microseconds: number): void {
    this.now += microseconds / 1000;
  }

  /** Nothing comes so often that it does not look any more. */
  tire(): void {
    while (this.looks || this.#came()) this.untilAsleep();
  }

  #came(): boolean {
    this.pass(1000);
    this.poll.came();
    return this.looks;
  }
}

describe("busy poll", () => {
  it("looks for as long as it is told, from the turn behind what came", () => {
    const it = new Looking();
    assertEquals(it.looks, false);
    it.poll.came();
    it.turn();
    assertEquals(it.untilAsleep(30), 4);
    it.poll.asked();
    it.turn();
    assertEquals(it.untilAsleep(30), 4);
  });

  it("begins anew with everything that comes or is asked", () => {
    const it = new Looking();
    it.poll.came();
    for (let i = 0; i < 50; i++) {
      it.turn(90);
      if (i % 2 === 0) it.poll.came();
      else it.poll.asked();
    }
    it.turn();
    assertEquals(it.untilAsleep(30), 4);
  });

  it("stops where nothing came three times in a row, and takes no turn then", () => {
    const it = new Looking();
    for (let i = 0; i < 3; i++) {
      it.pass(1000);
      it.poll.came();
      assertEquals(it.looks, true);
      it.untilAsleep();
    }
    for (let i = 0; i < 1000; i++) {
      it.pass(1000);
      it.poll.came();
      it.pass(1000);
      it.poll.asked();
      assertEquals(it.looks, false);
    }
  });

  it("goes on where something comes one time in two", () => {
    const it = new Looking();
    for (let i = 0; i < 30; i++) {
      it.pass(1000);
      it.poll.came();
      it.turn();
      if (i % 2 === 1) it.poll.came();
      it.untilAsleep();
    }
    it.poll.came();
    assertEquals(it.looks, true);
  });

  it("what was only asked is no success", () => {
    const it = new Looking();
    for (let i = 0; i < 3; i++) {
      it.poll.asked();
      it.turn();
      it.poll.asked();
      it.untilAsleep();
    }
    it.poll.asked();
    assertEquals(it.looks, false);
  });

  it("begins again when messages come closely, later each time that it was vain", () => {
    const it = new Looking();
    it.tire();
    for (const needed of [1, 2, 4, 8]) {
      it.pass(1000);
      it.poll.came();
      for (let i = 0; i < needed; i++) {
        assertEquals(it.looks, false);
        it.pass(90);
        it.poll.came();
      }
      assertEquals(it.looks, true);
      it.untilAsleep(); // nothing comes: the messages came closely, but not while it looks
    }
  });

  it("the time from a question to its answer counts, too", () => {
    const it = new Looking();
    it.tire();
    it.pass(1000);
    it.poll.asked();
    it.pass(90);
    it.poll.came();
    assertEquals(it.looks, true);
  });

  it("forgets earlier failures when it has found enough", () => {
    const it = new Looking();
    it.tire();
    const closely = (count: number) => {
      it.pass(1000);
      for (let i = 0; i <= count; i++) {
        it.pass(90);
        it.poll.came();
      }
    };
    for (const needed of [1, 2, 4, 8]) {
      closely(needed);
      it.untilAsleep();
    }
    closely(16);
    assertEquals(it.looks, true);
    for (let i = 0; i < 100; i++) {
      it.turn();
      it.poll.came();
    }
    it.tire();
    closely(1);
    assertEquals(it.looks, true);
  });

  it("ends with a clock that stands still", () => {
    const it = new Looking();
    it.poll.came();
    assertEquals(it.untilAsleep(0), 101);
  });

  it("takes no turn once it is stopped", () => {
    const it = new Looking();
    it.poll.came();
    it.poll.stop();
    assertEquals(it.untilAsleep(), 1);
    it.poll.came();
    it.poll.asked();
    assertEquals(it.looks, false);
  });

  it("is off without a time, and where the platform cannot look", () => {
    const platform = new FakePlatform();
    assertEquals(busyPollOf(platform, 100), null);
    const able = Object.assign(platform, { poll: (fn: () => void) => platform.yield(fn) });
    assertEquals(busyPollOf(able, undefined), null);
    assertEquals(busyPollOf(able, 0), null);
    const poll = busyPollOf(able, 100)!;
    poll.came();
    able.turn(); // whose clock stands still: it comes back all the same
    poll.stop();
  });

  it("refuses what is no time", async () => {
    for (const wrong of [-1, NaN, Infinity, 10_001]) {
      const message = `Cannot use busyPoll ${wrong}: it must be 0 to 10000 microseconds`;
      assertThrows(() => checkBusyPoll(wrong), RangeError, message);
      const error = await startNode("poll_bad@localhost", { cookie: "x", busyPoll: wrong })
        .catch((error) => error);
      assertEquals([error.constructor, error.message], [RangeError, message]);
    }
    checkBusyPoll(0);
    checkBusyPoll(10_000);
  });
});

class Echo extends GenServer {
  override readonly calls = { get: () => 5 };
}

describe("a node that looks for messages", () => {
  it("answers, and takes no turn any more when nothing comes", async () => {
    // The runtime's own loop, whose turns are counted.
    const platform = await defaultPlatform();
    let [turns, waiting] = [0, 0];
    let asleep = () => {};
    const counted = {
      ...platform,
      poll: (fn: () => void) => {
        waiting++;
        setImmediate(() => {
          turns++;
          waiting--;
          fn();
          if (waiting === 0) asleep();
        });
      },
    };
    const options = {
      cookie: "poll",
      epmd: false,
      busyPoll: 50,
      platform: counted,
      signals: false,
    } as const;
    await using far = await startNode("poll_far@localhost", options);
    const { host, port } = far.address!;
    const routes = { "poll_far@localhost": { host, port } };
    await using near = await startNode("poll_near@localhost", {
      ...options,
      listen: false,
      routes,
    });
    await far.start(Echo, [], { register: "echo" });
    const call = () => near.call({ name: "echo", node: far.name }, atom("get"));
    for (let round = 0; round < 5; round++) {
      assertEquals(await call(), 5);
      while (waiting > 0) await new Promise<void>((resolve) => asleep = resolve);
    }
    assertEquals(turns > 0, true);
    // Nothing comes: no turn follows, whatever else the program does. What the last call left on its way may come first.
    let before: number;
    let looks = 0;
    do {
      before = turns;
      for (let i = 0; i < 100; i++) await new Promise((resolve) => void setImmediate(resolve));
    } while (turns !== before && ++looks < 20);
    assertEquals(turns, before);
    assertEquals(await call(), 5);
    await near.stop();
    await far.stop();
    const after = turns + waiting;
    while (waiting > 0) await new Promise<void>((resolve) => asleep = resolve);
    assertEquals(turns <= after, true); // what was on its way is the last one
  });
});

testNothingIsLeft();
