// How long a call waits, and what becomes of a request whose caller waits no longer.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { atom, CallTimeoutError, GenServer, later, on, t } from "../../../mod.ts";
import { nodeTest, spawned } from "../../node/_nodes.ts";
import { bothWays, failure, type Gate, gate } from "../_servers.ts";

class Slow extends GenServer {
  static gates: Gate<number>[] = [];
  override readonly calls = {
    slow: () => {
      const made = gate<number>();
      Slow.gates.push(made);
      return later(made.promise);
    },
    get: () => 1,
  };
}

bothWays("a call waits five seconds, unless it is told otherwise", async ({ node, platform }) => {
  const slow = await node.start(Slow, [], { register: "slow" });
  const waits: [Promise<unknown>, number, string][] = [
    [failure(slow.call("slow")), 5000, "process"],
    [failure(node.call("slow", atom("slow"))), 5000, "slow"],
    [failure(slow.with({ timeout: 300 }).call("slow")), 300, "process"],
    [failure(node.call("slow", atom("slow"), { timeout: 300 })), 300, "slow"],
    [failure(node.call("slow", atom("slow"), t.integer, { timeout: 300 })), 300, "slow"],
    [failure(slow.with({ timeout: 20_000 }).with({}).call("slow")), 20_000, "process"],
  ];
  await slow.call("get");
  for (const [, timeout] of waits) await platform.elapse(timeout + 40);
  for (const [wait, timeout, target] of waits) {
    const error = await wait;
    assertInstanceOf(error, CallTimeoutError);
    assertStrictEquals(error.timeout, timeout);
    assert(error.target.startsWith(target), error.target);
    assert(error.message.includes(`no reply within ${timeout} ms`), error.message);
    assertStrictEquals(error.exitReason, atom("timeout"));
  }
  assertStrictEquals(node._core.aliasCount, 0);
});

bothWays("no call ends before its time", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  let over = 0;
  for (const timeout of [100, 5000]) {
    failure(slow.with({ timeout }).call("slow")).then(() => over++);
  }
  await slow.call("get");
  await platform.elapse(99);
  assertStrictEquals(over, 0);
  await platform.elapse(1);
  assertStrictEquals(over, 1);
  await platform.elapse(4899);
  assertStrictEquals(over, 1);
  await platform.elapse(100);
  assertStrictEquals(over, 2);
});

bothWays("a reply that comes too late is dropped", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  const { value: late, pid } = await spawned(
    node,
    (self) => failure(slow.as(self).with({ timeout: 100 }).call("slow")),
  );
  await slow.call("get");
  await platform.elapse(100);
  assertInstanceOf(await late, CallTimeoutError);
  Slow.gates.at(-1)!.open(7);
  await platform.settle();
  assertStrictEquals(node._core.process(pid)!.queued, 0);
  assertStrictEquals(await slow.call("get"), 1);
});

nodeTest("a request whose caller waits no longer is not handled", async ({ node, platform }) => {
  const block = gate();
  const handled: number[] = [];
  class Busy extends GenServer {
    override readonly calls = {
      block: () => block.promise,
      step: on(t.integer, (i) => void handled.push(i)),
    };
  }
  const busy = await node.start(Busy, []);
  const blocked = busy.with({ timeout: Infinity }).call("block");
  const late = failure(busy.with({ timeout: 100 }).call("step", 1));
  await platform.elapse(100);
  assertInstanceOf(await late, CallTimeoutError);
  block.open();
  await blocked;
  await busy.call("step", 2);
  assertEquals(handled, [2]);
});

bothWays("a call without a limit waits for ever", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  let reply: number | null = null;
  const wait = slow.with({ timeout: Infinity }).call("slow").then((n) => reply = n);
  await slow.call("get");
  await platform.elapse(10_000_000);
  assertStrictEquals(reply, null);
  Slow.gates.at(-1)!.open(3);
  await wait;
  assertStrictEquals(reply, 3);
});

bothWays(
  "a call with no time at all does not wait for what is not there at once",
  async ({ node, platform }) => {
    const slow = await node.start(Slow, []);
    const wait = failure(slow.with({ timeout: 0 }).call("slow"));
    await platform.elapse(1);
    const error = await wait;
    assertInstanceOf(error, CallTimeoutError);
    assertStrictEquals(error.timeout, 0);
  },
);

bothWays("a timeout that is none is refused, as a rejection", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  for (const timeout of [-1, NaN, -Infinity, "5" as never]) {
    const error = await failure(slow.with({ timeout }).call("slow"));
    assertInstanceOf(error, RangeError, String(timeout));
  }
  await platform.settle();
  assertStrictEquals(await slow.call("get"), 1);
});

bothWays("a signal gives a call up, before it or while it waits", async ({ node, platform }) => {
  const slow = await node.start(Slow, []);
  const reason = new Error("no longer needed");
  const count = Slow.gates.length;
  const aborted = AbortSignal.abort(reason);
  assertStrictEquals(await failure(slow.with({ signal: aborted }).call("slow")), reason);
  assertStrictEquals(await failure(node.call(slow, atom("slow"), { signal: aborted })), reason);
  assertStrictEquals(await slow.call("get"), 1);
  assertStrictEquals(Slow.gates.length, count); // it was not even sent
  const abort = new AbortController();
  const wait = failure(slow.with({ signal: abort.signal }).call("slow"));
  await slow.call("get");
  assertStrictEquals(Slow.gates.length, count + 1);
  abort.abort(reason);
  assertStrictEquals(await wait, reason);
  Slow.gates.at(-1)!.open(1);
  await platform.settle();
  assertStrictEquals(await slow.with({ signal: new AbortController().signal }).call("get"), 1);
});
