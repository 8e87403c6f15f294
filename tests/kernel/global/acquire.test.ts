/** Names and locks while so much waits to be sent to a node that it takes nothing more. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { requestTerm } from "../../../lib/node/call.ts";
import { BusyError, type Node, type Term } from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest, inbox, settle } from "../../node/_cluster.ts";
import { nameOf } from "./_member.ts";
import { joined, VISIBLE, waiting, whole } from "./_support.ts";

const MIB = 1024 * 1024;
const NODES = ["a@localhost", "b@localhost", "c@localhost"];

/** A test on three nodes, of which `a` and `b` are joined, with a cable from `a` to `b` that can be blocked. */
function blockedTest(
  title: string,
  body: (a: Node, b: Node, c: Node, cable: Cable) => unknown,
): void {
  const cable = new Cable();
  clusterTest(title, async (a, b, { c }) => {
    await joined(a, b);
    try {
      await body(a, b, c, cable);
    } finally {
      cable.open();
      await poll(() => a.stats(b.name)?.queued === 0);
    }
  }, {
    names: NODES,
    node: { published: true, maxQueue: MIB },
    network: { defer: cable.defer },
  });
}

class Cable {
  #blocked = false;
  #held: (() => void)[] = [];

  readonly defer = (deliver: () => void, link: { readonly from: string; readonly to: string }) => {
    if (this.#blocked && link.from === "a" && link.to === "b") this.#held.push(deliver);
    else setImmediate(deliver);
  };

  /** Blocks it, and sends until nothing more is taken. */
  async block(a: Node, b: Node): Promise<void> {
    const sink = await inbox(b);
    this.#blocked = true;
    const pieces = [new Uint8Array(1024), new Uint8Array(0)];
    for (const piece of pieces) {
      try {
        for (;;) a.send(sink.pid, piece);
      } catch (error) {
        assertInstanceOf(error, BusyError);
      }
    }
  }

  open(): void {
    this.#blocked = false;
    for (const deliver of this.#held.splice(0)) setImmediate(deliver);
  }
}

/** Whether the promise has settled, and is still waited for a while later. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true, () => settled = true);
  await settle(500);
  return !settled;
}

const HERE = { retries: 0, nodes: ["b@localhost"] };

blockedTest("a lock is given back, though it takes as long as it takes", async (a, b, _, cable) => {
  const lock = await a.global.lock("res", { nodes: [a.name, b.name] });
  assert(lock !== null);
  await cable.block(a, b);
  const unlocked = lock.unlock();
  assert(await waits(unlocked));
  assertEquals(await b.global.lock("res", HERE), null);
  cable.open();
  await unlocked;
  await b.global.transaction("res", () => {}, HERE);
});

blockedTest("a lock of all nodes is had on all of them", async (a, b, _, cable) => {
  await cable.block(a, b);
  const locking = a.global.lock("res", { nodes: [a.name, b.name] });
  assert(await waits(locking));
  cable.open();
  const lock = await locking;
  assertEquals(await b.global.lock("res", HERE), null);
  await lock?.unlock();
});

blockedTest("a name is told to all nodes", async (a, b, _, cable) => {
  await cable.block(a, b);
  const pid = waiting(a);
  const registering = a.global.register("name", pid);
  assert(await waits(registering));
  cable.open();
  assertEquals(await registering, true);
  assertEquals(b.global.whereis("name")?.key, pid.key);
  assertEquals(await b.global.register("name", waiting(b)), false);
});

blockedTest("a node joins, and no lock is left", async (a, b, c, cable) => {
  await cable.block(a, b);
  await a.connect(c.name);
  assert(await waits(c.global.sync([a.name, b.name])));
  cable.open();
  await whole(a, b, c);
  for (const node of [a, b, c]) {
    assertEquals(await node.global.register(`of ${node.name}`, waiting(node)), true);
  }
});

/** Requests of that name to that node fail, as what is too large for it does. */
function failing(node: Node, to: Node, name: string): void {
  const core = node._core;
  const call = core.call;
  core.call = (from, target, request, options) =>
    typeof target === "object" && "node" in target && target.node === to.name &&
      nameOf(requestTerm(request) as Term) === name
      ? Promise.reject(new RangeError(`no ${name}`))
      : call.call(core, from, target, request, options);
}

for (const one of [0, 1, 2]) {
  clusterTest(
    `what one node cannot be told is not so anywhere: ${NODES[one]}`,
    async (a, b, { c }) => {
      const nodes = [a, b, c];
      await joined(...nodes);
      const by = nodes[(one + 1) % 3];
      const call = by._core.call;
      failing(by, nodes[one], "register");
      const pid = waiting(by);
      await assertRejects(() => by.global.register("name", pid), RangeError, "no register");
      assertEquals(nodes.map((node) => node.global.names()), [[], [], []]);
      by._core.call = call;
      failing(by, nodes[one], "set_lock");
      const tried = { retries: 0, nodes: NODES };
      await assertRejects(() => by.global.lock("res", tried), RangeError, "no set_lock");
      await assertRejects(() => by.global.register("name", pid), RangeError, "no set_lock");
      by._core.call = call;
      // No lock is left.
      for (const node of nodes) {
        await node.global.transaction("res", () => {}, tried);
        assertEquals(await node.global.register(`of ${node.name}`, waiting(node)), true);
      }
    },
    VISIBLE,
  );
}

testNothingIsLeft();
