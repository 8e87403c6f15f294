import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import {
  decodeAliveResponse,
  decodeDump,
  decodeNames,
  decodePortResponse,
  encodeEpmdRequest,
  type EpmdNode,
  type EpmdRequest,
} from "../../lib/dist/epmd_protocol.ts";
import type { EpmdRegistration } from "../../lib/dist/epmd_registration.ts";
import { EpmdServer, type EpmdServerOptions } from "../../lib/dist/epmd_server.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import {
  type Listener,
  type ListenOptions,
  type Stream,
  TransportError,
} from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { FakeStream } from "../_support/fake_stream.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** A network that is the test: who listens where, and clients that connect. */
class FakeNetwork {
  readonly listening: string[] = [];
  readonly refused: Set<string> = new Set();
  readonly calls: string[] = [];
  #accept: (stream: Stream) => void = () => {};

  listen({ host, port }: ListenOptions, accept: (stream: Stream) => void): Promise<Listener> {
    const address = `${host}:${port === 0 ? 4000 : port}`;
    if (this.refused.has(`${host}`)) {
      return Promise.reject(new TransportError(`Cannot listen on ${address}`, "EADDRINUSE"));
    }
    this.listening.push(address);
    this.#accept = accept;
    return Promise.resolve({
      address: { host: host!, port: port === 0 ? 4000 : port },
      close: () => {
        this.listening.splice(this.listening.indexOf(address), 1);
        return Promise.resolve();
      },
      ref: () => this.calls.push(`ref ${address}`),
      unref: () => this.calls.push(`unref ${address}`),
    });
  }

  /** A client of a host that says something. */
  client(request?: EpmdRequest | readonly number[], host = "127.0.0.1"): Client {
    const client = new Client(host);
    this.#accept(client);
    if (request !== undefined) client.send(request);
    return client;
  }
}

/** The server's end of a connection. */
class Client extends FakeStream {
  override readonly remote;
  received: Uint8Array = new Uint8Array(0);

  constructor(host: string) {
    super();
    this.remote = { host, port: 50000 };
  }

  override write(bytes: Uint8Array): boolean {
    this.received = Uint8Array.of(...this.received, ...bytes);
    return true;
  }

  /** Whether the server has closed it: in order, or at once. */
  get closed(): "end" | "destroy" | null {
    const last = this.calls.filter((call) => call === "end" || call === "destroy").pop();
    return (last ?? null) as "end" | "destroy" | null;
  }

  send(request: EpmdRequest | readonly number[]): void {
    this.handler.data(
      "type" in request ? encodeEpmdRequest(request) : Uint8Array.from(request),
    );
  }

  /** The client closes. */
  close(): void {
    this.handler.end();
    this.handler.close();
  }

  get alive(): { result: number; creation: number } | null {
    return decodeAliveResponse(this.received);
  }
}

interface Setup {
  network: FakeNetwork;
  platform: FakePlatform;
  server: EpmdServer;
}

async function setup(options: Partial<EpmdServerOptions> = {}): Promise<Setup> {
  const [network, platform] = [new FakeNetwork(), new FakePlatform()];
  const server = await EpmdServer.start({ transport: network, platform, port: 0, ...options });
  return { network, platform, server };
}

function alive(name: string, more: Partial<EpmdNode> = {}): EpmdRequest {
  const extra = new Uint8Array(0);
  const node = { name, port: 7, type: 77, protocol: 0, highest: 6, lowest: 5, extra, ...more };
  return { type: "alive2", node };
}

test("a node registers, is found as it registered, is listed, and is free when it closes", async () => {
  const { network, server, platform } = await setup();
  const extra = Uint8Array.of(1, 2);
  const node = network.client(alive("ab", { port: 1234, type: 72, highest: 6, lowest: 6, extra }));
  assertEquals([node.alive?.result, node.closed], [0, null]);
  const found = network.client({ type: "port_please2", name: "ab" });
  assertEquals(decodePortResponse(found.received)?.node, {
    ...{ name: "ab", port: 1234, type: 72, protocol: 0, highest: 6, lowest: 6, extra },
  });
  assertEquals(found.closed, "end");
  found.close();
  const names = network.client({ type: "names" });
  assertEquals(decodeNames(names.received), { port: 4000, nodes: [{ name: "ab", port: 1234 }] });
  assertEquals(names.closed, "end");
  names.close();
  assertEquals(server.nodes.length, 1);
  node.close();
  assertEquals(server.nodes.length, 0);
  const missing = network.client({ type: "port_please2", name: "ab" });
  assertEquals([...missing.received], [119, 1]);
  missing.close();
  assertEquals(platform.pendingTimers, 0);
});

