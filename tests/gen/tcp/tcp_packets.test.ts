import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Binary } from "../../../lib/etf/binary.ts";
import type { Unread } from "../../../lib/gen/framing/pump.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import type { TcpOptions } from "../../../lib/gen/tcp/tcp_options.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { bytes, dial, Log, reasonOf, socketNode, Told, until } from "./_support.ts";

test("raw: what is left comes again, and so many bytes as are awaited are waited for", async () => {
  const { node } = socketNode();
  const log = new Log();
  /** A record is its length in one byte, and its text: read by hand, as Ergo's handlers do. */
  class Records extends Told {
    override handlePacket(packet: Binary): Unread {
      let at = 0;
      while (at < packet.length) {
        const length = packet[at];
        if (at + 1 + length > packet.length) break;
        log.add(`record ${new Binary(packet.slice(at + 1, at + 1 + length).buffer).text}`);
        at += 1 + length;
      }
      const left = packet.length - at;
      return left === 0 ? {} : { left, await: 1 + packet[at] };
    }
  }
  const server = await node.start(tcpServer(Records, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  for (const piece of [[3, 65], [66, 67, 1, 90, 2], [88], [89, 0]]) {
    client.write(bytes(...piece));
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.end();
  await log.untilLine("disconnect");
  assertEquals(log.lines.slice(1, -1), ["record ABC", "record Z", "record XY", "record "]);
  await client.untilClosed();
  await node.stop();
});

test("raw: what is left comes again at once where some was taken, else with more", async () => {
  const { node } = socketNode();
  const log = new Log();
  /** Takes one record at a time. */
  class Records extends Told {
    override handlePacket(packet: Binary): Unread {
      const end = 1 + packet[0];
      if (packet.length < end) return { left: packet.length };
      log.add(`record ${new Binary(packet.slice(1, end).buffer).text}`);
      return { left: packet.length - end };
    }
  }
  const server = await node.start(tcpServer(Records, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write(bytes(1, 65, 2, 66, 67, 0, 1, 68, 2, 69));
  await log.untilLine("record D");
  client.write(bytes(70));
  await log.untilLine("record EF");
  client.end();
  await log.untilLine("disconnect");
  const records = ["record A", "record BC", "record ", "record D", "record EF"];
  assertEquals(log.lines.slice(1, -1), records);
  await client.untilClosed();
  await node.stop();
});

test("what was written before a packet that is too large goes out", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Echo extends Told {
    override readonly tcp = { packet: 4, maxPacket: 10 } as const;
    override handlePacket(packet: Binary): void {
      this.write(packet);
    }
  }
  const server = await node.start(tcpServer(Echo, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write(bytes(0, 0, 0, 2, 104, 105, 0, 0, 0, 0, 0, 0, 0, 11));
  await client.until(() => client.ended);
  client.destroy();
  await client.untilClosed();
  assertEquals(client.received, 10); // that of two bytes, and that of none
  await log.untilLine("disconnect EMSGSIZE");
  await node.stop();
});

const FAULTS: readonly (readonly [TcpOptions, Uint8Array, string])[] = [
  [{ packet: 4, maxPacket: 100 }, bytes(0, 0, 0, 101), "EMSGSIZE"],
  [{ packet: "line", maxPacket: 10 }, new Uint8Array(50).fill(65), "EMSGSIZE"],
  [
    {
      packet: {
        decode() {
          throw new Error("no magic");
        },
      },
    },
    bytes(1),
    "EBADMSG",
  ],
];

for (const [tcp, sent, code] of FAULTS) {
  test(`what is no packet (${String(tcp.packet)}) ends the connection with ${code}`, async () => {
    const { node, logs } = socketNode();
    const log = new Log();
    class Strict extends Told {
      override readonly tcp = tcp;
    }
    const server = await node.start(tcpServer(Strict, { port: 0, args: [log] }), []);
    const client = await dial(server.address);
    await until(() => server.connections.length === 1);
    const reason = reasonOf(node, server.connections[0]);
    client.write(sent);
    assertEquals(await reason, `{shutdown,${code.toLowerCase()}}`);
    assertEquals(log.lines, ["connect", `disconnect ${code}`]);
    await client.until(() => client.ended || client.closed);
    client.destroy();
    await client.untilClosed();
    assertEquals(logs, []); // a peer that misbehaves is no crash
    await node.stop();
  });
}

test("a peer that leaves in the middle of a packet is told of", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Strict extends Told {
    override readonly tcp = { packet: 1 } as const;
  }
  const server = await node.start(tcpServer(Strict, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write(bytes(1, 65, 3, 66));
  client.end();
  await log.untilLine("disconnect EBADMSG");
  assertEquals(log.lines, ["connect", "packet A", "disconnect EBADMSG"]);
  await client.untilClosed();
  await node.stop();
});

testNothingIsLeft();
