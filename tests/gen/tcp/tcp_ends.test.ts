import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../../lib/etf/atom.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import type { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { bytes, dial, Log, reasonOf, socketNode, Told, until } from "./_support.ts";

test("a peer that has ended its side still gets an answer", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Sum extends Told {
    #sum = 0;
    override handlePacket(packet: Binary): void {
      for (const byte of packet) this.#sum += byte;
    }
    override handleEnd(): void {
      this.write(String(this.#sum));
      this.end();
    }
  }
  const server = await node.start(tcpServer(Sum, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write(bytes(1, 2));
  client.write(new Uint8Array(100_000).fill(1));
  client.end();
  await client.untilClosed();
  assertEquals(client.text, "100003");
  await log.untilLine("disconnect");
  await node.stop();
});

test("the process ends with its connection, and for what reason", async () => {
  const { node } = socketNode();
  const log = new Log();
  const server = await node.start(tcpServer(Told, { port: 0, args: [log] }), []);
  const orderly = await dial(server.address);
  await until(() => server.connections.length === 1);
  const first = reasonOf(node, server.connections[0]);
  orderly.end();
  assertEquals(await first, "normal");
  await orderly.untilClosed();
  assertEquals(log.lines, ["connect", "disconnect"]);
  await node.stop();
});

const ENDS: readonly (readonly [string, (self: TcpConnection) => unknown])[] = [
  ["stops", (self) => self.stop()],
  ["crashes", () => {
    throw new Error("boom");
  }],
  ["is killed", (self) => self.node.exit(self.pid, atom("kill"))],
  ["closes the connection", (self) => self.close()],
];

for (const [name, how] of ENDS) {
  test(`the socket closes where its process ${name}, and what was written before gets out`, async () => {
    const { node } = socketNode();
    const log = new Log();
    const last = new Uint8Array(3_000_000).fill(65);
    class Ends extends Told {
      override handlePacket(): unknown {
        this.write(last);
        return how(this);
      }
    }
    const server = await node.start(tcpServer(Ends, { port: 0, args: [log] }), []);
    const client = await dial(server.address);
    client.write("go");
    await client.untilEnded();
    assertEquals(client.received, last.length);
    client.end();
    await client.untilClosed();
    await until(() => server.connections.length === 0);
    await node.stop();
  });
}

testNothingIsLeft();
