import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { BusyError, type Node } from "../../mod.ts";
import { Held } from "../../lib/workers/_held.ts";

/** A node that takes more when it is told to. */
function slowNode(): { node: Node; faults: unknown[]; go(): Promise<void>; lose(): Promise<void> } {
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  const faults: unknown[] = [];
  const node = {
    _core: { fault: (_what: string, error: unknown) => void faults.push(error) },
    sendReady: () => new Promise<void>((resolve, reject) => void waiting.push({ resolve, reject })),
  } as unknown as Node;
  const turn = async (end: (waiter: typeof waiting[number]) => void): Promise<void> => {
    for (const waiter of waiting.splice(0)) end(waiter);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return {
    node,
    faults,
    go: () => turn(({ resolve }) => resolve()),
    lose: () => turn(({ reject }) => reject(new Error("gone"))),
  };
}

test("what a node does not take waits in its order, and those who send are told", async () => {
  const { node, go, faults } = slowNode();
  const told: [string, boolean][] = [];
  const held = new Held(node, (name, busy) => void told.push([name, busy]));
  let room = 1;
  const sent: number[] = [];
  const send = (at: number) => (): void => {
    if (room-- <= 0) throw new BusyError("far", 0);
    sent.push(at);
  };
  for (const at of [1, 2, 3, 4]) held.send("far", send(at));
  held.send("near", () => void sent.push(100));
  assertEquals(sent, [1, 100]);
  assertEquals(told, [["far", true]]);
  room = 2;
  await go();
  assertEquals(sent, [1, 100, 2, 3]);
  assertEquals(told.length, 1);
  room = 5;
  await go();
  assertEquals(sent, [1, 100, 2, 3, 4]);
  assertEquals(told, [["far", true], ["far", false]]);
  held.send("far", send(5));
  assertEquals(sent.at(-1), 5);
  assertEquals(faults, []);
});

test("what waits for a node that is lost is lost with it; other faults are the sender's", async () => {
  const { node, lose } = slowNode();
  const told: boolean[] = [];
  const held = new Held(node, (_name, busy) => void told.push(busy));
  held.send("far", () => {
    throw new BusyError("far", 0);
  });
  await lose();
  assertEquals(told, [true, false]);
  assertThrows(() =>
    held.send("far", () => {
      throw new TypeError("no term");
    }), TypeError);
});
