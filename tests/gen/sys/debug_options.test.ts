import { test } from "node:test";
import { assert } from "@std/assert";
import { GenServer, startNode, sys, type Term } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

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
