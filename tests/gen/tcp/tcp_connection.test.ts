import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../../lib/etf/atom.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import { format } from "../../../lib/etf/format.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import type { TcpOptions } from "../../../lib/gen/tcp/tcp_options.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { ExitReason } from "../../../lib/node/process/body.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { joined } from "../../transport/_probe.ts";
import { bytes, dial, Log, socketNode, Told, until } from "./_support.ts";

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
