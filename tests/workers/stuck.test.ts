import { setTimeout as sleep } from "node:timers/promises";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  atom,
  child,
  ExitError,
  format,
  type Node,
  type PlacedRefOf,
  supervisor,
  tuple,
} from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { runtime } from "../_support/runtime.ts";
import { inbox } from "../node/_cluster.ts";
import type Spinner from "./_spinner.ts";
import { endOf, nodeTest } from "./_threads.ts";

const SPINNER = new URL("./_spinner.ts", import.meta.url);

/** For calls to a thread that may not have begun yet. */
const LONG = { timeout: 100_000 };

async function started(node: Node): Promise<PlacedRefOf<Spinner>> {
  return (await node.start<Spinner>(SPINNER, [])).with(LONG);
}

async function poll<T>(ask: () => T | undefined): Promise<T> {
  for (;;) {
    const value = ask();
    if (value !== undefined) return value;
    await sleep(5);
  }
}

nodeTest(
  "a worker that does nothing takes what is placed there after a kill, beside those that it has",
  1,
  async (node) => {
    const x = await node.start<Spinner>(SPINNER, [], { register: "x" });
    const a = await node.start<Spinner>(SPINNER, []);
    node.exit(a.pid, atom("kill"));
    const b = node.start<Spinner>(SPINNER, [], { register: "b" });
    const called = node.call("b", atom("me"), LONG);
    assertEquals(await called, (await b).pid);
    assertEquals(await x.call("me"), x.pid);
  },
);

nodeTest(
  "a worker that computes on for a process that was killed is ended, and gets nothing new before",
  2,
  async (node, logs) => {
    const [a, b, c] = [
      await node.start<Spinner>(SPINNER, []),
      await node.start<Spinner>(SPINNER, []),
      await node.start<Spinner>(SPINNER, []),
    ];
    const box = await inbox(node);
    const spins = assertRejects(() => a.call("spin", box.pid), ExitError, "killed");
    assertEquals(String(await box.next()), "spins");
    const ends = [endOf(node, a.pid), endOf(node, c.pid)];
    node.exit(a.pid, atom("kill"));
    const d = await started(node); // not beside the third, which is where the first was
    assertEquals(await d.call("me"), d.pid);
    const reasons = (await Promise.all(ends)).map((reason) => format(reason));
    assertEquals(reasons, ["killed", "{worker_down,{not_responding,2000}}"]);
    await spins;
    assert(node.isAlive(b.pid) && node.isAlive(d.pid));
    const e = await started(node); // on a fresh one
    assertEquals(await e.call("me"), e.pid);
    assert(logs.some((line) => line.includes("Worker 1 has ended, and 1 processes")), logs.join());
  },
  { slow: 1 },
);

nodeTest(
  "what is placed on a worker while it may be stuck waits for a fresh one",
  1,
  async (node) => {
    const sup = await node.start(
      supervisor({ children: [child<Spinner>(SPINNER, [], { id: "x", register: "x" })] }),
      [],
    );
    const before = node.whereis("x")!;
    const box = await inbox(node);
    const spins = assertRejects(() => node.call(before, tuple(atom("spin"), box.pid)), ExitError);
    assertEquals(String(await box.next()), "spins");
    const end = endOf(node, before);
    node.exit(before, atom("kill"));
    assertEquals(await end, atom("killed"));
    await spins;
    const after = await poll(() => node.whereis("x"));
    assertEquals(await node.call(after, atom("me"), LONG), after);
    assertEquals((await sup.whichChildren()).length, 1);
    assertNotEquals(String(after), String(before));

    // What does not come back from its start is killed, too.
    const gone = endOf(node, after);
    await assertRejects(
      () => node.start<Spinner>(SPINNER, [true], { timeout: 100 }),
      ExitError,
      "100 ms",
    );
    assertEquals(format(await gone), "{worker_down,{not_responding,2000}}");
    const last = await started(node);
    assertEquals(await last.call("me"), last.pid);
  },
  { slow: 1 },
);

// Deno does not end a thread that computes, however it is asked to: what such a thread has open stays so until the program ends.
if (runtime !== "deno") testNothingIsLeft();
