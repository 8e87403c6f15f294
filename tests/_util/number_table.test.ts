import { assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import type { Process } from "../../lib/node/process/process.ts";
import { NumberTable } from "../../lib/_util/number_table.ts";

// Only which one it is matters to the table.
const some = (number: number): Process => ({ number }) as unknown as Process;

test("finds what a Map finds, however processes come and go", () => {
  const table = new NumberTable<Process>();
  const model = new Map<number, Process>();
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  // Few pages, some of which are emptied and filled again, below and beyond what 32 bits hold.
  const numbers = [0, 2 ** 32 - 50, 2 ** 40].flatMap((first) =>
    Array.from({ length: 100 }, (_, i) => first + i)
  );
  for (let i = 0; i < 20_000; i++) {
    const number = numbers[random(numbers.length)];
    // Now there are more that come, now more that go.
    if (random(10) < (i % 4_000 < 2_000 ? 7 : 2)) {
      const process = some(number);
      table.set(number, process);
      model.set(number, process);
    } else {
      table.delete(number);
      model.delete(number);
    }
    const other = numbers[random(numbers.length)];
    assertStrictEquals(table.get(other), model.get(other));
    assertEquals([table.has(other), table.size], [model.has(other), model.size]);
  }
  assertEquals(new Set(table.values()), new Set(model.values()));
  for (const number of numbers) table.delete(number);
  assertEquals([table.size, [...table.values()]], [0, []]);
});

test("gives its processes in the order in which they were made", () => {
  const table = new NumberTable<Process>();
  const all = Array.from({ length: 1_000 }, (_, number) => some(number));
  all.forEach((process, number) => table.set(number, process));
  for (let number = 0; number < 1_000; number += 3) table.delete(number);
  assertEquals([...table.values()], all.filter((_, number) => number % 3 !== 0));
});

test("a page that was emptied and given up is not looked at any more", () => {
  const table = new NumberTable<Process>();
  const [a, b, c] = [some(5), some(40), some(6)];
  table.set(5, a);
  table.delete(5); // the newest page is kept
  table.set(6, c);
  assertStrictEquals(table.get(6), c);
  table.delete(6);
  table.set(40, b); // and given up where another one is made
  assertEquals([table.get(5), table.get(6), table.has(5), table.size], [
    undefined,
    undefined,
    false,
    1,
  ]);
  table.set(5, a); // of an earlier number, as another part of the node may have
  table.delete(40);
  assertEquals([...table.values()], [a]);
  table.set(41, b);
  assertEquals([table.get(5), table.get(41), table.size], [a, b, 2]);
});

test("a page that was looked at last is not looked at any more when it is given up as the newest", () => {
  const table = new NumberTable<Process>();
  const [a, b, c, d] = [some(1), some(33), some(70), some(34)];
  table.set(1, a);
  table.set(33, b);
  assertStrictEquals(table.get(1), a);
  table.delete(1);
  table.delete(33);
  table.set(70, c);
  table.set(34, d);
  assertEquals([table.get(33), table.get(34), table.get(70), table.size], [undefined, d, c, 2]);
  assertEquals(new Set(table.values()), new Set([c, d]));
  table.clear();
  assertEquals([table.get(34), table.has(70), table.size, [...table.values()]], [
    undefined,
    false,
    0,
    [],
  ]);
  assertEquals([table.delete(-1), table.delete(34), table.get(-1)], [false, false, undefined]);
});
