import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { type Node, NodeDownError, type NodeEvent, type Route } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { eventsOf, until } from "../_cluster.ts";
import { COOKIE, introduction, statusOf, type Stranger, Town } from "./_strangers.ts";

const GARBAGE = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");

async function untilRefused(next: () => Promise<NodeEvent>): Promise<NodeEvent> {
  return await until(next, "refused");
}

test("an address whose handshakes fail is served one at a time, and told of in one line", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { handshakes: { failures: 3 } });
  const events = eventsOf(a);
  for (let i = 0; i < 3; i++) await (await town.stranger("a", GARBAGE)).gone();
  const many = await Promise.all(Array.from({ length: 20 }, () => town.stranger("a", GARBAGE)));
  // Others are served meanwhile.
  const b = await town.start("b@localhost");
  await b.connect(a.name);
  for (const stranger of many) await stranger.gone();
  const refused = await untilRefused(events) as NodeEvent & { address?: string; count?: number };
  assertEquals([refused.address, refused.count], ["stranger", 1]);
  assertEquals(town.logs.filter((line) => line.includes("stranger")).length, 1);
  await a.stop();
  const [, folded] = town.logs.filter((line) => line.includes("stranger"));
  assertMatch(folded, /^22 more streams from stranger were not let in, the last one: /);
});

test("a good peer comes in from an address whose handshakes fail, and stalls, again and again", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { handshakes: { failures: 3 } });
  const b = await town.start("b@localhost", { cookie: "another secret" });
  for (let i = 0; i < 12; i++) assertEquals(await b.ping(a.name), false);
  const attackers: Stranger[] = [];
  for (let i = 0; i < 10; i++) {
    attackers.push(await town.stranger("a", GARBAGE, "b"));
    attackers.push(await town.stranger("a", i === 0 ? undefined : GARBAGE, "b")); // one says nothing
  }
  b.setCookie(a.name, COOKIE);
  await b.connect(a.name);
  for (const attacker of attackers) attacker.leave();
});

test("a peer that succeeds is not hurt by those that fail from the same address", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { handshakes: { failures: 3 } });
  const b = await town.start("b@localhost");
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 2; i++) await (await town.stranger("a", GARBAGE, "b")).gone();
    await b.connect(a.name);
    b.disconnect(a.name);
    while (a.nodes().length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
});

test("whoever only looks whether the port is open is not kept out for it", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { handshakes: { failures: 2 } });
  for (let i = 0; i < 20; i++) {
    const looking = await town.stranger("a", undefined, "b");
    looking.leave();
  }
  const b = await town.start("b@localhost");
  await b.connect(a.name);
  assertEquals(town.logs.filter((line) => line.includes("not let in")), []);
});

test("one address has so many handshakes at once, and the others go on", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { handshakes: { maxPerAddress: 5 } });
  const silent: Stranger[] = [];
  for (let i = 0; i < 5; i++) silent.push(await town.stranger("a"));
  const other = await town.stranger("a", introduction("c@localhost"), "c");
  silent.push(await town.stranger("a"));
  await silent.shift()!.gone(); // the oldest
  assertEquals(statusOf(await other.answer()), "ok");
  for (const stranger of [...silent, other]) {
    assertStrictEquals(stranger.closed, false);
    stranger.leave();
  }
  await a.stop();
});

test("a flood of those that say nothing cannot keep a peer out", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { handshakes: { max: 10, maxPerAddress: 10 } });
  const silent: Stranger[] = [];
  for (let i = 0; i < 10; i++) silent.push(await town.stranger("a"));
  const b = await town.start("b@localhost");
  await b.connect(a.name);
  await silent[0].gone();
  assertEquals(silent.filter(({ closed }) => closed).length, 1);
  for (const stranger of silent) stranger.leave();
  await a.stop();
});

test("a node has nodes that it allows, whoever begins", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", { allow: ["c@*"] });
  const [b, c] = [await town.start("b@localhost"), await town.start("c@localhost")];
  await assertRejects(() => b.connect(a.name), NodeDownError, "it does not allow us");
  await assertRejects(
    () => a.connect(b.name),
    NodeDownError,
    "this node does not allow it, name it in { allow }",
  );
  await a.connect(c.name);
  a.allow([b.name]);
  await b.connect(a.name);
  assertEquals(a.nodes().sort(), [b.name, c.name]);
  assertEquals(
    town.logs.some((line) =>
      line.includes("Peer b@localhost") && line.includes("does not allow it")
    ),
    true,
  );
});

test("the list begins with the first call, and connections that are up stay", async () => {
  await using town = new Town();
  const [a, b] = [await town.start("a@localhost"), await town.start("b@localhost")];
  await a.connect(b.name);
  a.allow(["c@localhost"]);
  assert(await a.ping(b.name));
  a.disconnect(b.name);
  assertEquals([await a.ping(b.name), await b.ping(a.name)], [false, false]);
});

test("nodes can share another cookie, from the moment that both have it", async () => {
  await using town = new Town();
  const [a, b] = [
    await town.start("a@localhost"),
    await town.start("b@localhost", { cookie: "another secret" }),
  ];
  const c = await town.start("c@localhost");
  await assertRejects(() => a.connect(b.name), NodeDownError, "cookie");
  a.setCookie(b.name, "another secret");
  await a.connect(b.name);
  a.disconnect(b.name);
  while (b.nodes().length > 0) await new Promise((resolve) => setImmediate(resolve));
  await b.connect(a.name);
  await a.connect(c.name);
  // One's own name: all that have none of their own.
  c.setCookie(c.name, "another secret");
  await c.connect(b.name);
  for (const cookie of ["", 7 as never]) {
    let error: unknown;
    try {
      a.setCookie(b.name, cookie);
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof TypeError);
  }
});

test("each listener and each route has its own cookie", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost", {
    listen: [{ host: "0.0.0.0", port: 4000 }, {
      host: "0.0.0.0",
      port: 4001,
      cookie: "of the second",
    }],
  });
  assertEquals(a.addresses, [{ host: "0.0.0.0", port: 4000 }, { host: "0.0.0.0", port: 4001 }]);
  assertEquals(a.address, { host: "0.0.0.0", port: 4000 });
  const way = (route: Route): Promise<Node> =>
    town.start("b@localhost", {
      listen: false,
      routes: { "*@localhost": { host: "a", ...route } },
    });
  const tries: [Route, boolean][] = [
    [{ port: 4000 }, true],
    [{ port: 4001 }, false],
    [{ port: 4000, cookie: "of the second" }, false],
    [{ port: 4001, cookie: "of the second" }, true],
  ];
  for (const [route, good] of tries) {
    const b = await way(route);
    assertStrictEquals(await b.ping(a.name), good, JSON.stringify(route));
    await b.stop();
    while (a.nodes().length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
});

testNothingIsLeft();
