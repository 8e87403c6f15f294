import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  child,
  ExitError,
  format,
  MailboxFullError,
  type Node,
  supervisor,
  tuple,
} from "../../mod.ts";
import { NodeThread } from "../../lib/workers/node_thread.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import Garbler from "./_garbler.ts";
import type { Slow } from "./_odd.ts";
import { endOf, nodeTest } from "./_threads.ts";

const GARBLER = new URL("./_garbler.ts", import.meta.url);
const SLOW = new URL("./_odd.ts#Slow", import.meta.url);

/** The thread that is told something by what is called. */
function threadOf(fn: () => void): NodeThread {
  const { prototype } = NodeThread;
  const { tell } = prototype;
  let thread: NodeThread | null = null;
  prototype.tell = function (...args): void {
    thread = this;
    tell.apply(this, args);
  };
  try {
    fn();
  } finally {
    prototype.tell = tell;
  }
  return thread!;
}

const NO_MAIL = [104, 5];

const Two = supervisor({
  children: ["a", "b"].map((id) => child<Garbler>(GARBLER, [], { id, register: id })),
  intensity: 10,
});

const GARBLES: Record<string, (node: Node) => Promise<unknown>> = {
  "a worker whose mail cannot be read is ended": (node) =>
    assertRejects(() => node.call("a", atom("garble")), ExitError, "worker_down"),
  "a worker that cannot read its mail ends": async (node) => {
    threadOf(() => node.send("a", atom("hello"))).post(new Uint8Array(NO_MAIL));
    await Promise.resolve();
  },
};

for (const [title, garble] of Object.entries(GARBLES)) {
  nodeTest(title, 1, async (node, logs) => {
    const sup = await node.start(Two, []);
    const before = node.whereis("b")!;
    const waits = assertRejects(
      () => node.call("b", tuple(atom("wait"), 1_000_000)),
      ExitError,
      "worker_down",
    );
    const end = endOf(node, before);
    await garble(node);
    const reason = format(await end);
    assert(/^{worker_down,{{js_error,<<"\w+">>,<<"Cannot decode term/.test(reason), reason);
    await waits;
    assertEquals((await sup.countChildren()).active, 2);
    assertEquals(await node.call("b", atom("me")), node.whereis("b")!);
    assert(!before.equals(node.whereis("b")!));
    const line = logs.find((line) => line.includes("Worker 1 has ended, and 2 processes with it"));
    assert(line?.includes("Cannot decode term"), logs.join());
  });
}

nodeTest("a worker that cannot read what waits for it ends", 1, async (node) => {
  let started!: Promise<unknown>;
  const thread = threadOf(() => started = node.start<Slow>(SLOW, []));
  thread.post(new Uint8Array(NO_MAIL));
  await assertRejects(() => started, ExitError, "its worker has ended: Cannot decode term");
  const next = await node.start<Garbler>(GARBLER, []);
  assertEquals(await next.call("me"), next.pid);
});

nodeTest(
  "a message beyond a limit of the node fails its call, and no other",
  1,
  async (node) => {
    const placed = await node.start<Garbler>(GARBLER, []);
    const calls = [
      placed.call("size", 1n << 400n),
      placed.call("size", 100),
      placed.call("large", 400),
      placed.call("large", 8),
    ] as const;
    await assertRejects(() => calls[0], ExitError, "DecodeError");
    await assertRejects(() => calls[2], ExitError, "DecodeError");
    assertEquals([await calls[1], await calls[3]], [3, 256]);
    const end = endOf(node, placed.pid);
    placed.stop(1n << 400n as never).catch(() => {});
    assert(format(await end).startsWith("{bad_reason,"), format(await end));
  },
  { terms: { maxBignumBytes: 16 } },
);

nodeTest(
  "an atom that only one thread has made is none that the program has not",
  1,
  async (node) => {
    const placed = await node.start<Garbler>(GARBLER, []);
    assertEquals(await placed.call("size", atom("made_by_the_test")), 16);
    assertEquals(String(await placed.call("make", "made_by_the_worker")), "made_by_the_worker");
  },
  { terms: { atoms: "existing" } },
);

nodeTest("a full mailbox refuses calls alike on a worker", 2, async (node) => {
  const options = { mailbox: { max: 3 } };
  const [here, there, asks] = [
    await node.start(Garbler, [], options),
    await node.start<Garbler>(GARBLER, [], options),
    await node.start<Garbler>(GARBLER, []),
  ];
  for (const { pid } of [here, there]) {
    const text =
      `Cannot reach process ${pid.id}.${pid.serial} on ${node.name}: its mailbox is full`;
    const calls = Array.from({ length: 20 }, () => node.call(pid, tuple(atom("hold"), 1)));
    const errors = (await Promise.allSettled(calls)).flatMap((end) =>
      end.status === "rejected" ? [end.reason as Error] : []
    );
    assert(errors.length > 10, String(errors.length));
    for (const error of errors) {
      assert(error instanceof MailboxFullError, String(error));
      assert(error.message.startsWith(text), error.message);
    }
    const busy = node.call(pid, tuple(atom("hold"), 100));
    const told = await asks.call("call_often", pid, 20) as unknown as unknown[];
    await busy;
    assert(
      told.map(String).some((line) => line.startsWith(`MailboxFullError: ${text}`)),
      told.map(String).join(),
    );
    assert(
      told.map(String).every((line) => !line.startsWith("ExitError: Process exited: mailbox")),
      told.map(String).join(),
    );
  }
});

testNothingIsLeft();
