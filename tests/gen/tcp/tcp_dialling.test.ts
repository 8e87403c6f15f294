import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../../lib/etf/atom.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import { child } from "../../../lib/gen/supervisor/child.ts";
import { supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import type { TcpConnectOptions } from "../../../lib/gen/tcp/tcp_options.ts";
import { TransportError } from "../../../lib/transport/contract.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { authority, server as identity } from "../../_support/tls.ts";
import { freePort } from "../../_support/erlang.ts";
import { dial, Log, socketNode, Told, transport, until } from "./_support.ts";

class Echo extends TcpConnection {
  override handlePacket(bytes: Binary): void {
    this.write(bytes);
  }
}

/** Dials, says hello, and writes down what comes. */
class Client extends Told {
  override init(log: Log, options?: TcpConnectOptions): Promise<void> {
    super.init(log);
    return this.connect(options!);
  }
  override handleConnect(): void {
    this.write("hello");
  }
}

test("a process dials over TLS, and its end ends the connection", async () => {
  const { node } = socketNode();
  const tls = { cert: identity.cert, key: identity.key };
  const server = await node.start(tcpServer(Echo, { port: 0, tls }), []);
  const log = new Log();
  const options = { ...server.address, tls: { ca: authority } };
  const client = await node.start(Client, [log, options]);
  await log.untilLine("packet hello");
  await client.stop();
  await until(() => server.stats.connections === 0);
  await node.stop();
});

test("who cannot connect does not start, and is told why", async () => {
  const { node } = socketNode();
  const log = new Log();
  const port = await freePort();
  const start = (options: object): Promise<unknown> =>
    node.start(Client, [log, options as TcpConnectOptions]);
  const error = await assertRejects(() => start({ host: "127.0.0.1", port }), Error) as Error;
  assert(error.cause instanceof TransportError);
  assertEquals(error.cause.code, "ECONNREFUSED");
  await assertRejects(() => start({ host: "127.0.0.1", port: 0 }), Error, "port is 0");
  await assertRejects(() => start({ host: "127.0.0.1", port, retry: 5 }), Error, "no option retry");
  await assertRejects(
    () => start({ host: "127.0.0.1", port, reconnect: { delay: -1 } }),
    Error,
    "reconnect.delay is -1",
  );
  await node.stop();
});

test("the start of a process that is ended while it dials fails, and no socket is left", async () => {
  const { node } = socketNode();
  const log = new Log();
  // A listener that accepts, but whose handshake of TLS never ends.
  const silent = await transport.listen({ port: 0 }, (stream) => {
    stream.start({ data() {}, drain() {}, end: () => stream.end(), close() {} });
  });
  const starting = node.start(Client, [log, {
    ...silent.address,
    tls: { ca: authority },
  }], { register: "client" });
  const failed = assertRejects(() => starting, Error, "killed");
  await until(() => node.whereis("client") !== undefined);
  node.exit(node.whereis("client")!, atom("kill"));
  await failed;
  await silent.close();
  await node.stop();
});

test("a supervisor starts a server again at the same port", async () => {
  const { node } = socketNode();
  const port = await freePort();
  const tree = supervisor({
    intensity: 3,
    children: [child(tcpServer(Echo, { port }), [], { register: "echo" })],
  });
  await node.start(tree, []);
  for (let i = 0; i < 3; i++) {
    const before = node.whereis("echo")!;
    const client = await dial({ host: "127.0.0.1", port });
    client.write("hello");
    await client.untilText("hello");
    node.exit(before, atom("kill"));
    await client.untilEnded();
    client.end();
    await client.untilClosed();
    await until(() => node.whereis("echo") !== undefined && node.whereis("echo") !== before);
  }
  await node.stop();
});

test("connections come and go by the hundred, and nothing of them stays", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: 0 }), []);
  const before = node.processes().length;
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const client = await dial(server.address);
      client.write("x");
      if (i % 3 > 0) await client.untilText("x");
      if (i % 2 === 0) client.end();
      else client.destroy();
      await client.untilClosed();
    }));
  }
  await until(() => server.stats.connections === 0);
  assertEquals(server.stats.accepted, 500);
  assertEquals(node.processes().length, before);
  await node.stop();
});

testNothingIsLeft();
