import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  atom,
  EpmdError,
  GenServer,
  NodeDownError,
  type NodeOptions,
  NodeStoppedError,
  startNode,
  type Transport,
  TransportError,
} from "../../mod.ts";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { freePort } from "../_support/erlang.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { failure, failureOf } from "../gen/_servers.ts";
import { command, run, start } from "../transport/_run.ts";

const program = new URL("./_program.ts", import.meta.url);
const platform = await defaultPlatform();
const transport = await defaultTransport();

class Server extends GenServer {
  override readonly calls = { get: () => 1 };
}

/** Options of a node that touches nothing of the machine. */
function inMemory(network: Transport = memoryNetwork()): NodeOptions {
  return {
    cookie: "secret",
    epmd: false,
    transport: network,
    signals: false,
    listen: { port: 4000 },
  };
}

/** A transport that writes down where nodes listen. */
function watched(
  of: Transport,
): { readonly transport: Transport; readonly bound: { host: string; port: number }[] } {
  const bound: { host: string; port: number }[] = [];
  return {
    bound,
    transport: {
      ...of,
      listen: async (options, accept) => {
        const listener = await of.listen(options, accept);
        bound.push(listener.address);
        return listener;
      },
    },
  };
}

// What is refused

test("a node needs a cookie, unless it has no network", async () => {
  for (const options of [undefined, {}, { cookie: "" }, { cookie: undefined as never }]) {
    const error = await failure(startNode("boot@localhost", options));
    assertInstanceOf(error, TypeError);
    assertMatch(error.message, /^Cannot start a node without a cookie: give \{ cookie \}/);
  }
  await (await startNode("boot@localhost", { network: false })).stop();
});

test("an option that does not exist is refused by name", async () => {
  const options = { network: false, listne: false } as never;
  const error = await failure(startNode("misspelt@localhost", options));
  assertInstanceOf(error, TypeError);
  assertMatch(error.message, /^Cannot start a node with option listne: .* there are cookie, /);
});

test("what may come in parts is as much as a message may have at least", async () => {
  const options = { network: false, maxMessage: 2_000, maxSequenceBytes: 1_000 } as const;
  const error = await failure(startNode("parts@localhost", options));
  assertInstanceOf(error, RangeError);
  assertMatch(
    error.message,
    /^Cannot use maxSequenceBytes 1000: it must be maxMessage at least, 2000/,
  );
});

test("a node needs a name with a host", async () => {
  for (
    const name of [
      "",
      "boot",
      "boot@",
      "@localhost",
      "bo ot@localhost",
      "a@b@c",
      "ü".repeat(256) + "@h",
    ]
  ) {
    const error = await failure(startNode(name, { cookie: "secret" }));
    assertInstanceOf(error, RangeError, name);
    assertMatch(error.message, /it must be name@host/);
  }
  const none = await failure(startNode(undefined as never, { cookie: "secret" }));
  assertInstanceOf(none, RangeError);
  assertMatch(none.message, /Cannot use node name "undefined": it must be name@host/);
  const dotted = await failure(startNode("a.b@localhost", { cookie: "secret" }));
  assertInstanceOf(dotted, RangeError);
  assertMatch(dotted.message, /Erlang takes no dot before the @/);
});

test("a short cookie is refused where others can reach the node, and only there", async () => {
  const network = memoryNetwork();
  const options = inMemory(network);
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org"]) {
    const error = await failure(startNode("boot@localhost", { ...options, listen: { host } }));
    assertInstanceOf(error, RangeError);
    assertMatch(
      error.message,
      /cookie of under 12 bytes: it can be guessed, take a longer one or \{ allowWeakCookie/,
    );
    assert(!error.message.includes("secret"));
  }
  const allowed: NodeOptions[] = [
    { listen: { host: "127.0.0.1" } },
    { listen: { host: "127.1.2.3" } },
    { listen: { host: "localhost" } },
    { listen: { host: "::1" } },
    { listen: {} },
    { listen: undefined },
    { listen: false },
    { listen: { host: "0.0.0.0" }, allowWeakCookie: true },
    { listen: { host: "0.0.0.0" }, cookie: "twelve bytes" },
    { listen: { host: "0.0.0.0" }, cookie: () => "secret" },
  ];
  for (const more of allowed) {
    await (await startNode("boot@localhost", { ...options, ...more })).stop();
  }
});

