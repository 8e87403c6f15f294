import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  charlist,
  encode,
  float,
  type GlobalLock,
  LockError,
  NameError,
  type Node,
  NodeStoppedError,
  type Pid,
  startNode,
  type Term,
  tuple,
} from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest, inbox } from "../../node/_cluster.ts";
import { joined, VISIBLE, waiting, whole } from "./_support.ts";

/** A test on a node without a network. */
function alone(title: string, body: (node: Node) => unknown): void {
  for (const copyMessages of [false, true]) {
    test(`${title}${copyMessages ? ", with copied messages" : ""}`, async () => {
      const options = { network: false, signals: false, copyMessages };
      await using node = await startNode("alone@localhost", options);
      await body(node);
    });
  }
}

alone("a node without a network has its own names", async (node) => {
  const { global } = node;
  const [one, two] = [waiting(node), waiting(node)];
  assertEquals(await global.register("name", one), true);
  assertEquals(await global.register("name", two), false);
  assertEquals(global.whereis("name"), one);
  assertEquals(global.whereis(atom("name")), one);
  assertEquals(global.names(), [atom("name")]);
  await global.reregister("name", two);
  assertEquals(global.whereis("name"), two);
  await global.sync();
  await global.unregister("name");
  await global.unregister("name");
  assertEquals([global.whereis("name"), global.names()], [undefined, []]);
});

alone("any term is a name, and equal terms are the same name", async (node) => {
  const { global } = node;
  const bytes = new TextEncoder().encode("text");
  const names: [Parameters<typeof global.register>[0], Parameters<typeof global.whereis>[0]][] = [
    ["text", atom("text")],
    [bytes, bytes.slice()],
    [1, 1n],
    [float(1), float(1)],
    [1.5, 1.5],
    ["true", true],
    ["nil", null],
    [
      tuple("in a tuple a string is a binary", 7),
      tuple(new TextEncoder().encode("in a tuple a string is a binary"), 7),
    ],
    [[1, 2], charlist("\u0001\u0002") as Term],
    [new Map([[atom("k"), [float(2)]]]), new Map([[atom("k"), [float(2)]]])],
  ];
  for (const [name, same] of names) {
    const pid = waiting(node);
    assertEquals(await global.register(name, pid), true);
    assertEquals(global.whereis(same), pid);
    assertEquals(await global.register(same, waiting(node)), false);
  }
  assertEquals(global.names().length, names.length);
  assertThrows(() => global.whereis({} as never), TypeError);
});

alone("a name goes with its process", async (node) => {
  const pid = waiting(node);
  assertEquals(await node.global.register("name", pid), true);
  node.global.send("name", atom("end"));
  await poll(() => node.global.names().length === 0);
  assertThrows(
    () => node.global.send("name", 1),
    NameError,
    "Cannot send to name: no process has that global name",
  );
  assertEquals(await node.global.register("name", waiting(node)), true);
});

alone("what cannot be registered is refused with what to do", async (node) => {
  const { global } = node;
  const pid = waiting(node);
  assertEquals(await global.register("one", pid), true);
  await assertRejects(() => global.register("two", pid), NameError, "it is one already");
  const gone = waiting(node);
  node.exit(gone, atom("kill"));
  await assertRejects(() => global.register("three", gone), ReferenceError, "no such process");
  await assertRejects(
    () => global.register("three", waiting(node), { resolve: "exit" as never }),
    TypeError,
    "random_exit_name, random_notify_name, notify_all_name",
  );
  const error = await assertRejects(() => global.register({} as never, waiting(node)));
  assert(error instanceof Error);
  assertEquals(global.names(), [atom("one")]);
});

alone("locks exclude each other, and can be shared", async (node) => {
  const { global } = node;
  const lock = await global.lock("res") as GlobalLock;
  assertEquals([lock.resource, lock.nodes], [atom("res"), [node.name]]);
  assertEquals(await global.lock("res", { retries: 0 }), null);
  await assertRejects(() => global.transaction("res", () => {}, { retries: 0 }), LockError, "res");
  const shared = await global.lock("res", { retries: 0, requester: lock.requester });
  assert(shared !== null);
  await lock.unlock(); // the same process has it only once
  assertEquals(await global.transaction("res", () => "free", { retries: 0 }), "free");

  await assertRejects(() => global.lock("res", { retries: -1 }), RangeError, "0 or more");
  await assertRejects(() => global.lock("res", { retries: NaN }), RangeError);
  const failed = await assertRejects(() =>
    global.transaction("res", () => Promise.reject(new Error("mine")))
  );
  assertEquals((failed as Error).message, "mine");
  {
    await using held = await global.lock("res", { retries: 0 });
    assert(held !== null);
    assertEquals(await global.lock("res", { retries: 0 }), null);
  }
  assert(await global.lock("res", { retries: 0 }) !== null);
});

