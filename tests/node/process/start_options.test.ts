import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { GenServer, startNode } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

class Plain extends GenServer {}

test("what cannot be started with its options has left neither a process nor its name", async () => {
  const node = await startNode("options@localhost", { network: false });
  const processes = node.processes().length;
  const wrong = [{ env: 5 }, { env: null }, { mailbox: { max: 0 } }, { mailbox: "drop" }];
  for (const option of wrong) {
    const options = { register: "mine", ...option } as never;
    assertThrows(() => node.spawn(() => {}, options), TypeError);
    await assertRejects(() => node.start(Plain, [], options), TypeError);
    assertEquals(node.whereis("mine"), undefined);
    assertEquals(node.processes().length, processes);
  }
  await node.start(Plain, [], { register: "mine", env: { a: 1 }, mailbox: { max: 1 } });
  await node.stop();
});

testNothingIsLeft();
