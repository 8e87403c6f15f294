import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../../lib/etf/atom.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import { format } from "../../../lib/etf/format.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import { TcpServer, tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import { TransportError } from "../../../lib/transport/contract.ts";
import type { ExitReason } from "../../../lib/node/process/body.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { authority, named, server as identity } from "../../_support/tls.ts";
import { gate } from "../_servers.ts";
import { freePort } from "../../_support/erlang.ts";
import { spawned } from "../../node/_nodes.ts";
import { dial, Log, socketNode, Told, transport, until } from "./_support.ts";

class Echo extends TcpConnection {
  override handlePacket(bytes: Binary): void {
    this.write(bytes);
  }
}

test("a thousand connections at once are each a process, and all are answered", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: 0 }), []);
  const before = node.processes().length;
  const clients = await Promise.all(Array.from({ length: 1_000 }, async (_, i) => {
    const client = await dial(server.address);
    client.write(`client ${i}`);
    await client.untilText(`client ${i}`);
    assertEquals(client.text, `client ${i}`);
    return client;
  }));
  assertEquals(server.stats, {
    connections: 1_000,
    accepted: 1_000,
    refused: 0,
    failedHandshakes: 0,
  });
  assertEquals(node.processes().length, before + 1_000);
  for (const client of clients) client.end();
  await Promise.all(clients.map((client) => client.untilClosed()));
  await until(() => server.stats.connections === 0);
  assertEquals(node.processes().length, before);
  await node.stop();
});

test("connections beyond the limit are closed and counted, and there is room again when one ends", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: 0, maxConnections: 2 }), []);
  const clients = [await dial(server.address), await dial(server.address)];
  await until(() => server.stats.connections === 2);
  const refused = await dial(server.address);
  await refused.until(() => refused.ended || refused.closed);
  assertEquals(server.stats.refused, 1);
  refused.destroy();
  clients[0].end();
  await clients[0].untilClosed();
  await until(() => server.stats.connections === 1);
  const third = await dial(server.address);
  third.write("hello");
  await third.untilText("hello");
  for (const client of [clients[1], third]) client.destroy();
  await Promise.all([clients[1], third, refused].map((client) => client.untilClosed()));
  await node.stop();
});

test("a server that stops listens no more, and its connections end in order, in time or are killed", async () => {
  const { node } = socketNode();
  const log = new Log();
  const never = gate();
  class Ends extends Told {
    override handlePacket(packet: Binary): unknown {
      if (packet.text !== "plain") this.trapExit = true;
      this.write(`${packet.text}.`);
      return packet.text === "stuck" ? never.promise : undefined;
    }
    override terminate(reason: ExitReason): void {
      log.add(`terminate ${format(reason)}`);
      this.write("bye");
    }
  }
  const server = await node.start(tcpServer(Ends, { port: 0, args: [log], shutdown: 1_500 }), []);
  const { address } = server;
  const clients = await Promise.all(["plain", "orderly", "stuck"].map(async (how) => {
    const client = await dial(address);
    client.write(how);
    await client.untilText(`${how}.`);
    return client;
  }));
  await server.stop();
  await Promise.all(clients.map((client) => client.untilEnded()));
  assertEquals(clients.map(({ text }) => text), ["plain.", "orderly.bye", "stuck."]);
  assertEquals(log.lines.filter((line) => line.startsWith("term")), ["terminate shutdown"]);
  const error = await assertRejects(() => transport.connect(address), TransportError);
  assertEquals(error.code, "ECONNREFUSED");
  for (const client of clients) client.end();
  await Promise.all(clients.map((client) => client.untilClosed()));
  never.open();
  await node.stop();
});

test("the end of the node closes all, and the port is free then", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: await freePort() }), []);
  const { address } = server;
  const client = await dial(address);
  client.write("hello");
  await client.untilText("hello");
  client.untilEnded().then(() => client.end());
  await node.stop();
  await client.untilClosed();
  const again = socketNode();
  const second = await again.node.start(tcpServer(Echo, { port: address.port }), []);
  assertEquals(second.address.port, address.port);
  await again.node.stop();
});

test("a server that is killed takes its connections with it", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: 0 }), []);
  const client = await dial(server.address);
  client.write("hello");
  await client.untilText("hello");
  const [pid] = server.connections;
  node.exit(server.pid, atom("kill"));
  assertEquals(node.isAlive(pid), false);
  await client.untilEnded();
  client.end();
  await client.untilClosed();
  await assertRejects(() => transport.connect(server.address), TransportError);
  await node.stop();
});

test("a server of one's own takes arguments, and other exit signals are its own business", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Gate extends TcpServer {
    override async init(port: number, log: Log): Promise<void> {
      const { host } = await this.listen(Told, { port, args: [log] });
      log.add(`listens on ${host}`);
    }
    override handleInfo(message: unknown): void {
      log.add(format(message as never).replace(/<[^>]*>/, "Pid"));
    }
  }
  const gate = await node.start(Gate, [0, log], { register: "gate" });
  const client = await dial(gate.address);
  client.write("hi");
  await log.untilLine("packet hi");
  client.end();
  await client.untilClosed();
  await until(() => gate.stats.connections === 0);
  const { pid: other } = await spawned(node, (self) => self.link(gate.pid));
  node.exit(other, atom("boom"));
  await log.untilLine("{'EXIT',Pid,boom}");
  assertEquals(log.lines.filter((line) => line.includes("EXIT")), ["{'EXIT',Pid,boom}"]);
  assertMatch(format(await sys.getState(node, "gate")), /accepted => 1/);
  await node.stop();
});

