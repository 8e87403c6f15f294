import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import type { Binary } from "../../../lib/etf/binary.ts";
import { format } from "../../../lib/etf/format.ts";
import { SocketError } from "../../../lib/gen/tcp/socket_error.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import type { FakePlatform } from "../../_support/fake_platform.ts";
import type { Stream } from "../../../lib/transport/contract.ts";
import { gate } from "../_servers.ts";
import { dial, Log, stillNode, Told } from "./_support.ts";

/** Lets all run that waits for no timer: what travels in memory takes some turns. */
async function settle(platform: FakePlatform): Promise<void> {
  for (let i = 0; i < 12; i++) await platform.settle();
}

async function pass(platform: FakePlatform, ms: number): Promise<void> {
  await platform.elapse(ms);
  await settle(platform);
}

async function stopped(node: { stop(): Promise<void> }, platform: FakePlatform): Promise<void> {
  const stop = node.stop();
  for (let i = 0; i < 5; i++) await pass(platform, 1_000);
  await stop;
  assertEquals(platform.pendingTimers, 0);
}

test("a connection on which nothing comes or goes ends after its idle time", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  class Idle extends Told {
    override readonly tcp = { packet: "line", idleTimeout: 10_000 } as const;
    override handlePacket(line: Binary): void {
      if (line.text === "answer later") this.after(9_000, () => this.write("now"));
      super.handlePacket(line);
    }
  }
  const server = await node.start(tcpServer(Idle, { port: 0, args: [log] }), []);
  const client = await dial(server.address, { transport });
  await pass(platform, 9_900);
  client.write("a\n");
  await settle(platform);
  await pass(platform, 9_900);
  client.write("answer later\n");
  await settle(platform);
  await pass(platform, 9_100);
  assertEquals(client.text, "now\n");
  // The answer counts as well: the time begins again.
  await pass(platform, 9_800);
  assertEquals(log.lines, ["connect", "packet a", "packet answer later"]);
  await pass(platform, 300);
  assertEquals(log.lines.at(-1), "disconnect ETIMEDOUT");
  assertEquals(server.stats.connections, 0);
  client.destroy();
  await stopped(node, platform);
});

test("a connection may stay open though it is idle, and is asked again", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  class Patient extends Told {
    override readonly tcp = { idleTimeout: 5_000 };
    override handleTimeout(what?: string): void {
      log.add(`timeout ${what}`);
    }
  }
  const server = await node.start(tcpServer(Patient, { port: 0, args: [log] }), []);
  const client = await dial(server.address, { transport });
  for (let i = 0; i < 3; i++) await pass(platform, 5_100);
  assertEquals(log.lines, ["connect", "timeout idle", "timeout idle", "timeout idle"]);
  client.destroy();
  await stopped(node, platform);
});

test("a packet that is begun must be completed in time, however little of it comes now and then", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  class Strict extends Told {
    override readonly tcp = { packet: "line", packetTimeout: 3_000 } as const;
  }
  const server = await node.start(tcpServer(Strict, { port: 0, args: [log] }), []);
  const client = await dial(server.address, { transport });
  await pass(platform, 60_000); // no packet is begun
  client.write("whole\npa");
  await settle(platform);
  await pass(platform, 2_900);
  client.write("rt\nsecond");
  await settle(platform);
  await pass(platform, 2_900);
  assertEquals(log.lines, ["connect", "packet whole", "packet part"]);
  client.write(" drop");
  await settle(platform);
  await pass(platform, 300);
  assertEquals(log.lines.at(-1), "disconnect ETIMEDOUT");
  client.destroy();
  await stopped(node, platform);
});

test("who leaves a packet open that was begun is asked again, and it may still be completed", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  class Patient extends Told {
    override readonly tcp = { packet: 1, packetTimeout: 2_000 } as const;
    override handleTimeout(what?: string): void {
      log.add(`timeout ${what}`);
    }
  }
  const server = await node.start(tcpServer(Patient, { port: 0, args: [log] }), []);
  const client = await dial(server.address, { transport });
  client.write("\x02a");
  await settle(platform);
  for (let i = 0; i < 2; i++) await pass(platform, 2_100);
  client.write("b");
  await settle(platform);
  await pass(platform, 10_000);
  assertEquals(log.lines, ["connect", "timeout packet", "timeout packet", "packet ab"]);
  client.destroy();
  await stopped(node, platform);
});

