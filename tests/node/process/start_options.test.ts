import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { GenServer, startNode } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

class Plain extends GenServer {}

test("what cannot be started with its options has left neither a process nor its name", async () => {
  const node = await startNode("options@localhost", { network: false });
  const processes = node.processes().length;
  const wrong = [
    { env: 5 },
    { env: null },
    { env: [1] },
    { env: new Map([["a", 1]]) },
    { mailbox: { max: 0 } },
    { mailbox: "drop" },
    { terms: 5 },
    { terms: { floats: "wrapped" } },
    { link: 5 },
    { link: null },
    { linked: node.pid },
  ];
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

test("how messages are decoded must be one of the ways that there are", async () => {
  const node = await startNode("options@localhost", { network: false });
  const wrong: readonly (readonly [terms: unknown, why: string])[] = [
    [5, "it must be an object, number came"],
    [null, "it must be an object, null came"],
    ["text", "it must be an object, string came"],
    [[], "it must be an object, an array came"],
    [{ binaries: "texts" }, 'its binaries must be "bytes" or "text"'],
    [{ objects: true }, 'its objects must be "atoms" or "binaries"'],
    [{ floats: null }, 'its floats must be "number" or "wrap"'],
    [
      { float: "wrap" },
      "it has no float, there are binaries, objects, floats; floats may be meant",
    ],
    // Those are the node's.
    [{ maxMemory: 1 }, "it has no maxMemory, there are binaries, objects, floats"],
  ];
  for (const [terms, why] of wrong) {
    const options = { terms } as never;
    const spawning = assertThrows(() => node.spawn(() => {}, options), TypeError);
    assertEquals(spawning.message, `Cannot spawn a process with option terms: ${why}`);
    const starting = await assertRejects(() => node.start(Plain, [], options), TypeError);
    assertEquals(starting.message, `Cannot start Plain with option terms: ${why}`);
  }
  node.spawn(() => {}, { terms: { binaries: "text", objects: "atoms", floats: "wrap" } });
  node.spawn(() => {}, { terms: { binaries: undefined } });
  await node.start(Plain, [], { terms: {} });
  await node.stop();
});

testNothingIsLeft();
