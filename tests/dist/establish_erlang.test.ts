/** The handshake with a real Erlang node, both ways. Needs `erl` and `epmd`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import type { EpmdRegistration } from "../../lib/dist/epmd_registration.ts";
import {
  accept,
  type AcceptOptions,
  type Established,
  initiate,
  type InitiateOptions,
} from "../../lib/dist/establish.ts";
import { announcedFlags, flagNames, FLAGS, MANDATORY_25 } from "../../lib/dist/flags.ts";
import { simultaneous } from "../../lib/dist/handshake.ts";
import { HandshakeError } from "../../lib/dist/handshake_error.ts";
import type { Platform } from "../../lib/platform/contract.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Listener, Stream, Transport } from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import {
  type Epmd,
  type ErlangNode,
  needsErlang as skip,
  poll,
  startEpmd,
  startErlang,
} from "../_support/erlang.ts";
import { Recorder } from "../_support/fake_stream.ts";
import { assertNothingLeft, type Open, openNow } from "../_support/leaks.ts";
import * as tls from "../_support/tls.ts";

let transport: Transport;
let platform: Platform;
let epmd: Epmd;
let client: EpmdClient;
let erl: ErlangNode;
let erlPort: number;
let open: Open;

before(async () => {
  if (skip) return;
  transport = await defaultTransport();
  platform = await defaultPlatform();
  epmd = await startEpmd();
  client = new EpmdClient({ transport, platform, port: epmd.port });
  erl = await startErlang({ name: "m@localhost", cookie: "secret", epmdPort: epmd.port });
  erlPort = (await client.lookup("m"))?.port ?? 0;
  open = openNow();
});

after(async () => {
  await erl?.kill();
  await epmd?.kill();
});

/** We, as a node that Erlang can find: a listener, registered. What connects waits in `streams`. */
class Ours implements AsyncDisposable {
  readonly name: string;
  readonly listener: Listener;
  readonly registration: EpmdRegistration;
  readonly #streams: Stream[];
  readonly #waiting: ((stream: Stream) => void)[];

  private constructor(
    name: string,
    listener: Listener,
    registration: EpmdRegistration,
    streams: Stream[],
    waiting: ((stream: Stream) => void)[],
  ) {
    this.name = name;
    this.listener = listener;
    this.registration = registration;
    this.#streams = streams;
    this.#waiting = waiting;
  }

  static async start(name: string): Promise<Ours> {
    const streams: Stream[] = [];
    const waiting: ((stream: Stream) => void)[] = [];
    const listener = await transport.listen({ port: 0 }, (stream) => {
      const next = waiting.shift();
      if (next === undefined) streams.push(stream);
      else next(stream);
    });
    const [alive] = name.split("@");
    const registration = await client.register({ name: alive, port: listener.address.port });
    return new Ours(name, listener, registration, streams, waiting);
  }

