/** References to processes of this node by their class and name. */
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Agent,
  type AgentRef,
  atom,
  child,
  ExitError,
  GenServer,
  type Node,
  NoProcessError,
  on,
  pool,
  type PoolRef,
  Registry,
  type ServerRef,
  Statem,
  Supervisor,
  supervisor,
  type SupervisorRef,
  type SupervisorSpec,
  t,
  type Transition,
} from "../../mod.ts";
import { sameType } from "../etf/schema/_support.ts";
import { ended, KILL, nodeTest } from "./_nodes.ts";

class Till extends GenServer {
  #sold = 0;
  override readonly calls = { sell: on(t.text, (_article) => ++this.#sold) };
  override readonly casts = { clear: () => void (this.#sold = 0) };
}

class Door extends Statem<"open"> {
  override init(): Transition {
    return this.next("open");
  }
  override readonly states = this.table({ open: {} });
}

class Shop extends Supervisor {
  override init(name: string): SupervisorSpec {
    return { children: [child(Till, [], { register: name })] };
  }
}

nodeTest("a server is referred to by its class and name, and found anew", async ({ node }) => {
  const till = node.ref(Till, "till"); // which is not there yet
  sameType<ServerRef<Till>, typeof till>(true);
  await assertRejects(() => till.call("sell", "tea"), NoProcessError, "till");
  await assertRejects(() => till.stop(), NoProcessError, "till");
  assertThrows(() => till.pid, NoProcessError, "till");

  const shop = await node.start(Shop, ["till"]);
  const first = node.whereis("till")!;
  assertStrictEquals(await till.call("sell", "tea"), 1);
  assertStrictEquals(await till.call("sell", "tea"), 2);
  assertEquals(till.pid, first);
  const down = ended(node, first);
  node.exit(first, KILL);
  await down;
  await shop.countChildren(); // when it has been started again
  assertStrictEquals(await till.call("sell", "tea"), 1);
  till.cast("clear");
  assertStrictEquals(await till.with({ timeout: 1_000 }).call("sell", "tea"), 1);
  assertEquals(first.equals(till.pid), false);
});

nodeTest("a registry leads to them as well", async ({ node }) => {
  const tills = await node.start(Registry<null>, [{ keys: "unique" }]);
  const third = node.ref(Till, { via: tills, name: 3 });
  await assertRejects(() => third.call("sell", "tea"), NoProcessError);
  const { pid } = await node.start(Till, [], { register: { via: tills, name: 3 } });
  assertStrictEquals(await third.call("sell", "tea"), 1);
  assertEquals(third.pid, pid);
  await third.stop();
  assertEquals(node.isAlive(pid), false);
});

nodeTest("so are supervisors, machines, agents and pools", async ({ node }) => {
  const shop = node.ref(Shop, "shop");
  sameType<SupervisorRef, typeof shop>(true);
  await assertRejects(() => shop.whichChildren(), NoProcessError, "shop");
  const { pid } = await node.start(Shop, ["till"], { register: "shop" });
  assertStrictEquals((await shop.countChildren()).active, 1);
  assertStrictEquals((await node.ref(Supervisor, "shop").countChildren()).active, 1);
  assertEquals(shop.pid, pid);

  const trees = supervisor({ strategy: "simple_one_for_one", children: [child(Shop, [])] });
  await node.start(trees, [], { register: "trees" });
  const other = await node.ref(trees, "trees").startChild(["other"]);
  assertEquals((await other.whichChildren())[0].pid, node.whereis("other")!);

  await node.start(Door, [], { register: "door" });
  await node.ref(Door, "door").stop();
  assertEquals(node.whereis("door"), undefined);

  await node.start(Agent<number>, [() => 1], { register: "count" });
  const count = node.ref(Agent<number>, "count");
  sameType<AgentRef<number>, typeof count>(true);
  assertStrictEquals(await count.get((n) => n), 1);

  const Tills = pool(Till, []);
  assertThrows(() => node.ref(Tills, "tills"), NoProcessError, "tills");
  await node.start(Tills, [], { register: "tills" });
  const tills = node.ref(Tills, "tills");
  sameType<PoolRef<Till>, typeof tills>(true);
  assertStrictEquals(await tills.call("sell", "tea"), 1);
});

nodeTest("a class tells nothing of other nodes, and what is no class of nothing", ({ node }) => {
  const text = "a contract is needed, see api()";
  assertThrows(() => node.ref(Till, { name: "till", node: "b@host" }), TypeError, text);
  assertThrows(() => node.ref(Shop, { name: "shop", node: "b@host" }), TypeError, text);
  assertThrows(() => node.ref({} as never, "till"), TypeError, "its class or contract is needed");
});

nodeTest(
  "a supervisor that takes long to end is not waited for for ever",
  async ({ node, platform }) => {
    class Endless extends GenServer {
      override init(): void {
        this.trapExit = true;
      }
      override async terminate(): Promise<void> {
        await new Promise(() => {});
      }
    }
    const tree = await node.start(
      supervisor({ children: [child(Endless, [], { shutdown: 500 })] }),
      [],
    );
    const stopped = assertRejects(
      () => tree.stop(atom("normal"), { timeout: 10 }),
      ExitError,
      "has not ended within 10 ms",
    );
    await platform.elapse(10);
    await stopped;
    const down = ended(node, tree.pid);
    await platform.elapse(500);
    await down;
  },
);

// What is in here is compiled and not run.
((_body: (node: Node) => unknown): void => {})((node) => {
  // @ts-expect-error there is no such call
  node.ref(Till, "till").call("sel", "tea");
  // @ts-expect-error its argument is a text
  node.ref(Till, "till").call("sell", 1);
  // @ts-expect-error no class of a behaviour
  node.ref(Map, "till");
});
