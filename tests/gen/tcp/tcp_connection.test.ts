import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../../lib/etf/atom.ts";
import { Binary } from "../../../lib/etf/binary.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Unread } from "../../../lib/gen/framing/pump.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import type { TcpOptions } from "../../../lib/gen/tcp/tcp_options.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { ExitReason } from "../../../lib/node/process/body.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Node } from "../../../lib/node/node.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { joined } from "../../transport/_probe.ts";
import { gate } from "../_servers.ts";
import { dial, Log, socketNode, Told, until } from "./_support.ts";

/** The reason that a connection ends with. */
function reasonOf(node: Node, pid: Pid): Promise<string> {
  return new Promise((resolve) => node.monitor(pid, ({ reason }) => resolve(format(reason))));
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test("a line of a peer is answered, and both ends see the other's address", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Echo extends Told {
    override readonly tcp = { packet: "line" } as const;
    override handlePacket(line: Binary): void {
      log.add(`${this.remoteAddress.port} to ${this.localAddress.port}`);
      this.write(`${line.text}!`);
    }
  }
  const server = await node.start(tcpServer(Echo, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write("Zoë\nBob\r\n");
  await client.untilText("Zoë!\nBob!\n");
  assertEquals(client.text, "Zoë!\nBob!\n");
  const { local } = client.stream;
  assertEquals(log.lines.slice(1), Array(2).fill(`${local.port} to ${server.address.port}`));
  client.end();
  await client.untilClosed();
  await log.untilLine("disconnect");
  await node.stop();
});

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

test("calls, messages and packets reach the same process, in turn", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Chat extends Told {
    override readonly tcp = { packet: 2 } as const;
    override readonly calls = { say: on(t.text, (text) => this.write(text)) };
    override handleInfo(message: unknown): void {
      log.add(`info ${String(message)}`);
    }
  }
  const server = await node.start(tcpServer(Chat, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write(bytes(0, 2, 104, 105));
  await log.untilLine("packet hi");
  const [pid] = server.connections;
  node.send(pid, "from elsewhere");
  await log.untilLine("info from elsewhere");
  assertEquals(await node.call(pid, [atom("say"), "x"] as never).catch(() => "refused"), "refused");
  assertEquals(
    await node.ref(
      (await import("../../../lib/gen/server/contract.ts")).api({
        calls: { say: [t.text, t.boolean] },
      }),
      pid,
    ).call("say", "out"),
    true,
  );
  await client.until(() => client.received === 5);
  assertEquals([...joined(client.pieces)], [0, 3, 111, 117, 116]);
  const state = await sys.getState(node, pid);
  assertMatch(format(state), /connected => true/);
  assert(!format(state).includes("tcp"), format(state));
  client.destroy();
  await client.untilClosed();
  await node.stop();
});

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

test("a connection that crashes hurts no other, and not the server", async () => {
  const { node, logs } = socketNode();
  const log = new Log();
  class Touchy extends Told {
    override readonly tcp = { packet: "line" } as const;
    override handlePacket(line: Binary): unknown {
      if (line.text === "crash") throw new Error("as it was told");
      return this.write(line);
    }
  }
  const server = await node.start(tcpServer(Touchy, { port: 0, args: [log] }), []);
  const [good, bad] = await Promise.all([dial(server.address), dial(server.address)]);
  good.write("one\n");
  await good.untilText("one\n");
  bad.write("crash\n");
  await bad.untilEnded();
  good.write("two\n");
  await good.untilText("one\ntwo\n");
  const third = await dial(server.address);
  third.write("three\n");
  await third.untilText("three\n");
  assertEquals(server.stats.connections, 2);
  assertEquals(logs.filter((line) => line.includes("as it was told")).length, 1);
  for (const client of [good, bad, third]) {
    client.destroy();
    await client.untilClosed();
  }
  await node.stop();
});

test("a connection that a handler of it ends handles no packet behind that", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Once extends Told {
    override readonly tcp = { packet: "line" } as const;
    override handlePacket(line: Binary): void {
      log.add(line.text);
      if (line.text === "stop") this.stop();
      if (line.text === "close") this.close();
    }
    override terminate(reason: ExitReason): void {
      log.add(`terminate ${format(reason)}`);
    }
  }
  const server = await node.start(tcpServer(Once, { port: 0, args: [log] }), []);
  for (const how of ["stop", "close"]) {
    log.lines.length = 0;
    const client = await dial(server.address);
    client.write(`a\n${how}\nb\n`);
    client.end();
    await client.untilClosed();
    await log.untilLine("terminate normal");
    const rest = how === "close" ? ["disconnect"] : [];
    assertEquals(log.lines, ["connect", "a", how, ...rest, "terminate normal"]);
  }
  await node.stop();
});

test("packets and other messages take turns: a flood of packets starves no call", async () => {
  const { node } = socketNode();
  const log = new Log();
  let packets = 0;
  class Busy extends Told {
    override readonly tcp = { packet: "line" } as const;
    override readonly calls = { count: () => packets };
    override handlePacket(): void {
      packets++;
    }
  }
  const server = await node.start(tcpServer(Busy, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  const lines = 100_000;
  client.write("\n".repeat(lines));
  await until(() => packets > 0);
  const seen = await node.call(server.connections[0], atom("count")) as number;
  await until(() => packets === lines);
  assert(seen <= lines);
  client.destroy();
  await client.untilClosed();
  await node.stop();
});

test("a connection that sys has suspended handles no packet until it is resumed", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Lines extends Told {
    override readonly tcp = { packet: "line" } as const;
  }
  const server = await node.start(tcpServer(Lines, { port: 0, args: [log] }), []);
  const client = await dial(server.address);
  client.write("one\n");
  await log.untilLine("packet one");
  const [pid] = server.connections;
  await sys.suspend(node, pid);
  client.write("two\nthree\n");
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(log.lines, ["connect", "packet one"]);
  await sys.resume(node, pid);
  await log.untilLine("packet three");
  assertEquals(log.lines.slice(2), ["packet two", "packet three"]);
  client.destroy();
  await client.untilClosed();
  await node.stop();
});

test("options that cannot be meant are refused, and there is no process then", async () => {
  const { node, logs } = socketNode();
  for (
    const [tcp, words] of [
      [{ packet: "words" }, /no framing words/],
      [{ maxPacket: 0 }, /maxPacket is 0/],
      [{ idleTimeout: -1 }, /idleTimeout is -1/],
      [{ nodelay: true }, /no option nodelay/],
    ] as const
  ) {
    class Wrong extends TcpConnection {
      override readonly tcp = tcp as TcpOptions;
    }
    logs.length = 0;
    const server = await node.start(tcpServer(Wrong, { port: 0 }), []);
    const client = await dial(server.address);
    await client.until(() => client.ended || client.closed);
    client.destroy();
    await client.untilClosed();
    await until(() => server.connections.length === 0);
    assertMatch(logs.join(), words);
    await server.stop();
  }
  class Early extends TcpConnection {
    override init(): void {
      this.write("nobody is there yet");
    }
  }
  await assertRejects(() => node.start(Early, []), Error, "there is no connection");
  await node.stop();
});

testNothingIsLeft();
