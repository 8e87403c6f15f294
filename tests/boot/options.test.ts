import { test } from "node:test";
import { assert, assertInstanceOf, assertMatch } from "@std/assert";
import { type NodeOptions, startNode } from "../../mod.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { authority, client, named, server } from "../_support/tls.ts";
import { failure } from "../gen/_servers.ts";

/** Starts a node that touches nothing of the machine, and stops it if it does start. */
async function refusal(options: object): Promise<Error> {
  const all = {
    cookie: "secret",
    epmd: false,
    transport: memoryNetwork(),
    signals: false,
    ...options,
  } as NodeOptions;
  return await failure((async () => {
    await (await startNode("boot@localhost", all)).stop();
  })()) as Error;
}

const tls = { ...server, ca: authority };

const CASES: readonly (readonly [options: object, message: RegExp])[] = [
  // Types
  [{ cookie: 7 }, /option cookie: it must be of type string or function/],
  [{ published: "yes" }, /option published: it must be of type boolean/],
  [{ tickTime: "60" }, /option tickTime: it must be of type number/],
  [{ listen: true }, /option listen: it must be of type object or array or false/],
  [{ listen: 4000 }, /option listen: /],
  [{ routes: [] }, /option routes: it must be of type object/],
  [{ routes: null }, /option routes: /],
  [{ allow: "a@b" }, /option allow: it must be of type array/],
  [{ allow: [7] }, /option allow: it must be a list of node names/],
  [{ allow: ["nobody"] }, /Cannot use node "nobody": it must be name@host/],
  [{ resolve: {} }, /option resolve: it must be of type function/],
  [{ epmd: true }, /option epmd: it must be of type object or false/],
  [{ epmd: { port: 70_000 } }, /70000 is no port/],
  // Listeners
  [{ listen: [] }, /listens nowhere: leave `listen` out, or give false/],
  [{ listen: [null] }, /null is no place, give \{ host, port \}/],
  [{ listen: { prot: 1 } }, /a listener has no prot, there are host, port, ports/],
  [{ listen: { host: "" } }, /its host must be/],
  [{ listen: { port: -1 } }, /-1 is no port, it must be 0 to 65535/],
  [{ listen: { port: 65_536 } }, /65536 is no port/],
  [{ listen: { port: 1, ports: [1, 2] } }, /it has `port` and `ports`, give one of them/],
  [{ listen: { ports: [2, 1] } }, /its ports must be \[from, to\], the lower one first/],
  [{ listen: { ports: [1] } }, /its ports must be \[from, to\]/],
  [{ listen: { ports: [0, 1] } }, /0 is no port, it must be 1 to 65535/],
  [{ listen: { cookie: "" } }, /its cookie must be a text/],
  [{ listen: { register: 1 } }, /its `register` must be true or false/],
  [{ listen: [{ register: true }, { register: true }] }, /Cannot register two ports of a node/],
  [
    { listen: [{}, { host: "0.0.0.0", cookie: "short" }] },
    /on 0\.0\.0\.0 with a cookie of under 12 bytes/,
  ],
  // Routes
  [{ routes: { nobody: {} } }, /Cannot use node "nobody"/],
  [{ routes: { "a@b": 4000 } }, /Cannot use the route to a@b: 4000 is none/],
  [{ routes: { "a@b": { prot: 1 } } }, /a route has no prot, there are host, port, cookie/],
  [{ routes: { "*@b": { port: 0 } } }, /Cannot use the route to \*@b: 0 is no port, it must be 1/],
  [{ routes: { "a@b": { port: 1.5 } } }, /1\.5 is no port/],
  [{ routes: { "a@b": { host: 1 } } }, /its host must be/],
  [{ routes: { "a@b": { cookie: "" } } }, /its cookie must be a text/],
  [{ routes: { "a@b": { timeout: 0 } } }, /its timeout must be milliseconds/],
  [{ routes: { "a@b": { tls: true } } }, /true are no TLS settings/],
  [{ routesOnly: true }, /option routesOnly: it would find no node/],
  // TLS
  [{ tls: {} }, /Cannot start a node with option tls: TLS needs `cert` and `key`/],
  [{ tls: { ...tls, certt: "" } }, /TLS has no setting certt, there are cert, key/],
  [{ tls: { ...tls, verify: "no" } }, /TLS setting verify must be a boolean/],
  [{ tls: { ...tls, ca: [1] } }, /TLS setting ca must be a string/],
  [
    { tls: { ...tls, cert: "" } },
    /`cert` is no PEM text \(-----BEGIN \.\.\.\), give one, or the path/,
  ],
  [{ tls: { ...tls, cert: "two\nlines" } }, /`cert` is no PEM text/],
  [{ tls: { ...tls, key: "/no/such/file" } }, /the file of `key` cannot be read/],
  [{ tls: { ...tls, key: client.key } }, /`key` is not the key of `cert`/],
  [{ tls: { ...server, requestCert: true } }, /`requestCert` without `ca`/],
  [{ tls: { ...tls, minVersion: "TLSv1" } }, /no TLS version TLSv1, there are TLSv1\.2, TLSv1\.3/],
  [{ tls: () => ({ ...tls, key: named.key }) }, /`key` is not the key of `cert`/],
  [{ tls: () => 7 }, /7 are no TLS settings/],
  [{ tls }, /the network in memory does not support it/],
  [{ listen: { tls: {} } }, /Cannot listen with this TLS: TLS needs `cert` and `key`/],
  // Handshakes
  [{ tickTimme: 5 }, /option tickTimme: there is no such option, .*; tickTime may be meant$/],
  [{ listen: { prot: 1 } }, /; port may be meant$/],
  [{ routes: { "a@b": { hots: "x" } } }, /; host may be meant$/],
  [{ tls: { ...tls, certt: "" } }, /; cert may be meant$/],
  [{ handshakes: { loopbak: true } }, /it has no loopbak, there are .*; loopback may be meant$/],
  [{ epmd: { prot: 1 } }, /option epmd: it has no prot, there are port, hosts; port may be meant$/],
  [{ terms: { object: "atoms" } }, /option terms: it has no object, .*; objects may be meant$/],
  [{ terms: { binaries: "texts" } }, /option terms: its binaries must be "bytes" or "text"$/],
  [{ terms: { maxMemory: "1 GB" } }, /option terms: its maxMemory must be a number of at least 0$/],
  [{ terms: [] }, /option terms: it must be of type object$/],
  [{ access: [{ name: ["x"] }] }, /; names may be meant$/],
  [{ handshakes: { most: 1 } }, /it has no most, there are max, maxPerAddress/],
  [{ handshakes: { max: 0 } }, /its max must be a whole number of at least 1/],
  [{ handshakes: { loopback: 1 } }, /its loopback must be true or false/],
  // What does not go together
  [{ network: false, tls }, /option tls: it has \{ network: false \}, leave one of them out/],
  [{ network: false, published: true }, /option published: it has \{ network: false \}/],
  [
    { nameFrom: "app@localhost" },
    /Cannot start node boot@localhost .* call it undefined@localhost/,
  ],
  [{ nameFrom: "app" }, /option nameFrom: app is no node name/],
  [{ nameFrom: "app@localhost", published: true }, /such a node is hidden/],
  [{ nameFrom: "app@localhost", listen: {} }, /such a node does not listen/],
];

for (const [options, message] of CASES) {
  test(`refused: ${message.source}`, async () => {
    const error = await refusal(options);
    assertInstanceOf(error, Error);
    assertMatch(error.message, message);
    assert(!error.message.includes("secret"));
  });
}

testNothingIsLeft();
