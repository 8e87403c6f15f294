/** Handshakes with what is no good peer, both ways: each gets a clear error, and the node goes on serving the others. */
import { connect as dialTcp, createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { accept } from "../../lib/dist/establish.ts";
import { announcedFlags, FLAGS } from "../../lib/dist/flags.ts";
import { HandshakeError } from "../../lib/dist/handshake_error.ts";
import { NodeDownError } from "../../lib/node/errors.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Listener } from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { startNode } from "../../mod.ts";
import { startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";
import { UnderAttack } from "../_support/under_attack.ts";

const opened = openNow();
const utf8 = new TextEncoder();

let attacked: UnderAttack;
/** Peers that have stopped in the middle of the handshake. */
const stalled: Attack[] = [];

before(async () => {
  attacked = await UnderAttack.start();
  for (const bytes of [[], frame(name()).subarray(0, 9), frame(name("stalled@localhost"))]) {
    stalled.push(new Attack(Uint8Array.from(bytes)));
  }
});

after(stop);

async function stop(): Promise<void> {
  for (const attack of stalled) attack.socket.destroy();
  await attacked?.[Symbol.asyncDispose]();
}

/** A client that sends bytes and waits until it is hung up on. */
class Attack {
  readonly socket: Socket;
  readonly began: number = performance.now();
  /** Milliseconds until it was hung up on. */
  readonly ended: Promise<number>;

  constructor(bytes: Uint8Array, options: { readonly end?: boolean } = {}) {
    this.socket = dialTcp(attacked.port, "127.0.0.1");
    this.socket.write(bytes);
    if (options.end) this.socket.end();
    this.socket.resume();
    this.ended = new Promise((resolve) => {
      this.socket.on("error", () => {}); // a reset is a way to hang up
      this.socket.on("close", () => resolve(performance.now() - this.began));
    });
  }
}

function frame(message: Uint8Array): Uint8Array {
  return Uint8Array.of(message.length >> 8, message.length & 255, ...message);
}

/** The message that introduces a node. */
function name(node = "peer@localhost", flags: bigint = announcedFlags()): Uint8Array {
  const bytes = new Uint8Array(15 + node.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x4e;
  view.setBigUint64(1, flags);
  view.setUint32(9, 7);
  view.setUint16(13, node.length);
  bytes.set(utf8.encode(node), 15);
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const GARBAGE: readonly (readonly [title: string, bytes: Uint8Array, logged: string])[] = [
  [
    "an HTTP request",
    utf8.encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "a frame of 18245 bytes",
  ],
  ["a TLS greeting", Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), "a frame of 5635 bytes"],
  ["an empty frame", Uint8Array.of(0, 0), "a frame of 0 bytes"],
  ["a frame beyond the limit", Uint8Array.of(0xff, 0xff), "a frame of 65535 bytes"],
  ["no handshake message", frame(utf8.encode("hello")), "not a name message"],
  ["a name message cut short", frame(Uint8Array.of(0x4e, 0, 0)), "not a name message"],
  ["a name shorter than it says", frame(name().subarray(0, 20)), "not a name message"],
  ["a name without host", frame(name("peer")), "not of the form name@host"],
  ["a name with a space", frame(name("a b@localhost")), "not of the form name@host"],
  ["our own name", frame(name("ours@localhost")), "our own name"],
  ["a long name", frame(name("peer@host.example.org")), "does not allow it"],
  [
    "a name, and then the next message too early",
    join(frame(name()), frame(name())),
    "not a challenge_reply message",
  ],
  [
    "an old introduction",
    frame(Uint8Array.of(0x6e, 0, 5, 0, 7, 0xff, 0xfc, ...utf8.encode("peer@localhost"))),
    "HANDSHAKE_23",
  ],
];

for (const [title, bytes, logged] of GARBAGE) {
  test(`instead of a handshake: ${title}`, async () => {
    const mark = attacked.mark();
    const attack = new Attack(bytes);
    await attack.ended;
    await attacked.logged(mark, logged); // not that the time was over
    await attacked.serves();
  });
}

test("instead of a handshake: random bytes, 100 times at once", async () => {
  let seed = 1;
  const random = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => (seed = seed * 48271 % 0x7fffffff) & 255);
  const attacks = Array.from(
    { length: 100 },
    (_, i) => new Attack(random(i * 7 + 1), { end: true }),
  );
  await attacked.serves();
  await Promise.all(attacks.map((attack) => attack.ended));
  await attacked.serves();
});

test("a client that hangs up, wherever it is in the handshake", async () => {
  const whole = frame(name());
  const attacks = Array.from(whole, (_, i) => new Attack(whole.subarray(0, i), { end: true }));
  attacks.push(new Attack(whole, { end: true }));
  await Promise.all(attacks.map((attack) => attack.ended));
  await attacked.serves();
});

test("a whole handshake, one byte at a time", async () => {
  const socket = dialTcp(attacked.port, "127.0.0.1");
  socket.setNoDelay(true);
  const answered = new Promise<Uint8Array>((resolve) => socket.once("data", resolve));
  for (const byte of frame(name("slow@localhost"))) {
    await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => resolve()));
  }
  assertEquals([...(await answered).subarray(0, 5)], [0, 3, 0x73, 0x6f, 0x6b]); // the status: ok
  socket.destroy();
  await attacked.serves();
});

