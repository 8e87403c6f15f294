import { createServer, type Server } from "node:net";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { type NodeOptions, startNode, TransportError } from "../../mod.ts";
import { freePort } from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const options: NodeOptions = { cookie: "secret", signals: false };
const [platform, transport] = [await defaultPlatform(), await defaultTransport()];

/** Some ports in a row of which the first ones are in use. */
async function taken(count: number): Promise<{ from: number; close(): Promise<void> }> {
  for (;;) {
    const from = await freePort();
    const servers: Server[] = [];
    const close = async (): Promise<void> => {
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
    };
    try {
      for (let port = from; port < from + count; port++) {
        const server = createServer();
        await new Promise<void>((resolve, reject) => {
          server.on("error", reject);
          server.listen(port, "127.0.0.1", resolve);
        });
        servers.push(server);
      }
      return { from, close };
    } catch {
      await close(); // somebody else has one of them: another row
    }
  }
}

test("of a range the first port that is free is taken", async () => {
  const row = await taken(2);
  try {
    const ports = [row.from, row.from + 20] as const;
    await using node = await startNode("boot@localhost", {
      ...options,
      epmd: false,
      listen: { ports },
    });
    const { port } = node.address!;
    assert(port >= row.from + 2 && port <= ports[1], `${port}`);
    const error = await assertRejects(
      () =>
        startNode("other@localhost", {
          ...options,
          epmd: false,
          listen: { ports: [row.from, row.from + 1] },
        }),
      TransportError,
    );
    assertEquals(error.code, "EADDRINUSE");
    assertMatch(error.message, /all ports from \d+ to \d+ are in use, give more/);
  } finally {
    await row.close();
  }
});

test("EPMD tells of the first place, or of the one that says so, or of none", async () => {
  const port = await freePort();
  const client = new EpmdClient({ transport, platform, port });
  await using keeper = await startNode("keeper@localhost", { ...options, epmd: { port } });
  const cases: [NodeOptions["listen"], number | null][] = [
    [[{}, {}], 0],
    [[{}, { register: true }, {}], 1],
    [[{ register: false }, {}], 1],
    [[{ register: false }], null],
    [false, null],
  ];
  for (const [listen, registered] of cases) {
    await using node = await startNode("boot@localhost", { ...options, epmd: { port }, listen });
    const found = await client.lookup("boot");
    assertEquals(found?.port ?? null, registered === null ? null : node.addresses[registered].port);
    assertEquals(node.addresses.length, listen === false ? 0 : (listen as unknown[]).length);
    if (registered !== null) assertEquals(node.address, node.addresses[registered]);
    await node.stop();
  }
  await keeper.stop();
});

test("a node without EPMD is found by its fixed port", async () => {
  const port = await freePort();
  await using b = await startNode("b@localhost", { ...options, epmd: false, listen: { port } });
  await using a = await startNode("a@localhost", {
    ...options,
    epmd: false,
    listen: false,
    routes: { "*@localhost": { port } },
  });
  await a.connect(b.name);
  assertEquals([a.addresses, a.address, b.addresses], [[], null, [{ host: "127.0.0.1", port }]]);
});

test("where one place cannot be bound, none stays bound", async () => {
  const [free, row] = [await freePort(), await taken(1)];
  const listen = [{ port: free }, { port: row.from }];
  const error = await startNode("boot@localhost", { ...options, epmd: false, listen }).catch((e) =>
    e
  );
  assertInstanceOf(error, TransportError);
  await row.close();
  await using node = await startNode("boot@localhost", { ...options, epmd: false, listen });
  assertEquals(node.addresses.map((address) => address.port), [free, row.from]);
});

testNothingIsLeft();
