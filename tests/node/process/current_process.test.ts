import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  atom,
  currentProcess,
  GenServer,
  later,
  ProcessExitedError,
  type Term,
} from "../../../mod.ts";
import { failureOf, gate } from "../../gen/_servers.ts";
import { ended, loneNode, nodeTest, until } from "../_nodes.ts";

// First, because it can be asked for ever after.
test("who asks without a node that keeps track is told what to do", () => {
  assertThrows(
    () => currentProcess(),
    Error,
    "Cannot tell the current process: no node was started with the option currentProcess: true",
  );
});

const tracked = { currentProcess: true };

/** What a library sees that knows nothing of its caller. */
async function library(): Promise<unknown[]> {
  const seen: unknown[] = [currentProcess()];
  await Promise.resolve();
  seen.push(currentProcess());
  await new Promise((resolve) => setTimeout(resolve, 0));
  seen.push(currentProcess());
  return seen;
}

nodeTest("code below a handler knows its process, also behind awaits", async ({ node }) => {
  class Asking extends GenServer {
    readonly seen: unknown[] = [];
    override async init(): Promise<void> {
      this.seen.push(...await library());
    }
    override readonly calls = {
      ask: async () => (await library()).every((one) => one === this),
      late: () => later(library().then((seen) => seen.every((one) => one === this))),
      seen: () => this.seen.every((one) => one === this),
      spawned: async () => {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        node.spawn(async (self) => resolve((await library()).every((one) => one === self)));
        return await promise;
      },
    };
    override handleInfo(): void {
      this.seen.push(currentProcess());
      this.after(1, () => this.seen.push(currentProcess()));
      this.continueWith("step");
    }
    override handleContinue(_step: string): void {
      this.seen.push(currentProcess());
    }
  }
  const one = await node.start(Asking, []);
  const two = await node.start(Asking, []);
  const answers = [one, two, one, two].flatMap((ref) => [ref.call("ask"), ref.call("late")]);
  assertEquals(await Promise.all(answers), Array(8).fill(true));
  assertStrictEquals(await one.call("spawned"), true);
  one.send(1);
  assertStrictEquals(await one.call("seen"), true);
}, tracked);

nodeTest("outside of processes there is none", async ({ node }) => {
  assertStrictEquals(currentProcess(), null);
  class Calling extends GenServer {
    override readonly calls = { ask: () => currentProcess() === this };
  }
  const ref = await node.start(Calling, []);
  assertStrictEquals(currentProcess(), null);
  assertStrictEquals(await ref.call("ask"), true);
  assertStrictEquals(currentProcess(), null);
  const seen: unknown[] = [];
  const pid = node.spawn((self) => {
    node.monitor(self.pid, () => seen.push(currentProcess()));
  });
  await ended(node, pid);
  await until(() => seen.length === 1);
  assertEquals(seen, [null]);
}, tracked);

nodeTest("what outlives its process cannot act in its name", async ({ node }) => {
  const hold = gate();
  const outlived = gate<unknown>();
  const pid = node.spawn(() => {
    hold.promise.then(() => failureOf(() => currentProcess()!.send(node.pid, 1)))
      .then(outlived.open);
  });
  await ended(node, pid);
  hold.open();
  assertStrictEquals((await outlived.promise) instanceof ProcessExitedError, true);
}, tracked);

nodeTest("a terminating process is the current one, too", async ({ node }) => {
  const seen: unknown[] = [];
  class Ending extends GenServer {
    override async terminate(): Promise<void> {
      seen.push(...(await library()).map((one) => one === this));
    }
  }
  const ref = await node.start(Ending, []);
  await ref.stop();
  assertEquals(seen, [true, true, true]);
}, tracked);

test("a node that was not asked to keep track pays nothing, and has no current process", async () => {
  const { node } = loneNode();
  class Asking extends GenServer {
    override readonly calls = { ask: (): Term => currentProcess() === null ? atom("none") : 1 };
  }
  const ref = await node.start(Asking, []);
  assertStrictEquals(await ref.call("ask"), atom("none"));
  await node.stop();
});