test("200 clients that say nothing do not keep others out", async () => {
  const silent = Array.from({ length: 200 }, () => new Attack(new Uint8Array(0)));
  attacked.probe.disconnect(attacked.name);
  await attacked.serves();
  for (const { socket } of silent) socket.destroy();
  await Promise.all(silent.map((attack) => attack.ended));
});

test("a peer with a wrong cookie", async () => {
  const mark = attacked.mark();
  const error = await assertRejects(
    () => attacked.peer({ cookie: "guessed" }),
    HandshakeError,
  );
  assertEquals(error.reason, "wrong_cookie");
  const log = await attacked.logged(mark, "its cookie is not ours");
  assertEquals(log.includes(COOKIE), false);
  await attacked.serves();
});

for (const lacking of ["UTF8_ATOMS", "BIG_CREATION", "NEW_FLOATS"] as const) {
  test(`a peer without ${lacking}`, async () => {
    const mark = attacked.mark();
    const flags = announcedFlags() & ~FLAGS[lacking].value & ~FLAGS.MANDATORY_25_DIGEST.value;
    const error = await assertRejects(
      () => attacked.peer({ flags }),
      HandshakeError,
    );
    assertEquals(error.reason, "not_allowed");
    await attacked.logged(mark, `it lacks ${lacking}`);
    await attacked.serves();
  });
}

