// Three programs, the leader killed three times under load; tests/long/raft_kill.ts does it a hundred times, with three runtimes.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { selfCommand } from "../../_support/runtime.ts";
import { killLeaders } from "./_kill.ts";

test("what was acknowledged is there after the leader was killed, three times", async () => {
  const command = selfCommand("tests/gen/raft/_raft_member.ts");
  const { acknowledged, recovery } = await killLeaders([command, command, command], 3);
  assertEquals(recovery.length, 3);
  assert(acknowledged >= 60);
});

testNothingIsLeft();
