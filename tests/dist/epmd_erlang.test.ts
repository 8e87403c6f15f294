/** Our client with the real epmd, and real Erlang nodes with our server. Needs `erl` and `epmd`. */
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { EpmdError } from "../../lib/dist/epmd_error.ts";
import { ensureEpmd, LocalEpmd } from "../../lib/dist/epmd_local.ts";
import { decodeDump } from "../../lib/dist/epmd_protocol.ts";
import type { EpmdRegistration } from "../../lib/dist/epmd_registration.ts";
import { EpmdServer } from "../../lib/dist/epmd_server.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import {
  freePort,
  needsErlang as skip,
  poll,
  runEpmd,
  startEpmd,
  startErlang,
} from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const [transport, platform] = [await defaultTransport(), await defaultPlatform()];

test(
  "with the real epmd: register, look up, list, be refused, be forgotten",
  { skip },
  async () => {
    await using epmd = await startEpmd();
    const client = new EpmdClient({ transport, platform, port: epmd.port });
    const extra = Uint8Array.of(1, 2, 3);
    const registration = await client.register({ name: "zoë", port: 1234, extra });
    assert(registration.creation > 3);
    assertEquals(await client.lookup("zoë"), {
      ...{ name: "zoë", port: 1234, type: 72, protocol: 0, highest: 6, lowest: 5, extra },
    });
    assertEquals(await client.lookup("nobody"), null);
    assertEquals(await client.names(), [{ name: "zoë", port: 1234 }]);
    const error = await assertRejects(() => client.register({ name: "zoë", port: 1 }), EpmdError);
    assertEquals(error.reason, "duplicate_name");
    assertEquals(await ensureEpmd({ transport, platform, port: epmd.port }), null);
    registration.close();
    await poll(async () => (await client.names()).length === 0);
  },
);

test("with the real epmd: 300 registrations and look-ups", { skip }, async () => {
  await using epmd = await startEpmd();
  const client = new EpmdClient({ transport, platform, port: epmd.port });
  const registrations: EpmdRegistration[] = [];
  for (let i = 0; i < 300; i += 50) {
    const batch = Array.from(
      { length: 50 },
      (_, k) => client.register({ name: `n${i + k}`, port: i }),
    );
    registrations.push(...await Promise.all(batch));
    assertEquals((await client.lookup(`n${i + 49}`))?.port, i);
  }
  assertEquals((await client.names()).length, 300);
  for (const registration of registrations) registration.close();
  await poll(async () => (await client.names()).length === 0);
});

test(
  "the real epmd is killed: a node takes its role, and gives it back to nobody",
  { skip },
  async () => {
    const epmd = await startEpmd();
    const options = { transport, platform, port: epmd.port };
    const registered = Promise.withResolvers<void>();
    await using local = await LocalEpmd.register(options, {
      name: "a",
      port: 1,
      onEvent: ({ type }) => {
        if (type === "registered") registered.resolve();
      },
    });
    assertEquals(local.server, null);
    await epmd.kill();
    await registered.promise;
    assert(local.server !== null);
    assertEquals(await new EpmdClient(options).names(), [{ name: "a", port: 1 }]);
  },
);

test(
  "Erlang nodes use our server: they register, find each other, and are gone",
  { skip },
  async () => {
    await using server = await EpmdServer.start({ transport, platform, port: 0 });
    const { port } = server;
    await using client = await startErlang({ name: "a@localhost", cookie: "c", epmdPort: port });
    {
      await using other = await startErlang({
        name: "b@localhost",
        cookie: "c",
        epmdPort: port,
        hidden: true,
      });
      assertEquals(server.nodes.map(({ name }) => name), ["a", "b"]);
      // Hidden or not is something between nodes: erl registers as 77 either way.
      assertEquals(server.nodes.map(({ type }) => type), [77, 77]);
      assertEquals(await client.eval("net_adm:ping('b@localhost')"), "pong");
      const names = await client.eval("lists:sort(element(2, net_adm:names(localhost)))");
      const [a, b] = server.nodes;
      assertEquals(names, `[{"a",${a.port}},{"b",${b.port}}]`);
      assertEquals(await other.eval("erlang:system_info(creation) > 3"), "true");
    }
    await poll(() => server.nodes.length === 1);
    assertEquals(await client.eval("net_adm:ping('b@localhost')"), "pang");
  },
);