/** What listens where a node should be, and what we say about it. */
const SERVERS:
  readonly (readonly [title: string, serve: (socket: Socket) => void, said: string])[] = [
    ["hangs up", (socket) => socket.end(), "it closed the connection at our name"],
    [
      "speaks HTTP",
      (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "a frame of 18516 bytes",
    ],
    [
      "sends half a frame",
      (socket) => socket.end(Uint8Array.of(0, 9, 0x73)),
      "it closed the connection",
    ],
    [
      "does not allow us",
      (socket) => socket.end(frame(utf8.encode("snot_allowed"))),
      "it does not allow us",
    ],
    [
      "gives an unknown status",
      (socket) => socket.end(frame(utf8.encode("sperhaps"))),
      "not a status message",
    ],
    [
      "stops after the status",
      (socket) => socket.end(frame(utf8.encode("sok"))),
      "it closed the connection before its challenge message",
    ],
    [
      "challenges with garbage",
      (socket) => socket.end(join(frame(utf8.encode("sok")), frame(utf8.encode("Nxyz")))),
      "not a challenge message",
    ],
  ];

test("we connect to what is no node", async () => {
  const servers: Server[] = [];
  const routes: Record<string, { host: string; port: number }> = {};
  for (const [i, [, serve]] of SERVERS.entries()) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => serve(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    servers.push(server);
    routes[`server${i}@localhost`] = { host: "127.0.0.1", port };
  }
  await using node = await startNode("dials@localhost", {
    cookie: COOKIE,
    epmd: false,
    listen: false,
    routes,
  });
  for (const [i, [title, , said]] of SERVERS.entries()) {
    const target = `server${i}@localhost`;
    const error = await assertRejects(() => node.connect(target), NodeDownError, said, title);
    assertEquals(error.node, target);
    await assertRejects(
      () => node.call({ name: "x", node: target }, 1),
      NodeDownError,
      said,
      title,
    );
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
});

test("we connect to a node that is not good enough", async () => {
  const [platform, transport] = [await defaultPlatform(), await defaultTransport()];
  const base = {
    platform,
    name: "bad@localhost",
    creation: 5,
    flags: announcedFlags(),
    cookie: () => COOKIE,
  };
  const options = { ...base, decide: () => "ok" as const };
  const tries = [
    { ...options, cookie: () => "another" },
    {
      ...options,
      flags: announcedFlags() & ~FLAGS.UTF8_ATOMS.value & ~FLAGS.MANDATORY_25_DIGEST.value,
    },
    { ...options, name: "worse@localhost" },
    { ...options, decide: () => "not_allowed" as const },
  ];
  const said = ["cookie", "it lacks UTF8_ATOMS", "another node answered", "it does not allow us"];
  let next = 0;
  const listener: Listener = await transport.listen({ host: "127.0.0.1", port: 0 }, (stream) => {
    accept(stream, tries[next]).catch(() => {});
  });
  const routes = { "bad@localhost": { host: "127.0.0.1", port: listener.address.port } };
  await using node = await startNode("dials@localhost", {
    cookie: COOKIE,
    epmd: false,
    listen: false,
    routes,
  });
  for (; next < tries.length; next++) {
    await assertRejects(() => node.connect("bad@localhost"), NodeDownError, said[next]);
  }
  await listener.close();
});

test("we connect to a node that says nothing: it takes 7 seconds", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {}).resume()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const routes = { "silent@localhost": { host: "127.0.0.1", port } };
  const options = { cookie: COOKIE, epmd: false, listen: false, routes } as const;
  await using node = await startNode("waits@localhost", options);
  const began = performance.now();
  const calls = [1, 2, 3].map((i) =>
    node.call({ name: "x", node: "silent@localhost" }, i, { timeout: 50_000 })
  );
  const failed = Promise.all(calls.map((call) => assertRejects(() => call, NodeDownError)));
  await attacked.serves();
  await failed;
  const took = performance.now() - began;
  assert(took > 6500, `${took} ms`);
  assertEquals(sockets.length, 1); // for which all three have waited
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("peers that have stopped in the middle of the handshake are hung up on after 7 seconds", async () => {
  for (const took of await Promise.all(stalled.map((attack) => attack.ended))) {
    assert(took > 6500, `${took} ms`);
  }
  await attacked.serves();
});

test("Erlang with a wrong cookie, whoever connects", { skip: needs("erl") }, async () => {
  const mark = attacked.mark();
  await using erl = await startErlang({
    name: "stranger@localhost",
    cookie: "another",
    epmdPort: attacked.node.epmdPort,
  });
  assertEquals(await erl.eval(`net_adm:ping('${attacked.name}')`), "pang");
  const log = await attacked.logged(mark, "Peer stranger@localhost from 127.0.0.1:");
  assertStringIncludes(log, "its cookie is not ours");
  await assertRejects(
    () => attacked.probe.connect("stranger@localhost"),
    NodeDownError,
    "it did not accept our cookie",
  );
  assertEquals(await attacked.probe.ping("stranger@localhost"), false);
  await attacked.serves();
});

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(opened);
});
