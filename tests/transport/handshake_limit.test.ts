import { assert } from "@std/assert";
import { once } from "node:events";
import * as net from "node:net";
import { test } from "node:test";
import * as tls from "node:tls";
import { limitHandshakes } from "../../lib/transport/_handshake_limit.ts";
import { authority, server as identity } from "../_support/tls.ts";

interface Rig {
  readonly server: tls.Server;
  readonly port: number;
  readonly giveUp: () => void;
}

async function rig(ms: number): Promise<Rig> {
  const server = tls.createServer(identity);
  // A client that leaves tells the server's side of a fault, which is not looked at here.
  server.on("secureConnection", (socket) => socket.on("error", () => {}).resume());
  const giveUp = limitHandshakes(server, ms);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as net.AddressInfo).port, giveUp };
}

/** Connects and says nothing. */
async function silent(port: number): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket.on("error", () => {}).resume();
}

test("who does not finish the handshake in time is closed, who has finished is not", async () => {
  const { server, port } = await rig(300);
  const good = tls.connect({ host: "127.0.0.1", port, ca: authority });
  await once(good, "secureConnect");
  const bad = await silent(port);
  await once(bad, "close");
  assert(!good.destroyed && good.readyState === "open");
  good.destroy();
  server.close();
  await once(server, "close");
});

test("handshakes under way are given up when asked", async () => {
  const { server, port, giveUp } = await rig(60_000);
  const accepted = once(server, "connection");
  const bad = await silent(port);
  const closed = once(bad, "close");
  await accepted;
  giveUp();
  await closed;
  server.close();
  await once(server, "close");
});
