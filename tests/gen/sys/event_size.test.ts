import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { sizeOf } from "../../../lib/gen/sys/_event_size.ts";
import {
  atom,
  GenServer,
  ImproperList,
  startNode,
  sys,
  type Term,
  TermMap,
  tuple,
} from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

test("a term is about as large as its parts", () => {
  assertEquals(sizeOf(atom("a"), 1_000), 16);
  assertEquals(sizeOf(new Uint8Array(100), 1_000), 116);
  assertEquals(sizeOf(tuple("ab", [1, 2]), 1_000), 16 * 5 + 2);
  assertEquals(sizeOf(new TermMap([[1, "abc"]]), 1_000), 16 * 3 + 3);
  assertEquals(sizeOf(new ImproperList([1], 2), 1_000), 16 * 3);
  assert(sizeOf(new Array(1_000_000).fill(1), 1_000) < 1_100);
});

class Plain extends GenServer {
  override handleInfo(): void {}
}

test("what sys keeps of a server's events has bounds, whatever the server gets", async () => {
  await using node = await startNode("demo@localhost", {
    cookie: "secret",
    allowWeakCookie: true,
    epmd: false,
    listen: false,
    signals: false,
  });
  const server = await node.start(Plain, []);
  await sys.log(node, server, 10_000);
  for (let i = 0; i < 50; i++) server.send(new Uint8Array(2 ** 20) as Term);
  const kept = (await sys.getLog(node, server)).length;
  assert(kept > 10 && kept < 40, `${kept} of 100`); // each is an event when it comes, and one when it is done
});

testNothingIsLeft();
