import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { RecurringMap } from "../../lib/_util/recurring_map.ts";

test("holds what a Map holds, however keys come and go", () => {
  const map = new RecurringMap<string, { i: number }>();
  const model = new Map<string, { i: number }>();
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  for (let i = 0; i < 20_000; i++) {
    const key = `k${random(400)}`;
    // Now there are more that come, now more that go.
    if (random(10) < (i % 4_000 < 2_000 ? 7 : 2)) {
      map.set(key, { i });
      model.set(key, { i });
    } else {
      assertEquals(map.delete(key), model.delete(key));
    }
    const other = `k${random(400)}`;
    assertEquals([map.get(other), map.size], [model.get(other), model.size]);
  }
  const byTime = (a: { i: number }, b: { i: number }): number => a.i - b.i;
  assertEquals([...map.values()].sort(byTime), [...model.values()].sort(byTime));
  map.clear();
  assertEquals([map.size, [...map.values()]], [0, []]);
});

test("what has left may come back while the values are gone through", () => {
  const map = new RecurringMap<number, { name: string }>();
  for (let i = 0; i < 3; i++) map.set(i, { name: `${i}` });
  const seen: string[] = [];
  for (const { name } of map.values()) {
    seen.push(name);
    if (name === "0") {
      map.delete(1);
      map.set(2, { name: "two" });
    }
  }
  assertEquals(seen, ["0", "two"]);
});
