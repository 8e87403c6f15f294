// Where a node that starts listens, and how nodes find each other: EPMD, routes, no network.
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import {
  atom,
  EpmdError,
  NodeDownError,
  startNode,
  type Transport,
  TransportError,
} from "../../mod.ts";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { freePort } from "../_support/erlang.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { failure, failureOf } from "../gen/_servers.ts";
import { inMemory, platform, Server, transport, watched } from "./_started_nodes.ts";

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
