// A node stops, and the program with it.
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { atom, NodeStoppedError, startNode } from "../../mod.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { freePort } from "../_support/erlang.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { failure, failureOf } from "../gen/_servers.ts";
import { command, run, start } from "../transport/_run.ts";
import { inMemory, Server } from "./_started_nodes.ts";

const program = new URL("./_program.ts", import.meta.url);

test("stop is idempotent, and stopped tells of it", async () => {
  await using node = await startNode("boot@localhost", inMemory());
  let stopped = 0;
  void node.stopped.then(() => stopped++);
  assertStrictEquals(stopped, 0);
  const stopping = node.stop();
  assertStrictEquals(node.stop(), stopping);
  await stopping;
  assertStrictEquals(stopped, 1);
  await node.stop();
  await node.stopped;
});

test("await using stops a node at the end of its block", async () => {
  const fake = new FakePlatform();
  let stopped = false;
  {
    await using node = await startNode("boot@localhost", { ...inMemory(), platform: fake });
    void node.stopped.then(() => stopped = true);
    assertStrictEquals(fake.keptAlive, 1);
  }
  assertStrictEquals(stopped, true);
  assertEquals([fake.keptAlive, fake.pendingTimers], [0, 0]);
});

test("nothing can be done with a stopped node, and asking it is no harm", async () => {
  const network = memoryNetwork();
  await using other = await startNode("b@localhost", inMemory(network));
  await using node = await startNode("a@localhost", {
    ...inMemory(network),
    listen: { port: 4001 },
    routes: { "b@localhost": { host: "localhost", port: 4000 } },
  });
  const server = await node.start(Server, []);
  await node.connect("b@localhost");
  const events = other.events();
  await node.stop();
  assertStrictEquals((await events.next()).value.type, "nodedown");
  for (
    const use of [
      () => node.start(Server, []),
      () => node.spawn(() => {}),
      () => node.call("x", 1),
      () => node.call({ name: "x", node: "b@localhost" }, 1),
      () => node.send("x", 1),
      () => node.send({ name: "x", node: "b@localhost" }, 1),
      () => node.cast("x", 1),
      () => node.monitor("x", () => {}),
      () => node.sleep(1),
      () => node.rpc("b@localhost", "m", "f"),
      () => node.spawnRemote("b@localhost", "m", "f"),
      () => server.call("get"),
      () => server.stop(),
    ]
  ) {
    const error = await failureOf(use);
    assertInstanceOf(error, NodeStoppedError, String(use));
    assertStrictEquals(error.node, "a@localhost");
  }
  assertInstanceOf(await failure(node.connect("b@localhost")), Error);
  assertEquals([node.nodes(), node.processes(), node.registered()], [[], [], []]);
  assertStrictEquals(node.isAlive(server.pid), false);
  assertStrictEquals(node.whereis("user"), undefined);
  assertStrictEquals(node.disconnect("b@localhost"), false);
  assertStrictEquals(await node.ping("b@localhost"), false);
  node.exit(server.pid, atom("kill"));
  assertThrows(() => node.register("x", server.pid), ReferenceError);
  assertStrictEquals(node.unregister("x"), false);
  node.ref();
  node.unref();
  assertEquals(other.nodes(), []);
  await other.stop();
});

test("what waits when a node stops ends", async () => {
  const network = memoryNetwork();
  await using b = await startNode("b@localhost", inMemory(network));
  await using a = await startNode("a@localhost", {
    ...inMemory(network),
    listen: { port: 4001 },
    routes: {
      "b@localhost": { host: "localhost", port: 4000 },
      "c@localhost": { host: "localhost", port: 4999 },
    },
  });
  const silent = b.spawn((self) => self.receive());
  b.register(
    "silent",
    b.spawn(async (self) => {
      for await (const _ of self);
    }),
  );
  b.provide("demo", { never: () => new Promise(() => {}) });
  const waiting = [
    a.call(silent, 1, { timeout: Infinity }),
    a.call({ name: "silent", node: b.name }, 1, { timeout: Infinity }),
    a.call(a.spawn(() => new Promise(() => {})), 1, { timeout: Infinity }),
    a.rpc(b.name, "demo", "never", [], { timeout: Infinity }),
    a.sleep(1e9),
  ].map(failure);
  assert(await a.ping(b.name));
  const connecting = failure(a.connect("c@localhost"));
  await a.stop();
  for (const error of await Promise.all([...waiting, connecting])) assertInstanceOf(error, Error);
  await b.stop();
});

test("SIGTERM stops a node in order, unless it is not to listen to it", async () => {
  const fake = new FakePlatform();
  await using node = await startNode("boot@localhost", {
    ...inMemory(),
    platform: fake,
    signals: true,
  });
  await using deaf = await startNode("deaf@localhost", {
    ...inMemory(),
    platform: fake,
    signals: false,
  });
  fake.raise("SIGINT");
  fake.raise("SIGTERM");
  fake.raise("SIGTERM");
  await node.stopped;
  assert(deaf.isAlive(deaf.whereis("net_kernel")!));
  await deaf.stop();
  fake.raise("SIGTERM");
});

// Programs

for (
  const [way, output] of [
    ["stops", "terminated with shutdown\nstopped\nready"],
    ["unref", "ready"],
    ["alone", "ready"],
    ["calls", "ready"],
  ] as const
) {
  test(`a program whose node is ${way === "stops" ? "stopped" : `unref'd (${way})`} comes to its end by itself`, async () => {
    const result = await run(command(program, [way, String(await freePort())]));
    assertEquals(result, { code: 0, output });
  });
}

for (const way of ["lives", "unref and ref"]) {
  test(`a program lives for its node (${way}), and SIGTERM ends it in order`, async () => {
    const child = start(command(program, [way, String(await freePort())]));
    let output = "";
    child.stdout!.on("data", (text) => {
      output += text;
      if (output === "ready\n") process.kill(child.pid!, "SIGTERM");
    });
    child.stderr!.on("data", (text) => output += text);
    const [code, signal] = await once(child, "close");
    assertEquals([code, signal, output], [0, null, "ready\nterminated with shutdown\nstopped\n"]);
  });
}

test("a program whose node has a connection comes to its end too, when the node is unref'd or stopped", async () => {
  const before = openNow();
  const epmdPort = await freePort();
  await using node = await startNode("b@localhost", {
    cookie: "secret",
    epmd: { port: epmdPort },
    signals: false,
  });
  const events = node.events();
  for (const way of ["unref", "stops"]) {
    const result = await run(
      command(program, [way, String(epmdPort), `${way}@localhost`, node.name]),
    );
    assertStrictEquals(result.code, 0, result.output);
    const seen = [(await events.next()).value, (await events.next()).value];
    assertEquals(seen.map((event) => `${event.type} ${event.node}`), [
      `nodeup ${way}@localhost`,
      `nodedown ${way}@localhost`,
    ]);
  }
  await node.stop();
  await assertNothingLeft(before);
});
