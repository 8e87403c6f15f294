import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  type Listener,
  type Stream,
  type TlsOptions,
  type Transport,
  TransportError,
} from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { authority, client, intruder, named, server } from "../_support/tls.ts";
import { Probe, turns } from "./_probe.ts";

/** A server that answers "welcome" to whoever gets through its handshake. */
async function welcoming(
  tls: TlsOptions | undefined,
): Promise<{ transport: Transport; listener: Listener; guests: Probe[] }> {
  const transport = await defaultTransport();
  const guests: Probe[] = [];
  const listener = await transport.listen({ port: 0, tls }, (stream) => {
    const probe = new Probe(stream).start();
    guests.push(probe);
    probe.write("welcome");
    probe.end();
  });
  return { transport, listener, guests };
}

/** What a client hears that dials so. */
async function greeting(
  listening: TlsOptions,
  dialling: TlsOptions,
  host = "127.0.0.1",
): Promise<string> {
  const { transport, listener, guests } = await welcoming(listening);
  try {
    const { port } = listener.address;
    const probe = new Probe(await transport.connect({ host, port, tls: dialling })).start();
    await probe.until(() => probe.ended || probe.closed);
    probe.end();
    await probe.untilClosed();
    if (probe.error !== undefined) throw probe.error;
    return probe.text;
  } finally {
    for (const guest of guests) guest.destroy();
    await listener.close();
  }
}

function refused(
  listening: TlsOptions,
  dialling: TlsOptions,
  host?: string,
): Promise<TransportError> {
  return assertRejects(() => greeting(listening, dialling, host), TransportError);
}

test("a certificate for the address that is dialled is accepted", async () => {
  assertEquals(await greeting(server, { ca: authority }), "welcome");
});

test("a certificate for the name that is dialled is accepted", async () => {
  assertEquals(await greeting(server, { ca: authority }, "localhost"), "welcome");
});

test("several authorities can be given", async () => {
  assertEquals(await greeting(server, { ca: [intruder.cert, authority] }), "welcome");
});

test("a certificate by an authority that is not known is refused", async () => {
  for (const dialling of [{}, { ca: intruder.cert }]) {
    const error = await refused(server, dialling);
    assertEquals(error.code, "EPROTO");
    assertMatch(error.message, /^Cannot connect to 127\.0\.0\.1:\d+: .*certificate/);
  }
});

test("a certificate for another name is refused", async () => {
  for (const host of ["127.0.0.1", "localhost"]) {
    const error = await refused(named, { ca: authority }, host);
    assertEquals(error.code, "EPROTO");
    assertMatch(error.message, /named\.test|altname/);
  }
});

test("serverName says which name the certificate is to have", async () => {
  assertEquals(await greeting(named, { ca: authority, serverName: "named.test" }), "welcome");
  assertEquals((await refused(server, { ca: authority, serverName: "named.test" })).code, "EPROTO");
  assertEquals((await refused(server, { ca: authority, serverName: "127.0.0.2" })).code, "EPROTO");
});

test("verify: false accepts every certificate", async () => {
  assertEquals(await greeting(intruder, { verify: false }), "welcome");
  assertEquals(await greeting(named, { verify: false, ca: authority }), "welcome");
});

test("a server that asks for a certificate lets in who has one of its authority", async () => {
  const mutual = { ...server, ca: authority, requestCert: true };
  assertEquals(await greeting(mutual, { ca: authority, ...client }), "welcome");
});

test("a client without a certificate, or with a stranger's, is never accepted where one is asked for", async () => {
  const mutual = { ...server, ca: authority, requestCert: true };
  for (const identity of [{}, intruder]) {
    const { transport, listener, guests } = await welcoming(mutual);
    const { host, port } = listener.address;
    // Under TLS 1.3 the refusal comes after the client believes itself connected; then the stream closes.
    try {
      const tls = { ca: authority, ...identity };
      const probe = new Probe(await transport.connect({ host, port, tls })).start();
      await probe.until(() => probe.ended || probe.closed);
      assertEquals(probe.text, "");
      probe.destroy();
    } catch (error) {
      assertEquals((error as TransportError).code, "EPROTO");
    }
    await turns(10);
    assertEquals(guests, []);
    await listener.close();
  }
});