test("a server whose port is taken, or whose options cannot be meant, does not start", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: 0 }), []);
  const { port } = server.address;
  const start = (options: object): Promise<unknown> =>
    node.start(tcpServer(Echo, options as never), []);
  await assertRejects(() => start({ port }), Error, "the port is in use");
  await assertRejects(() => start({ port: 70_000 }), Error, "port is 70000");
  await assertRejects(() => start({}), Error, "port is undefined");
  await assertRejects(() => start({ port: 0, backlog: 5 }), Error, "no option backlog");
  await assertRejects(() => start({ port: 0, maxConnections: 0 }), Error, "maxConnections is 0");
  await assertRejects(
    () => start({ port: 0, tls: { cert: "no such file" } }),
    Error,
    "cannot be read",
  );
  await assertRejects(
    () => node.start(tcpServer(TcpServer as never, { port: 0 }), []),
    Error,
    "extends TcpConnection",
  );
  await node.stop();
});

test("TLS: packets, the certificate that changes while it runs, and handshakes that fail", async () => {
  const { node } = socketNode();
  const options = { port: 0, tls: { cert: identity.cert, key: identity.key } };
  const server = await node.start(tcpServer(Echo, options), []);
  const first = await dial(server.address, { tls: { ca: authority } });
  first.write("secret");
  await first.untilText("secret");
  const ca = { ca: authority };
  await assertRejects(() => dial(server.address, { tls: { ...ca, serverName: "named.test" } }));
  const broken = { cert: identity.cert, key: named.key };
  await assertRejects(() => server.reloadCertificates(broken), Error, "not the key");
  await server.reloadCertificates({ cert: named.cert, key: named.key });
  const second = await dial(server.address, { tls: { ...ca, serverName: "named.test" } });
  second.write("renewed");
  await second.untilText("renewed");
  first.write("!");
  await first.untilText("secret!");
  const plain = await dial(server.address);
  plain.write("GET / HTTP/1.0\r\n\r\n");
  await plain.until(() => plain.ended || plain.closed);
  await until(() => server.stats.failedHandshakes > 0 && server.stats.connections === 2);
  for (const client of [first, second, plain]) client.destroy();
  await Promise.all([first, second, plain].map((client) => client.untilClosed()));
  await node.stop();
});

test("TLS: who says nothing is closed in time, and there is room again", async () => {
  const { node } = socketNode();
  const tls = { cert: identity.cert, key: identity.key };
  const options = { port: 0, tls, handshakeTimeout: 50, maxConnections: 1 };
  const server = await node.start(tcpServer(Echo, options), []);
  for (const failedHandshakes of [1, 2]) {
    const silent = await dial(server.address);
    await silent.until(() => silent.ended || silent.closed);
    await until(() => server.stats.failedHandshakes === failedHandshakes);
    silent.destroy();
    await silent.untilClosed();
  }
  assertEquals(server.stats, { connections: 0, accepted: 0, refused: 0, failedHandshakes: 2 });
  await node.stop();
});

test("TLS: who says nothing counts as a connection until it is gone", async () => {
  const { node } = socketNode();
  const tls = { cert: identity.cert, key: identity.key };
  const options = { port: 0, tls, handshakeTimeout: 120_000, maxConnections: 1 };
  const server = await node.start(tcpServer(Echo, options), []);
  const silent = await dial(server.address);
  const refused = await dial(server.address);
  await refused.until(() => refused.ended || refused.closed);
  assertEquals(server.stats, { connections: 0, accepted: 0, refused: 1, failedHandshakes: 0 });
  silent.write("GET / HTTP/1.0\r\n\r\n");
  await until(() => server.stats.failedHandshakes === 1);
  const good = await dial(server.address, { tls: { ca: authority } });
  good.write("hello");
  await good.untilText("hello");
  for (const client of [silent, refused, good]) client.destroy();
  await Promise.all([silent, refused, good].map((client) => client.untilClosed()));
  await node.stop();
});

test("certificates of a server without TLS cannot be changed", async () => {
  const { node } = socketNode();
  const server = await node.start(tcpServer(Echo, { port: 0 }), []);
  await assertRejects(() => server.reloadCertificates(), TypeError, "without { tls }");
  await node.stop();
});

test("a connection whose init fails closes its socket, and the server goes on", async () => {
  const { node, logs } = socketNode();
  let count = 0;
  class Picky extends Echo {
    override init(): void {
      if (count++ === 0) throw new Error("not the first one");
    }
  }
  const server = await node.start(tcpServer(Picky, { port: 0 }), []);
  const [first] = [await dial(server.address)];
  await first.until(() => first.ended || first.closed);
  const second = await dial(server.address);
  second.write("hello");
  await second.untilText("hello");
  assert(logs.some((line) => line.includes("not the first one")), logs.join("\n"));
  for (const client of [first, second]) client.destroy();
  await Promise.all([first, second].map((client) => client.untilClosed()));
  await node.stop();
});

testNothingIsLeft();
