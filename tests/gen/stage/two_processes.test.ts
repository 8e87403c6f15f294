/** Three stages in two programs. At length: tests/long/stages.test.ts. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { flow } from "./_two_processes.ts";

const before = openNow();

test("20,000 events go to another program and back: none lost, none twice, in order", async () => {
  const { count, wrong } = await flow(20_000);
  assertEquals([count, wrong], [20_000, 0]);
});

test("nothing is left", async () => {
  await assertNothingLeft(before);
});