alone("a lock is freed by the end of its owner", async (node) => {
  const owner = waiting(node);
  assert(await node.global.lock("res", { owner }) !== null);
  const waits = node.global.transaction("res", () => "got it");
  node.send(owner, 1);
  assertEquals(await waits, "got it");
  await assertRejects(() => node.global.lock("res", { owner }), ReferenceError);
});

alone("who waits for a lock may give it up", async (node) => {
  const { global } = node;
  await using _ = await global.lock("res");
  const aborted = AbortSignal.abort(new Error("before"));
  const before = await assertRejects(() => global.lock("res", { signal: aborted }));
  assertEquals((before as Error).message, "before");
  const controller = new AbortController();
  const waits = assertRejects(() => global.lock("res", { signal: controller.signal }));
  controller.abort(new Error("meanwhile"));
  assertEquals((await waits as Error).message, "meanwhile");
});

alone("a node that stops ends what waits", async (node) => {
  const { global } = node;
  assert(await global.lock("res") !== null);
  const waits = assertRejects(() => global.lock("res"));
  await node.stop();
  await waits;
  await assertRejects(() => global.register("name", node.pid), NodeStoppedError);
  await assertRejects(() => global.lock("res"), NodeStoppedError);
  await assertRejects(() => global.sync(), NodeStoppedError);
  await assertRejects(() => global.unregister("name"), NodeStoppedError);
  assertEquals(global.names(), []);
});

clusterTest("names are known to all members, whoever registers them", async (a, b, { c }) => {
  assertEquals(await a.global.register("at_a", waiting(a)), true);
  assertEquals(await c.global.register(tuple(atom("at"), 1.5), waiting(c)), true);
  await joined(a, b, c);
  const all = [a, b, c];
  for (const node of all) {
    assertEquals(node.global.whereis("at_a")?.node, a.name);
    assertEquals(node.global.whereis(tuple(atom("at"), 1.5))?.node, c.name);
  }
  const pid = waiting(b);
  assertEquals(await b.global.register("at_b", pid), true);
  for (const node of all) assertEquals(node.global.whereis("at_b")?.key, pid.key);
  assertEquals(
    await c.global.register("again", pid).catch((error) => error.constructor),
    NameError,
  );
  await a.global.unregister("at_b");
  for (const node of all) assertEquals(node.global.whereis("at_b"), undefined);
  const got = await inbox(b);
  await a.global.reregister("at_a", got.pid);
  c.global.send("at_a", atom("hello"));
  assertEquals(await got.next(), atom("hello"));
  await b.stop();
  await poll(() => a.global.names().length + c.global.names().length === 2);
  await whole(a, c);
}, VISIBLE);

clusterTest("of many that register one name at once one has it", async (a, b, { c }) => {
  await joined(a, b, c);
  const tries = [a, b, c, a, b, c].map((node) => node.global.register("leader", waiting(node)));
  assertEquals((await Promise.all(tries)).filter((yes) => yes).length, 1);
  const leader = a.global.whereis("leader")!;
  for (const node of [b, c]) assertEquals(node.global.whereis("leader")?.key, leader.key);
}, VISIBLE);

clusterTest("a transaction is alone in the whole cluster", async (a, b, { c }) => {
  await joined(a, b, c);
  let [inside, worst, count] = [0, 0, 0];
  const work = async (node: Node): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await node.global.transaction("res", async () => {
        worst = Math.max(worst, ++inside);
        count++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside--;
      });
    }
  };
  await Promise.all([a, b, c, a, c].map(work));
  assertEquals([count, worst], [25, 1]);
}, VISIBLE);

for (const resolve of ["random_exit_name", "random_notify_name", "notify_all_name"] as const) {
  clusterTest(`a name that two have: ${resolve}`, async (a, b, { c }) => {
    await joined(a, b);
    const got = await Promise.all([inbox(b), inbox(c)]);
    assertEquals(await b.global.register("both", got[0].pid, { resolve }), true);
    assertEquals(await c.global.register("both", got[1].pid, { resolve }), true);
    await b.connect(c.name);
    await whole(a, b, c);
    const nodes = [a, b, c];
    const keeps = resolve === "notify_all_name" ? undefined : got[0].pid.key;
    for (const node of nodes) await poll(() => node.global.whereis("both")?.key === keeps);
    if (resolve === "random_exit_name") {
      await poll(() => !c.isAlive(got[1].pid));
    } else if (resolve === "random_notify_name") {
      assertEquals(await got[1].next(), tuple(atom("global_name_conflict"), atom("both")));
    } else {
      const [first, second] = [await got[0].next() as Term[], await got[1].next() as Term[]];
      assertEquals([first[1], second[1]], [atom("both"), atom("both")]);
      assertEquals([(first[2] as Pid).key, (second[2] as Pid).key], [
        got[1].pid.key,
        got[0].pid.key,
      ]);
    }
  }, VISIBLE);
}

