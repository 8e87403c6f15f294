import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { defaultTransport } from "../../lib/transport/default.ts";
import { selfSigned } from "../../lib/transport/self_signed.ts";
import { Probe } from "./_probe.ts";

const DAY = 24 * 60 * 60 * 1000;

test("a certificate is for the hosts that it was made for, and its authority vouches for it", () => {
  const hosts = ["node.example.org", "10.0.0.1", "fe80::1:2", "::1", "2001:db8:1:2:3:4:5:6", "a-b"];
  const { cert, key, ca } = selfSigned({ hosts });
  const [certificate, authority] = [new X509Certificate(cert), new X509Certificate(ca)];
  for (const name of ["node.example.org", "a-b"]) assertEquals(certificate.checkHost(name), name);
  for (const address of ["10.0.0.1", "fe80::1:2", "::1", "2001:db8:1:2:3:4:5:6"]) {
    assertEquals(certificate.checkIP(address), address);
  }
  assertEquals([certificate.checkHost("example.org"), certificate.checkIP("10.0.0.2")], [
    undefined,
    undefined,
  ]);
  assert(certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
  assert(authority.verify(authority.publicKey));
  assertEquals([certificate.ca, authority.ca], [false, true]);
  assertMatch(key, /^-----BEGIN PRIVATE KEY-----\n/);
});

test("a certificate is valid from now on, for so many days", () => {
  for (const days of [1, 365, 3650]) {
    const certificate = new X509Certificate(selfSigned({ days }).cert);
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    assert(from < Date.now() && Date.now() - from < 2 * 60 * 60 * 1000);
    assert(Math.abs(to - Date.now() - days * DAY) < 60_000);
  }
});

test("two authorities are two, though they are made alike", () => {
  const [one, two] = [selfSigned(), selfSigned()];
  const [certificate, other] = [new X509Certificate(one.cert), new X509Certificate(two.ca)];
  assert(!certificate.checkIssued(other) && !certificate.verify(other.publicKey));
  assert(
    one.key !== two.key && new X509Certificate(two.cert).serialNumber !== certificate.serialNumber,
  );
});

test("what can be no certificate is refused", () => {
  for (const days of [0, -1, 1.5, 3651, NaN, "7" as never]) {
    assertThrows(() => selfSigned({ days }), RangeError, "it must be 1 to 3650");
  }
  assertThrows(() => selfSigned({ hosts: [] }), RangeError, "give at least one");
  for (const host of ["", "zoë.example.org", "a b"]) {
    assertThrows(() => selfSigned({ hosts: [host] }), RangeError, "names in ASCII and addresses");
  }
});

test("both roles are served by one certificate", async () => {
  const made = selfSigned();
  const transport = await defaultTransport();
  const guests: Probe[] = [];
  const listener = await transport.listen(
    { port: 0, tls: { ...made, requestCert: true } },
    (stream) => {
      guests.push(new Probe(stream).start());
      guests[0].write("welcome");
    },
  );
  const { port } = listener.address;
  for (const host of ["127.0.0.1", "localhost"]) {
    const probe = new Probe(await transport.connect({ host, port, tls: made })).start();
    await probe.untilText("welcome");
    probe.destroy();
    guests.shift()!.destroy();
  }
  await listener.close();
});