test("every request is understood one byte at a time", async () => {
  for (const request of [alive("ab"), { type: "names" }, { type: "port_please2", name: "x" }]) {
    const { network } = await setup();
    const client = network.client();
    const bytes = encodeEpmdRequest(request as EpmdRequest);
    for (const byte of bytes.subarray(0, -1)) client.send([byte]);
    assertEquals(client.received.length, 0);
    client.send([bytes[bytes.length - 1]]);
    assert(client.received.length > 0);
  }
});

test("the response is ALIVE2_X_RESP from version 6 on, and ALIVE2_RESP before", async () => {
  const { network } = await setup();
  assertEquals(network.client(alive("a", { highest: 6 })).received[0], 118);
  assertEquals(network.client(alive("b", { highest: 7 })).received[0], 118);
  const old = network.client(alive("c", { highest: 5 }));
  assertEquals([old.received.length, old.received[0]], [4, 121]);
  assert([1, 2, 3].includes(old.alive!.creation));
});

test("creations are never the same one after another, and never those of older nodes", async () => {
  const { network } = await setup();
  const creations = Array.from({ length: 100 }, () => {
    const node = network.client(alive("a"));
    node.close();
    return node.alive!.creation;
  });
  assertEquals(new Set(creations).size, 100);
  assert(creations.every((creation) => creation > 3));
});

test("creations begin anew after the last one, not at zero", async () => {
  const { network } = await setup({
    platform: Object.assign(new FakePlatform(), {
      randomBytes: (length: number) => new Uint8Array(length).fill(255),
    }),
  });
  assertEquals(network.client(alive("a")).alive?.creation, 0xffffffff);
  assertEquals(network.client(alive("b")).alive?.creation, 4);
});

test("a name that is taken is refused, and stays with its holder", async () => {
  const { network, server } = await setup();
  const first = network.client(alive("a", { port: 1 }));
  const second = network.client(alive("a", { port: 2 }));
  assertEquals([second.alive?.result, second.closed], [1, "end"]);
  second.close();
  assertEquals(server.nodes.map(({ port }) => port), [1]);
  first.close();
  assertEquals(network.client(alive("a", { port: 3 })).alive?.result, 0);
});

test("a registration that makes no sense is refused, as epmd does", async () => {
  const { network, server } = await setup();
  const latin1 = [0, 14, 120, 0, 1, 77, 0, 0, 6, 0, 5, 0, 1, 0xe9, 0, 0];
  const client = network.client(latin1);
  assertEquals([client.alive?.result, client.closed, server.nodes.length], [1, "end", 0]);
});

test("only programs of this host register, dump, kill and stop; all may look up", async () => {
  const { network, server } = await setup({ relaxed: true });
  network.client(alive("a"));
  const far = "192.0.2.7";
  for (
    const request of [alive("b"), { type: "dump" }, { type: "kill" }, { type: "stop", name: "a" }]
  ) {
    const client = network.client(request as EpmdRequest, far);
    assertEquals([client.received.length, client.closed], [0, "destroy"]);
  }
  assert(network.client({ type: "names" }, far).received.length > 4);
  assert(network.client({ type: "port_please2", name: "a" }, far).received.length > 4);
  assertEquals(server.nodes.length, 1);
  for (const near of ["127.0.0.9", "::1", "::ffff:127.0.0.1"]) {
    assertEquals(network.client(alive(`n${near.length}`), near).alive?.result, 0);
  }
});

test("a dump lists the active nodes, then those that were", async () => {
  const { network } = await setup();
  network.client(alive("a", { port: 1 }));
  network.client(alive("b", { port: 2 })).close();
  network.client(alive("c", { port: 3 })).close();
  network.client(alive("c", { port: 4 }));
  const { nodes } = decodeDump(network.client({ type: "dump" }).received);
  assertEquals(nodes.map(({ active, name, port }) => [active, name, port]), [
    [true, "a", 1],
    [true, "c", 4],
    [false, "b", 2],
  ]);
  assertEquals(new Set(nodes.map(({ fd }) => fd)).size, 3);
});

