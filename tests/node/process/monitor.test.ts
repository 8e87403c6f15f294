import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { Pid, type Ref } from "../../../lib/etf/identifiers.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import type { Down, Monitor } from "../../../lib/node/process/monitor.ts";
import {
  BOOM,
  collector,
  ended,
  forever,
  idler,
  KILL,
  KILLED,
  nodeTest,
  NOPROC,
  NORMAL,
  processOf,
  spawned,
} from "../_nodes.ts";

nodeTest("a monitor tells the reason once", async ({ node, platform }) => {
  const downs: Down[] = [];
  const pid = idler(node);
  const monitor = node.monitor(pid, (down) => void downs.push(down));
  await platform.settle();
  assertEquals(downs, []);
  node.exit(pid, BOOM);
  node.exit(pid, KILL);
  await platform.settle();
  assertEquals(downs, [{ ref: monitor.ref, object: pid, reason: BOOM }]);
});

nodeTest("without a handler the message of Erlang comes", async ({ node, platform }) => {
  const pid = idler(node);
  let monitor!: Monitor;
  const watching = collector(node, (self) => void (monitor = self.monitor(pid)));
  await platform.settle();
  node.exit(pid, BOOM);
  await platform.settle();
  assertEquals(watching.got, [tuple(atom("DOWN"), monitor.ref, atom("process"), pid, BOOM)]);
});

nodeTest(
  "a monitor by name is of the process that has the name now",
  async ({ node, platform }) => {
    const downs: Down[] = [];
    const pid = idler(node);
    node.register("named", pid);
    node.monitor("named", (down) => void downs.push(down));
    node.unregister("named");
    const other = idler(node);
    node.register("named", other);
    node.exit(other, BOOM);
    await platform.settle();
    assertEquals(downs, []);
    node.exit(pid, KILL);
    await platform.settle();
    assertStrictEquals(downs.length, 1);
    assertEquals(downs[0].object, tuple(atom("named"), atom("lone@localhost")) as never);
    assertStrictEquals(downs[0].reason, KILLED);
  },
);

nodeTest("every way to name a process can be monitored", async ({ node, platform }) => {
  const pid = idler(node);
  node.register("ways", pid);
  let count = 0;
  const ways = [
    pid,
    "ways",
    atom("ways"),
    { name: "ways" },
    { name: "ways", node: node.name },
    tuple(atom("ways"), atom(node.name)),
    { target: pid },
  ];
  for (const way of ways) node.monitor(way, () => void count++);
  node.exit(pid, BOOM);
  await platform.settle();
  assertStrictEquals(count, ways.length);
  assertThrows(() => node.monitor(node._core.makeRef(), () => {}), TypeError, "alias");
});

nodeTest(
  "a process that is not there is down with noproc, in turn and not at once",
  async ({ node, platform }) => {
    const dead = node.spawn(() => {});
    await platform.settle();
    const reasons: Term[] = [];
    node.monitor(dead, ({ reason }) => void reasons.push(reason));
    node.monitor("nobody", ({ reason }) => void reasons.push(reason));
    assertEquals(reasons, []);
    await platform.settle();
    assertEquals(reasons, [NOPROC, NOPROC]);
  },
);

nodeTest(
  "a disposed monitor says nothing, and can be disposed again",
  async ({ node, platform }) => {
    let downs = 0;
    const pid = idler(node);
    const monitor = node.monitor(pid, () => void downs++);
    monitor[Symbol.dispose]();
    monitor[Symbol.dispose]();
    node.exit(pid, BOOM);
    await platform.settle();
    monitor[Symbol.dispose]();
    assertStrictEquals(downs, 0);
  },
);

nodeTest(
  "a monitor disposed after the end, but before its turn, says nothing: demonitor with flush",
  async ({ node, platform }) => {
    let downs = 0;
    const pid = idler(node);
    const monitor = node.monitor(pid, () => void downs++);
    node.exit(pid, BOOM);
    monitor[Symbol.dispose]();
    await platform.settle();
    assertStrictEquals(downs, 0);
  },
);

nodeTest("several monitors of one process on one process all fire", async ({ node, platform }) => {
  const pid = idler(node);
  const refs: Ref[] = [];
  const watching = collector(node, (self) => {
    for (let i = 0; i < 3; i++) refs.push(self.monitor(pid).ref);
  });
  await platform.settle();
  node.exit(pid, BOOM);
  await platform.settle();
  assertEquals(watching.got.map((message) => (message as Term[])[1]), refs);
});

