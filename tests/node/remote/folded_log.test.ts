import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type Folded, FoldedLog } from "../../../lib/node/remote/folded_log.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

test("the first of an address is told at once, the others as a count at the end of the minute", () => {
  const platform = new FakePlatform();
  const told: Folded<Error>[] = [];
  const log = new FoldedLog<Error>(platform, "others", (folded) => told.push(folded));
  const last = new Error("last");
  assertEquals(log.isFirst("a", new Error("first")), true);
  for (let i = 0; i < 99; i++) assertEquals(log.isFirst("a", new Error("more")), false);
  platform.advance(30_000);
  assertEquals(log.isFirst("b", new Error("other")), true);
  assertEquals(log.isFirst("a", last), false);
  assertEquals(told, []);
  platform.advance(30_000);
  assertEquals(told, [{ key: "a", count: 100, last }]);
  platform.advance(30_000);
  assertEquals(told.length, 1); // there was one of b alone, which was told
  assertEquals(platform.pendingTimers, 0);
  assertEquals(log.isFirst("a", last), true);
  assertEquals(log.isFirst("a", last), false);
  log.close();
  assertEquals([told.length, platform.pendingTimers], [2, 0]);
});

test("so many of an address are told at once as it is allowed", () => {
  const platform = new FakePlatform();
  const told: Folded<Error>[] = [];
  const log = new FoldedLog<Error>(platform, "others", (folded) => told.push(folded));
  const first = Array.from({ length: 10 }, () => log.isFirst("a", new Error("x"), 3));
  assertEquals(first.filter(Boolean).length, 3);
  platform.advance(60_000);
  assertEquals(told.map(({ count }) => count), [7]);
  assertEquals(log.isFirst("a", new Error("x"), 3), true);
  log.close();
});

test("very many addresses are folded together", () => {
  const platform = new FakePlatform();
  const told: Folded<Error>[] = [];
  const log = new FoldedLog<Error>(platform, "others", (folded) => told.push(folded));
  let first = 0;
  for (let i = 0; i < 1000; i++) if (log.isFirst(`address ${i}`, new Error("x"))) first++;
  assertEquals(first, 257);
  log.close();
  assertEquals(told.map(({ key, count }) => [key, count]), [["others", 743]]);
});