test("the last thousand names that were are remembered", async () => {
  const { network } = await setup();
  for (let i = 0; i < 1010; i++) network.client(alive(`n${i}`)).close();
  const { nodes } = decodeDump(network.client({ type: "dump" }).received);
  assertEquals([nodes.length, nodes[0].name, nodes[999].name], [1000, "n10", "n1009"]);
});

test("kill is refused while a node is registered, unless the server is relaxed", async () => {
  for (const relaxed of [false, true]) {
    const { network, server } = await setup({ relaxed });
    const node = network.client(alive("a"));
    const killer = network.client({ type: "kill" });
    assertEquals(new TextDecoder().decode(killer.received), relaxed ? "OK" : "NO");
    killer.close();
    assertEquals(network.listening.length, relaxed ? 0 : 2);
    if (!relaxed) continue;
    assertEquals(node.closed, "destroy");
    node.close();
    await server.stopped;
  }
});

test("kill ends a server without nodes when the client has its answer", async () => {
  const { network, server } = await setup();
  const killer = network.client({ type: "kill" });
  assertEquals([new TextDecoder().decode(killer.received), killer.closed], ["OK", "end"]);
  killer.close();
  await server.stopped;
  assertEquals(network.listening, []);
});

test("stop is ignored, unless the server is relaxed", async () => {
  const strict = await setup();
  strict.network.client(alive("a"));
  const ignored = strict.network.client({ type: "stop", name: "a" });
  assertEquals([ignored.received.length, ignored.closed], [0, "destroy"]);

  const { network, server } = await setup({ relaxed: true });
  const node = network.client(alive("a"));
  const stop = (name: string): string =>
    new TextDecoder().decode(network.client({ type: "stop", name }).received);
  assertEquals([stop("b"), stop("a"), stop("a")], ["NOEXIST", "STOPPED", "NOEXIST"]);
  assertEquals([node.closed, server.nodes.length], ["destroy", 0]);
  // The name may be taken before the old connection is gone, whose end then frees nothing.
  network.client(alive("a"));
  node.close();
  assertEquals(server.nodes.length, 1);
});

test("a registered node that speaks is closed, as epmd does", async () => {
  const { network, server } = await setup();
  const node = network.client(alive("a"));
  node.send([1]);
  assertEquals(node.closed, "destroy");
  node.close();
  assertEquals(server.nodes.length, 0);
});

test("what is no request closes that connection alone", async () => {
  const { network } = await setup();
  for (
    const bytes of [[0, 0], [0, 1, 63], [255, 255], [71, 69, 84, 32, 47], [0, 1, 122], [22, 3, 1]]
  ) {
    const client = network.client(bytes);
    assertEquals([client.received.length, client.closed], [0, "destroy"], `${bytes}`);
  }
  assertEquals(network.client(alive("a")).alive?.result, 0);
});

test("a client that ends before its request is complete is closed", async () => {
  const { network, platform } = await setup();
  const client = network.client([0, 5, 122]);
  client.handler.end();
  assertEquals(client.closed, "destroy");
  client.handler.close();
  assertEquals(platform.pendingTimers, 0);
});

test("a client that ends with its request gets the answer", async () => {
  const { network } = await setup();
  const client = network.client({ type: "names" });
  client.handler.end();
  assertEquals(client.closed, "end");
});

test("slow clients are closed at the limit, a registered node stays", async () => {
  const { network, platform } = await setup();
  const node = network.client(alive("a"));
  const silent = network.client();
  const slow = network.client([0]);
  const reader = network.client({ type: "names" }); // does not take its answer
  for (let i = 0; i < 9; i++) {
    await platform.elapse(1000);
    slow.send(i === 0 ? [200] : [122]);
  }
  assertEquals([silent.closed, slow.closed, reader.closed], [null, null, "end"]);
  await platform.elapse(1000);
  assertEquals([silent.closed, slow.closed, reader.closed], ["destroy", "destroy", "destroy"]);
  assertEquals(node.closed, null);
});

test("beyond so many clients the oldest is closed, nodes are not counted", async () => {
  const { network } = await setup({ maxClients: 2 });
  const nodes = ["a", "b", "c"].map((name) => network.client(alive(name)));
  const clients = [1, 2, 3, 4].map(() => network.client());
  assertEquals(clients.map(({ closed }) => closed), ["destroy", "destroy", null, null]);
  assertEquals(nodes.map(({ closed }) => closed), [null, null, null]);
});