test("a peer that takes nothing of what is written is given up, also while a handler waits for it", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  class Full extends Told {
    override readonly tcp = { writeTimeout: 4_000 };
    override async handlePacket(): Promise<void> {
      while (this.write(new Uint8Array(300_000)));
      await this.drained();
      log.add("drained");
    }
  }
  const server = await node.start(tcpServer(Full, { port: 0, args: [log] }), []);
  const client = await dial(server.address, { transport });
  client.onData = () => {};
  client.pause();
  client.write("go");
  await settle(platform);
  // It takes a little in time, which is enough.
  await pass(platform, 3_000);
  client.resume();
  while (!log.lines.includes("drained")) await platform.settle();
  client.pause();
  client.write("go");
  await settle(platform);
  await pass(platform, 3_900);
  assertEquals(server.stats.connections, 1);
  await pass(platform, 4_200);
  assertEquals(log.lines, ["connect", "drained", "drained", "disconnect ETIMEDOUT"]);
  assertEquals(server.stats.connections, 0);
  client.destroy();
  await stopped(node, platform);
});

test("a slow handler is no idle peer", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  const open = gate();
  class Slow extends Told {
    override readonly tcp = { packet: "line", idleTimeout: 1_000 } as const;
    override async handlePacket(line: Binary): Promise<void> {
      if (line.text === "slow") await open.promise;
      super.handlePacket(line);
    }
  }
  const server = await node.start(tcpServer(Slow, { port: 0, args: [log] }), []);
  const client = await dial(server.address, { transport });
  client.write("slow\nnext\n");
  await settle(platform);
  await pass(platform, 5_000);
  open.open();
  await settle(platform);
  assertEquals(log.lines, ["connect", "packet slow", "packet next"]);
  client.destroy();
  await stopped(node, platform);
});

test("a server that nobody answers is given up after the time for it, and the start fails", async () => {
  const { node, platform } = stillNode();
  const never = new AbortController();
  Object.defineProperty(node, "_transport", {
    value: {
      connect: ({ signal }: { signal: AbortSignal }) =>
        new Promise<Stream>((_, reject) => {
          signal.addEventListener("abort", () => {
            never.abort();
            reject(signal.reason);
          });
        }),
    },
  });
  class Client extends TcpConnection {
    override init(): Promise<void> {
      return this.connect({ host: "192.0.2.1", port: 9, connectTimeout: 2_000 });
    }
  }
  const start = assertRejects(() => node.start(Client, []), Error, "no answer in 2000 ms");
  await pass(platform, 2_100);
  await start;
  assert(never.signal.aborted);
  await stopped(node, platform);
});

test("a lost connection is dialled again, each time a little later, until it is there", async () => {
  const { node, platform, transport } = stillNode();
  const log = new Log();
  const streams: Stream[] = [];
  const accept = (stream: Stream): void => {
    streams.push(stream);
    stream.start({ data() {}, drain() {}, end() {}, close() {} });
  };
  let listener = await transport.listen({ port: 4000 }, accept);
  class Client extends Told {
    override init(log: Log): Promise<void> {
      super.init(log);
      return this.connect({
        host: "127.0.0.1",
        port: 4000,
        reconnect: { delay: 1_000, maxDelay: 3_000 },
      });
    }
    override readonly calls = { connected: () => this.connected };
    override handlePacket(): void {
      this.write("x");
    }
  }
  const client = await node.start(Client, [log]);
  await listener.close();
  streams[0].destroy();
  await settle(platform);
  assertEquals(log.lines, ["connect", "disconnect"]);
  assertEquals(await client.call("connected"), false);
  for (const wait of [1_040, 2_040, 3_040, 3_040]) await pass(platform, wait);
  // Told of once, not at each attempt.
  assertEquals(platform.logs.map(({ message }) => message.includes("ECONNREFUSED")), [true]);
  listener = await transport.listen({ port: 4000 }, accept);
  await pass(platform, 3_040);
  assertEquals(log.lines, ["connect", "disconnect", "connect"]);
  assertEquals(await client.call("connected"), true);
  // From the beginning again.
  streams[1].destroy();
  await settle(platform);
  await pass(platform, 1_040);
  assertEquals(log.lines, ["connect", "disconnect", "connect", "disconnect", "connect"]);
  await client.stop();
  await listener.close();
  for (const stream of streams) stream.destroy();
  await stopped(node, platform);
});

test("writing where there is no connection is an error that says so", async () => {
  const { node, platform } = stillNode();
  let caught: unknown;
  class Nobody extends TcpConnection {
    override readonly calls = {
      write: () => {
        try {
          this.write("x");
        } catch (error) {
          caught = error;
        }
        return format(this.connected);
      },
    };
  }
  const process = await node.start(Nobody, []);
  assertEquals(await process.call("write"), "false");
  assert(caught instanceof SocketError && caught.code === "ENOTCONN");
  await stopped(node, platform);
});
