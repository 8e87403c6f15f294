/** Floods of handshakes that fail, over real sockets and from an address of their own: others are served, and the log stays short. */
import { connect as dialTcp, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { type NodeOptions, selfSigned, startNode } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { steadyClock } from "../_support/clocks.ts";
import { introduction } from "../node/remote/_strangers.ts";

/** Not the address of those who are to be served; another one of this machine, which Linux alone has without asking for it. */
const ATTACKER = "127.0.0.2";
const skip = process.platform === "linux" ? false : "127.0.0.2 is no address of this machine";

const KINDS: readonly (readonly [says: string, bytes: Uint8Array, leave: boolean])[] = [
  ["nonsense", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), false],
  ["a name, and then nothing", introduction("b@localhost"), true],
  ["nothing", new Uint8Array(0), true],
  ["the beginning of TLS", Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), true],
];

/** Comes, says something, and stays until it is hung up on, or leaves when all of its batch are there. */
function attack(
  port: number,
  bytes: Uint8Array,
): { socket: Socket; there: Promise<void>; gone: Promise<void> } {
  const socket = dialTcp({ port, host: "127.0.0.1", localAddress: ATTACKER });
  socket.on("error", () => {}).resume();
  const gone = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const there = new Promise<void>((resolve) => {
    socket.on("connect", () => socket.write(bytes, () => resolve()));
    void gone.then(resolve);
  });
  return { socket, there, gone };
}

for (const way of ["plain", "TLS"]) {
  test(`more than a thousand handshakes that fail (${way})`, { skip }, async () => {
    const logs: string[] = [];
    const platform = steadyClock(await defaultPlatform()); // refusals are folded for a minute, which this may take
    const made = selfSigned();
    const base: NodeOptions = { cookie: "flood", epmd: false, signals: false };
    const tls = way === "TLS" ? { tls: { ...made, requestCert: true } } : {};
    await using node = await startNode("a@localhost", {
      ...base,
      ...tls,
      platform: { ...platform, log: (_level, message) => void logs.push(message) },
      handshakes: { loopback: true },
    });
    const { port } = node.address!;
    await using good = await startNode("good@localhost", {
      ...base,
      ...tls,
      listen: false,
      routes: { [node.name]: { port } },
    });
    let served = 0;
    for (let round = 0; round < 12; round++) {
      const [, bytes, leave] = KINDS[round % KINDS.length];
      const attacks = Array.from({ length: 100 }, () => attack(port, bytes));
      await Promise.all(attacks.map(({ there }) => there));
      assert(await good.ping(node.name));
      served++;
      good.disconnect(node.name);
      for (const { socket } of leave ? attacks : []) socket.destroy();
      await Promise.all(attacks.map(({ gone }) => gone));
    }
    assertEquals(served, 12);
    await node.stop();
    const lines = logs.filter((line) =>
      line.includes(ATTACKER) && !line.startsWith("A stream was closed")
    );
    assert(lines.length <= 3, lines.join("\n"));
  });
}

testNothingIsLeft();