test("closing frees everything, and may be asked for twice", async () => {
  const { network, server, platform } = await setup();
  const [node, client] = [network.client(alive("a")), network.client()];
  const closed = server.close();
  assertEquals([node.closed, client.closed], ["destroy", "destroy"]);
  node.handler.close();
  client.handler.close();
  await closed;
  await server.close();
  await server.stopped;
  assertEquals([network.listening, server.nodes, platform.pendingTimers], [[], [], 0]);
});

test("listens on loopback, and on what ERL_EPMD_ADDRESS names besides", async () => {
  const environment = async (value: string): Promise<string[]> => {
    const platform = new FakePlatform();
    platform.environment.set("ERL_EPMD_ADDRESS", value);
    return (await setup({ platform })).network.listening;
  };
  assertEquals((await setup()).network.listening, ["127.0.0.1:4000", "[::1]:4000"].map(plain));
  assertEquals(await environment("192.0.2.1, 127.0.0.1,"), [
    "127.0.0.1:4000",
    "192.0.2.1:4000",
    "::1:4000",
  ]);
  assertEquals(await environment("0.0.0.0"), ["0.0.0.0:4000", "::1:4000"]);
  assertEquals(await environment("::"), [":::4000"]);
  const { network } = await setup({ hosts: ["192.0.2.1"], port: 5000 });
  assertEquals(network.listening, ["127.0.0.1:5000", "192.0.2.1:5000", "::1:5000"]);
  function plain(address: string): string {
    return address.replace(/[[\]]/g, "");
  }
});

test("an address that cannot be had is an error, but for IPv6 loopback; nothing stays open", async () => {
  const network = new FakeNetwork();
  const options = { transport: network, platform: new FakePlatform(), port: 0 };
  network.refused.add("::1");
  const server = await EpmdServer.start(options);
  assertEquals(network.listening, ["127.0.0.1:4000"]);
  await server.close();
  network.refused.add("192.0.2.1");
  await assertRejects(
    () => EpmdServer.start({ ...options, hosts: ["192.0.2.1"] }),
    TransportError,
    "192.0.2.1",
  );
  assertEquals(network.listening, []);
});

test("ERL_EPMD_PORT and ERL_EPMD_RELAXED_COMMAND_CHECK are obeyed", async () => {
  const platform = new FakePlatform();
  platform.environment.set("ERL_EPMD_PORT", "5001");
  platform.environment.set("ERL_EPMD_RELAXED_COMMAND_CHECK", "");
  const { network, server } = await setup({ platform, port: undefined });
  assertEquals([server.port, network.listening[0]], [5001, "127.0.0.1:5001"]);
  assertEquals(network.client({ type: "stop", name: "a" }).received.length, 7);
});

test("the program's life: ref and unref reach listeners, and clients now and later", async () => {
  const { network, server } = await setup();
  const [early] = [network.client()];
  server.unref();
  const late = network.client();
  assertEquals(network.calls, ["unref 127.0.0.1:4000", "unref ::1:4000"]);
  assertEquals([early.calls.slice(-1), late.calls.slice(-1)], [["unref"], ["unref"]]);
  server.ref();
  assertEquals(late.calls.slice(-1), ["ref"]);
});

test("1,000 nodes register at once over TCP and are found, and are gone when they close", async () => {
  const [transport, platform] = [await defaultTransport(), await defaultPlatform()];
  await using server = await EpmdServer.start({ transport, platform, port: 0 });
  const client = new EpmdClient({ transport, platform, port: server.port });
  const slow = await transport.connect({ host: "127.0.0.1", port: server.port });
  slow.write(Uint8Array.of(0));
  const registrations: EpmdRegistration[] = [];
  for (let i = 0; i < 1000; i += 100) {
    const batch = Array.from(
      { length: 100 },
      (_, k) => client.register({ name: `n${i + k}`, port: i + k }),
    );
    registrations.push(...await Promise.all(batch));
  }
  assertEquals(new Set(registrations.map(({ creation }) => creation)).size, 1000);
  for (let i = 0; i < 1000; i += 100) {
    const batch = Array.from({ length: 100 }, (_, k) => client.lookup(`n${i + k}`));
    assertEquals((await Promise.all(batch)).map((node) => node?.port), range(i, 100));
  }
  assertEquals((await client.names()).length, 1000);
  for (const registration of registrations) registration.close();
  for (;;) {
    if ((await client.names()).length === 0) break;
  }
  slow.destroy();
});

testNothingIsLeft();

function range(start: number, length: number): number[] {
  return Array.from({ length }, (_, i) => start + i);
}
