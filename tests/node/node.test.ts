import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../lib/etf/atom.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { GenServer } from "../../lib/gen/server/gen_server.ts";
import { later } from "../../lib/gen/server/handlers.ts";
import { ExitError, NodeStoppedError } from "../../lib/node/errors.ts";
import { Node } from "../../lib/node/node.ts";
import type { ExitReason } from "../../lib/node/process/process.ts";
import { RpcError } from "../../lib/node/remote/rpc_error.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import {
  assertEmpty,
  BOOM,
  collector,
  forever,
  idler,
  KILL,
  KILLED,
  loneNode,
  nodeTest,
  NORMAL,
  SHUTDOWN,
} from "./_nodes.ts";

class Cleaner extends GenServer {
  #notes!: unknown[];
  #ms = 0;
  override init(notes: unknown[], ms = 0): void {
    this.trapExit = true;
    this.#notes = notes;
    this.#ms = ms;
  }
  override readonly calls = { ping: () => "pong" };
  override readonly casts = { note: () => void this.#notes.push("cast") };
  override async terminate(reason: ExitReason): Promise<void> {
    this.#notes.push(["begins", reason]);
    if (this.#ms > 0) await this.sleep(this.#ms);
    this.#notes.push("done");
  }
}

/** Stops a node whose time has to be moved. */
async function stop(
  { node, platform }: { node: Node; platform: FakePlatform },
  ms = 100,
): Promise<void> {
  const stopped = node.stop();
  await platform.elapse(ms);
  await stopped;
}

test("a stopped node has no processes, no names, no timers", async () => {
  const lone = loneNode();
  const { node, platform } = lone;
  for (let i = 0; i < 10; i++) {
    const { pid } = collector(node, (self) => {
      self.trapExit = i % 2 === 0;
      self.alias();
      self.every(10, () => {});
      self.after(100_000, () => {});
    });
    node.register(`p${i}`, pid);
    node.monitor(pid, () => {});
    void node.call(pid, 1).catch(() => {});
  }
  await platform.elapse(25);
  await stop(lone, 10_000);
  assertEmpty(lone);
  assertEquals(node.processes(), []);
  assertEquals(node.registered(), []);
});

test("stop is idempotent, and stopped resolves with it", async () => {
  const { node } = loneNode();
  let stopped = false;
  node.stopped.then(() => stopped = true);
  const first = node.stop();
  assertStrictEquals(node.stop(), first);
  await first;
  await node.stopped;
  assert(stopped);
  await node.stop();
});

test("await using stops a node at the end of its block", async () => {
  let outer: Node;
  {
    await using node = loneNode().node;
    outer = node;
    idler(node);
  }
  await outer.stopped;
  assertEquals(outer.processes(), []);
});

test("a stopped node refuses what it cannot do, and says so", async () => {
  const { node } = loneNode();
  const pid = idler(node);
  class Server extends GenServer {
    override readonly calls = { ask: () => 1 };
  }
  const ref = await node.start(Server, []);
  await node.stop();
  const throwing: (() => unknown)[] = [
    () => node.spawn(() => {}),
    () => node.send(pid, 1),
    () => node.cast(pid, 1),
    () => node.monitor(pid, () => {}),
    () => ref.send(1),
  ];
  for (const act of throwing) {
    const error = assertThrows(act, NodeStoppedError, "node lone@localhost has stopped");
    assertStrictEquals(error.node, "lone@localhost");
  }
  const rejecting: (() => Promise<unknown>)[] = [
    () => node.call(pid, 1),
    () => node.start(Server, []),
    () => node.sleep(1),
    () => node.rpc("other@localhost", "m", "f"),
    () => node.spawnRemote("other@localhost", "m", "f"),
    () => ref.call("ask"),
    () => ref.stop(),
  ];
  for (const act of rejecting) {
    await assertRejects(act, NodeStoppedError, "node lone@localhost has stopped");
  }
  // What asks whether something is there gives the plain answer.
  assertStrictEquals(node.isAlive(pid), false);
  assertStrictEquals(node.whereis("x"), undefined);
  assertStrictEquals(node.disconnect("other@localhost"), false);
  node.exit(pid, KILL);
});

test("servers that trap exits terminate with shutdown, the last started first, after the messages that they have", async () => {
  const lone = loneNode();
  const notes: unknown[] = [];
  const first: unknown[] = [];
  await lone.node.start(Cleaner, [first, 30]);
  const ref = await lone.node.start(Cleaner, [notes, 20]);
  ref.cast("note");
  const stopped = lone.node.stop();
  await lone.platform.elapse(10);
  assertEquals(notes, ["cast", ["begins", SHUTDOWN]]);
  assertEquals(first, []);
  await lone.platform.elapse(10);
  assertEquals(notes, ["cast", ["begins", SHUTDOWN], "done"]);
  assertEquals(first, [["begins", SHUTDOWN]]);
  await lone.platform.elapse(30);
  await stopped;
  assertEmpty(lone);
});

test("while servers terminate, those before them still answer, but nothing new is started", async () => {
  const lone = loneNode();
  const { node } = lone;
  const outcome: unknown[] = [];
  const store = await node.start(Cleaner, [[]]);
  class Client extends GenServer {
    override init(): void {
      this.trapExit = true;
    }
    override async terminate(): Promise<void> {
      outcome.push(await store.as(this).call("ping"));
      outcome.push(await this.node.start(Cleaner, [[]]).catch((error) => error.name));
    }
  }
  await node.start(Client, []);
  await stop(lone);
  assertEquals(outcome, ["pong", "NodeStoppedError"]);
});

test("a process of a function that traps exits gets the signal as a message, and may end by itself", async () => {
  const lone = loneNode();
  const { node, platform } = lone;
  const { got } = collector(node, (self) => void (self.trapExit = true));
  let ended = "";
  node.spawn(async (self) => {
    self.trapExit = true;
    await self.receive();
    await self.sleep(10);
    ended = "by itself";
  });
  await platform.settle();
  const main = node.pid;
  await stop(lone, 6_000);
  assertEquals(got, [tuple(atom("EXIT"), main, SHUTDOWN)]);
  assertStrictEquals(ended, "by itself");
  assertEmpty(lone);
});

test("a terminate that never settles holds a node up for five seconds", async () => {
  const lone = loneNode();
  const { node, platform } = lone;
  class Stuck extends GenServer {
    override init(): void {
      this.trapExit = true;
    }
    override terminate(): Promise<void> {
      return new Promise(() => {});
    }
  }
  await node.start(Stuck, []);
  await node.start(Stuck, []);
  let stopped = false;
  node.stop().then(() => stopped = true);
  await platform.elapse(4_999);
  assertStrictEquals(stopped, false);
  await platform.elapse(100);
  assertStrictEquals(stopped, true);
  assertEmpty(lone);
});

test("the node itself is no parent", async () => {
  const lone = loneNode();
  const notes: unknown[] = [];
  await lone.node.start(Cleaner, [notes], { link: lone.node.pid });
  await stop(lone);
  assertEquals(notes, [["begins", SHUTDOWN], "done"]);
  assertEmpty(lone);
});

test("a process with a parent is the parent's to end", async () => {
  const lone = loneNode();
  const order: string[] = [];
  class Parent extends GenServer {
    override async init(): Promise<void> {
      this.trapExit = true;
      for (const name of ["one", "two"]) await this.node.start(Child, [name], { link: this.pid });
    }
    override async terminate(): Promise<void> {
      order.push("parent begins");
      await this.sleep(10);
      order.push("parent done");
    }
  }
  class Child extends GenServer {
    #name = "";
    override init(name: string): void {
      this.trapExit = true;
      this.#name = name;
    }
    override terminate(reason: ExitReason): void {
      order.push(`${this.#name} ${String(reason)}`);
    }
  }
  await lone.node.start(Parent, []);
  await stop(lone, 100);
  assertEquals(order.slice(0, 2), ["parent begins", "parent done"]);
  assertEmpty(lone);
});

test("calls from outside that wait when a node stops fail, and nothing is unhandled", async () => {
  const lone = loneNode();
  const { node, platform } = lone;
  class Slow extends GenServer {
    override readonly calls = {
      wait: () => new Promise<void>(() => {}),
      promise: () => later(new Promise<void>(() => {})),
      fail: () => later(this.sleep(1_000).then(() => Promise.reject(new Error("late")))),
    };
  }
  const ref = await node.start(Slow, []);
  const calls = [ref.call("fail"), ref.call("promise"), ref.call("wait"), ref.call("wait")].map((
    call,
  ) => call.catch((error) => error));
  await platform.settle();
  await stop(lone);
  for (const error of await Promise.all(calls)) {
    assert(error instanceof ExitError);
    assertStrictEquals(error.reason, SHUTDOWN);
  }
  assertEmpty(lone);
});

test("a stop whose parts fail is a stop all the same", async () => {
  const platform = new FakePlatform();
  const node = new Node("parts@localhost", platform, {});
  let kept: boolean | undefined;
  node._join({
    network: null,
    stop: () => Promise.reject(new Error("EPMD is gone")),
    keepAlive: (keep) => kept = keep,
  });
  await node.stop();
  await node.stopped;
  assertStrictEquals(kept, false);
  assert(platform.logs[0].message.includes("EPMD is gone"));
});

test("ref and unref say whether the program stays alive", () => {
  const node = new Node("kept@localhost", new FakePlatform(), {});
  const kept: boolean[] = [];
  node._join({
    network: null,
    stop: () => Promise.resolve(),
    keepAlive: (keep) => void kept.push(keep),
  });
  node.unref();
  node.ref();
  assertEquals(kept, [false, true]);
});

nodeTest("a node answers for itself without a network", async ({ node }) => {
  assertStrictEquals(await node.ping(node.name), true);
  await node.connect(node.name);
  assertEquals(node.nodes(), []);
  assertThrows(() => node.events(), Error, "this node has none");
  await assertRejects(() => node.connect("other@localhost"), Error);
  await assertRejects(() => node.rpc(node.name, "m", "f"), RpcError, "undef");
  await assertRejects(() => node.spawnRemote(node.name, "m", "f"), RangeError, "that is this node");
});

nodeTest(
  "a process is started in the name of another one of this node only",
  async ({ node, platform }) => {
    const dead = node.spawn(() => {});
    await platform.settle();
    assertThrows(() => node.register("x", dead), ReferenceError, "no such process");
    await assertRejects(() => node.start(Cleaner, [[]], { link: dead }), ReferenceError);
  },
);

nodeTest("processes lists what lives", async ({ node, platform }) => {
  const before = node.processes().length;
  const pids = [idler(node), idler(node)];
  assertEquals(node.processes().slice(before), pids);
  node.exit(pids[0], BOOM);
  assertEquals(node.processes().slice(before), [pids[1]]);
  await platform.settle();
});

nodeTest("a monitor of the node's on a process that is killed tells killed", async ({ node }) => {
  const pid = node.spawn(forever);
  const reason = await new Promise((resolve) => {
    node.monitor(pid, ({ reason }) => resolve(reason));
    node.exit(pid, KILL);
  });
  assertStrictEquals(reason, KILLED);
});

nodeTest("a server that stops as its node does nothing else ends with normal", async ({ node }) => {
  const ref = await node.start(Cleaner, [[]]);
  const reason = new Promise((resolve) => node.monitor(ref.pid, ({ reason }) => resolve(reason)));
  await ref.stop();
  assertStrictEquals(await reason, NORMAL);
});

nodeTest("a name or nothing where a pid or a function is needed is refused", async ({ node }) => {
  const pid = idler(node);
  const none = [undefined, null, 5, "pdf", { name: "pdf" }] as never[];
  for (const wrong of none) {
    assertThrows(() => node.exit(wrong, KILL), TypeError, "Cannot exit: a pid is needed");
    assertThrows(() => node.setGroupLeader(wrong, pid), TypeError, "a pid is needed");
    assertThrows(() => node.setGroupLeader(pid, wrong), TypeError, "a pid is needed");
    assertThrows(() => node.monitor(pid, wrong), TypeError, "a function is needed");
  }
  const said = await new Promise((resolve) => {
    node.spawn((self) => {
      try {
        self.exit("pdf" as never, KILL);
      } catch (error) {
        resolve(String(error));
      }
    });
  });
  assertStrictEquals(
    said,
    "TypeError: Cannot exit: a pid is needed, string came; node.whereis(name) gives that of a name",
  );
  assert(node.isAlive(pid));
});
