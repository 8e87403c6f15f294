import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { Node } from "../../../lib/node/node.ts";
import type { Process } from "../../../lib/node/process/process.ts";
import { BOOM, nodeTest } from "../_nodes.ts";

// A process takes several messages in a turn where its handlers do not wait. What a message does to its process counts before the next.

type Handle = (message: number, process: Process) => unknown;

/** A process with so many messages, counted from 1, and those that it has handled. */
function busy(node: Node, count: number, handle: Handle): { process: Process; got: number[] } {
  const got: number[] = [];
  const process: Process = node._core.spawn({
    _receive(message: unknown): unknown {
      got.push(message as number);
      return handle(message as number, process);
    },
  });
  for (let i = 1; i <= count; i++) process.deliver(i);
  return { process, got };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

nodeTest(
  "all messages are handled in their order, and other processes get turns in between",
  ({ node, platform }) => {
    const order: string[] = [];
    const others = ["a", "b", "c"].map((name) => busy(node, 1_000, () => void order.push(name)));
    platform.turn();
    for (const { got } of others) assertEquals(got, upTo(1_000));
    let longest = 0;
    for (let i = 0, run = 0; i < 2_900; i++) {
      run = i > 0 && order[i] === order[i - 1] ? run + 1 : 1;
      longest = Math.max(longest, run);
    }
    assert(longest <= 16, `${longest} messages of one process in a row`);
  },
);

nodeTest(
  "what is deferred by others comes soon, however many messages wait",
  async ({ node, platform }) => {
    let seen = -1;
    const { got } = busy(node, 10_000, (message) => {
      if (message === 1) platform.defer(() => seen = got.length);
    });
    platform.turn();
    await platform.settle();
    assert(seen > 0 && seen <= 64, `${seen} messages before it`);
  },
);

nodeTest(
  "long messages are looked at one by one: sockets and timers get their time",
  ({ node, platform }) => {
    const handled: number[] = [];
    let yielded = 0;
    const { yield: yields } = platform;
    platform.yield = (fn) => {
      yielded++;
      handled.push(got.length);
      yields.call(platform, fn);
    };
    const { got } = busy(node, 200, () => platform.stall(50));
    platform.turn();
    assertStrictEquals(got.length, 200);
    assert(yielded >= 150, `${yielded} slices for 200 messages of 50 ms`);
    const most = Math.max(...handled.slice(1).map((count, i) => count - handled[i]));
    assert(most <= 2, `${most} messages of 50 ms in one slice`);
  },
);

nodeTest("a stop counts before the next message", ({ node, platform }) => {
  const { process, got } = busy(node, 10, (message) => {
    if (message === 3) process.stop(BOOM);
  });
  platform.turn();
  assertEquals(got, [1, 2, 3]);
  assertStrictEquals(process.reason, BOOM);
});

nodeTest("so does an end, and a throw", ({ node, platform }) => {
  const ends = busy(node, 10, (message) => {
    if (message === 3) ends.process.exit(BOOM);
  });
  const throws = busy(node, 10, (message) => {
    if (message === 3) throw new Error("boom");
  });
  platform.turn();
  assertEquals(ends.got, [1, 2, 3]);
  assertStrictEquals(ends.process.reason, BOOM);
  assertEquals(throws.got, [1, 2, 3]);
  assert(throws.process.exited);
});

nodeTest(
  "a suspended process takes no other message until it is resumed, then all in their order",
  ({ node, platform }) => {
    const { process, got } = busy(node, 10, (message) => {
      if (message === 3) process.suspend();
    });
    platform.turn();
    assertEquals(got, [1, 2, 3]);
    assertStrictEquals(process.queued, 7);
    process.deliver(11);
    platform.turn();
    assertEquals(got, [1, 2, 3]);
    process.resume();
    process.deliver(12);
    platform.turn();
    assertEquals(got, upTo(12));
  },
);

nodeTest("an urgent message that comes meanwhile is the next", ({ node, platform }) => {
  const { process, got } = busy(node, 5, (message) => {
    if (message === 2) process.post(100, "high");
  });
  platform.turn();
  assertEquals(got, [1, 2, 100, 3, 4, 5]);
});

nodeTest("a handler's promise holds the others", async ({ node, platform }) => {
  let settle!: () => void;
  const { process, got } = busy(node, 5, (message) => {
    return message === 3 ? new Promise<void>((resolve) => settle = resolve) : undefined;
  });
  await platform.settle();
  assertEquals(got, [1, 2, 3]);
  assertStrictEquals(process.status, "waiting");
  settle();
  await platform.settle();
  assertEquals(got, upTo(5));
  assertStrictEquals(process.status, "idle");
});

nodeTest(
  "what a message sends to its own process comes behind what waits",
  ({ node, platform }) => {
    const { process, got } = busy(node, 3, (message) => {
      if (message === 1) process.deliver(4);
    });
    platform.turn();
    assertEquals(got, [1, 2, 3, 4]);
    assertStrictEquals(process.queued, 0);
  },
);