test("a failed start leaves nothing, and gives back what it had taken", async () => {
  const network = memoryNetwork();
  const fake = new FakePlatform();
  const options = { ...inMemory(network), platform: fake };
  await using first = await startNode("first@localhost", options);
  const kept = fake.keptAlive;
  const error = await failure(startNode("second@localhost", { ...options, signals: true }));
  assertInstanceOf(error, TransportError);
  assertStrictEquals(error.code, "EADDRINUSE");
  assertStrictEquals(fake.keptAlive, kept);
  await first.stop();
  assertEquals([fake.keptAlive, fake.pendingTimers], [0, 0]);
  await (await startNode("second@localhost", options)).stop();
  assertEquals([fake.keptAlive, fake.pendingTimers], [0, 0]);
});

// EPMD

test("a name that is taken at EPMD is refused, and is free again when its node has stopped", async () => {
  const before = openNow();
  const options = { cookie: "secret", epmd: { port: await freePort() }, signals: false };
  await using first = await startNode("boot@localhost", options);
  const error = await failure(startNode("boot@localhost", options));
  assertInstanceOf(error, EpmdError);
  assertStrictEquals(error.reason, "duplicate_name");
  await first.stop();
  await using again = await startNode("boot@localhost", options);
  await again.stop();
  await assertNothingLeft(before);
});

test("nodes find each other by the EPMD that the first has embedded, which lists both as hidden", async () => {
  const before = openNow();
  const port = await freePort();
  const options = { cookie: "secret", epmd: { port }, signals: false };
  const client = new EpmdClient({ transport, platform, port });
  await using a = await startNode("a@localhost", options);
  await using b = await startNode("b@localhost", options);
  const names = (await client.names()).map((node) => node.name).sort();
  assertEquals(names, ["a", "b"]);
  assertStrictEquals((await client.lookup("b"))?.type, 72);
  assert(await a.ping("b@localhost"));
  const error = await failure(a.connect("c@localhost"));
  assertInstanceOf(error, NodeDownError);
  assertMatch(
    error.message,
    /no node c is registered with EPMD at localhost, check its name and that it runs/,
  );
  await a.stop(); // with it the daemon goes; b takes its place
  let found = null;
  while (found === null) found = await client.lookup("b").catch(() => null);
  await b.stop();
  await assertNothingLeft(before);
});

test("without EPMD only routes are known", async () => {
  const network = memoryNetwork();
  const options = inMemory(network);
  const routes: Record<string, { host: string; port: number }> = {};
  await using a = await startNode("a@localhost", { ...options, routes });
  await using b = await startNode("b@localhost", { ...options, listen: { port: 4001 } });
  const error = await failure(a.connect(b.name));
  assertInstanceOf(error, NodeDownError);
  assertMatch(error.message, /there is no route to it, and no EPMD is asked/);
  assertInstanceOf(await failure(a.connect("toString@localhost")), NodeDownError);
  routes[b.name] = { host: "localhost", port: 4001 };
  await a.connect(b.name);
  assertEquals([a.nodes(), b.nodes()], [[b.name], [a.name]]);
  await Promise.all([a.stop(), b.stop()]);
});

test("a route goes before EPMD, which is not asked", async () => {
  const network = memoryNetwork();
  await using b = await startNode("b@localhost", inMemory(network));
  const dialled: number[] = [];
  await using a = await startNode("a@localhost", {
    ...inMemory({
      ...network,
      connect: (options) => {
        dialled.push(options.port);
        return network.connect(options);
      },
    }),
    listen: false,
    epmd: { port: 1 },
    routes: { [b.name]: { host: "localhost", port: 4000 } },
  });
  await a.connect(b.name);
  assertEquals(dialled, [4000]);
  await Promise.all([a.stop(), b.stop()]);
});

// Listening

