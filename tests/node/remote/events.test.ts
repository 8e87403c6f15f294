import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Events } from "../../../lib/node/remote/events.ts";

test("a listener gets what happens from then on, in order, and nothing from before", async () => {
  const events = new Events<number>();
  events.emit(0);
  const listening = events.listen();
  for (let i = 1; i <= 3; i++) events.emit(i);
  for (let i = 1; i <= 3; i++) assertEquals(await listening.next(), { done: false, value: i });
  const waiting = listening.next();
  events.emit(4);
  assertEquals(await waiting, { done: false, value: 4 });
});

test("every listener gets every event", async () => {
  const events = new Events<number>();
  const [one, other] = [events.listen(), events.listen()];
  events.emit(1);
  assertEquals([(await one.next()).value, (await other.next()).value], [1, 1]);
});

test("a loop that is left listens no more", async () => {
  const events = new Events<number>();
  const seen: number[] = [];
  const listening = events.listen();
  events.emit(1);
  events.emit(2);
  events.emit(3);
  for await (const event of listening) {
    seen.push(event);
    if (event === 2) break;
  }
  events.emit(4);
  assertEquals(seen, [1, 2]);
  assertStrictEquals((await listening.next()).done, true);
});

test("when the source is closed the events before are still read, then the loop ends; a later one ends at once", async () => {
  const events = new Events<number>();
  const listening = events.listen();
  const waiting = events.listen().next();
  events.emit(1);
  events.close();
  assertEquals(await waiting, { done: false, value: 1 });
  const seen: number[] = [];
  for await (const event of listening) seen.push(event);
  for await (const event of events.listen()) seen.push(event);
  assertEquals(seen, [1]);
});

test("a signal ends a loop, also one that has aborted already, and is let go of when the loop is left", async () => {
  const events = new Events<number>();
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const [add, remove] = [
    signal.addEventListener.bind(signal),
    signal.removeEventListener.bind(signal),
  ];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  await events.listen(signal).return!();
  assertStrictEquals(listeners, 0);
  const waiting = events.listen(signal).next();
  controller.abort();
  assertStrictEquals((await waiting).done, true);
  assertStrictEquals(listeners, 0);
  assertStrictEquals((await events.listen(signal).next()).done, true);
});
