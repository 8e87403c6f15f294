import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { float } from "../../../lib/etf/float.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { Registry, type RegistryEvent } from "../../../lib/gen/registry/registry.ts";
import type { RegistryRef } from "../../../lib/gen/registry/registry_ref.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { NameError, NoProcessError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { Self } from "../../../lib/node/process/self.ts";
import { clusterTest, inbox, pack } from "../../node/_cluster.ts";
import { BOOM, collector, ended, KILL, nodeTest, NORMAL, spawned } from "../../node/_nodes.ts";
import { Counter, exitReason } from "../_servers.ts";

/** A process that does nothing, and what acts in its name. */
async function member(node: Node): Promise<{ pid: Pid; self: Self }> {
  const { pid, value: self } = await spawned(node, (self) => self);
  return { pid, self };
}

function unique<V = unknown>(node: Node, name?: string): Promise<RegistryRef<V>> {
  const options = name === undefined ? {} : { register: name };
  return node.start(Registry<V>, [{ keys: "unique" }], options);
}

nodeTest("a unique key belongs to one process", async ({ node }) => {
  const rooms = await unique<string>(node, "rooms");
  const [one, two] = [await member(node), await member(node)];
  rooms.register(one.self, "lobby", "a");
  assertEquals(rooms.get("lobby")?.value, "a");
  assert(rooms.whereisName("lobby")!.equals(one.pid));
  const taken = assertThrows(() => rooms.register(two.self, "lobby", "b"), NameError, "has it");
  assert(taken.pid!.equals(one.pid));
  assertThrows(() => rooms.register(one.self, "lobby", "b"), NameError, "has it already");
  assertEquals(rooms.lookup("lobby").map(({ value }) => value), ["a"]);
  assertEquals(rooms.lookup("garden"), []);
  assert(!rooms.unregister(two.self, "lobby"));
  assert(rooms.unregister(one.self, "lobby"));
  assertStrictEquals(rooms.get("lobby"), undefined);
  rooms.register(two.self, "lobby", "c");
  assertEquals(rooms.updateValue(two.self, "lobby", (value) => value + "!"), "c!");
  assertEquals(rooms.updateValue(one.self, "lobby", () => "mine"), undefined);
  assertEquals(rooms.values("lobby", two.pid), ["c!"]);
  assertEquals(rooms.count(), 1);
});

nodeTest("a duplicate key belongs to any number, in their order", async ({ node }) => {
  const topics = await node.start(Registry<number>, [{ keys: "duplicate" }]);
  const [one, two] = [await member(node), await member(node)];
  topics.register(one.self, "news", 1);
  topics.register(two.self, "news", 2);
  topics.register(one.self, "news", 3);
  topics.register(two.self, "sport", 4);
  assertEquals(topics.lookup("news").map(({ value }) => value), [1, 2, 3]);
  assertEquals(topics.keys(one.pid).map(String), ["news", "news"]);
  assertEquals(topics.values("news", one.pid), [1, 3]);
  assertEquals(topics.match("news", (value) => value > 1).length, 2);
  assertEquals(topics.countMatch("news", (_, pid) => pid.equals(two.pid)), 1);
  assertEquals(topics.select(({ key, value }) => value > 2 ? `${key}${value}` : undefined), [
    "news3",
    "sport4",
  ]);
  assertEquals(topics.countSelect(({ value }) => value % 2 === 0), 2);
  assertEquals(topics.count(), 4);
  const sent: number[] = [];
  topics.dispatch("news", (entries) => sent.push(...entries.map(({ value }) => value)));
  topics.dispatch("weather", () => sent.push(-1));
  assertEquals(sent, [1, 2, 3]);
  assert(topics.unregisterMatch(one.self, "news", (value) => value === 1));
  assertEquals(topics.values("news", one.pid), [3]);
  topics.unregister(one.self, "news");
  assertEquals(topics.lookup("news").map(({ value }) => value), [2]);
  for (
    const named of [
      () => topics.whereisName("news"),
      () => topics.registerName("news", one.pid),
      () => topics.unregisterName("news"),
      () => topics.updateValue(one.self, "news", () => 1),
    ]
  ) {
    assertThrows(named, TypeError, "its keys are duplicate");
  }
});

nodeTest("keys are terms", async ({ node }) => {
  const registry = await unique(node);
  const { self } = await member(node);
  const keys: Encodable[] = [
    ...[1, float(1), "a", atom("a"), [1, "x"], tuple(1, "x") as Term],
    ...[new Map([["k", [1]]]), self.pid, null, true, 2n ** 80n],
  ];
  for (const [i, key] of keys.entries()) registry.register(self, key, i);
  assertEquals(registry.count(), keys.length);
  assertEquals(registry.get([1, "x"])?.value, 4);
  assertEquals(registry.get(new Map([["k", [1]]]))?.value, 6);
  assertEquals(registry.get(new TextEncoder().encode("a"))?.value, 2);
  assertThrows(() => registry.register(self, {} as never, 1), TypeError, "it is no term");
  assertEquals(registry.count(), keys.length);
});