nodeTest(
  "twenty thousand monitors on one process fire in the order in which they were set",
  async ({ node, platform }) => {
    const pid = idler(node);
    const order: number[] = [];
    for (let i = 0; i < 20_000; i++) node.monitor(pid, () => void order.push(i));
    node.exit(pid, BOOM);
    await platform.settle();
    assertEquals(order, Array.from({ length: 20_000 }, (_, i) => i));
  },
);

nodeTest("monitors that are set and disposed leave nothing", async ({ node, platform }) => {
  const pid = idler(node);
  const { pid: watching, value: self } = await spawned(node, (self) => self);
  for (let i = 0; i < 100_000; i++) self.monitor(pid)[Symbol.dispose]();
  for (let i = 0; i < 1000; i++) node.monitor(pid, () => {})[Symbol.dispose]();
  assertStrictEquals(processOf(node, pid).watcherCount, 0);
  assertStrictEquals(processOf(node, watching).ownedCount, 0);
  assertStrictEquals(node._core.main.ownedCount, 0);
  await platform.settle();
});

nodeTest("the monitors of a process end with it", async ({ node, platform }) => {
  const pid = idler(node);
  const { pid: watching } = await spawned(node, (self) => {
    for (let i = 0; i < 100; i++) self.monitor(pid);
  });
  assertStrictEquals(processOf(node, pid).watcherCount, 100);
  node.exit(watching, BOOM);
  assertStrictEquals(processOf(node, pid).watcherCount, 0);
  await platform.settle();
});

nodeTest("a monitor on itself never fires", async ({ node, platform }) => {
  let downs = 0;
  const { pid } = await spawned(node, (self) => self.monitor(self.pid, () => void downs++));
  node.exit(pid, BOOM);
  await platform.settle();
  assertStrictEquals(downs, 0);
});

nodeTest("messages sent before the end arrive before DOWN", async ({ node, platform }) => {
  const watching = collector(node);
  await platform.settle();
  const pid = node.spawn(async (self) => {
    await self.receive();
    for (let i = 0; i < 5; i++) self.send(watching.pid, i);
  });
  node._core.monitor(processOf(node, watching.pid), pid, null);
  node.send(pid, 0);
  await platform.settle();
  assertEquals(watching.got.slice(0, 5), [0, 1, 2, 3, 4]);
  assertStrictEquals((watching.got[5] as Term[])[4], NORMAL);
});

nodeTest(
  "a handler runs in its process, in turn: messages wait until its promise has settled",
  async ({ node, platform }) => {
    const order: string[] = [];
    const pid = idler(node);
    let go!: () => void;
    const gate = new Promise<void>((resolve) => go = resolve);
    const watching = node.spawn(async (self) => {
      self.monitor(pid, async () => {
        order.push("down");
        await gate;
        order.push("settled");
      });
      for await (const message of self) order.push(String(message));
    });
    await platform.settle();
    node.send(watching, 1);
    await platform.settle();
    node.exit(pid, BOOM);
    node.send(watching, 2);
    await platform.settle();
    assertEquals(order, ["1", "down"]);
    go();
    await platform.settle();
    assertEquals(order, ["1", "down", "settled", "2"]);
  },
);

nodeTest("a handler that throws ends its process", async ({ node }) => {
  const pid = idler(node);
  const watching = node.spawn(async (self) => {
    self.monitor(pid, () => {
      throw new Error("in the handler");
    });
    await forever(self);
  });
  const down = ended(node, watching);
  await Promise.resolve();
  await Promise.resolve();
  node.exit(pid, BOOM);
  assertEquals(String(((await down) as unknown as Term[][])[0][2]), "in the handler");
});

nodeTest(
  "a monitor of a name that nobody could have, or on a pid never given, is noproc",
  async ({ node }) => {
    assertStrictEquals(
      await ended(node, new Pid(atom(node.name), 12345, 678, node.pid.creation)),
      NOPROC,
    );
    const reason = await new Promise((resolve) =>
      node.monitor({ name: "x".repeat(255) }, ({ reason }) => resolve(reason))
    );
    assertStrictEquals(reason, NOPROC);
    assert(node.isAlive(node.pid));
  },
);

nodeTest("a monitor that has fired is let go of", async ({ node, platform }) => {
  const { pid: watching, value: self } = await spawned(node, (self) => self);
  for (let i = 0; i < 100; i++) {
    const pid = idler(node);
    self.monitor(pid, () => {});
    node.monitor(pid, () => {});
    node.exit(pid, BOOM);
  }
  await platform.settle();
  assertStrictEquals(processOf(node, watching).ownedCount, 0);
  assertStrictEquals(node._core.main.ownedCount, 0);
});
