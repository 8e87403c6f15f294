import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { atom, GenServer, io, logger, sys, tuple } from "../../mod.ts";
import { nodeTest, spawned } from "./_nodes.ts";

class Counter extends GenServer {
  count = 7;
}

nodeTest("who forgets where something is done from is told what comes first", async ({ node }) => {
  const counter = await node.start(Counter, []);
  const words = "first comes where it is done from, a node, or the process itself";
  for (const from of [counter, counter.pid, undefined, null, 5, {}]) {
    const example = "as sys.getState(node, server)";
    await assertRejects(() => sys.getState(from as never, counter), TypeError, words);
    await assertRejects(() => sys.suspend(from as never, counter), TypeError, example);
  }
  const { pid, value: self } = await spawned(node, (self) => self);
  assertEquals(await sys.getStatus(self, counter).then(({ state }) => state), "running");
  const wrong: readonly (readonly unknown[])[] = [
    [node, "info", "ready"],
    [undefined, "info", "ready"],
    [self, "loud", "ready"],
    [self, Symbol("info"), "ready"],
  ];
  for (const args of wrong) {
    const log = logger.log as (...args: readonly unknown[]) => void;
    const { message } = assertThrows(() => log(...args), Error);
    assert(/^Cannot log/.test(message), message);
  }
  await assertRejects(
    () => io.putChars(node as never, "x"),
    TypeError,
    'as io.putChars(this, "text")',
  );
  const reply = "the {Pid, Tag} that came with the request is needed first";
  for (const from of [5, undefined, tuple(1, 2), tuple(pid), [pid, 1]]) {
    assertThrows(() => node.reply(from as never, 1), TypeError, reply);
  }
  assertThrows(() => self.after(5, "x" as never), TypeError, "a function is needed");
  node.exit(pid, atom("kill"));
  await counter.stop();
});
