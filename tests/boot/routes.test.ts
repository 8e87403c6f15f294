import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Routes } from "../../lib/boot/routes.ts";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { NodeDownError, type NodeOptions, type Route, startNode } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { freePort } from "../_support/erlang.ts";

const platform = await defaultPlatform();
const { signal } = new AbortController();

function way(routes: Record<string, Route>, node: string): Promise<unknown> {
  return new Routes({ routes, resolver: undefined, epmd: null, tls: null, platform })
    .destination(node, signal)
    .then(({ host, port, cookie, timeout }) => ({ host, port, cookie, timeout }));
}

test("a node's own route goes before patterns, of which the first counts", async () => {
  const routes: Record<string, Route> = {
    "*@db": { port: 1 },
    "app*@*": { host: "10.0.0.2", port: 2, cookie: "c" },
    "*": { host: "10.0.0.3", port: 3, timeout: 9 },
    "app@db": { host: "10.0.0.4", port: 4 },
  };
  const none = { cookie: undefined, timeout: undefined };
  assertEquals(await way(routes, "app@db"), { host: "10.0.0.4", port: 4, ...none });
  assertEquals(await way(routes, "app2@db"), { host: "db", port: 1, ...none });
  assertEquals(await way(routes, "app2@web"), {
    host: "10.0.0.2",
    port: 2,
    cookie: "c",
    timeout: undefined,
  });
  assertEquals(await way(routes, "x@y"), {
    host: "10.0.0.3",
    port: 3,
    cookie: undefined,
    timeout: 9,
  });
  await assertRejects(
    () => way({ "*@db": { port: 1 } }, "a@web"),
    Error,
    "there is no route to it, and no EPMD is asked",
  );
  await assertRejects(() => way({ "a@web": { host: "h" } }, "a@web"), Error, "no EPMD is asked");
  await assertRejects(() => way({}, "toString@web"), Error, "there is no route");
});

test("a route that is changed while the node runs is checked when it is used", async () => {
  const routes: Record<string, Route> = { "a@b": { port: 1 } };
  const made = new Routes({ routes, resolver: undefined, epmd: null, tls: null, platform });
  routes["a@b"] = { port: 70_000 };
  await assertRejects(() => made.destination("a@b", signal), RangeError, "70000 is no port");
});

test("a resolver is asked where there is no route, and EPMD where it knows none", async () => {
  const network = memoryNetwork();
  const base: NodeOptions = { cookie: "secret", signals: false, epmd: false, transport: network };
  await using b = await startNode("b@localhost", { ...base, listen: { port: 4000 } });
  const asked: string[] = [];
  await using a = await startNode("a@localhost", {
    ...base,
    listen: false,
    resolve: (node, signal) => {
      assert(!signal.aborted);
      asked.push(node);
      if (node === "broken@localhost") throw new Error("no answer from the registry");
      if (node === "bad@localhost") return { port: -1 };
      return Promise.resolve(node === b.name ? { host: "localhost", port: 4000 } : null);
    },
    routes: { "d@localhost": { port: 4001 } },
  });
  await a.connect(b.name);
  assertEquals(a.nodes(), [b.name]);
  const failures: [string, string][] = [
    ["c@localhost", "there is no route to it, { resolve } knows none, and no EPMD is asked"],
    ["broken@localhost", "no answer from the registry"],
    ["bad@localhost", "-1 is no port"],
    ["d@localhost", "nothing listens there"],
  ];
  for (const [node, said] of failures) {
    await assertRejects(() => a.connect(node), NodeDownError, said);
  }
  assertEquals(asked, [b.name, "c@localhost", "broken@localhost", "bad@localhost"]);
});

test("a resolver that takes too long is given up with the attempt", async () => {
  let aborted = false;
  await using a = await startNode("a@localhost", {
    cookie: "secret",
    signals: false,
    epmd: false,
    transport: memoryNetwork(),
    listen: false,
    resolve: (_, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          aborted = true;
          reject(signal.reason);
        })
      ),
  });
  const connecting = a.connect("b@localhost").catch((error) => error);
  await a.stop();
  assert(await connecting instanceof NodeDownError);
  assert(aborted);
});

test("with routesOnly EPMD knows the node, and is not asked for others", async () => {
  const port = await freePort();
  const base: NodeOptions = { cookie: "secret", signals: false, epmd: { port } };
  await using a = await startNode("a@localhost", { ...base, routesOnly: true, routes: {} });
  await using b = await startNode("b@localhost", base);
  await assertRejects(() => a.connect(b.name), NodeDownError, "there is no route to it");
  await b.connect(a.name);
  assertEquals(a.nodes(), [b.name]);
});

test("a route without a port asks the EPMD of its host", async () => {
  const port = await freePort();
  const base: NodeOptions = { cookie: "secret", signals: false, epmd: { port } };
  await using b = await startNode("b@elsewhere", base);
  await using a = await startNode("a@localhost", {
    ...base,
    routes: { "*@elsewhere": { host: "127.0.0.1" } },
  });
  await a.connect(b.name);
  assertEquals(a.nodes(), [b.name]);
});

test("ERL_EPMD_PORT is where EPMD is, for the node and for those it looks for", async () => {
  const port = await freePort();
  const environment = {
    ...platform,
    env: (name: string) => name === "ERL_EPMD_PORT" ? String(port) : undefined,
  };
  const base: NodeOptions = { cookie: "secret", signals: false, platform: environment };
  await using a = await startNode("a@localhost", base);
  await using b = await startNode("b@localhost", base);
  await a.connect(b.name);
  const client = new EpmdClient({
    transport: await (await import("../../lib/transport/default.ts")).defaultTransport(),
    platform,
    port,
  });
  assertEquals((await client.names()).map(({ name }) => name).sort(), ["a", "b"]);
});

testNothingIsLeft();
