/**
 * A TCP server in which each connection is a process: it answers lines, counts them, is asked and told things by other processes, and a
 * crash of one hurts no other.
 *
 *     deno run -A examples/tcp_echo.ts        bun examples/tcp_echo.ts        node examples/tcp_echo.ts
 *
 * shows itself with clients of its own and ends. With `--serve PORT` it serves until Ctrl-C: `nc localhost PORT`.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import {
  atom,
  type Binary,
  type DisconnectError,
  startNode,
  TcpConnection,
  tcpServer,
} from "../mod.ts";

/** What the server has at its end of each connection. */
class Echo extends TcpConnection {
  // Packets are lines; whoever is silent for a minute, or sends half a line and no more, is not waited for.
  override readonly tcp = { packet: "line", idleTimeout: 60_000, packetTimeout: 10_000 } as const;
  // A connection is a server as any other: Erlang's gen_server:call(Pid, count) works, too.
  override readonly calls = { count: () => this.#count };
  #count = 0;

  override handleConnect() {
    console.log(`  [server] ${this.remoteAddress.port} has come`);
    this.write("welcome");
  }

  override async handlePacket(line: Binary) {
    if (line.text === "crash") throw new Error("as the client wished");
    this.#count++;
    // The peer takes its time? Then so do we: nothing more is read of it meanwhile.
    if (!this.write(`${this.#count}: ${line.text}`)) await this.drained();
  }

  override handleInfo(message: unknown) {
    this.write(`news: ${message}`);
  }

  override handleDisconnect(error?: DisconnectError) {
    console.log(
      `  [server] a client has gone, after ${this.#count} lines${error ? `: ${error.code}` : ""}`,
    );
  }
}

/** The other side is a process as well: it dials when it starts. */
class Client extends TcpConnection {
  override readonly tcp = { packet: "line" } as const;
  #name = "";
  #heard: (line: string) => void = () => {};

  override init(name: string, port: number, heard: (line: string) => void) {
    this.#name = name;
    this.#heard = heard;
    return this.connect({ host: "127.0.0.1", port });
  }
  override readonly casts = { say: (line: string) => void this.write(line) };
  override handlePacket(line: Binary) {
    console.log(`  [${this.#name}] ${line.text}`);
    this.#heard(line.text);
  }
  override handleDisconnect() {
    console.log(`  [${this.#name}] the connection is gone`);
  }
}

const { values } = parseArgs({ options: { serve: { type: "string" } } });
await using node = await startNode("tcp@localhost", { network: false });
// { tls: { cert, key } } makes it TLS; as a child of a supervisor: child(tcpServer(Echo, {...}), []).
const server = await node.start(
  tcpServer(Echo, { port: Number(values.serve ?? 0), maxConnections: 100 }),
  [],
);
const { host, port } = server.address;

if (values.serve !== undefined) {
  console.log(`nc ${host} ${port}`);
  process.on("SIGINT", () => node.stop());
  await node.stopped;
} else {
  await show();
}

async function show() {
  console.log(`the server listens at ${host}:${port}; two clients`);
  const [ann, bob] = [await client("Ann"), await client("Bob")];
  await Promise.all([ann.heard("welcome"), bob.heard("welcome")]);

  console.log("\neach has its own process at the server, and its own count");
  for (const line of ["one", "two"]) ann.say(line);
  bob.say("uno");
  await Promise.all([ann.heard("2: two"), bob.heard("1: uno")]);
  const [first, second] = server.connections;
  console.log(
    `  counts: ${await node.call(first, atom("count"))}, ${await node.call(second, atom("count"))}`,
  );

  console.log("\nany process can send them messages, which here go out as lines");
  for (const pid of server.connections) node.send(pid, "lunch is ready");
  await Promise.all([ann.heard("news: lunch is ready"), bob.heard("news: lunch is ready")]);

  console.log("\nBob crashes his; Ann does not notice");
  bob.say("crash");
  await bob.gone;
  ann.say("three");
  await ann.heard("3: three");

  console.log("\nthe server stops, and its connections with it");
  await server.stop();
  await ann.gone;
  console.log(`\n${server.stats.accepted} connections in all, ${server.stats.connections} left`);
}

/** Starts a client, and tells when it has heard a line and when it has ended. */
async function client(name: string) {
  const lines: string[] = [];
  let wake = (): void => {};
  const hear = (line: string): void => {
    lines.push(line);
    wake();
  };
  const ref = await node.start(Client, [name, port, hear]);
  return {
    say: (line: string) => ref.cast("say", line),
    gone: new Promise((resolve) => ref.monitor(resolve)),
    async heard(line: string) {
      while (!lines.includes(line)) await new Promise<void>((resolve) => wake = resolve);
    },
  };
}