test("a client that speaks no TLS does not get through, and the server goes on", async () => {
  const { transport, listener, guests } = await welcoming(server);
  const { host, port } = listener.address;
  const probe = new Probe(await transport.connect({ host, port })).start();
  probe.write("GET / HTTP/1.0\r\n\r\n");
  await probe.until(() => probe.ended || probe.closed);
  probe.destroy();
  assertEquals(guests, []);
  const second = new Probe(await transport.connect({ host, port, tls: { ca: authority } })).start();
  await second.untilText("welcome");
  second.destroy();
  guests[0].destroy();
  await listener.close();
});

test("a server that speaks no TLS is not taken for one that does", async () => {
  const transport = await defaultTransport();
  const listener = await transport.listen({ port: 0 }, (stream) => {
    const probe = new Probe(stream).start();
    probe.write("SSH-2.0-nonsense\r\n");
    probe.end();
    probe.until(() => probe.received > 0).then(() => probe.destroy());
  });
  const { host, port } = listener.address;
  const error = await assertRejects(
    () => transport.connect({ host, port, tls: { ca: authority } }),
    TransportError,
  );
  assertMatch(error.message, /^Cannot connect to 127\.0\.0\.1:\d+: /);
  await listener.close();
});

test("a handshake that never ends is given up at the signal, and its socket is closed", async () => {
  const transport = await defaultTransport();
  const streams: Stream[] = [];
  const listener = await transport.listen({ port: 0 }, (stream) => void streams.push(stream));
  const { host, port } = listener.address;
  const controller = new AbortController();
  const reason = new Error("enough");
  const attempt = transport.connect({
    host,
    port,
    tls: { ca: authority },
    signal: controller.signal,
  });
  const outcome = assertRejects(() => attempt);
  while (streams.length === 0) await turns(1);
  const probe = new Probe(streams[0]).start();
  await probe.until(() => probe.received > 0);
  controller.abort(reason);
  assertEquals(await outcome, reason);
  await probe.until(() => probe.ended || probe.closed);
  probe.destroy();
  await listener.close();
});

test("settings that would not do what they say are refused at once, by name", async () => {
  const transport = await defaultTransport();
  const listen = (tls: TlsOptions): Promise<unknown> =>
    transport.listen({ port: 0, tls }, () => {});
  const connect = (tls: TlsOptions): Promise<unknown> =>
    transport.connect({ host: "127.0.0.1", port: 1, tls });
  const both: [TlsOptions, RegExp][] = [
    [{ cert: server.cert }, /`cert` and `key`/],
    [{ key: server.key }, /`cert` and `key`/],
    [{ cert: "no certificate", key: server.key }, /`cert` cannot be read/],
    [{ cert: server.cert, key: "no key" }, /`key` cannot be read/],
    [{ cert: server.cert, key: client.key }, /`key` is not the key of `cert`/],
    [{ ...server, ca: "no authority" }, /`ca` cannot be read/],
  ];
  const cases: [(tls: TlsOptions) => Promise<unknown>, TlsOptions, RegExp][] = [
    ...both.map(([tls, message]) => [listen, tls, message] as typeof cases[0]),
    ...both.map(([tls, message]) => [connect, tls, message] as typeof cases[0]),
    [listen, {}, /`cert` and `key`/],
    [listen, { ...server, requestCert: true }, /`requestCert` without `ca`/],
  ];
  for (const [attempt, tls, message] of cases) {
    const error = await assertRejects(() => attempt(tls), TransportError);
    assertEquals(error.code, "EINVAL");
    assertMatch(error.message, message);
  }
});

test("the network in memory refuses TLS by the option's name", async () => {
  const network = memoryNetwork();
  for (
    const attempt of [
      () => network.listen({ port: 1, tls: server }, () => {}),
      () => network.connect({ host: "localhost", port: 1, tls: { ca: authority } }),
    ]
  ) {
    const error = await assertRejects(attempt, TransportError);
    assertEquals(error.code, "ENOTSUP");
    assert(error.message.includes("`tls`"));
  }
});
