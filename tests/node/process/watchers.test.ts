import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { ChainedWatcher, Watchers } from "../../../lib/node/process/watchers.ts";
import type { Watcher } from "../../../lib/node/process/process.ts";

class Chained extends ChainedWatcher {
  down(): void {}
}

test("holds what a Set holds, whichever kind comes and goes", () => {
  const watchers = new Watchers();
  const model = new Set<Watcher>();
  const all: Watcher[] = Array.from(
    { length: 20 },
    (_, i) => i % 2 === 0 ? new Chained() : { down() {} },
  );
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  for (let i = 0; i < 2_000; i++) {
    const one = all[random(all.length)];
    if (!model.has(one) && random(2) === 0) {
      watchers.add(one);
      model.add(one);
    } else {
      watchers.delete(one);
      model.delete(one);
    }
    assertEquals(watchers.size, model.size);
  }
  assertEquals(new Set(watchers), model);
  for (const one of all) watchers.delete(one);
  assertEquals([watchers.size, [...watchers]], [0, []]);
});

test("goes through those that are there when it begins, each kind in its order", () => {
  const watchers = new Watchers();
  const [a, b, c] = [new Chained(), new Chained(), new Chained()];
  const other = { down() {} };
  for (const one of [a, other, b, c]) watchers.add(one);
  const seen: Watcher[] = [];
  for (const one of watchers) {
    seen.push(one);
    watchers.delete(b);
    watchers.delete(one);
  }
  assertEquals(seen.map((one) => [other, a, b, c].indexOf(one as Chained)), [0, 1, 2, 3]);
  assertEquals(watchers.size, 0);
});

test("a chained one that was taken out is of nobody, and can be put elsewhere", () => {
  const [here, there] = [new Watchers(), new Watchers()];
  const one = new Chained();
  here.add(one);
  here.delete(one);
  here.delete(one);
  there.add(one);
  assertEquals([here.size, there.size, [...here].length, [...there]], [0, 1, 0, [one]]);
});