nodeTest("what a process has registered goes with it, at once", async ({ node }) => {
  const registry = await unique<number>(node);
  const { pid, self } = await member(node);
  registry.register(self, "a", 1);
  registry.register(self, "b", 2);
  const other = await member(node);
  let free = false;
  node._core.process(pid)!.addWatcher({
    down: () => void (free = registry.registerName("a", other.pid)),
  });
  node.exit(pid, BOOM);
  assert(free, "who is told of its end finds the key free");
  assertEquals(registry.keys(pid), []);
  assertEquals(registry.count(), 1);
  assertThrows(() => registry.register(self, "c", 1), Error, "has exited");
  assertThrows(() => registry.registerName("c", pid), ReferenceError);
  assertEquals(registry.count(), 1);
});

nodeTest(
  "an end of a member is none of the registry's, and is told by no message",
  async (lone) => {
    const { node, platform } = lone;
    const registry = await unique<number>(node);
    for (let i = 0; i < 10; i++) {
      const { pid, self } = await member(node);
      registry.register(self, i, i);
      assertEquals(node._core.process(pid)!.links.length, 1);
      node.exit(pid, i % 2 === 0 ? BOOM : KILL);
    }
    await platform.settle();
    assertEquals(registry.count(), 0);
    const target = node._core.process(registry.target as Pid)!;
    assertEquals([target.links.length, target.queued], [0, 0]);
  },
);

nodeTest("who has unregistered is linked no more", async ({ node }) => {
  const registry = await unique<number>(node);
  const { pid, self } = await member(node);
  registry.register(self, 1, 1);
  registry.register(self, 2, 2);
  registry.unregister(self, 1);
  const process = node._core.process(pid)!;
  assertEquals([process.links.length, process.watcherCount], [1, 1]);
  registry.unregister(self, 2);
  assertEquals([process.links.length, process.watcherCount], [0, 0]);
  node.exit(registry.target as Pid, KILL);
  assert(node.isAlive(pid));
});

nodeTest("where the registry crashes its members end with it", async ({ node, platform }) => {
  const registry = await unique<number>(node, "rooms");
  const { pid, self } = await member(node);
  registry.register(self, 1, 1);
  const trapping = collector(node, (self) => {
    self.trapExit = true;
    registry.register(self, 2, 2);
  });
  await platform.settle();
  const end = ended(node, pid);
  node.exit(registry.target as Pid, BOOM);
  assertEquals(await end, BOOM);
  await platform.settle();
  assertEquals(trapping.got.map((message) => (message as Term[])[2]), [BOOM]);
  assertThrows(() => registry.register(self, 3, 3), Error);
  assertStrictEquals(registry.whereisName(1), undefined);
  assertEquals(registry.count(), 0);
  node.exit(trapping.pid, KILL);
});

nodeTest("a registry that is stopped lets its members live", async ({ node }) => {
  const registry = await unique<number>(node);
  const { pid, self } = await member(node);
  registry.register(self, 1, 1);
  await registry.stop();
  assert(node.isAlive(pid));
});

nodeTest("servers are started under its names", async ({ node }) => {
  const rooms = await unique<{ open: boolean } | null>(node);
  const counter = await node.start(Counter, [7], { register: { via: rooms, name: [1, "x"] } });
  assertEquals(await node.call({ via: rooms, name: [1, "x"] }, atom("get")), 7);
  assertStrictEquals(rooms.get([1, "x"])?.value, null);
  const error = await assertRejects(
    () => node.start(Counter, [], { register: { via: rooms, name: [1, "x"] } }),
    NameError,
  );
  assert(error.pid!.equals(counter.pid));
  const open = await node.start(Counter, [8], { register: rooms.via("open", { open: true }) });
  assertEquals(rooms.get("open")?.value, { open: true });
  assertEquals(await node.call(rooms.via("open"), atom("get")), 8);
  await open.stop();
  assertStrictEquals(rooms.whereisName("open"), undefined);
  await assertRejects(() => node.call(rooms.via("open"), atom("get")), NoProcessError);
  rooms.unregisterName([1, "x"]);
  assertEquals(rooms.count(), 0);
  assert(node.isAlive(counter.pid));
  rooms.unregisterName("nobody");
});

