import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import {
  type Node,
  NodeDownError,
  type NodeOptions,
  type NodeTls,
  type Route,
  selfSigned,
  startNode,
  TransportError,
} from "../../mod.ts";
import { poll } from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { authority, client, intruder, named, server } from "../_support/tls.ts";
import { TlsFiles } from "../_support/tls_erlang.ts";
import { eventsOf, until } from "../node/_cluster.ts";
import { introduction, Stranger } from "../node/remote/_strangers.ts";

const platform = await defaultPlatform();

/** Two nodes, of which the second one listens. */
async function pair(
  dials: NodeOptions,
  listens: NodeOptions,
  body: (a: Node, b: Node, logs: string[]) => Promise<void>,
  [nameA, nameB] = ["a@localhost", "b@localhost"],
): Promise<void> {
  const logs: string[] = [];
  const base: NodeOptions = {
    cookie: "secret",
    epmd: false,
    signals: false,
    platform: { ...platform, log: (_level, message) => void logs.push(message) },
  };
  await using b = await startNode(nameB, { ...base, ...listens });
  const { port } = b.address!;
  const route: Route = { host: "127.0.0.1", port };
  await using a = await startNode(nameA, {
    ...base,
    listen: false,
    routes: { [nameB]: route },
    ...dials,
  });
  await body(a, b, logs);
}

const tls: NodeTls = { ...server, ca: authority };

test("two nodes with TLS talk to each other, with client certificates too", async () => {
  for (const requestCert of [false, true]) {
    await pair(
      { tls: { ...client, ca: authority } },
      { tls: { ...tls, requestCert } },
      async (a, b) => {
        await a.connect(b.name);
        assert(await b.ping(a.name));
      },
    );
  }
});

test("a node with TLS and one without never fall back to plain", async () => {
  await pair({}, { tls }, async (a, b, logs) => {
    await assertRejects(() => a.connect(b.name), NodeDownError, "both");
    assertEquals([a.nodes(), b.nodes()], [[], []]);
    await poll(() =>
      logs.some((line) => /does not speak TLS, both must use it or none/.test(line))
    );
  });
  await pair({ tls: { ca: authority } }, {}, async (a, b) => {
    await assertRejects(() => a.connect(b.name), NodeDownError, "TLS");
    assertEquals([a.nodes(), b.nodes()], [[], []]);
  });
});

test("the certificate must be for the host of the node's name, not for the address of its route", async () => {
  const names: [string, string] = ["a@named.test", "b@named.test"];
  await pair({ tls: { ca: authority } }, { tls: named }, async (a, b) => {
    await a.connect(b.name);
  }, names);
  await pair({ tls: { ca: authority } }, { tls: server }, async (a, b) => {
    await assertRejects(() => a.connect(b.name), NodeDownError, "is for another name");
  }, names);
  await pair({ tls: { ca: authority, serverName: "localhost" } }, { tls: server }, async (a, b) => {
    await a.connect(b.name);
  }, names);
  await pair({ tls: { verify: false } }, { tls: server }, async (a, b) => {
    await a.connect(b.name);
  }, names);
});

test("a refused client certificate is told of on both sides", async () => {
  const strict = { ...tls, requestCert: true };
  for (const shown of [{}, intruder]) {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      await pair(
        { tls: { ca: authority, ...shown, maxVersion } },
        { tls: strict },
        async (a, b, logs) => {
          const events = eventsOf(b);
          const { message } = await assertRejects(() => a.connect(b.name), NodeDownError);
          assert(/certificate/.test(message), message);
          await until(events, "refused");
          const said = "cert" in shown
            ? "the authority of the peer's certificate"
            : "showed no certificate";
          assert(logs.some((line) => line.includes(said)), logs.join("\n"));
          assertEquals(b.nodes(), []);
        },
      );
    }
  }
});

