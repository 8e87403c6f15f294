import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  atom,
  child,
  ExitError,
  format,
  type OnWorker,
  Pool,
  type PoolSpec,
  supervisor,
  type Term,
  tuple,
} from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { runtime, selfCommand } from "../_support/runtime.ts";
import { command, run } from "../transport/_run.ts";
import type { Cruncher } from "./_cruncher.ts";
import { primesBelow } from "./_cruncher.ts";
import type Guest from "./_guest.ts";
import { endOf, nodeTest } from "./_threads.ts";

const GUEST = new URL("./_guest.ts", import.meta.url);
const CRUNCHER = new URL("./_cruncher.ts#Cruncher", import.meta.url);

nodeTest(
  "a worker that crashes takes its processes with it, and the node lives on",
  2,
  async (node, logs) => {
    const [a, b, c] = [
      await node.start<Guest>(GUEST, []),
      await node.start<Guest>(GUEST, []),
      await node.start<Guest>(GUEST, []),
    ];
    const ends = [endOf(node, a.pid), endOf(node, c.pid)];
    const waits = c.call("never").then(
      () => null,
      (error: ExitError) => error.reason,
    );
    await a.call("throw_outside");
    const [first, second] = await Promise.all(ends);
    assertEquals(
      format(first).startsWith('{worker_down,{{js_error,<<"Error">>'),
      true,
      format(first),
    );
    assertEquals(format(second), format(first)); // of two workers, the first and the third are on one
    assertEquals(format(await waits as Term), format(first));
    assert(
      logs.some((line) => line.includes("Worker 1 has ended, and 2 processes with it")),
      logs.join(),
    );
    assert(node.isAlive(b.pid));
    const again = await node.start<Guest>(GUEST, []); // on a fresh one
    assertEquals(await again.call("me"), again.pid);
    assertEquals(await b.call("call", again.pid, atom("me")), again.pid as never);

    const end = endOf(node, again.pid);
    await again.call("process_exit");
    assertEquals(format(await end), "{worker_down,{exit_code,3}}");
    assert(node.isAlive(b.pid));
  },
);

nodeTest("a supervisor starts its children again on a fresh worker", 1, async (node) => {
  const One = supervisor({
    children: [
      child<Guest>(GUEST, [false], { id: "a", register: "a" }),
      child<Guest>(GUEST, [false], { id: "b", register: "b" }),
    ],
    strategy: "one_for_all",
    intensity: 5,
  });
  const sup = await node.start(One, []);
  const [a, b] = [node.whereis("a")!, node.whereis("b")!];
  assertEquals(await node.call("a", atom("parent")), sup.pid);
  const end = endOf(node, b);
  await node.call("a", atom("throw_outside"));
  await end;
  assertEquals((await sup.countChildren()).active, 2);
  assertNotEquals(String(node.whereis("a")), String(a));
  assertEquals(await node.call("b", atom("me")), node.whereis("b")!);
  // An ordinary crash is one process's own.
  await assertRejects(() => node.call("b", atom("crash")), ExitError, "boom");
  assertEquals((await sup.countChildren()).active, 2);
  assertEquals(String(await node.call("a", atom("name"))), "a");
  await sup.terminateChild("a");
  assertEquals(node.whereis("a"), undefined);
  await sup.restartChild("a");
  assertEquals(await node.call("a", atom("me")), node.whereis("a")!);
});

nodeTest("kill counts at once, also where the worker is busy", 1, async (node) => {
  const cruncher = await node.start<Cruncher>(CRUNCHER, []);
  const call = cruncher.call("primes", 400_000).then(
    () => null,
    (error: ExitError) => error.reason,
  );
  const end = endOf(node, cruncher.pid);
  node.exit(cruncher.pid, atom("kill"));
  assertEquals(await end, atom("killed"));
  assertEquals(await call, atom("killed"));
  assert(!node.isAlive(cruncher.pid));
  const next = await node.start<Cruncher>(CRUNCHER, []);
  assertEquals(await next.call("primes", 100), 25);
});

test("where a worker may not be read, starting says what to do", async () => {
  const { code, output } = await run(command(new URL("./_without_permission.ts", import.meta.url)));
  assertEquals(code, 0, output);
  assert(output.includes(runtime === "deno" ? "run with --allow-read" : "started"), output);
  assert(!output.includes("js_error"), output);
});

test("a worker does not keep a program alive whose node does not", async () => {
  const program = fileURLToPath(new URL("./_lets_end.ts", import.meta.url));
  assertEquals(await run(selfCommand(program)), { code: 0, output: "3" });
});

class Crunchers extends Pool<OnWorker<Cruncher>> {
  override init(size: number): PoolSpec<OnWorker<Cruncher>> {
    return { worker: CRUNCHER, args: [], size, maxPerWorker: 1 };
  }
}

nodeTest(
  "a binary of 32 MB reaches a worker before the call is over",
  1,
  async (node) => {
    const guest = await node.start<Guest>(GUEST, []);
    const bytes = new Uint8Array(32 << 20).fill(7);
    const back = await guest.call("echo", bytes) as unknown as Uint8Array;
    assertEquals([back.length, back[0], back.at(-1)], [bytes.length, 7, 7]);
    assertEquals(bytes.length, 32 << 20); // it is still the sender's
  },
  { slow: 1 },
);

nodeTest("a pool spreads its work over the workers", 2, async (node) => {
  const pool = await node.start(Crunchers, [2], { register: "pool" });
  const limits = Array.from({ length: 20 }, (_, i) => 1_000 + i);
  const counts = await Promise.all(limits.map((limit) => pool.call("primes", limit)));
  assertEquals(counts, limits.map(primesBelow));
  const { workers } = pool.stats();
  assert(
    workers.every(({ handled }) => handled > 0),
    JSON.stringify(workers.map((w) => w.handled)),
  );
  assertEquals(workers.map(({ load }) => load), [0, 0]);
  assertEquals((await pool.call("name")).text, "cruncher");
  assertEquals(await node.call("pool", tuple(atom("primes"), 100)), 25);
});

testNothingIsLeft();