nodeTest("listeners and events tell what happens", async ({ node, platform }) => {
  const listener = collector(node);
  node.register("listener", listener.pid);
  const registry = await node.start(
    Registry<number>,
    [{ keys: "unique", listeners: ["listener", "nobody"] }],
    { register: "rooms" },
  );
  const events: RegistryEvent<number>[] = [];
  const reading = (async () => {
    for await (const event of registry.events()) events.push(event);
  })();
  const { pid, self } = await member(node);
  registry.register(self, "a", 1);
  registry.register(self, "b", 2);
  registry.unregister(self, "a");
  node.exit(pid, KILL);
  await platform.settle();
  const who = format(pid);
  assertEquals(listener.got.map((message) => format(message)), [
    `{register,rooms,<<"a">>,${who},1}`,
    `{register,rooms,<<"b">>,${who},2}`,
    `{unregister,rooms,<<"a">>,${who}}`,
    `{unregister,rooms,<<"b">>,${who}}`,
  ]);
  await registry.stop();
  await reading;
  assertEquals(events.map(({ type, key }) => `${type} ${key}`), [
    "registered a",
    "registered b",
    "unregistered a",
    "unregistered b",
  ]);
});

nodeTest("what is kept beside the entries", async ({ node }) => {
  const meta = [["limit", 10]] as const;
  const registry = await node.start(Registry<unknown>, [{ keys: "unique", meta }]);
  assertEquals(registry.meta("limit"), 10);
  registry.putMeta(tuple("a", 1) as Term, { any: "thing" });
  assertEquals(registry.meta(tuple("a", 1) as Term), { any: "thing" });
  registry.deleteMeta("limit");
  assertEquals(registry.meta("limit"), undefined);
});

nodeTest("a reference by name finds each life of a registry", async ({ node }) => {
  const rooms = node.ref(Registry, "rooms");
  assertThrows(() => rooms.count(), NoProcessError, "Cannot reach registry rooms");
  assertStrictEquals(rooms.whereisName(1), undefined);
  const first = await unique(node, "rooms");
  const { self } = await member(node);
  rooms.register(self, 1, "x");
  assertEquals(first.count(), 1);
  await rooms.stop();
  await unique(node, "rooms");
  assertEquals(rooms.count(), 0);
  node.spawn((self) => self.receive(), { register: "another" });
  assertThrows(() => node.ref(Registry, "another").count(), NoProcessError);
});

nodeTest("options that cannot be meant are refused", async ({ node }) => {
  for (const options of [{}, { keys: "both" }, { keys: "unique", lissteners: [] }]) {
    await assertRejects(() => node.start(Registry<unknown>, [options as never]), Error);
  }
});

clusterTest("processes of other nodes can have names too, and others can ask", async (a, b) => {
  const rooms = await unique<number | null>(a, "rooms");
  const there = await inbox(b);
  assert(rooms.registerName(1, there.pid));
  assert(!rooms.registerName(1, a.pid));
  a.send({ via: rooms, name: 1 }, "hello");
  assertEquals(String(await there.next()), "hello");
  const target = { name: "rooms", node: a.name };
  const ask = async (...request: Encodable[]): Promise<string> =>
    format(await b.call(target, request.length === 1 ? request[0] : pack(...request)));
  assertEquals(await ask(atom("whereis_name"), 1), format(there.pid));
  assertEquals(await ask(atom("whereis_name"), float(1)), "undefined");
  assertEquals(await ask(atom("lookup"), 1), `[{${format(there.pid)},nil}]`);
  assertEquals(await ask(atom("keys"), there.pid), "[1]");
  assertEquals(await ask(atom("count")), "1");
  const refused = format(await exitReason(b.call(target, atom("something"))));
  assert(refused.includes("Registry takes {lookup, Key}"), refused);
  rooms.registerName(2, there.pid);
  const events = rooms.events();
  b.exit(there.pid, KILL);
  assertEquals((await events.next()).value?.type, "unregistered");
  await events.next();
  assertEquals(rooms.count(), 0);
  const local = await inbox(a, (self) => rooms.register(self, "fn", (() => {}) as never));
  assert(a.isAlive(local.pid));
  const bad = format(await exitReason(b.call(target, pack(atom("lookup"), "fn"))));
  assert(bad.startsWith("{bad_reply,"), bad);
});

nodeTest("sys shows the entries", async ({ node }) => {
  const registry = await unique<number>(node);
  const { pid, self } = await member(node);
  registry.register(self, "a", 1);
  const state = format(await sys.getState(node, registry));
  assertEquals(state, `#{keys => unique,entries => [{<<"a">>,${format(pid)},1}]}`);
  assertStrictEquals(await sys.terminate(node, registry, NORMAL), undefined);
});

nodeTest("only a process registers itself", async ({ node }) => {
  const registry = await unique<number>(node);
  const nobody = node as never;
  const text = "a process is needed first";
  assertThrows(() => registry.register(nobody, "a", 1), TypeError, text);
  assertThrows(() => registry.unregister(nobody, "a"), TypeError, text);
  assertThrows(() => registry.unregisterMatch(nobody, "a", () => true), TypeError, text);
  assertThrows(() => registry.updateValue(nobody, "a", () => 1), TypeError, text);
});