test("a route and a listener can have their own TLS, or none", async () => {
  const made = selfSigned();
  const listen = [{ tls: false as const }, {}, { tls: { ...made, requestCert: true } }];
  await pair({}, { tls, listen }, async (_, b) => {
    const ports = b.addresses.map(({ port }) => port);
    const ways: [Route, boolean][] = [
      [{ port: ports[0] }, true],
      [{ port: ports[1], tls: { ca: authority } }, true],
      [{ port: ports[2], tls: made }, true],
      [{ port: ports[2], tls: () => Promise.resolve(made) }, true],
      [{ port: ports[1] }, false],
      [{ port: ports[1], tls: made }, false],
      [{ port: ports[2], tls: { ca: authority } }, false],
    ];
    for (const [route, good] of ways) {
      await using a = await startNode("c@localhost", {
        cookie: "secret",
        epmd: false,
        listen: false,
        signals: false,
        routes: { [b.name]: route },
      });
      assertEquals(await a.ping(b.name), good, JSON.stringify(route));
      await a.stop();
      while (b.nodes().length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // The common TLS does not count where the route says that there is none.
    await using plain = await startNode("d@localhost", {
      cookie: "secret",
      epmd: false,
      listen: false,
      signals: false,
      tls: { ca: authority },
      routes: { [b.name]: { port: ports[0], tls: false } },
    });
    assert(await plain.ping(b.name));
  });
});

test("certificates are read from files, and again when asked; where that fails the old ones stay", async () => {
  using files = new TlsFiles();
  const [first, second] = [selfSigned(), selfSigned()];
  const write = (made: typeof first): NodeTls => ({
    cert: files.write("cert.pem", made.cert),
    key: files.write("key.pem", made.key),
    ca: [files.write("ca.pem", made.ca)],
  });
  await pair({ tls: first }, { tls: write(first) }, async (a, b) => {
    await a.connect(b.name);
    write(second);
    await b.reloadCertificates();
    assert(await a.ping(b.name)); // the connection lives on
    a.disconnect(b.name);
    await assertRejects(() => a.connect(b.name), NodeDownError, "authority");
    await a.reloadCertificates(second);
    await a.connect(b.name);
    a.disconnect(b.name);
    files.write("key.pem", first.key);
    await assertRejects(() => b.reloadCertificates(), TransportError, "is not the key of");
    await a.connect(b.name);
    await assertRejects(
      () => a.reloadCertificates({ ca: "/no/such/file" }),
      TypeError,
      "cannot be read",
    );
    assert(await a.ping(b.name));
  });
  await pair({}, {}, async (a) => {
    await a.reloadCertificates(); // there are none
    await assertRejects(() => a.reloadCertificates(first), TypeError, "started without { tls }");
  });
});

test("the certificates of routes are read again too, and those that a resolver gives each time", async () => {
  using files = new TlsFiles();
  const [first, second] = [selfSigned(), selfSigned()];
  let current = first;
  const ca = files.write("route_ca.pem", first.ca);
  await pair({}, { tls: () => current }, async (_, b) => {
    const { port } = b.address!;
    const base: NodeOptions = { cookie: "secret", epmd: false, listen: false, signals: false };
    const routes: Record<string, Route> = { "*@localhost": { port, tls: { ca } } };
    await using routed = await startNode("c@localhost", { ...base, routes });
    await using resolved = await startNode("d@localhost", {
      ...base,
      resolve: () => ({ port, tls: { ca: [ca] } }),
    });
    for (const node of [routed, resolved]) await node.connect(b.name);
    current = second;
    files.write("route_ca.pem", second.ca);
    for (const node of [routed, resolved]) assert(node.disconnect(b.name));
    await resolved.connect(b.name);
    await assertRejects(() => routed.connect(b.name), NodeDownError, "authority");
    await routed.reloadCertificates();
    await routed.connect(b.name);
    routed.disconnect(b.name);
    routes["*@localhost"] = { port, tls: { ca: first.ca } }; // another route
    await assertRejects(() => routed.connect(b.name), NodeDownError, "authority");
  });
});

test("a source of certificates is asked for each connection", async () => {
  const [first, second] = [selfSigned(), selfSigned()];
  let current = first;
  let asked = 0;
  const source = (): Promise<NodeTls> => {
    asked++;
    return Promise.resolve(current);
  };
  await pair({ tls: () => current }, { tls: source }, async (a, b) => {
    await a.connect(b.name);
    current = second;
    assert(await a.ping(b.name));
    a.disconnect(b.name);
    await a.connect(b.name);
    assert(asked >= 3, `${asked}`);
  });
});

test("whoever stalls or talks nonsense in a TLS handshake is given up, counted, and keeps nobody out", async () => {
  const handshakes = { failures: 4, maxPerAddress: 8, loopback: true };
  await pair({ tls: { ca: authority } }, { tls, handshakes }, async (a, b, logs) => {
    const transport = await defaultTransport();
    const { host, port } = b.address!;
    const come = (bytes?: Uint8Array): Promise<Stranger> =>
      Stranger.come(transport, host, port, bytes);
    const silent: Stranger[] = [];
    for (let i = 0; i < 7; i++) silent.push(await come());
    await a.connect(b.name); // one more may come
    a.disconnect(b.name);
    silent.push(await come(), await come()); // one too many: the oldest gives way
    await silent.shift()!.gone();
    for (const stranger of silent) {
      assertEquals(stranger.closed, false);
      stranger.leave();
    }
    // They have said nothing, which counts for nothing; but what follows does.
    while (!await a.ping(b.name));
    a.disconnect(b.name);
    for (let i = 0; i < 4; i++) await (await come(introduction("c@localhost"))).gone();
    while (!logs.some((line) => line.includes("not let in"))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Its address is served one at a time for a while, and a good peer still comes in.
    const more = [await come(introduction("c@localhost")), await come(introduction("c@localhost"))];
    assertEquals(await a.ping(b.name), true);
    for (const stranger of more) await stranger.gone();
    assertEquals(logs.filter((line) => line.includes("not let in")).length, 1);
    await b.stop();
    assert(logs.some((line) => /more streams from 127\.0\.0\.1 were not let in/.test(line)));
  });
});

test("a TLS handshake and ours have 7 seconds together", async () => {
  await pair({}, { tls }, async (_, b) => {
    const transport = await defaultTransport();
    const { host, port } = b.address!;
    const began = performance.now();
    const before = await Stranger.come(transport, host, port);
    // This one is through TLS after a while, and then stalls.
    const slow = await new Promise<Stranger>((resolve, reject) => {
      setTimeout(() => {
        transport.connect({ host, port, tls: { ca: authority } }).then(async (stream) => {
          resolve(
            await Stranger.come(
              { ...transport, connect: () => Promise.resolve(stream) },
              host,
              port,
            ),
          );
        }, reject);
      }, 0);
    });
    await Promise.all([before.gone(), slow.gone()]);
    const took = performance.now() - began;
    assert(took > 6500, `${took} ms`);
  });
});

testNothingIsLeft();