test("a node listens on loopback, at a port of the system's choice", async () => {
  const before = openNow();
  const { transport: tcp, bound } = watched(transport);
  await using node = await startNode("boot@localhost", {
    cookie: "secret",
    epmd: false,
    transport: tcp,
    signals: false,
  });
  assertEquals(bound.map(({ host }) => host), ["127.0.0.1"]);
  assert(bound[0].port > 0);
  const stream = await transport.connect(bound[0]);
  stream.destroy();
  await node.stop();
  assertInstanceOf(await failure(transport.connect(bound[0])), TransportError);
  await assertNothingLeft(before);
});

test("a node listens where it is told to", async () => {
  const { transport: memory, bound } = watched(memoryNetwork());
  const listen = { host: "0.0.0.0", port: 4711 };
  await using node = await startNode("boot@localhost", {
    ...inMemory(memory),
    listen,
    cookie: "long enough now",
  });
  assertEquals(bound, [listen]);
  await node.stop();
});

test("a node with listen false takes no port and registers nowhere", async () => {
  const { transport: memory, bound } = watched(memoryNetwork());
  await using node = await startNode("boot@localhost", {
    ...inMemory(memory),
    listen: false,
    epmd: { port: 4369 },
  });
  assertEquals(bound, []);
  const server = await node.start(Server, []);
  assertStrictEquals(await server.call("get"), 1);
  await node.stop();
});

test("a node with network false takes no socket, and the other nodes are down for it", async () => {
  const refusing: Transport = {
    name: "none",
    connect: () => Promise.reject(new Error("it must not connect")),
    listen: () => Promise.reject(new Error("it must not listen")),
    bind: () => Promise.reject(new Error("it must not bind")),
  };
  await using node = await startNode("boot@localhost", { network: false, transport: refusing });
  const server = await node.start(Server, [], { register: "server" });
  assertStrictEquals(await server.call("get"), 1);
  assertStrictEquals(await node.call({ name: "server", node: node.name }, atom("get")), 1);
  assertEquals(node.nodes(), []);
  assertStrictEquals(node.disconnect("b@localhost"), false);
  assertStrictEquals(await node.ping("b@localhost"), false);
  assertStrictEquals(await node.ping(node.name), true);
  node.send({ name: "x", node: "b@localhost" }, 1);
  assertInstanceOf(await failure(node.call({ name: "x", node: "b@localhost" }, 1)), NodeDownError);
  const reason = await new Promise((resolve) =>
    node.monitor({ name: "x", node: "b@localhost" }, (down) => resolve(down.reason))
  );
  assertStrictEquals(reason, atom("noconnection"));
  for (
    const use of [
      () => node.connect("b@localhost"),
      () => node.rpc("b@localhost", "m", "f"),
      () => node.spawnRemote("b@localhost", "m", "f"),
      () => node.events(),
    ]
  ) {
    assertMatch(String(await failureOf(use)), /Cannot use the network: this node has none/);
  }
  await node.stop();
});

// What a node brings

test("the processes that others expect are there", async () => {
  await using node = await startNode("boot@localhost", { network: false });
  const names = node.registered();
  for (const name of ["net_kernel", "user"]) assert(names.includes(name), `${name} is not there`);
  assertStrictEquals(node.name, "boot@localhost");
  assertStrictEquals(node.pid.node, "boot@localhost");
  for (const name of names) assert(node.isAlive(node.whereis(name)!));
  await node.stop();
});

test("a node's clock, timers and randomness are those of its platform", async () => {
  const fake = new FakePlatform();
  await using node = await startNode("boot@localhost", {
    network: false,
    platform: fake,
    signals: false,
  });
  await using twin = await startNode("boot@localhost", {
    network: false,
    platform: new FakePlatform(),
    signals: false,
  });
  assertStrictEquals(node.pid.creation, twin.pid.creation);
  let over = false;
  const sleep = node.sleep(500).then(() => over = true);
  await fake.elapse(499);
  assertStrictEquals(over, false);
  await fake.elapse(1);
  await sleep;
  await Promise.all([node.stop(), twin.stop()]);
  assertEquals([fake.pendingTimers, fake.keptAlive], [0, 0]);
});

test("each life of a node is another one", async () => {
  await using one = await startNode("boot@localhost", { network: false });
  await using two = await startNode("boot@localhost", { network: false });
  assert(!one.pid.equals(two.pid));
  assertStrictEquals(two.isAlive(one.pid), false);
  await Promise.all([one.stop(), two.stop()]);
});

// The end

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
