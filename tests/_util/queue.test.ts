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

test("order is kept while the ring goes round and grows", () => {
  const queue = new Queue<number>();
  const seen: number[] = [];
  let next = 0;
  // Three in and two out: the ring is never aligned when it grows.
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
