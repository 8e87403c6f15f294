/** A saga crashes at each message of a transaction: those that live come to the same end. More crashes, in any order: tests/simulations/saga_core.ts. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { assertWhole, runWith, WAYS } from "./_participants.ts";

test("without a crash it is committed on all", async () => {
  const ledger = await runWith([]);
  assertEquals(ledger.result, "o(x,a(o,c(a)),b(o))");
  assertEquals([...ledger.parts].map(([name, part]) => [name, part.outcome]), [
    ["o", "committed"],
    ["a", "committed"],
    ["c", "committed"],
    ["b", "committed"],
  ]);
});

test("one crash, at each message that is handled or sent", async () => {
  const { count } = await runWith([]);
  assert(count.handled > 20 && count.sends > 20, JSON.stringify(count));
  const ends = new Set<string | null>();
  for (const when of WAYS) {
    for (let at = 0; at < count[when]; at++) {
      const crash = { when, at };
      const ledger = await runWith([crash]);
      assertWhole(ledger, JSON.stringify(crash));
      for (const part of ledger.parts.values()) ends.add(part.outcome);
    }
  }
  assert(ends.has("committed") && ends.has("cancelled"));
});
