import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Binary } from "../../../lib/etf/binary.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { gate } from "../_servers.ts";
import { dial, Log, reasonOf, socketNode, Told, until } from "./_support.ts";

test("a slow handler holds its peer back, and nothing is lost", async () => {
  const { node } = socketNode();
  const log = new Log();
  const open = gate();
  let received = 0;
  class Slow extends Told {
    override async handlePacket(packet: Binary): Promise<void> {
      await open.promise;
      received += packet.length;
    }
  }
  const server = await node.start(tcpServer(Slow, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  const piece = new Uint8Array(1024 * 1024);
  const total = 48 * piece.length;
  for (let sent = 0; sent < total; sent += piece.length) client.write(piece);
  // The kernels of both ends take some of it, and then no more.
  let last = Infinity;
  while (client.stream.buffered < last) {
    last = client.stream.buffered;
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(client.stream.buffered > total / 4, `${client.stream.buffered} of ${total} wait`);
  assertEquals(received, 0);
  open.open();
  await until(() => received === total);
  client.end();
  await log.untilLine("disconnect");
  await client.untilClosed();
  await node.stop();
});

test("who writes more than its peer takes is told, and goes on when it was sent", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Flood extends Told {
    override async handlePacket(): Promise<void> {
      const piece = new Uint8Array(256 * 1024).fill(7);
      let waits = 0;
      for (let i = 0; i < 100; i++) {
        if (this.write(piece)) continue;
        waits++;
        assert(this.buffered > 0);
        await this.drained();
      }
      log.add(waits > 0 ? "waited" : "never waited");
      this.close();
    }
  }
  const server = await node.start(tcpServer(Flood, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.onData = () => {};
  client.pause();
  await until(() => server.connections.length === 1);
  client.write("go");
  client.resume();
  await client.untilEnded();
  assertEquals(client.received, 100 * 256 * 1024);
  client.end();
  await client.untilClosed();
  await log.untilLine("disconnect");
  assertEquals(log.lines, ["connect", "waited", "disconnect"]);
  await node.stop();
});

test("a connection may write much before it reads anything", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Greets extends Told {
    override async handleConnect(): Promise<void> {
      for (let i = 0; i < 20; i++) {
        if (!this.write(new Uint8Array(512 * 1024))) await this.drained();
      }
      log.add("greeted");
    }
  }
  const server = await node.start(tcpServer(Greets, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.onData = () => {};
  client.write("first");
  await client.until(() => client.received === 10 * 1024 * 1024);
  await log.untilLine("packet first");
  assertEquals(log.lines, ["greeted", "packet first"]);
  client.end();
  await client.untilClosed();
  await node.stop();
});

test("a peer that takes nothing does not fill the memory", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Flood extends Told {
    override readonly tcp = { maxWrite: 4 * 1024 * 1024 };
    override handlePacket(): void {
      const piece = new Uint8Array(64 * 1024);
      for (let i = 0; i < 10_000; i++) this.write(piece);
      log.add(`buffered ${this.buffered}`);
    }
  }
  const server = await node.start(tcpServer(Flood, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.pause();
  await until(() => server.connections.length === 1);
  const reason = reasonOf(node, server.connections[0]);
  client.write("go");
  assertEquals(await reason, "{shutdown,enobufs}");
  assertEquals(log.lines.slice(1), ["buffered 0", "disconnect ENOBUFS"]);
  client.destroy();
  await client.untilClosed();
  await node.stop();
});

testNothingIsLeft();