  connection(): Promise<Stream> {
    const stream = this.#streams.shift();
    if (stream !== undefined) return Promise.resolve(stream);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async accept(options: Partial<AcceptOptions> = {}): Promise<Established> {
    const { name } = this;
    const { creation } = this.registration;
    const [flags, cookie] = [announcedFlags(), () => "secret"];
    const decide = (): "ok" => "ok";
    const base = { platform, name, creation, flags, cookie, decide };
    return await accept(await this.connection(), { ...base, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.registration.close();
    for (const stream of this.#streams) stream.destroy();
    await this.listener.close();
  }
}

async function connect(
  name: string,
  options: Partial<InitiateOptions> = {},
  port = erlPort,
): Promise<Established> {
  const stream = await transport.connect({ host: "127.0.0.1", port });
  const [flags, cookie] = [announcedFlags(), () => "secret"];
  const base = { platform, name, peer: "m@localhost", creation: 5, flags, cookie };
  return await initiate(stream, { ...base, ...options });
}

/** Closes a connection and waits until Erlang has seen it. */
async function close({ stream, result }: Established): Promise<void> {
  stream.start(new Recorder());
  stream.destroy();
  await disconnected(result.name);
}

async function disconnected(name: string): Promise<void> {
  await poll(async () => !(await erl.eval("nodes(connected)")).includes(name));
}

async function connected(name: string): Promise<void> {
  await poll(async () => (await erl.eval("nodes(connected)")).includes(name));
}

test("we connect, hidden and published, and Erlang lists us so", { skip }, async () => {
  for (const published of [false, true]) {
    const established = await connect("ts1@localhost", { flags: announcedFlags({ published }) });
    const { peer, peerFlags, peerCreation, hidden, replaces } = established.result;
    assertEquals([peer, hidden, replaces], ["m@localhost", !published, false]);
    assertEquals(flagNames(peerFlags), flagNames(0xd07df7fbdn));
    assert(peerCreation > 3);
    await connected("ts1@localhost");
    assertEquals(
      await erl.eval("{nodes(), nodes(hidden)}"),
      published ? "{[ts1@localhost],[]}" : "{[],[ts1@localhost]}",
    );
    await close(established);
  }
});

test("what Erlang sends right behind its ack reaches the next owner", { skip }, async () => {
  const established = await connect("ts2@localhost", {
    flags: announcedFlags({ published: true }),
  });
  await connected("ts2@localhost"); // it has sent by now: rex, global and pg greet a published node
  const received: Uint8Array[] = [];
  const first = new Promise<void>((resolve) => {
    const recorder = new Recorder();
    recorder.data = (bytes) => {
      received.push(bytes);
      resolve();
    };
    established.stream.start(recorder);
  });
  await first;
  // A frame of pass-through framing: length u32, then 112.
  assertEquals([received[0][0], received[0][4]], [0, 112]);
  established.stream.destroy();
  await disconnected("ts2@localhost");
});

test("Erlang connects to us", { skip }, async () => {
  await using ours = await Ours.start("ts3@localhost");
  const [connecting, established] = await Promise.all([
    erl.eval("net_kernel:connect_node('ts3@localhost')"),
    ours.accept(),
  ]);
  assertEquals(connecting, "true");
  const { role, peer, peerFlags, creation } = established.result;
  assertEquals([role, peer, peerFlags], ["acceptor", "m@localhost", 0xd07df7fbdn]);
  assertEquals(creation, ours.registration.creation);
  await close(established);
});

test("a hidden Erlang node is hidden", { skip }, async () => {
  await using hidden = await startErlang({
    name: "hidden@localhost",
    cookie: "secret",
    epmdPort: epmd.port,
    hidden: true,
  });
  await using ours = await Ours.start("ts4@localhost");
  const [, established] = await Promise.all([
    hidden.eval("net_kernel:connect_node('ts4@localhost')"),
    ours.accept({ flags: announcedFlags({ published: true }) }),
  ]);
  assertEquals(established.result.hidden, true);
  assertEquals(established.result.peerFlags & FLAGS.PUBLISHED.value, 0n);
  established.stream.destroy();
});

test("a wrong cookie is found, whoever connects", { skip }, async () => {
  const cookie = (): string => "wrong";
  const ours = await assertRejects(() => connect("ts18@localhost", { cookie }), HandshakeError);
  assertEquals([ours.reason, ours.phase], ["wrong_cookie", "challenge_ack"]);

  await using listening = await Ours.start("ts5@localhost");
  const [ping, theirs] = await Promise.all([
    erl.eval("net_kernel:connect_node('ts5@localhost')"),
    assertRejects(() => listening.accept({ cookie }), HandshakeError),
  ]);
  assertEquals(ping, "false");
  assertEquals([theirs.reason, theirs.phase], ["wrong_cookie", "challenge_reply"]);
  assertEquals(theirs.node, "m@localhost");
});

test("a cookie per peer, and one with Latin-1 characters", { skip }, async () => {
  await erl.eval("erlang:set_cookie('ts6@localhost', list_to_atom([115,233,99]))");
  const established = await connect("ts6@localhost", {
    cookie: (peer) => peer === "m@localhost" ? "séc" : "other",
  });
  await close(established);
});

test("Erlang refuses us where we lack a flag, and is refused where it does", { skip }, async () => {
  const flags = announcedFlags() & ~FLAGS.MAP_TAG.value & ~FLAGS.MANDATORY_25_DIGEST.value;
  const ours = await assertRejects(() => connect("ts19@localhost", { flags }), HandshakeError);
  assertEquals([ours.reason, ours.phase], ["not_allowed", "status"]);

  const required = MANDATORY_25 | FLAGS.ALTACT_SIG.value;
  const aborted = await assertRejects(
    () => connect("ts20@localhost", { required }),
    HandshakeError,
    "lacks ALTACT_SIG",
  );
  assertEquals([aborted.reason, aborted.phase], ["missing_flags", "challenge"]);

  await using listening = await Ours.start("ts7@localhost");
  const [answer, theirs] = await Promise.all([
    erl.eval("net_kernel:connect_node('ts7@localhost')"),
    assertRejects(() => listening.accept({ required }), HandshakeError, "lacks ALTACT_SIG"),
  ]);
  assertEquals([answer, theirs.reason], ["false", "missing_flags"]);
});

test("the digest bit is enough for Erlang", { skip }, async () => {
  const established = await connect("ts8@localhost", { flags: FLAGS.MANDATORY_25_DIGEST.value });
  assertEquals(established.result.flags, FLAGS.MANDATORY_25_DIGEST.value);
  await close(established);
});

test("Erlang does not allow a node that is not on its list", { skip }, async () => {
  await using strict = await startErlang({
    name: "strict@localhost",
    cookie: "secret",
    epmdPort: epmd.port,
  });
  await strict.eval("net_kernel:allow(['friend@localhost'])");
  const { port } = (await client.lookup("strict"))!;
  const error = await assertRejects(
    () => connect("ts9@localhost", { peer: "strict@localhost" }, port),
    HandshakeError,
    "net_kernel:allow/1",
  );
  assertEquals(error.reason, "not_allowed");
});

test("we refuse, and Erlang takes it as refused", { skip }, async () => {
  await using ours = await Ours.start("ts10@localhost");
  const [answer, error] = await Promise.all([
    erl.eval("net_kernel:connect_node('ts10@localhost')"),
    assertRejects(() => ours.accept({ decide: () => "not_allowed" }), HandshakeError),
  ]);
  assertEquals([answer, error.reason], ["false", "not_allowed"]);
});

test("another node answers, or none with that name is meant", { skip }, async () => {
  const error = await assertRejects(
    () => connect("ts11@localhost", { peer: "n@localhost" }),
    HandshakeError,
  );
  assertEquals([error.reason, error.node], ["wrong_name", "n@localhost"]);
  // A node that bears Erlang's own name is told nok.
  const own = await assertRejects(
    () => connect("m@localhost", { peer: "x@localhost" }),
    HandshakeError,
  );
  assertEquals(own.reason, "nok");
});

test("simultaneous connects, our name is smaller: Erlang's attempt goes on", { skip }, async () => {
  await using ours = await Ours.start("a12@localhost");
  const answer = erl.eval("net_kernel:connect_node('a12@localhost')");
  const stream = await ours.connection(); // it waits for our status: pending there
  const error = await assertRejects(() => connect("a12@localhost"), HandshakeError);
  assertEquals(error.reason, "nok");
  const established = await accept(stream, {
    platform,
    name: "a12@localhost",
    creation: 5,
    flags: announcedFlags(),
    cookie: () => "secret",
    decide: (peer) => simultaneous("a12@localhost", peer.name),
  });
  assertEquals(await answer, "true");
  await close(established);
});

test("simultaneous connects, our name is greater: ours goes on", { skip }, async () => {
  await using ours = await Ours.start("z13@localhost");
  const answer = erl.eval("net_kernel:connect_node('z13@localhost')");
  const refused = await assertRejects(
    () => ours.accept({ decide: (peer) => simultaneous("z13@localhost", peer.name) }),
    HandshakeError,
  );
  assertEquals(refused.reason, "nok");
  const established = await connect("z13@localhost"); // Erlang has waited for it
  assertEquals(await answer, "true");
  await close(established);
});

test("simultaneous connects, ours comes first: Erlang gives up its own", { skip }, async () => {
  await using ours = await Ours.start("z14@localhost");
  const answer = erl.eval("net_kernel:connect_node('z14@localhost')");
  const stream = await ours.connection();
  const recorder = new Recorder();
  const gone = new Promise<void>((resolve) => recorder.close = () => resolve());
  stream.start(recorder);
  const established = await connect("z14@localhost"); // ok_simultaneous
  assertEquals(await answer, "true");
  stream.destroy();
  await gone;
  await close(established);
});

test("alive: Erlang drops the old connection for one that insists", { skip }, async () => {
  const first = await connect("ts15@localhost");
  await connected("ts15@localhost");
  const recorder = new Recorder();
  const dropped = new Promise<void>((resolve) => recorder.end = recorder.close = () => resolve());
  first.stream.start(recorder);

  const error = await assertRejects(
    () => connect("ts15@localhost", { insist: () => false }),
    HandshakeError,
  );
  assertEquals(error.reason, "alive");
  assertEquals(recorder.events, []);

  let asked = 0;
  const insist = (): boolean => ++asked > 0;
  // Erlang may still be busy with the attempt before: it closes one that finds another pending.
  let second: Established | undefined;
  await poll(async () => {
    second = await connect("ts15@localhost", { insist }).catch(() => undefined);
    return second !== undefined;
  });
  assert(asked > 0);
  await dropped;
  first.stream.destroy();
  await connected("ts15@localhost");
  await close(second!);
});

test(
  "alive: Erlang insists on its new connection, and we replace the old one",
  { skip },
  async () => {
    await using ours = await Ours.start("ts16@localhost");
    const [answer, established] = await Promise.all([
      erl.eval("net_kernel:connect_node('ts16@localhost')"),
      ours.accept({ decide: () => "alive" }),
    ]);
    assertEquals([answer, established.result.replaces], ["true", true]);
    await close(established);
  },
);

test("Erlang gives us a name", { skip }, async () => {
  const established = await connect("localhost", {
    creation: 0,
    flags: announcedFlags({ nameMe: true }),
  });
  const { name, creation } = established.result;
  assert(/^[A-Z0-9]+@localhost$/.test(name), name);
  assert(creation > 3);
  await connected(name);
  await close(established);
});

test("we give Erlang a name", { skip }, async () => {
  await using ours = await Ours.start("ts17@localhost");
  await using nameless = await startErlang({
    name: "undefined@localhost",
    cookie: "secret",
    epmdPort: epmd.port,
  });
  assertEquals(await nameless.eval("node()"), "nonode@nohost");
  const [answer, established] = await Promise.all([
    nameless.eval("net_kernel:connect_node('ts17@localhost')"),
    ours.accept({
      decide: ({ dynamic, name }) =>
        dynamic ? { named: `given@${name}`, creation: 4242 } : "not_allowed",
    }),
  ]);
  assertEquals(answer, "true");
  assertEquals(established.result.peer, "given@localhost");
  assertEquals(established.result.peerCreation, 4242);
  assertEquals(
    await nameless.eval("{node(), erlang:system_info(creation)}"),
    "{given@localhost,4242}",
  );
  established.stream.destroy();
});

test("over TLS frames have four bytes of length, both ways", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "ergo-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert, tls.server.cert);
  writeFileSync(key, tls.server.key);
  const files = ["server_certfile", cert, "server_keyfile", key];
  await using secure = await startErlang({
    name: "tls@localhost",
    cookie: "secret",
    epmdPort: epmd.port,
    args: ["-proto_dist", "inet_tls", "-ssl_dist_opt", ...files],
  });
  const common = {
    platform,
    name: "ts21@localhost",
    creation: 5,
    flags: announcedFlags(),
    cookie: () => "secret",
    packet: 4,
  } as const;

  const { port } = (await client.lookup("tls"))!;
  const ca = { ca: tls.authority, serverName: "localhost" };
  const stream = await transport.connect({ host: "127.0.0.1", port, tls: ca });
  const outgoing = await initiate(stream, { ...common, peer: "tls@localhost" });
  assertEquals(outgoing.result.peerFlags, 0xd07df7fbdn);
  outgoing.stream.destroy();

  const accepted = Promise.withResolvers<Established>();
  const listener = await transport.listen(
    { port: 0, tls: tls.server },
    (stream) =>
      accept(stream, { ...common, name: "ts22@localhost", decide: () => "ok" })
        .then(accepted.resolve, accepted.reject),
  );
  const name = { name: "ts22", port: listener.address.port };
  using _registration = await client.register(name);
  const [answer, incoming] = await Promise.all([
    secure.eval("net_kernel:connect_node('ts22@localhost')"),
    accepted.promise,
  ]);
  assertEquals([answer, incoming.result.peer], ["true", "tls@localhost"]);
  incoming.stream.destroy();
  await listener.close();
  rmSync(folder, { recursive: true });
});

test("nothing is left open", { skip }, () => assertNothingLeft(open));
