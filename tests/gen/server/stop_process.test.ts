import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { exit, ExitError, NoProcessError } from "../../../lib/node/errors.ts";
import type { ExitReason } from "../../../lib/node/process/process.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { atom } from "../../../lib/etf/atom.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { stopProcess } from "../../../lib/gen/server/stop_process.ts";
import {
  BOOM,
  ended,
  idler,
  KILL,
  nodeTest,
  NORMAL,
  processOf,
  SHUTDOWN,
} from "../../node/_nodes.ts";

// gen_server:stop/3, proc_lib:stop/3

class Noting extends GenServer {
  readonly notes: unknown[] = [];
  onTerminate: () => unknown = () => {};

  override init(notes?: unknown[], trap = false): void {
    if (notes !== undefined) (this as { notes: unknown[] }).notes = notes;
    this.trapExit = trap;
  }
  override readonly casts = {
    note: () => void this.notes.push("cast"),
    wait: () => this.sleep(50),
    hang: () => new Promise<void>(() => {}),
    fail: () => void (this.onTerminate = () => exit(BOOM)),
  };
  override terminate(reason: ExitReason): unknown {
    this.notes.push(reason);
    return this.onTerminate();
  }
}

nodeTest(
  "stop waits for the messages that came before, calls terminate, and resolves when the process has ended",
  async ({ node, platform }) => {
    for (const trap of [false, true]) {
      const notes: unknown[] = [];
      const ref = await node.start(Noting, [notes, trap]);
      ref.cast("wait");
      ref.cast("note");
      const stopped = ref.stop();
      ref.cast("note"); // behind the stop: never handled
      await platform.elapse(100);
      await stopped;
      assertEquals(notes, ["cast", NORMAL]);
      assertStrictEquals(node.isAlive(ref.pid), false);
    }
  },
);

nodeTest("the reason is normal unless told otherwise, and may be any term", async ({ node }) => {
  for (const reason of [SHUTDOWN, BOOM, tuple(SHUTDOWN, 5) as never]) {
    const notes: Term[] = [];
    const ref = await node.start(Noting, [notes]);
    const down = ended(node, ref.pid);
    await ref.stop(reason);
    assertEquals(notes, [reason]);
    assertStrictEquals(await down, reason);
  }
});

nodeTest("a text is refused where the atom is meant", async ({ node }) => {
  const ref = await node.start(Noting, []);
  await assertRejects(() => ref.stop("normal" as never), TypeError, 'atom("normal")');
});

nodeTest("to stop what has ended says so", async ({ node }) => {
  const ref = await node.start(Noting, []);
  await ref.stop();
  await assertRejects(() => ref.stop(), NoProcessError);
});

nodeTest(
  "a process that ends with another reason while it stops is an error with that reason",
  async ({ node, platform }) => {
    const failing = await node.start(Noting, []);
    failing.cast("fail");
    const error = await assertRejects(() => failing.stop(), ExitError);
    assertStrictEquals(error.reason, BOOM);

    const hanging = await node.start(Noting, []);
    hanging.cast("hang");
    const stopping = hanging.stop().catch((error) => error);
    await platform.settle();
    node.exit(hanging.pid, KILL);
    assertStrictEquals((await stopping).name, "ExitError");
  },
);

nodeTest("several may stop one process", async ({ node }) => {
  const notes: unknown[] = [];
  const ref = await node.start(Noting, [notes]);
  await Promise.all([ref.stop(), ref.stop(), ref.stop()]);
  assertEquals(notes, [NORMAL]);
});

nodeTest("a server can stop another one from a handler, and wait for it", async ({ node }) => {
  const other = await node.start(Noting, []);
  class Boss extends GenServer {
    override readonly calls = { stop_other: () => other.as(this).stop() };
  }
  const boss = await node.start(Boss, []);
  assertStrictEquals(await boss.call("stop_other"), null);
  assertStrictEquals(node.isAlive(other.pid), false);
});

nodeTest("a process that would wait for its own end is told", async ({ node }) => {
  const pid = idler(node);
  await assertRejects(
    () => stopProcess(node._core, processOf(node, pid), pid, NORMAL),
    Error,
    "this.stop()",
  );
});

nodeTest(
  "a stop that takes too long rejects, and the process ends when it comes to it",
  async ({ node, platform }) => {
    const notes: unknown[] = [];
    const ref = await node.start(Noting, [notes]);
    ref.cast("wait");
    const stopped = ref.stop(SHUTDOWN, { timeout: 40 });
    const rejected = assertRejects(() => stopped, ExitError, "it has not ended within 40 ms");
    await platform.elapse(40);
    assertEquals((await rejected).reason, atom("timeout"));
    assertStrictEquals(node.isAlive(ref.pid), true);
    assertStrictEquals(processOf(node, ref.pid).watcherCount, 0);
    await platform.elapse(10);
    assertEquals(notes, [SHUTDOWN]);
    assertStrictEquals(node.isAlive(ref.pid), false);
  },
);
