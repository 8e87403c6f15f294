import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Queue } from "../../lib/_util/queue.ts";

test("what goes in first comes out first", () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 100; i++) queue.push(i);
  for (let i = 0; i < 100; i++) {
    assertStrictEquals(queue.peek(), i);
    assertStrictEquals(queue.shift(), i);
  }
  assertStrictEquals(queue.peek(), undefined);
  assertStrictEquals(queue.shift(), undefined);
});

test("an empty queue gives nothing, again and again, and takes more after that", () => {
  const queue = new Queue<string>();
  assertStrictEquals(queue.shift(), undefined);
  assertStrictEquals(queue.shift(), undefined);
  assertStrictEquals(queue.length, 0);
  queue.push("a");
  assertStrictEquals(queue.length, 1);
  assertStrictEquals(queue.shift(), "a");
  assertStrictEquals(queue.length, 0);
});

test("order is kept while one chunk follows another", () => {
  const queue = new Queue<number>();
  const seen: number[] = [];
  let next = 0;
  // Three in and two out: it is never empty, and each chunk ends elsewhere.
  for (let round = 0; round < 1000; round++) {
    for (let i = 0; i < 3; i++) queue.push(next++);
    for (let i = 0; i < 2; i++) seen.push(queue.shift()!);
    assertStrictEquals(queue.length, next - seen.length);
  }
  assertEquals([...queue], Array.from({ length: 1000 }, (_, i) => 2000 + i));
  while (queue.length > 0) seen.push(queue.shift()!);
  assertEquals(seen, Array.from({ length: 3000 }, (_, i) => i));
});

test("iterating takes nothing out", () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 6; i++) queue.push(i);
  queue.shift();
  queue.shift();
  queue.push(6);
  assertEquals([...queue], [2, 3, 4, 5, 6]);
  assertStrictEquals(queue.length, 5);
});

test("falsy values are queued as any other", () => {
  const queue = new Queue<unknown>();
  for (const value of [0, "", false, null, NaN]) queue.push(value);
  assertEquals([...queue], [0, "", false, null, NaN]);
  assertStrictEquals(queue.shift(), 0);
  assertStrictEquals(queue.shift(), "");
  assertStrictEquals(queue.shift(), false);
  assertStrictEquals(queue.shift(), null);
});

test("a cleared queue is empty and can be used again", () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 10; i++) queue.push(i);
  queue.clear();
  assertStrictEquals(queue.length, 0);
  assertStrictEquals(queue.shift(), undefined);
  queue.push(1);
  assertStrictEquals(queue.shift(), 1);
});

test("a queue of a hundred thousand is worked off in order", () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 100_000; i++) queue.push(i);
  let expected = 0;
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
    if (item !== expected++) throw new Error(`${item} came instead of ${expected - 1}`);
  }
  assertStrictEquals(expected, 100_000);
  queue.push(7);
  assertStrictEquals(queue.shift(), 7);
});

test("a queue gives away the first that fits, and keeps the order of the others", () => {
  for (let before = 0; before < 5; before++) {
    const queue = new Queue<number>();
    for (let i = 0; i < 3; i++) queue.push(i);
    for (let i = 0; i < 3; i++) queue.shift(); // so that it begins in the middle of its ring
    for (let i = 0; i < 6; i++) queue.push(i);
    assertStrictEquals(queue.remove((n) => n >= before), before);
    assertStrictEquals(queue.remove((n) => n > 9), undefined);
    assertEquals([...queue], [0, 1, 2, 3, 4, 5].filter((n) => n !== before));
    queue.push(6);
    assertStrictEquals(queue.length, 6);
  }
});

test("items can be put before those that are there", () => {
  const queue = new Queue<number>();
  queue.putBefore([]);
  for (const n of [3, 4]) queue.push(n);
  queue.putBefore([1, 2]);
  queue.push(5);
  assertEquals([...queue], [1, 2, 3, 4, 5]);
});

test("a queue does what an array does, whatever comes in which order", () => {
  let seed = 7;
  const random = (below: number): number => (seed = seed * 48_271 % 2_147_483_647) % below;
  const queue = new Queue<number>();
  let model: number[] = [];
  for (let step = 0, next = 0; step < 20_000; step++) {
    const what = random(100);
    if (what < 40) {
      for (let i = random(step % 1_000 === 0 ? 3_000 : 4); i >= 0; i--, next++) {
        queue.push(next);
        model.push(next);
      }
    } else if (what < 90) {
      for (let i = random(5); i >= 0; i--) assertStrictEquals(queue.shift(), model.shift());
    } else if (what < 97) {
      const divisor = 2 + random(9);
      const at = model.findIndex((item) => item % divisor === 1);
      const expected = at < 0 ? undefined : model.splice(at, 1)[0];
      assertStrictEquals(queue.remove((item) => item % divisor === 1), expected);
    } else if (what < 99) {
      const items = [-next, -next - 1];
      queue.putBefore(items);
      model.unshift(...items);
    } else if (random(10) === 0) {
      queue.clear();
      model = [];
    }
    assertStrictEquals(queue.length, model.length);
    assertStrictEquals(queue.peek(), model[0]);
    if (step % 500 === 0) assertEquals([...queue], model);
  }
  assertEquals([...queue], model);
});