test("an Erlang node is refused a name that is taken at our server", { skip }, async () => {
  await using server = await EpmdServer.start({ transport, platform, port: 0 });
  const client = new EpmdClient({ transport, platform, port: server.port });
  using _ours = await client.register({ name: "taken", port: 1 });
  const error = await assertRejects(() =>
    startErlang({ name: "taken@localhost", cookie: "c", epmdPort: server.port })
  );
  assertMatch((error as Error).message, /seems to be in use by another Erlang node/);
});

test("Erlang registers again when our server comes back", { skip }, async () => {
  const port = await freePort();
  const first = await EpmdServer.start({ transport, platform, port });
  await using erl = await startErlang({ name: "back@localhost", cookie: "c", epmdPort: port });
  const creation = await erl.eval("erlang:system_info(creation)");
  await first.close();
  await using second = await EpmdServer.start({ transport, platform, port });
  await poll(() => second.nodes.length === 1); // it tries every two seconds
  assertEquals(second.nodes[0].name, "back");
  assertEquals(await erl.eval("erlang:system_info(creation)"), creation);
});

test("the program epmd speaks with our server: -names, -stop, -kill", { skip }, async () => {
  const server = await EpmdServer.start({ transport, platform, port: 0, relaxed: true });
  const { port } = server;
  const client = new EpmdClient({ transport, platform, port });
  const first: EpmdRegistration = await client.register({
    ...{ name: "one", port: 1111 },
    onEvent: () => first.close(), // or it would register again
  });
  const second = await client.register({ name: "two", port: 2222 });
  assertEquals(
    await runEpmd(port, ["-names"]),
    `epmd: up and running on port ${port} with data:\nname one at port 1111\nname two at port 2222\n`,
  );
  assertEquals((await runEpmd(port, ["-stop", "one"])).trim(), "STOPPED");
  assertEquals(server.nodes.map(({ name }) => name), ["two"]);
  second.close();
  first.close();
  assertEquals((await runEpmd(port, ["-kill"])).trim(), "Killed");
  await server.stopped;
  assertMatch(await runEpmd(port, ["-names"]), /Cannot connect to local epmd/);
});

test("our server refuses to be killed while nodes are registered", { skip }, async () => {
  await using server = await EpmdServer.start({ transport, platform, port: 0 });
  const client = new EpmdClient({ transport, platform, port: server.port });
  using _registration = await client.register({ name: "one", port: 1111 });
  assertMatch(await runEpmd(server.port, ["-kill"]), /not allowed|living nodes/);
  assertEquals((await client.names()).length, 1);
});

test("a dump of the real epmd and of ours say the same", { skip }, async () => {
  await using epmd = await startEpmd();
  await using server = await EpmdServer.start({ transport, platform, port: 0 });
  const dumps = await Promise.all([epmd.port, server.port].map(async (port) => {
    const client = new EpmdClient({ transport, platform, port });
    using _active = await client.register({ name: "active", port: 1 });
    (await client.register({ name: "old", port: 2 })).close();
    await poll(async () => (await client.names()).length === 1);
    const stream = await transport.connect({ host: "127.0.0.1", port });
    const received: number[] = [];
    await new Promise<void>((resolve) => {
      stream.start({
        data: (bytes) => void received.push(...bytes),
        drain: () => {},
        end: () => stream.destroy(),
        close: () => resolve(),
      });
      stream.write(Uint8Array.of(0, 1, 100));
    });
    return decodeDump(Uint8Array.from(received)).nodes
      .map(({ active, name, port }) => ({ active, name, port }));
  }));
  assertEquals(dumps[0], dumps[1]);
});

testNothingIsLeft();
