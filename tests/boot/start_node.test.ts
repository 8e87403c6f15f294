// What startNode refuses, and what a node brings that has started.
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import { type NodeOptions, startNode, TransportError } from "../../mod.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { failure } from "../gen/_servers.ts";
import { inMemory } from "./_started_nodes.ts";

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