for (const who of ["own", "other", "none", "failed", "wrong"]) {
  clusterTest(`a name that two have: a function that gives ${who}`, async (a, b, { c, logs }) => {
    await joined(a, b);
    const [ofB, ofC] = [waiting(b), waiting(c)];
    let calls = 0;
    const resolve = (name: Term, other: Pid, own: Pid): Pid | null => {
      calls++;
      assertEquals([name, other.key, own.key], [atom("both"), ofC.key, ofB.key]);
      if (who === "failed") throw new Error("cannot decide");
      return who === "own" ? own : who === "other" ? other : who === "none" ? null : a.pid;
    };
    assertEquals(await b.global.register("both", ofB, { resolve }), true);
    assertEquals(await c.global.register("both", ofC, { resolve: () => null }), true);
    // a decides for its part, for its name is less, and asks b.
    await a.connect(c.name);
    await whole(a, b, c);
    const keeps = who === "own" ? ofB.key : who === "none" ? undefined : ofC.key;
    for (const node of [a, b, c]) await poll(() => node.global.whereis("both")?.key === keeps);
    assertEquals(calls, 1);
    assertEquals([b.isAlive(ofB), c.isAlive(ofC)], [true, true]);
    const failed = logs.filter((log) => log.includes("the resolve function for both failed"));
    assertEquals(failed.length, who === "failed" || who === "wrong" ? 1 : 0);
  }, VISIBLE);
}

clusterTest("a function is for a process of its own node", async (a, b, { c }) => {
  await joined(a, b, c);
  await assertRejects(
    () => a.global.register("name", waiting(b), { resolve: () => null }),
    RangeError,
    "a process of b@localhost with a function of this program",
  );
  assertEquals(await a.global.register("name", waiting(b)), true);
  assertEquals(c.global.whereis("name")?.node, b.name);
}, VISIBLE);

clusterTest("nodes that have lost each other agree again", async (a, b, { c, reset }) => {
  await joined(a, b, c);
  const pids = await Promise.all([a, b, c].map(async (node) => {
    const pid = waiting(node);
    assertEquals(await node.global.register(atom(`at_${node.name}`), pid), true);
    return pid;
  }));
  for (let i = 0; i < 5; i++) {
    reset();
    await poll(() => [a, b, c].every((node) => node.nodes().length === 0));
    for (const node of [a, b, c]) {
      await poll(() => node.global.names().length === 1);
      assertEquals(node.global.whereis(`at_${node.name}`)?.node, node.name);
    }
    // Everybody connects with everybody at once.
    await Promise.all([a.connect(b.name), b.connect(c.name), c.connect(a.name)]);
    await whole(a, b, c);
    for (const node of [a, b, c]) {
      await poll(() => node.global.names().length === 3);
      for (const pid of pids) {
        assertEquals(node.global.whereis(`at_${pid.node}`)?.key, pid.key);
      }
    }
  }
}, VISIBLE);

clusterTest("who waits for names may give it up", async (a, b, { start }) => {
  await joined(a, b);
  const apart = await start("c@localhost", { published: true, connectAll: false });
  await a.connect(apart.name); // which never says its names
  const controller = new AbortController();
  const { signal } = controller;
  const waits = assertRejects(() => a.global.sync(undefined, { signal }));
  await a.global.sync([b.name], { signal });
  controller.abort(new Error("enough"));
  assertEquals((await waits as Error).message, "enough");
  await assertRejects(() => a.global.sync([b.name], { signal }));
  const inVain = a.global.sync([apart.name]);
  a.disconnect(apart.name);
  await inVain; // it is lost
}, { node: { published: true } });

clusterTest("hidden nodes know their own names only", async (a, b) => {
  await a.connect(b.name);
  assertEquals(await a.global.register("name", waiting(a)), true);
  assertEquals(await b.global.register("name", waiting(b)), true);
  await a.global.sync();
  await a.global.sync([b.name, "nobody@localhost"]);
  assertEquals([a.global.whereis("name")?.node, b.global.whereis("name")?.node], [a.name, b.name]);
  // Locks are had where they are asked for.
  await using lock = await a.global.lock("res", { nodes: [b.name] });
  assert(lock !== null);
  assertEquals(await b.global.lock("res", { retries: 0 }), null);
  await using own = await a.global.lock("res", { retries: 0 });
  assertEquals(own?.nodes, [a.name]);
});

clusterTest("a lock that is asked of a node that is not there is had without it", async (a, b) => {
  await using lock = await a.global.lock("res", { nodes: [b.name, "nobody@localhost"] });
  assertEquals(lock?.nodes, [b.name, "nobody@localhost"]);
  assertEquals(await b.global.lock("res", { retries: 0 }), null);
});

clusterTest("names come exactly as they are, however a node decodes its messages", async (a, b) => {
  const name = tuple(float(1), encode("bytes"), new Map([[atom("k"), "v"]]));
  assertEquals(await a.global.register(name, waiting(a)), true);
  await joined(a, b);
  assertEquals(b.global.whereis(name)?.node, a.name);
  assertEquals(b.global.whereis(tuple(1, encode("bytes"), new Map([[atom("k"), "v"]]))), undefined);
}, {
  node: { published: true, terms: { binaries: "text", objects: "atoms", floats: "number" } },
});

testNothingIsLeft();
